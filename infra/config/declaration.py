"""How a setting is declared: once, with its type, its range and what a user must know of it.

    batch_size: Annotated[int, Between(1, 10_000, "records"), Setting("...", aws="BatchSize")] = 100

The declaration refuses a value out of range, whether it is read or constructed, and the tables of
the documentation are written from it. Which settings there are stands in
`infra.config.stack_settings`.
"""

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol


@dataclass(frozen=True, slots=True)
class Setting:
    """What a user must know of a setting."""

    help: str
    _: KW_ONLY
    aws: str
    """AWS's own name for it, for looking it up."""
    accepts: str = ""
    """In place of what the type and the range say for the documentation."""


class Range(Protocol):
    """Which values of a type a setting takes."""

    @property
    def words(self) -> str:
        """Completes "must be ..."."""
        ...

    def admits(self, value: Any) -> bool:
        """Whether a value of the setting's type is in the range."""
        ...


@dataclass(frozen=True, slots=True)
class Between:
    """A whole number, both ends included."""

    low: int
    high: int
    unit: str = ""

    @property
    def words(self) -> str:
        """With the unit, if there is one."""
        return f"between {self.low} and {self.high} {self.unit}".rstrip()

    def admits(self, value: int) -> bool:
        """Whether it lies between."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Either:
    """One number with a meaning of its own, or a range."""

    value: int
    meaning: str
    other: Between

    @property
    def words(self) -> str:
        """With the number's meaning."""
        return f"either {self.value} ({self.meaning}) or {self.other.words}"

    def admits(self, value: int) -> bool:
        """Whether it is the number, or in the range."""
        return value == self.value or self.other.admits(value)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few values."""

    values: Sequence[int | str]
    unit: str = ""

    @property
    def words(self) -> str:
        """All of them."""
        return f"one of {', '.join(map(str, self.values))} {self.unit}".rstrip()

    def admits(self, value: int | str) -> bool:
        """Whether it is among them."""
        return value in self.values


@dataclass(frozen=True, slots=True)
class Matching:
    """A string of a given form."""

    pattern: str
    words: str

    def admits(self, value: str) -> bool:
        """Whether the whole string has the form."""
        return re.fullmatch(self.pattern, value) is not None


class InvalidSettingError(ValueError):
    """A section cannot have these values; says which, and what it takes."""


class Section:
    """A group of settings, a dataclass; with a value out of range it cannot be constructed."""

    __slots__ = ()

    def __post_init__(self) -> None:
        check(self)


def check(settings: Any) -> None:
    """Raises `InvalidSettingError` with every value of a dataclass that its declaration refuses."""
    refusals: list[Refusal] = []
    for declared in declarations(type(settings)):
        value = getattr(settings, declared.field)
        if not declared.is_section and not (value is None and declared.is_optional):
            value_of(declared.hint, value, declared.field, refusals)
    if refusals:
        said = "; ".join(f"{each.path} {each.words}, got {each.value!r}" for each in refusals)
        raise InvalidSettingError(f"{type(settings).__name__}: {said}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that does not fit."""

    path: str
    words: str
    """Such as "must be ..."."""
    value: object
    is_number_for_string: bool = False


def value_of(hint: Any, given: object, path: str, refusals: list[Refusal]) -> object:
    """A plain value in a setting's type; `refusals` gets what does not fit, element by element."""
    before = len(refusals)
    converted = _of_type(hint, given, path, refusals)
    if len(refusals) == before:
        refusals += [
            Refusal(path, f"must be {each.words}", given)
            for each in _ranges(hint)
            if not each.admits(converted)
        ]
    return converted


def _of_type(hint: Any, given: object, path: str, refusals: list[Refusal]) -> object:
    kind = _kind(hint)
    if typing.get_origin(kind) is tuple and _is_list(given):
        (element, _) = typing.get_args(kind)
        return tuple(
            value_of(element, each, f"{path}[{position}]", refusals)
            for position, each in enumerate(given)
        )
    if typing.get_origin(kind) is Mapping and isinstance(given, Mapping):
        return _mapping_of(kind, given, path, refusals)
    if isinstance(kind, type) and issubclass(kind, StrEnum) and given in list(kind):
        return kind(str(given))
    # Not isinstance: bool is a subclass of int, and `true` is no batch size.
    if kind is Any or type(given) is kind:
        return given
    is_number = kind is str and isinstance(given, int | float)
    refusals.append(Refusal(path, f"must be {type_in_words(hint)}", given, is_number))
    return given


def _is_list(given: object) -> typing.TypeGuard[Sequence[object]]:
    return isinstance(given, Sequence) and not isinstance(given, str)


def _mapping_of(
    kind: Any, given: Mapping[Any, object], path: str, refusals: list[Refusal]
) -> Mapping[str, object]:
    names, values = typing.get_args(kind)
    for name in given:
        refusals += [
            Refusal(joined(path, name), f"must have {each.words}", name)
            for each in _ranges(names)
            if not each.admits(name)
        ]
    return {
        name: value_of(values, value, joined(path, name), refusals) for name, value in given.items()
    }


def joined(path: str, name: str) -> str:
    """A path into a mapping, in Pulumi's own form."""
    if not path:
        return name
    return f"{path}.{name}" if re.fullmatch(r"[\w-]+", name) else f'{path}["{name}"]'


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """A field as the stack file knows it."""

    key: str
    """The field's name in the stack file."""
    field: str
    hint: Any
    default: object

    @property
    def type(self) -> Any:
        """Without its range, and without None."""
        return _kind(self.hint)

    @property
    def is_optional(self) -> bool:
        """Whether None is a value too."""
        return isinstance(_bare(self.hint), types.UnionType)

    @property
    def is_section(self) -> bool:
        """Whether it is a group of settings, which are those of `type`."""
        return isinstance(self.type, type) and issubclass(self.type, Section)

    @property
    def setting(self) -> Setting:
        """What a user must know of it."""
        return next(each for each in _metadata(self.hint) if isinstance(each, Setting))


def declarations(kind: Any) -> tuple[Declaration, ...]:
    """The settings and sections of a dataclass, in the order in which they are declared."""
    return _declared(kind)


@functools.cache
def _declared(kind: object) -> tuple[Declaration, ...]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return tuple(
        Declaration(
            key=camel_case(field.name),
            field=field.name,
            hint=hints[field.name],
            default=_default(field),
        )
        for field in dataclasses.fields(kind)  # type: ignore[arg-type] # it is a dataclass
        if _is_declared(hints[field.name])
    )


def _is_declared(hint: Any) -> bool:
    """Whether it is a setting or a section; what else a dataclass has, no stack can set."""
    kind = _kind(hint)
    is_section = isinstance(kind, type) and issubclass(kind, Section)
    return is_section or any(isinstance(each, Setting) for each in _metadata(hint))


def _default(field: "dataclasses.Field[Any]") -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


@dataclass(frozen=True, kw_only=True, slots=True)
class DescribedSetting:
    """One row of the documentation."""

    key: str
    default: str
    accepts: str
    aws: str
    help: str


def described(kind: Any, prefix: str = "") -> Iterator[DescribedSetting]:
    """Every setting of a dataclass and its sections, in the order in which they are declared."""
    for declared in declarations(kind):
        key = prefix + declared.key
        if declared.is_section:
            yield from described(declared.type, f"{key}.")
            continue
        yield DescribedSetting(
            key=key,
            default=_in_words(declared.default),
            accepts=declared.setting.accepts or in_words(declared.hint),
            aws=declared.setting.aws,
            help=declared.setting.help,
        )


def camel_case(name: str) -> str:
    """`batch_size` -> `batchSize`: a field's name in the stack file."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def in_words(hint: Any) -> str:
    """What a value of this type and range is, completing "must be ..."."""
    return next((each.words for each in _ranges(hint)), type_in_words(hint))


def type_in_words(hint: Any) -> str:
    """What a value of this type is, completing "must be ..."."""
    kind = _kind(hint)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return f"one of {', '.join(kind)}"
    if typing.get_origin(kind) is tuple:
        element = typing.get_args(kind)[0]
        return "a list" if element is Any else f"a list, each {in_words(element)}"
    return {bool: "true or false", int: "a whole number", str: "a string"}.get(kind, "an object")


def _bare(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint


def _metadata(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ()


def _ranges(hint: Any) -> list[Range]:
    return [each for each in _metadata(hint) if not isinstance(each, Setting)]


def _kind(hint: Any) -> Any:
    kind = _bare(hint)
    if isinstance(kind, types.UnionType):
        return next(each for each in typing.get_args(kind) if each is not type(None))
    # A generic alias stays one: its elements have ranges of their own.
    return kind


def _in_words(default: object) -> str:
    if default is None or default == () or default == {}:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ", ".join(default)
    return str(default)
