"""From a stream record to a `Request`: typed DynamoDB JSON in, plain Python out.

Nothing here knows of Lambda or AWS clients. What cannot be a request is a `MalformedRecordError`,
whatever is wrong with it.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from handler.config import EventName, RequestsStream

MAXIMUM_DEPTH: Final = 32
"""Levels of nesting that DynamoDB stores; the limit is AWS's."""

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class RejectedRequestError(Exception):
    """No retry can help: the record is parked in the failure bucket, and the stream goes on."""


class MalformedRecordError(RejectedRequestError):
    """The record is no request: says which attribute, what is there and what should be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One item of the table, and the change that made it a request."""

    request_id: str
    payload: dict[str, Any]
    """Plain Python: str, Decimal, bytes, bool, None, dict, list, and sets of the first three."""
    event_id: str
    """Unique to the change; the same when the record is delivered again."""
    event_name: EventName
    sequence_number: str
    """Its place in the shard: larger is later. Compare as numbers, not as texts."""
    time: datetime
    """When the change was written, UTC, to about a second."""


def event_name(record: object) -> EventName:
    """What happened to the item. Raises `MalformedRecordError`."""
    name = _mapping(record, "record", record).get("eventName")
    try:
        return EventName(name)  # type: ignore[arg-type] # whatever is no event name is a ValueError
    except ValueError:
        raise _malformed(record, "eventName", name, "INSERT, MODIFY or REMOVE") from None


def request_of(record: object, stream: RequestsStream) -> Request:
    """Makes the request of a stream record. Raises `MalformedRecordError`."""
    event = event_name(record)
    whole = _mapping(record, "record", record)
    change = _mapping(record, "dynamodb", whole.get("dynamodb"))
    image_name = stream.image(event)
    image = _mapping(record, f"dynamodb.{image_name}", change.get(image_name))
    keys = _mapping(record, "dynamodb.Keys", change.get("Keys"))
    request_id = _key(record, f"{image_name}.{stream.key_attribute}", image, stream)
    key = _key(record, f"Keys.{stream.key_attribute}", keys, stream)
    if key != request_id:
        where = f"{image_name}.{stream.key_attribute}"
        raise _malformed(record, where, request_id, f"the same as in Keys: {key!r}")
    return Request(
        request_id=request_id,
        payload=_payload(record, f"{image_name}.{stream.payload_attribute}", image, stream),
        event_id=_text(record, "eventID", whole.get("eventID")),
        event_name=event,
        sequence_number=_text(record, "dynamodb.SequenceNumber", change.get("SequenceNumber")),
        time=_time(record, change.get("ApproximateCreationDateTime")),
    )


def record_id(record: object) -> str:
    """The record's event id for messages and logs, also when there is none."""
    value = record.get("eventID") if isinstance(record, Mapping) else None
    return value if isinstance(value, str) and value else "without an event id"


def sequence_number(record: object) -> str | None:
    """The record's place in the shard, by which Lambda knows it; None: it names none."""
    change = record.get("dynamodb") if isinstance(record, Mapping) else None
    number = change.get("SequenceNumber") if isinstance(change, Mapping) else None
    return number if isinstance(number, str) and number else None


def _key(record: object, where: str, image: Mapping[str, Any], stream: RequestsStream) -> str:
    value = image.get(stream.key_attribute)
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("S"), str):
        return str(value["S"])
    raise _malformed(record, where, value, 'a string, {"S": "..."}')


def _payload(
    record: object, where: str, image: Mapping[str, Any], stream: RequestsStream
) -> dict[str, Any]:
    value = image.get(stream.payload_attribute)
    if not isinstance(value, Mapping) or list(value) != ["M"]:
        raise _malformed(record, where, value, 'a map, {"M": {...}}')
    try:
        return _decode_map(value["M"], 0)
    except _UndecodableError as error:
        raise _malformed(record, where, error.found, error.expected) from None


def _text(record: object, where: str, value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise _malformed(record, where, value, "a text")


def _time(record: object, value: object) -> datetime:
    where, expected = "dynamodb.ApproximateCreationDateTime", "epoch seconds"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _malformed(record, where, value, expected)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise _malformed(record, where, value, expected) from None


def _mapping(record: object, where: str, value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise _malformed(record, where, value, "an object")


def _malformed(record: object, where: str, found: object, expected: str) -> MalformedRecordError:
    return MalformedRecordError(
        f"record {record_id(record)}: {where} must be {expected}, found {_in_words(found)}"
    )


class _UndecodableError(Exception):
    """A typed value that DynamoDB cannot have written."""

    def __init__(self, found: object, expected: str) -> None:
        super().__init__(expected)
        self.found = found
        self.expected = expected


def _decode(value: object, depth: int) -> Any:
    if not isinstance(value, dict) or len(value) != 1:
        raise _UndecodableError(value, 'made of typed values such as {"S": "text"}')
    ((kind, content),) = value.items()
    decode = _DECODERS.get(kind)
    if decode is None:
        raise _UndecodableError(kind, f"made of values of the types {', '.join(_DECODERS)}")
    return decode(content, depth)


def _decode_string(content: object, _: int) -> str:
    if not isinstance(content, str):
        raise _UndecodableError(content, "made of values whose S is a text")
    return content


def _decode_number(content: object, _: int) -> Decimal:
    if not isinstance(content, str) or _NUMBER.fullmatch(content) is None:
        raise _UndecodableError(content, "made of values whose N is a number as a text")
    return Decimal(content)


def _decode_binary(content: object, _: int) -> bytes:
    if isinstance(content, str):
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise _UndecodableError(content, "made of values whose B is base64 text")


def _decode_bool(content: object, _: int) -> bool:
    if not isinstance(content, bool):
        raise _UndecodableError(content, "made of values whose BOOL is true or false")
    return content


def _decode_null(content: object, _: int) -> None:
    if content is not True:
        raise _UndecodableError(content, "made of values whose NULL is true")


def _decode_map(content: object, depth: int) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise _UndecodableError(content, "made of values whose M is an object")
    if depth > MAXIMUM_DEPTH:
        raise _UndecodableError(content, f"nested {MAXIMUM_DEPTH} levels deep at most")
    return {name: _decode(value, depth + 1) for name, value in content.items()}


def _decode_list(content: object, depth: int) -> list[Any]:
    if not isinstance(content, list):
        raise _UndecodableError(content, "made of values whose L is a list")
    if depth > MAXIMUM_DEPTH:
        raise _UndecodableError(content, f"nested {MAXIMUM_DEPTH} levels deep at most")
    return [_decode(value, depth + 1) for value in content]


def _decode_set(kind: str) -> Callable[[object, int], Any]:
    def decode(content: object, depth: int) -> set[Any]:
        if not isinstance(content, list):
            raise _UndecodableError(content, f"made of values whose {kind}S is a list")
        return {_DECODERS[kind](member, depth) for member in content}

    return decode


_DECODERS: Final[dict[str, Callable[[object, int], Any]]] = {
    "S": _decode_string,
    "N": _decode_number,
    "B": _decode_binary,
    "BOOL": _decode_bool,
    "NULL": _decode_null,
    "M": _decode_map,
    "L": _decode_list,
    "SS": _decode_set("S"),
    "NS": _decode_set("N"),
    "BS": _decode_set("B"),
}


def _in_words(value: object) -> str:
    """The kind of a value and, of a short scalar, the value."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        names = ", ".join(sorted(map(str, value))[:5])
        return f"an object with {names}" if names else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
