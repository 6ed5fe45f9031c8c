"""What a filter may compare the leaves of a stream record with: DynamoDB's types and their values.

Where in the record the leaves lie, `infra.filters.contract` knows.
"""

import base64
import re
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Final

from infra.filters.matcher import Field
from infra.filters.operators import (
    AnythingButNumbers,
    AnythingButStrings,
    EqualsConstant,
    EqualsIgnoreCase,
    EqualsNumber,
    EqualsString,
    Exists,
    Matcher,
    NumericRange,
    Prefix,
    Suffix,
)
from infra.filters.pattern_json import JsonObject, PatternMistake, shown


class Kind(StrEnum):
    """What a leaf of a record holds, in the words of a message."""

    STRING = "a string"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    TRUE = "true"


_STRING_MATCHERS: Final = (
    EqualsString,
    EqualsIgnoreCase,
    Prefix,
    Suffix,
    AnythingButStrings,
    Exists,
)
_NUMBER_MATCHERS: Final = (EqualsNumber, NumericRange, AnythingButNumbers, Exists)
_KIND_OF_TYPE: Final = {
    "S": Kind.STRING,
    "N": Kind.STRING,
    "B": Kind.STRING,
    "SS": Kind.STRING,
    "NS": Kind.STRING,
    "BS": Kind.STRING,
    "BOOL": Kind.BOOLEAN,
    "NULL": Kind.TRUE,
}
TYPES: Final = (*_KIND_OF_TYPE, "M", "L")
"""All of DynamoDB's."""
_WITHIN: Final = {"M": '{"name": {"S": ["string"]}}', "L": '{"S": ["string"]}'}
_NUMBER_STRING: Final = re.compile(r"(-?[1-9]\d*|-?0(?=\.)|0)(\.\d*[1-9])?([eE][+-]?\d+)?")
"""A number as DynamoDB returns it: "leading and trailing zeroes are trimmed" [Developer Guide]."""


def leaf_problems(
    field: Field, length: int, kind: Kind, type_: str = ""
) -> Iterator[PatternMistake]:
    """Why a field cannot match, whose first `length` keys lead to a leaf of this kind."""
    if len(field.names) > length:
        place = field.places[length - 1]
        yield place, f"must be followed by a list of values, because the record has {kind} there"
        return
    for position, matcher in enumerate(field.matchers):
        place, got = f"{field.places[-1]}[{position}]", shown(field.values[position])
        if not _suits(matcher, kind):
            yield place, f"must compare with {kind}{_reason(matcher, type_)}, got {got}"
        elif type_ in {"N", "NS"} and isinstance(matcher, EqualsString | AnythingButStrings):
            yield from _number_problems(place, matcher)
        elif type_ in {"B", "BS"} and isinstance(matcher, EqualsString) and not _is_base64(matcher):
            yield place, f"must be base64, because {type_} holds its bytes so, got {got}"


def constant_problems(field: Field, length: int, constant: str) -> Iterator[PatternMistake]:
    """Why a field cannot match, whose first `length` keys lead to one string in every record."""
    problems = list(leaf_problems(field, length, Kind.STRING))
    if not problems and not field.accepts(constant):
        got = shown(list(field.values))
        problems = [
            (field.places[-1], f"must match {shown(constant)}, which it always is, got {got}")
        ]
    yield from problems


def object_problem(field: Field, example: str) -> PatternMistake:
    """Why a field cannot match that ends where the record has an object, and not a leaf."""
    got = shown(list(field.values))
    if any(isinstance(matcher, Exists) for matcher in field.matchers):
        return (
            field.places[-1],
            f"must lead to a leaf, as {example}, because exists does not see objects, got {got}",
        )
    return field.places[-1], f"must lead to a leaf, as {example}, got {got}"


def typed_problems(
    field: Field, at: int, expected: frozenset[str] | None = None
) -> Iterator[PatternMistake]:
    """Why a field cannot match, whose key number `at` must be a DynamoDB type.

    `expected` are those that it may have; whether it is one of them is said elsewhere.
    """
    if at == len(field.names):
        yield field.places[-1], _missing_type(field, expected)
        return
    type_, place = field.names[at], field.places[at]
    if type_ not in TYPES:
        known = f"{', '.join(TYPES)}; the attributes of a map come after M"
        yield place, f'must be the DynamoDB type of {field.names[at - 1]} ({known}), got "{type_}"'
    elif type_ in _KIND_OF_TYPE:
        yield from leaf_problems(field, at + 1, _KIND_OF_TYPE[type_], type_)
    elif at + 1 == len(field.names):
        yield object_problem(field, _WITHIN[type_])
    else:
        # A map's type is followed by an attribute; a list's at once by the type of its elements.
        yield from typed_problems(field, at + 2 if type_ == "M" else at + 1)


def _suits(matcher: Matcher, kind: Kind) -> bool:
    if kind is Kind.STRING:
        return isinstance(matcher, _STRING_MATCHERS)
    if kind is Kind.NUMBER:
        return isinstance(matcher, _NUMBER_MATCHERS)
    possible = {True} if kind is Kind.TRUE else {True, False}
    return isinstance(matcher, Exists) or (
        isinstance(matcher, EqualsConstant) and matcher.constant in possible
    )


def _reason(matcher: Matcher, type_: str) -> str:
    if type_ not in {"N", "NS"}:
        return ""
    example = f', as "{matcher.number}"' if isinstance(matcher, EqualsNumber) else ""
    advice = ": ranges are for process" if isinstance(matcher, NumericRange) else ""
    return f"{example}, because {type_} holds its number as a string{advice}"


def _number_problems(
    place: str, matcher: EqualsString | AnythingButStrings
) -> Iterator[PatternMistake]:
    for text in [matcher.text] if isinstance(matcher, EqualsString) else sorted(matcher.strings):
        if not _NUMBER_STRING.fullmatch(text):
            yield place, f'must be a number as DynamoDB writes it{_written(text)}, got "{text}"'


def _written(text: str) -> str:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return ""
    return f' ("{number.normalize():f}")' if number.is_finite() else ""


def _is_base64(matcher: EqualsString) -> bool:
    try:
        base64.b64decode(matcher.text, validate=True)
    except ValueError:
        return False
    return True


def _missing_type(field: Field, expected: frozenset[str] | None) -> str:
    got = shown(list(field.values))
    container = next((type_ for type_ in _WITHIN if expected == frozenset({type_})), None)
    if container is not None:
        return f'must name its type, as {{"{container}": {_WITHIN[container]}}}, got {got}'
    example = field.values[0]
    type_, values = "S", list(field.values)
    if isinstance(example, bool):
        type_ = "BOOL"
    elif isinstance(example, int | float):
        type_, values = "N", [str(value) for value in values]
    elif example is None:
        type_, values = "NULL", [True]
    why = "" if not isinstance(field.matchers[0], Exists) else ", because exists sees only leaves"
    return f"must name its DynamoDB type, as {shown(JsonObject([(type_, values)]))}{why}, got {got}"
