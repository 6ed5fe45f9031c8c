"""Attribute values in the form in which DynamoDB keeps them, and its refusals in its own words.

A number is plain, without needless zeroes; a set has no order, and is kept sorted. The words are
those of the Developer Guide ("Naming rules and data types") and of dynalite's tests, which were run
against DynamoDB. What the rest of an item looks like is moto's matter.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from botocore.model import ListShape, MapShape, Shape, StructureShape
from moto.dynamodb.exceptions import MockValidationException

AttributeValue: TypeAlias = Mapping[str, Any]
"""A typed value: {"S": "text"}, {"N": "1"}, ..."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
_INVALID: Final = "One or more parameter values were invalid: "


class InvalidValueError(MockValidationException):
    """DynamoDB keeps no such value."""


def canonical_request(shape: Shape, value: Any) -> Any:
    """The request, each attribute value in it canonical. Raises `InvalidValueError`."""
    if shape.name == "AttributeValue":
        return canonical(value)
    if isinstance(shape, StructureShape):
        members = shape.members
        return {name: canonical_request(members[name], each) for name, each in value.items()}
    if isinstance(shape, ListShape):
        return [canonical_request(shape.member, each) for each in value]
    if isinstance(shape, MapShape):
        return _canonical_map(shape, value)
    return _text(value) if isinstance(value, str) else value


def _canonical_map(shape: MapShape, value: Mapping[str, Any]) -> dict[str, Any]:
    """Its names are attributes' mostly, and those of ExpressionAttributeNames stand for some."""
    if "" in value or (shape.name == "ExpressionAttributeNameMap" and "" in value.values()):
        raise InvalidValueError(f"{_INVALID}An attribute name may not be empty")
    if shape.name == "ExpressionAttributeValueMap":
        return {name: _canonical_operand(name, each) for name, each in value.items()}
    return {_text(name): canonical_request(shape.value, each) for name, each in value.items()}


def _canonical_operand(name: str, value: AttributeValue) -> AttributeValue:
    try:
        return canonical(value)
    except InvalidValueError as error:
        raise InvalidValueError(
            f"ExpressionAttributeValues contains invalid value: {error.message} for key {name}"
        ) from error


def canonical(value: AttributeValue) -> AttributeValue:
    """The value as DynamoDB keeps and returns it. Raises `InvalidValueError`."""
    if len(value) != 1:
        found = "has more than one datatypes set" if value else "is empty"
        raise InvalidValueError(
            f"Supplied AttributeValue {found}, must contain exactly one of the supported datatypes"
        )
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return {kind: _text(content)}
        case "N":
            return {kind: canonical_number(content)}
        case "SS" | "NS" | "BS":
            return {kind: _canonical_set(kind, content)}
        case "L":
            return {kind: [canonical(element) for element in content]}
        case "M":
            return {kind: _canonical_attributes(content)}
        case "NULL" if content is not True:
            raise InvalidValueError(
                f"{_INVALID}Null attribute value types must have the value of true"
            )
    return {kind: content}


def _canonical_attributes(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    if "" in attributes:
        raise InvalidValueError(f"{_INVALID}An attribute name may not be empty")
    return {_text(name): canonical(value) for name, value in attributes.items()}


def _text(content: str) -> str:
    """Half a surrogate pair is JSON, and no text."""
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise InvalidValueError(
            f"{_INVALID}A string must be valid UTF-8, got {content!a}"
        ) from error
    return content


def canonical_number(text: str) -> str:
    """`1.0` is 1, `00042` is 42, `1E3` is 1000 and `-0` is 0. Raises `InvalidValueError`."""
    if not _NUMBER.fullmatch(text):
        raise InvalidValueError(
            "The parameter cannot be converted to a numeric value" + (f": {text}" if text else "")
        )
    number = Decimal(text)
    if not number:
        return "0"
    if len("".join(map(str, number.as_tuple().digits)).strip("0")) > 38:
        raise InvalidValueError("Attempting to store more than 38 significant digits in a Number")
    if not -130 <= number.adjusted() <= 125:
        size, limit = ("over", "larger") if number.adjusted() > 125 else ("under", "smaller")
        raise InvalidValueError(
            f"Number {size}flow. Attempting to store a number with magnitude {limit} than "
            "supported range"
        )
    plain = format(number, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _canonical_set(kind: str, content: Sequence[Any]) -> list[Any]:
    if not content:
        empty = {"SS": "An string set  may not be empty", "NS": "An number set  may not be empty"}
        raise InvalidValueError(_INVALID + empty.get(kind, "Binary sets should not be empty"))
    if kind == "NS":
        numbers = sorted({canonical_number(element) for element in content}, key=Decimal)
        if len(numbers) < len(content):
            raise InvalidValueError("Input collection contains duplicates")
        return numbers
    elements = [_text(element) if isinstance(element, str) else element for element in content]
    if len(set(elements)) < len(elements):
        of_type = " contains" if kind == "SS" else "of type BS contains"
        listed = ", ".join(map(str, elements))
        raise InvalidValueError(f"{_INVALID}Input collection [{listed}]{of_type} duplicates.")
    return sorted(elements)
