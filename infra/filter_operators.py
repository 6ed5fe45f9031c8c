"""The comparison operators of a filter pattern: read, checked, and compared with a leaf.

The operators that Lambda documents (Lambda Developer Guide, "Control which events Lambda sends to
your function"), with the meaning that EventBridge gives them and its open-source library
aws/event-ruler shows. Where a leaf is found in a record is the business of `infra.filter_matcher`.
"""

import difflib
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol

from infra.filter_json import JsonObject, shown

Leaf = str | int | float | bool | None
"""What a record holds where its JSON ends."""
Number = int | float

_EXACT_DOUBLES: Final = 2**53
_UNDOCUMENTED: Final = {
    "wildcard": 'use {"prefix": ...} or {"suffix": ...}',
    "cidr": 'use {"prefix": ...}',
    "exactly": "write the text itself",
}


class InvalidMatchError(ValueError):
    """A value of a pattern's list that AWS refuses; the message completes the value's path."""


class Matcher(Protocol):
    """One value of a pattern's list."""

    def matches(self, leaf: Leaf) -> bool:
        """Whether a leaf that is there satisfies it."""


@dataclass(frozen=True, slots=True)
class EqualsText:
    """The same text, case included."""

    text: str

    def matches(self, leaf: Leaf) -> bool:
        return leaf == self.text


@dataclass(frozen=True, slots=True)
class EqualsNumber:
    """The same number by value: 300 is 300.0."""

    number: Number

    def matches(self, leaf: Leaf) -> bool:
        return type(leaf) is not bool and leaf == self.number


@dataclass(frozen=True, slots=True)
class EqualsConstant:
    """The same of true, false and null; true is not 1."""

    constant: bool | None

    def matches(self, leaf: Leaf) -> bool:
        return leaf is self.constant


@dataclass(frozen=True, slots=True)
class EqualsIgnoreCase:
    """The same text, each character in its upper or its lower case."""

    text: str
    _expression: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        either = (f"(?:{re.escape(c.lower())}|{re.escape(c.upper())})" for c in self.text)
        object.__setattr__(self, "_expression", re.compile("".join(either)))

    def matches(self, leaf: Leaf) -> bool:
        return isinstance(leaf, str) and self._expression.fullmatch(leaf) is not None


@dataclass(frozen=True, slots=True)
class Prefix:
    """Text that begins so; the empty prefix is any text."""

    text: str

    def matches(self, leaf: Leaf) -> bool:
        return isinstance(leaf, str) and leaf.startswith(self.text)


@dataclass(frozen=True, slots=True)
class Suffix:
    """Text that ends so; the empty suffix is any text."""

    text: str

    def matches(self, leaf: Leaf) -> bool:
        return isinstance(leaf, str) and leaf.endswith(self.text)


@dataclass(frozen=True, slots=True)
class AnythingButTexts:
    """Any leaf that is not one of the texts: null and numbers too."""

    texts: frozenset[str]

    def matches(self, leaf: Leaf) -> bool:
        return leaf not in self.texts


@dataclass(frozen=True, slots=True)
class AnythingButNumbers:
    """Any leaf that is not one of the numbers: the text "1" is not the number 1, nor is true."""

    numbers: frozenset[Number]

    def matches(self, leaf: Leaf) -> bool:
        return type(leaf) is bool or leaf not in self.numbers


@dataclass(frozen=True, kw_only=True, slots=True)
class NumericRange:
    """A JSON number within bounds; text is never a number here."""

    above: Number | None = None
    at_least: Number | None = None
    below: Number | None = None
    at_most: Number | None = None

    def matches(self, leaf: Leaf) -> bool:
        if type(leaf) is not float and not (type(leaf) is int and is_double(leaf)):
            return False
        return (
            (self.above is None or leaf > self.above)
            and (self.at_least is None or leaf >= self.at_least)
            and (self.below is None or leaf < self.below)
            and (self.at_most is None or leaf <= self.at_most)
        )


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether there is a leaf at all; `Exists(False)` is satisfied by absence, never by a leaf."""

    exists: bool

    def matches(self, leaf: Leaf) -> bool:
        del leaf
        return self.exists


def is_double(number: int) -> bool:
    """Whether AWS can compare this integer: it compares numbers as doubles [event-ruler]."""
    if abs(number) <= _EXACT_DOUBLES:
        return True
    try:
        return Decimal(repr(float(number))) == number
    except OverflowError:
        return False


def matcher(value: object) -> Matcher:
    """Reads one value of a pattern's list.

    Raises `InvalidMatchError` for what AWS refuses, and for an operator that EventBridge has but
    Lambda does not document.
    """
    if isinstance(value, JsonObject):
        return _expression(value)
    if isinstance(value, str):
        return EqualsText(value)
    if value is None or isinstance(value, bool):
        return EqualsConstant(value)
    if isinstance(value, int | float):
        return EqualsNumber(value)
    raise InvalidMatchError(
        f"must be a text, a number, true, false, null or an operator, got {shown(value)}"
    )


def _expression(expression: JsonObject) -> Matcher:
    if len(expression) != 1:
        raise InvalidMatchError(f"must have exactly one operator, got {shown(expression)}")
    name, operand = expression[0]
    if name in _UNDOCUMENTED:
        raise _undocumented(f'the operator "{name}"', _UNDOCUMENTED[name])
    if name not in _OPERATORS:
        near = difflib.get_close_matches(name.lower(), _OPERATORS, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise InvalidMatchError(
            f'must have one of the operators {", ".join(_OPERATORS)}, got "{name}"{hint}'
        )
    return _OPERATORS[name](name, operand)


def _undocumented(what: str, instead: str) -> InvalidMatchError:
    return InvalidMatchError(
        f"has {what}, which EventBridge knows but Lambda does not document: {instead}"
    )


def _exists(_: str, operand: object) -> Matcher:
    if not isinstance(operand, bool):
        raise InvalidMatchError(f"must say exists true or false, got {shown(operand)}")
    return Exists(operand)


def _affix(name: str, operand: object) -> Matcher:
    if isinstance(operand, JsonObject):
        raise _undocumented(f"a {name} with an operator inside", f"give the {name} as text")
    return Prefix(_text(name, operand)) if name == "prefix" else Suffix(_text(name, operand))


def _ignore_case(name: str, operand: object) -> Matcher:
    return EqualsIgnoreCase(_text(name, operand))


def _text(name: str, operand: object) -> str:
    if not isinstance(operand, str):
        raise InvalidMatchError(f"must have a text for {name}, got {shown(operand)}")
    return operand


def _anything_but(_: str, operand: object) -> Matcher:
    if isinstance(operand, JsonObject):
        raise _undocumented("anything-but with an operator inside", "give texts or numbers")
    excluded = operand if isinstance(operand, list) else [operand]
    texts = frozenset(value for value in excluded if isinstance(value, str))
    numbers = frozenset(value for value in excluded if _is_number(value))
    if excluded and all(isinstance(value, str) for value in excluded):
        return AnythingButTexts(texts)
    if excluded and all(_is_number(value) for value in excluded):
        return AnythingButNumbers(frozenset(map(_comparable, numbers)))
    raise InvalidMatchError(
        "must have texts or numbers for anything-but, at least one and not both, "
        f"got {shown(operand)}"
    )


def _numeric(_: str, operand: object) -> Matcher:
    match operand:
        case ["=", number]:
            value = _comparable(number)
            return NumericRange(at_least=value, at_most=value)
        case ["<" | "<=" | ">" | ">=" as sign, number]:
            return NumericRange(**{_BOUNDS[sign]: _comparable(number)})
        case [">" | ">=" as lower, bottom, "<" | "<=" as upper, top]:
            bounds = {_BOUNDS[lower]: _comparable(bottom), _BOUNDS[upper]: _comparable(top)}
            if bounds[_BOUNDS[lower]] >= bounds[_BOUNDS[upper]]:
                raise InvalidMatchError(
                    f"must have a lower bound less than the upper one, got {shown(operand)}"
                )
            return NumericRange(**bounds)
    raise InvalidMatchError(
        'must have for numeric one comparison, as [">", 0], or a range with the lower bound '
        f'first, as [">=", 0, "<", 5], got {shown(operand)}'
    )


def _comparable(value: object) -> Number:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidMatchError(f"must compare with a number, got {shown(value)}")
    if isinstance(value, int) and not is_double(value):
        raise InvalidMatchError(f"must compare with a number that fits a double, got {value}")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_BOUNDS: Final = {">": "above", ">=": "at_least", "<": "below", "<=": "at_most"}
_OPERATORS: Final = {
    "anything-but": _anything_but,
    "equals-ignore-case": _ignore_case,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _affix,
    "suffix": _affix,
}
