"""Typed DynamoDB values, as a stream record's JSON has them, to plain ones."""

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from boto3.dynamodb.types import Binary, TypeDeserializer

_deserializer = TypeDeserializer()


def plain(image: object) -> object:
    """`{"id": {"S": "x"}}` -> `{"id": "x"}`; what is no valid image comes back as it is."""
    if not isinstance(image, Mapping):
        return image
    try:
        return {name: _deserializer.deserialize(_decoded(value)) for name, value in image.items()}
    except (TypeError, AttributeError, ValueError, ArithmeticError, RecursionError):
        return image


def _decoded(value: Any) -> Any:
    """Stream records carry binary as base64 text, boto3 wants the bytes."""
    ((kind, content),) = value.items()
    match kind:
        case "B" if isinstance(content, str):
            return {"B": base64.b64decode(content)}
        case "BS":
            return {
                "BS": [base64.b64decode(one) if isinstance(one, str) else one for one in content]
            }
        case "L":
            return {"L": [_decoded(one) for one in content]}
        case "M":
            return {"M": {name: _decoded(one) for name, one in content.items()}}
        case _:
            return dict(value)


def json_ready(value: object) -> object:
    """For `json.dumps(default=...)`: numbers as numbers, binary as base64 text, sets as lists."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Binary):
        return base64.b64encode(cast("Any", value).value).decode()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(value)


def event_image(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as boto3's client returns it, in a stream record's JSON: binary as base64 text."""
    return {name: _encoded(value) for name, value in item.items()}


def _encoded(value: Any) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {"B": base64.b64encode(content).decode()}
        case "BS":
            return {"BS": [base64.b64encode(one).decode() for one in content]}
        case "L":
            return {"L": [_encoded(one) for one in content]}
        case "M":
            return {"M": {name: _encoded(one) for name, one in content.items()}}
        case _:
            return dict(value)
