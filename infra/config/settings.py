"""How a setting is declared: once, with what a user must know of it and what it accepts.

The same declaration checks a value (`infra.config.reader`), and README.md and Pulumi.yaml are
tested against it. Which settings there are is the business of `infra.config.sections`.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

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
    default: Any, help: str, *, aws: str, accepts: str, is_valid: Callable[[Any], bool]
) -> Any:
    """A dataclass field with a range of its own; None is always valid where it is the default."""
    declared = Setting(help=help, aws=aws, accepts=accepts, is_valid=is_valid)
    return dataclasses.field(default=default, metadata={_METADATA: declared})


def anything(default: Any, help: str, *, aws: str, accepts: str = "") -> Any:
    """A dataclass field whose type says all there is to check here."""
    return setting(default, help, aws=aws, accepts=accepts, is_valid=lambda _: True)


def between(
    default: int | None, low: int, high: int, help: str, *, aws: str, unit: str = ""
) -> Any:
    """A whole number in a range, both ends included."""
    return setting(
        default,
        help,
        aws=aws,
        accepts=f"between {low} and {high} {unit}".rstrip(),
        is_valid=lambda value: low <= value <= high,
    )


def matching(default: str | None, pattern: str, accepts: str, help: str, *, aws: str) -> Any:
    """A text of a given form."""
    is_valid = re.compile(pattern).fullmatch
    return setting(
        default, help, aws=aws, accepts=accepts, is_valid=lambda value: is_valid(value) is not None
    )


def each_matching(pattern: str, accepts: str, help: str, *, aws: str) -> Any:
    """A list of texts of a given form, empty by default."""
    is_valid = re.compile(pattern).fullmatch
    return setting(
        (), help, aws=aws, accepts=accepts, is_valid=lambda value: all(map(is_valid, value))
    )


def mapping(help: str, *, aws: str) -> Any:
    """Names and texts of the user's own, empty by default."""
    declared = Setting(help=help, aws=aws, accepts="names and texts")
    return dataclasses.field(default_factory=dict, metadata={_METADATA: declared})


def section(kind: type[Any]) -> Any:
    """A dataclass field that is a group of settings, each with its default."""
    return dataclasses.field(default_factory=kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """A field as the stack file knows it."""

    key: str
    """The field's name in the stack file."""
    field: str
    type: Any
    default: object
    setting: Setting | None
    """None: a section, whose settings are those of `type`."""


def declarations(kind: type[Any]) -> Iterator[Declaration]:
    """The settings and sections of a dataclass, in the order in which they are declared."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        yield Declaration(
            key=camel_case(field.name),
            field=field.name,
            type=_without_none(hints[field.name]),
            default=None if field.default is dataclasses.MISSING else field.default,
            setting=field.metadata.get(_METADATA),
        )


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
    for declared in declarations(kind):
        key = prefix + declared.key
        if declared.setting is None:
            yield from described(declared.type, f"{key}.")
            continue
        yield DescribedSetting(
            key=key,
            default=_in_words(declared.default),
            accepts=declared.setting.accepts or type_in_words(declared.type),
            aws=declared.setting.aws,
            help=declared.setting.help,
        )


def camel_case(name: str) -> str:
    """`batch_size` -> `batchSize`: a field's name in the stack file."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def type_in_words(kind: Any) -> str:
    """What a value of this type is, completing "must be ..."."""
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return f"one of {', '.join(kind)}"
    if typing.get_origin(kind) is tuple:
        element = typing.get_args(kind)[0]
        return "a list" if element is Any else f"a list, each {type_in_words(element)}"
    return {bool: "true or false", int: "a whole number", str: "a text"}.get(kind, "an object")


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return hint


def _in_words(default: object) -> str:
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ", ".join(default)
    return str(default)
