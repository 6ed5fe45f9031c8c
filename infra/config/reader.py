"""Builds dataclasses of settings from plain values, and says what does not fit: all at once."""

import difflib
import json
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from infra.config.declaration import Declaration, Refusal, Section, declarations, joined, value_of

T = TypeVar("T", bound=Section)


class SettingsReader:
    """Reads a stack's settings and collects every mistake on the way, under its full key."""

    def __init__(self, namespace: str, secrets: Collection[str] = ()) -> None:
        """`secrets` are the top-level keys whose values must not be shown."""
        self._namespace = namespace
        self._secrets = secrets
        self.mistakes: list[str] = []
        self.unclear: set[str] = set()
        """The top-level keys with a mistake under them: what they say is not known."""

    def mistake(self, key: str, message: str) -> None:
        """Remembers a mistake."""
        self.mistakes.append(f"{self._namespace}:{key} {message}")
        self.unclear.add(re.split(r"[.\[]", key, maxsplit=1)[0])

    def read(self, kind: Any, values: Mapping[str, object], key: str = "") -> dict[str, Any]:
        """The fields of `kind` that are set and right; what is wrong is remembered."""
        declared = {declaration.key: declaration for declaration in declarations(kind)}
        for name in values:
            if name not in declared:
                self._unknown(str(name), list(declared), key)
        read = {
            declared[name].field: self._value(declared[name], value, joined(key, name))
            for name, value in values.items()
            if name in declared
        }
        return {field: value for field, value in read.items() if value is not None}

    def _unknown(self, name: str, known: list[str], within: str) -> None:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else f"known are {', '.join(known)}"
        self.mistake(joined(within, name), f"is unknown; {hint}")
        if near and not within:
            self.unclear.add(near)

    def _value(self, declared: Declaration, value: object, key: str) -> object:
        """None: there is none, or it does not fit."""
        if declared.is_section:
            return self._section(declared.type, value, key)
        if value is None:
            return None
        refusals: list[Refusal] = []
        converted = value_of(declared.hint, value, key, refusals)
        for refusal in refusals:
            self._refuse(refusal)
        return None if refusals else converted

    def _section(self, kind: type[T], values: object, key: str) -> T | None:
        if values is None or values == "":
            values = {}
        if not isinstance(values, Mapping):
            self._refuse(Refusal(key, "must be an object", values))
            return None
        before = len(self.mistakes)
        fields = self.read(kind, values, key)
        return kind(**fields) if len(self.mistakes) == before else None

    def _refuse(self, refusal: Refusal) -> None:
        is_secret = refusal.path.partition(".")[0] in self._secrets
        got = "a secret" if is_secret else _in_words(refusal.value)
        hint = _as_string(refusal) if refusal.is_number_for_string and not is_secret else ""
        self.mistake(refusal.path, f"{refusal.words}, got {got}{hint}")


def _as_string(refusal: Refusal) -> str:
    # `pulumi config set --path` keeps true, false and whole numbers as such.
    value = str(refusal.value).lower() if isinstance(refusal.value, bool) else str(refusal.value)
    lost = f" (or {value}0, if that is what was lost as a number)" if "." in value else ""
    return (
        "; write: pulumi config set --path --type string "
        f"{shlex.quote(refusal.path)} {shlex.quote(value)}{lost}"
    )


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that was probably meant."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.5)), None)


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'the string "{value}"'
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Sequence):
        elements = (each if isinstance(each, str) else json.dumps(each) for each in value)
        return f"the list [{', '.join(elements)}]"
    return "nothing" if value is None else str(value)
