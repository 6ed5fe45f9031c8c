"""Builds dataclasses of settings from plain values, and says what does not fit: all at once."""

import difflib
import typing
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeVar

from infra.config.settings import Declaration, Setting, declarations, type_in_words

T = TypeVar("T")


class SettingsReader:
    """Reads a stack's settings and collects every mistake on the way, under its full key."""

    def __init__(self, namespace: str, secrets: Collection[str] = ()) -> None:
        """`secrets` are the top-level keys whose values must not be shown."""
        self._namespace = namespace
        self._secrets = secrets
        self.problems: list[str] = []

    def problem(self, key: str, message: str) -> None:
        """Remembers a mistake."""
        self.problems.append(f"{self._namespace}:{key} {message}")

    def read(self, kind: type[T], values: object, key: str = "") -> T:
        """An instance of `kind`; what does not fit is remembered and stays at its default."""
        if values is None or values == "":
            values = {}
        if not isinstance(values, Mapping):
            self._refuse(key, "must be an object", values)
            values = {}
        declared = {declaration.key: declaration for declaration in declarations(kind)}
        for name in values:
            if name not in declared:
                self.problem(_join(key, str(name)), _unknown(str(name), list(declared)))
        read = {
            declared[name].field: self._value(declared[name], value, _join(key, name))
            for name, value in values.items()
            if name in declared
        }
        return kind(**{field: value for field, value in read.items() if value is not _LEFT_OUT})

    def _value(self, declared: Declaration, value: object, key: str) -> object:
        if declared.setting is None:
            return self.read(declared.type, value, key)
        if value is None:
            return _LEFT_OUT
        try:
            return _checked(declared.setting, declared.type, value)
        except _RefusedError as error:
            self._refuse(key, f"must be {error}", value)
            return _LEFT_OUT

    def _refuse(self, key: str, message: str, value: object) -> None:
        is_secret = key.partition(".")[0] in self._secrets
        self.problem(key, f"{message}, got {'a secret' if is_secret else _in_words(value)}")


class _RefusedError(Exception):
    """Completes "must be ..."."""


_LEFT_OUT: Final = object()
"""A value that the dataclass's own default stands in for."""


def _checked(declared: Setting, kind: Any, value: object) -> object:
    converted = _converted(kind, value)
    if not declared.is_valid(converted):
        raise _RefusedError(declared.accepts)
    return converted


def _converted(kind: Any, value: object) -> object:
    if kind is Any:
        return value
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            raise _RefusedError(type_in_words(kind))
        return kind(str(value))
    if typing.get_origin(kind) is tuple:
        return _converted_list(kind, value)
    if kind == Mapping[str, str]:
        return _converted_texts(value)
    # Not isinstance: bool is a subclass of int, and `true` is no batch size.
    if type(value) is not kind:
        raise _RefusedError(type_in_words(kind))
    return value


def _converted_list(kind: Any, value: object) -> object:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _RefusedError(type_in_words(kind))
    try:
        return tuple(_converted(typing.get_args(kind)[0], element) for element in value)
    except _RefusedError:
        raise _RefusedError(type_in_words(kind)) from None


def _converted_texts(value: object) -> object:
    if not isinstance(value, Mapping):
        raise _RefusedError("an object")
    if not all(isinstance(text, str) for text in value.values()):
        raise _RefusedError("an object of texts")
    return dict(value)


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"is unknown; {f'did you mean {near[0]}?' if near else 'known are ' + ', '.join(known)}"


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'the text "{value}"'
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Sequence):
        return f"the list [{', '.join(str(element) for element in value)}]"
    return str(value)
