"""A stream record as Lambda hands it to a function: its place, its item, and its values in JSON."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

INVOCATION_PAYLOAD: Final = 6 * 1024 * 1024
"""Bytes of a synchronous invocation's event; a quota of Lambda's that cannot be raised."""


def sequence_number(record: object) -> str | None:
    """A stream record's place in its shard; None: it is no stream record, or a broken one."""
    number = _change(record).get("SequenceNumber")
    return number if isinstance(number, str) and number.isdecimal() else None


def item_key(record: object) -> str:
    """The item that a record is of, as a string; the whole record when it names none."""
    return json.dumps(_change(record).get("Keys") or record, sort_keys=True)


def event_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as boto3's client returns it, in a stream record's JSON: binary as base64."""
    return {name: _mapped(value, _base64) for name, value in item.items()}


def client_item(image: Mapping[str, Any]) -> dict[str, Any]:
    """An image of a stream record as boto3's client takes it: binary as bytes."""
    return {name: _mapped(value, base64.b64decode) for name, value in image.items()}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _mapped(value: Mapping[str, Any], binary: Callable[[Any], object]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {kind: binary(content)}
        case "BS":
            return {kind: [binary(element) for element in content]}
        case "L":
            return {kind: [_mapped(element, binary) for element in content]}
        case "M":
            return {kind: {name: _mapped(element, binary) for name, element in content.items()}}
    return dict(value)


def _change(record: object) -> Mapping[str, Any]:
    change = record.get("dynamodb") if isinstance(record, Mapping) else None
    return change if isinstance(change, Mapping) else {}
