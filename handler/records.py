"""From a stream record to a `Request`: typed DynamoDB JSON in, plain Python out.

Nothing here knows of Lambda or AWS clients. What cannot be a request is a `MalformedRecordError`,
whatever is wrong with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from handler.attribute_values import InvalidAttributeValueError, plain_map
from handler.config import EventName, RequestsStream

_EVENT_NAMES: Final = {event.value: event for event in EventName}


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
    event = _EVENT_NAMES.get(name) if isinstance(name, str) else None
    if event is None:
        raise _malformed(record, "eventName", name, "INSERT, MODIFY or REMOVE")
    return event


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
        sequence_number=_sequence_number(record, change.get("SequenceNumber")),
        time=_time(record, change.get("ApproximateCreationDateTime")),
    )


def record_id(record: object) -> str:
    """The record's event id for messages and logs, also when there is none."""
    value = record.get("eventID") if isinstance(record, dict) else None
    if not isinstance(value, str) or not value:
        return "without an event id"
    # AWS's are hexadecimal digits; half a surrogate pair could not even be printed.
    return value if value.isascii() else ascii(value)


def sequence_number(record: object) -> str | None:
    """The record's place in the shard, by which Lambda knows it; None: it has none or no number."""
    change = record.get("dynamodb") if isinstance(record, dict) else None
    number = change.get("SequenceNumber") if isinstance(change, dict) else None
    return number if isinstance(number, str) and number.isascii() and number.isdigit() else None


def _key(record: object, where: str, image: Mapping[str, Any], stream: RequestsStream) -> str:
    value = image.get(stream.key_attribute)
    if isinstance(value, dict) and len(value) == 1 and isinstance(value.get("S"), str):
        return str(value["S"])
    raise _malformed(record, where, value, 'a string, {"S": "..."}')


def _payload(
    record: object, where: str, image: Mapping[str, Any], stream: RequestsStream
) -> dict[str, Any]:
    value = image.get(stream.payload_attribute)
    if not isinstance(value, dict) or list(value) != ["M"]:
        raise _malformed(record, where, value, 'a map, {"M": {...}}')
    try:
        return plain_map(value["M"])
    except InvalidAttributeValueError as error:
        raise _malformed(record, where + error.path, error.found, error.expected) from None


def _text(record: object, where: str, value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise _malformed(record, where, value, "a text")


def _sequence_number(record: object, value: object) -> str:
    number = sequence_number(record)
    if number is None:
        raise _malformed(record, "dynamodb.SequenceNumber", value, "digits as a text")
    return number


def _time(record: object, value: object) -> datetime:
    where, expected = "dynamodb.ApproximateCreationDateTime", "epoch seconds"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _malformed(record, where, value, expected)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise _malformed(record, where, value, expected) from None


def _mapping(record: object, where: str, value: object) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise _malformed(record, where, value, "an object")


def _malformed(record: object, where: str, found: object, expected: str) -> MalformedRecordError:
    return MalformedRecordError(
        f"record {record_id(record)}: {where} must be {expected}, found {_in_words(found)}"
    )


def _in_words(value: object) -> str:
    """The kind of a value and, of a short scalar, the value."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        names = ", ".join(sorted(map(str, value))[:5])
        return f"an object with {names}" if names else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
