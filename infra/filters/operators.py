"""The comparisons that Lambda documents for filter patterns, each with one leaf of a record.

Their meaning is EventBridge's, as AWS's own library aws/event-ruler shows it. How they are written
in a pattern, `infra.filters.values` has; where a record's leaves lie, `infra.filters.matcher`.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol

Leaf = str | int | float | bool | None
"""What a record holds where its JSON ends."""
Number = int | float

_EXACT_DOUBLES: Final = 2**53


class Matcher(Protocol):
    """One value of a pattern's list."""

    def matches(self, leaf: Leaf) -> bool:
        """Whether a leaf that is there satisfies it."""


@dataclass(frozen=True, slots=True)
class EqualsString:
    """The same string, case included."""

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
    """The same string, each character in its upper or its lower case."""

    text: str
    _expression: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        either = (f"(?:{re.escape(c.lower())}|{re.escape(c.upper())})" for c in self.text)
        object.__setattr__(self, "_expression", re.compile("".join(either)))

    def matches(self, leaf: Leaf) -> bool:
        return isinstance(leaf, str) and self._expression.fullmatch(leaf) is not None


@dataclass(frozen=True, slots=True)
class Prefix:
    """A string that begins so; the empty prefix is any string."""

    text: str

    def matches(self, leaf: Leaf) -> bool:
        return isinstance(leaf, str) and leaf.startswith(self.text)


@dataclass(frozen=True, slots=True)
class Suffix:
    """A string that ends so; the empty suffix is any string."""

    text: str

    def matches(self, leaf: Leaf) -> bool:
        return isinstance(leaf, str) and leaf.endswith(self.text)


@dataclass(frozen=True, slots=True)
class AnythingButStrings:
    """Any leaf that is not one of the strings: null and numbers too."""

    strings: frozenset[str]

    def matches(self, leaf: Leaf) -> bool:
        return leaf not in self.strings


@dataclass(frozen=True, slots=True)
class AnythingButNumbers:
    """Any leaf that is not one of the numbers: the string "1" is not the number 1, nor is true."""

    numbers: frozenset[Number]

    def matches(self, leaf: Leaf) -> bool:
        return type(leaf) is bool or leaf not in self.numbers


@dataclass(frozen=True, kw_only=True, slots=True)
class NumericRange:
    """A JSON number within bounds; a string is never a number here."""

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
