"""Typed DynamoDB values between the forms that they have: a stream record's JSON, and boto3's.

What a stream record's values are is the handler's own notion: `handler.attribute_values`.
"""

import base64
from collections.abc import Mapping
from typing import Any

from handler.attribute_values import InvalidAttributeValueError, plain_map


def plain(image: object) -> object:
    """`{"id": {"S": "x"}}` -> `{"id": "x"}`; what is no valid image comes back as it is."""
    try:
        return plain_map(image)
    except (InvalidAttributeValueError, RecursionError):
        return image


def is_number(text: str) -> bool:
    """Whether DynamoDB takes the text for a number."""
    try:
        plain_map({"number": {"N": text}})
    except InvalidAttributeValueError:
        return False
    return True


def event_image(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as boto3's client returns it, in a stream record's JSON: binary as base64 text."""
    return {name: _mapped(value, _in_base64) for name, value in item.items()}


def client_item(image: Mapping[str, Any]) -> dict[str, Any]:
    """An image of a stream record as boto3's client takes it: binary as bytes."""
    return {name: _mapped(value, base64.b64decode) for name, value in image.items()}


def _in_base64(binary: bytes) -> str:
    return base64.b64encode(binary).decode()


def _mapped(value: Any, binary: Any) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {"B": binary(content)}
        case "BS":
            return {"BS": [binary(one) for one in content]}
        case "L":
            return {"L": [_mapped(one, binary) for one in content]}
        case "M":
            return {"M": {name: _mapped(one, binary) for name, one in content.items()}}
        case _:
            return dict(value)
