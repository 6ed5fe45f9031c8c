"""Environment variables as the fields of a dataclass: declared once, written and read by that.

    timeout: Annotated[int, Variable("ORDERS_TIMEOUT")]

It is part of the contract, so the standard library is all it uses.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")


class Variable(NamedTuple):
    """The name of the environment variable that carries a field."""

    name: str


class Declared(NamedTuple):
    """A field that an environment variable carries."""

    field: str
    variable: str
    type: Any
    """str, int, bool, a StrEnum, or a tuple of such."""
    is_optional: bool
    """Whether the variable may be absent: the field may be None."""


def declared(kind: type[Any]) -> Iterator[Declared]:
    """The fields of a dataclass that have a variable. Raises `TypeError` for a type of none."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        extras = getattr(hint, "__metadata__", ())
        names = [each.name for each in extras if isinstance(each, Variable)]
        if names:
            type_, is_optional = _without_none(typing.get_args(hint)[0])
            found = Declared(
                field=field.name, variable=names[0], type=type_, is_optional=is_optional
            )
            yield _checked(kind, found)


def settings_variables(kind: type[Any]) -> Iterator[Declared]:
    """The fields of a user's settings: each has its name in capitals as variable.

    Raises `TypeError` with each that no variable carries.
    """
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise TypeError(f"settings must be a dataclass, got {kind!r}")
    found, problems = list[Declared](), list[str]()
    hints = _hints(kind)
    for field in dataclasses.fields(kind):
        try:
            found.append(_checked(kind, _setting(field, hints[field.name])))
        except TypeError as error:
            problems.append(str(error))
    if problems:
        raise TypeError("; ".join(problems))
    yield from found


def _hints(kind: type[Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except (NameError, SyntaxError, TypeError) as error:
        raise TypeError(f"{kind.__name__}: a hint cannot be resolved: {error}") from None


def _setting(field: "dataclasses.Field[Any]", hint: Any) -> Declared:
    has_default = (
        field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    )
    type_, is_optional = _without_none(hint)
    return Declared(
        field=field.name,
        variable=field.name.upper(),
        type=type_,
        is_optional=is_optional or has_default,
    )


def settings_from(environ: Mapping[str, str], kind: type[T]) -> T:
    """The user's settings. Raises `InvalidEnvironmentError` with all that is missing or wrong."""
    reader = EnvironReader(environ)
    fields = reader.settings(kind)
    if reader.problems:
        raise InvalidEnvironmentError("environment: " + "; ".join(reader.problems))
    return kind(**fields)


def to_environ(values: Any) -> dict[str, str]:
    """The variables that carry the fields of a dataclass; those that are None are left out."""
    pairs = ((each.variable, getattr(values, each.field)) for each in declared(type(values)))
    return {name: written(value) for name, value in pairs if value is not None}


class InvalidEnvironmentError(ValueError):
    """The environment is not what the settings declare; says all that is wrong."""


class EnvironReader:
    """Reads variables and remembers what is wrong with them, so that all is said at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def fields(self, kind: type[Any]) -> dict[str, Any]:
        """The fields of a dataclass that are there and right."""
        return self._read(declared(kind))

    def settings(self, kind: type[Any]) -> dict[str, Any]:
        """The fields of a user's settings that are there and right."""
        return self._read(settings_variables(kind))

    def _read(self, variables: Iterable[Declared]) -> dict[str, Any]:
        found = {}
        for each in variables:
            written = self._environ.get(each.variable, "")
            if written:
                found[each.field] = self._value(each, written)
            elif not each.is_optional:
                self.problems.append(f"{each.variable} is not set")
        return found

    def _value(self, declared: Declared, written: str) -> Any:
        try:
            return _read(declared.type, written)
        except ValueError as error:
            self.problems.append(f"{declared.variable} must be {error}, got {written!r}")
            return None


_KNOWN: Final = "str, int, bool, a StrEnum or a tuple of one (tuple[str, ...])"


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        kinds = [each for each in typing.get_args(hint) if each is not type(None)]
        return (kinds[0] if len(kinds) == 1 else hint), True
    return hint, False


def _checked(kind: type[Any], declared: Declared) -> Declared:
    if not _is_known(declared.type):
        raise TypeError(f"{kind.__name__}.{declared.field} must be {_KNOWN}, got {declared.type}")
    return declared


def _is_known(type_: Any) -> bool:
    member = type_
    if typing.get_origin(type_) is tuple:
        member, *others = typing.get_args(type_)
        if others != [...]:
            return False
    is_enum = isinstance(member, type) and issubclass(member, StrEnum)
    return is_enum or member in {str, int, bool}


def written(value: Any) -> str:
    """A value as its variable carries it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(written, value)) if isinstance(value, tuple | list) else str(value)


def _read(type_: Any, written: str) -> Any:
    """Raises `ValueError` with what it must be."""
    if typing.get_origin(type_) is tuple:
        member = typing.get_args(type_)[0]
        return tuple(_read(member, part.strip()) for part in written.split(",") if part.strip())
    if type_ is int:
        return _number(written)
    if type_ is bool:
        return _truth(written)
    return written if type_ is str else _member(type_, written)


def _number(written: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", written):
        raise ValueError("a whole number")
    return int(written)


def _truth(written: str) -> bool:
    if written not in {"true", "false"}:
        raise ValueError("true or false")
    return written == "true"


def _member(enum: type[StrEnum], name: str) -> StrEnum:
    if name not in list(enum):
        raise ValueError(f"of {', '.join(enum)}")
    return enum(name)
