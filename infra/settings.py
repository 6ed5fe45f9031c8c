"""How a dataclass is read from a stack's configuration, and what is said when it does not fit.

Each field carries what a user must know of it: what it is, its range, and AWS's name for it.
The same declaration checks a value, and is what README.md and Pulumi.yaml are tested against.
Which settings there are is the business of `infra.config`.
"""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")
_METADATA: Final = "setting"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What one configuration key accepts, in words and in code."""

    help: str
    aws: str = ""
    """AWS's own name for it, for looking it up."""
    accepts: str = ""
    """The range in words, completing "must be ..."; empty: whatever the type admits."""
    is_valid: Callable[[Any], bool] = lambda _: True


def setting(
    default: Any, help: str, *, aws: str = "", accepts: str = "", is_valid: Callable[[Any], bool]
) -> Any:
    """A dataclass field with a range of its own."""
    declared = Setting(help=help, aws=aws, accepts=accepts, is_valid=is_valid)
    return dataclasses.field(default=default, metadata={_METADATA: declared})


def anything(default: Any, help: str, *, aws: str = "", accepts: str = "") -> Any:
    """A dataclass field whose type says all there is to check here."""
    return setting(default, help, aws=aws, accepts=accepts, is_valid=lambda _: True)


def between(default: int | None, low: int, high: int, help: str, *, aws: str, unit: str = "") -> Any:
    """A whole number in a range, both ends included."""
    return setting(
        default,
        help,
        aws=aws,
        accepts=f"between {low} and {high}{unit and ' ' + unit}",
        is_valid=lambda value: value is None or low <= value <= high,
    )


def matching(default: str | None, pattern: str, accepts: str, help: str, *, aws: str) -> Any:
    """A text of a given form."""
    expression = re.compile(pattern)
    return setting(
        default,
        help,
        aws=aws,
        accepts=accepts,
        is_valid=lambda value: value is None or expression.fullmatch(value) is not None,
    )


def section(kind: type[Any]) -> Any:
    """A dataclass field that is a group of settings, each with its default."""
    return dataclasses.field(default_factory=kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class DescribedSetting:
    """One row of the documentation."""

    key: str
    default: str
    accepts: str
    aws: str
    help: str


def described(kind: type[Any], prefix: str = "") -> Iterator[DescribedSetting]:
    """Every setting of a dataclass and its sections, in the order in which they are declared."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        key = prefix + camel_case(field.name)
        if _METADATA not in field.metadata:
            yield from described(hints[field.name], f"{key}.")
            continue
        declared = cast("Setting", field.metadata[_METADATA])
        yield DescribedSetting(
            key=key,
            default=_in_words(field.default),
            accepts=declared.accepts or _type_in_words(hints[field.name]),
            aws=declared.aws,
            help=declared.help,
        )


class SettingsReader:
    """Builds dataclasses from plain values and collects every mistake on the way."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self.problems: list[str] = []

    def problem(self, key: str, message: str) -> None:
        """Remembers a mistake under its full key."""
        self.problems.append(f"{self._namespace}:{key} {message}")

    def read(self, kind: type[T], values: object, key: str = "") -> T:
        """An instance of `kind`; what does not fit is remembered and stays at its default."""
        if not isinstance(values, Mapping):
            self.problem(key, f"must be an object, got {_got(values)}")
            values = {}
        fields = {camel_case(field.name): field for field in dataclasses.fields(cast("Any", kind))}
        hints = typing.get_type_hints(kind)
        for name in values:
            if name not in fields:
                self.problem(_join(key, str(name)), f"is unknown{_nearest(str(name), list(fields))}")
        read = {}
        for name, field in fields.items():
            if name not in values:
                continue
            if _METADATA not in field.metadata:
                read[field.name] = self.read(hints[field.name], values[name], _join(key, name))
            elif values[name] is not None:
                converted = self._convert(field, hints[field.name], values[name], _join(key, name))
                if converted is not _INVALID:
                    read[field.name] = converted
        return kind(**read)

    def _convert(self, field: "dataclasses.Field[Any]", hint: Any, value: object, key: str) -> object:
        declared = cast("Setting", field.metadata[_METADATA])
        try:
            converted = _converted(hint, value)
        except _WrongTypeError as error:
            self.problem(key, f"must be {error}, got {_got(value)}")
            return _INVALID
        if not declared.is_valid(converted):
            self.problem(key, f"must be {declared.accepts}, got {_got(value)}")
            return _INVALID
        return converted


class _WrongTypeError(Exception):
    """Says in words what the type would have been."""


_INVALID: Final = object()
_NUMBER_WORDS: Final = {bool: "true or false", int: "a whole number", str: "a text"}


def _converted(hint: Any, value: object) -> object:
    hint = _without_none(hint)
    if hint in _NUMBER_WORDS:
        # bool is a subclass of int, and `true` is no batch size.
        if type(value) is not hint:
            raise _WrongTypeError(_NUMBER_WORDS[hint])
        return value
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        if value not in [str(member) for member in hint]:
            raise _WrongTypeError(f"one of {', '.join(hint)}")
        return hint(value)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise _WrongTypeError("a list")
        return tuple(_converted(arguments[0], element) for element in value)
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise _WrongTypeError("an object")
        return {
            cast("str", _converted(str, name)): _converted(arguments[1], element)
            for name, element in value.items()
        }
    return value


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return hint


def camel_case(name: str) -> str:
    """`batch_size` -> `batchSize`: a field's name in the stack file."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(known)}"


def _got(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'the text "{value}"'
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Sequence):
        return f"the list [{', '.join(str(element) for element in value)}]"
    return str(value)


def _in_words(default: object) -> str:
    if default is None or default == () or default == {}:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ", ".join(default)
    return str(default)


def _type_in_words(hint: Any) -> str:
    hint = _without_none(hint)
    if hint in _NUMBER_WORDS:
        return _NUMBER_WORDS[hint]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return ", ".join(hint)
    if typing.get_origin(hint) is tuple:
        return f"a list of {_type_in_words(typing.get_args(hint)[0])}"
    return "an object"
