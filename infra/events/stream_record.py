"""A stream record as Lambda hands it to a function: its place, its item, and its values in JSON."""

import base64
import json
from collections.abc import Mapping
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


def event_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """An item as boto3's client returns it, in a stream record's JSON: binary as base64."""
    return {name: _event_value(value) for name, value in item.items()}


def _event_value(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {kind: _base64(content)}
        case "BS":
            return {kind: [_base64(element) for element in content]}
        case "L":
            return {kind: [_event_value(element) for element in content]}
        case "M":
            return {kind: event_item(content)}
    return dict(value)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _change(record: object) -> Mapping[str, Any]:
    change = record.get("dynamodb") if isinstance(record, Mapping) else None
    return change if isinstance(change, Mapping) else {}
