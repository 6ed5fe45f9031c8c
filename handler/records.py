"""From a stream record to a `Request`: typed DynamoDB JSON in, plain Python out.

Nothing here knows of Lambda or AWS clients. What cannot be a request is a `MalformedRecordError`,
whatever is wrong with it.
"""

import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from handler.attribute_values import InvalidAttributeValueError, Mistake, in_words
from handler.change import Change, MalformedRecordError, RejectedRequestError
from handler.config import EventName, Image, RequestsStream
from handler.request import Request

__all__ = [
    "MalformedRecordError",
    "RejectedRequestError",
    "Request",
    "RequestReader",
    "event_name",
    "record_id",
    "request_of",
    "sequence_number",
]

_TIME_TO_LIVE: Final = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
"""Who removes what has expired (DynamoDB Developer Guide, "DynamoDB Streams and Time to Live")."""

_MOST_MISTAKES: Final = 20
"""Told of one record: a list of thousands may be wrong in each of its elements."""

_SECONDS: Final = frozenset({int, float})

_EVENT_NAMES: Final = {event.value: event for event in EventName}


def event_name(record: object) -> EventName:
    """What happened to the item. Raises `MalformedRecordError`."""
    name = _mapping(record, "record", record).get("eventName")
    event = _EVENT_NAMES.get(name) if isinstance(name, str) else None
    if event is None:
        raise _malformed(record, "eventName", name, "INSERT, MODIFY or REMOVE")
    return event


def request_of(record: object, stream: RequestsStream) -> Any:
    """Makes the request of a stream record: what `stream.request` names.

    Raises `MalformedRecordError`, and what the item's own `__post_init__` raises.
    """
    event = event_name(record)
    whole = _mapping(record, "record", record)
    change = _mapping(record, "dynamodb", whole.get("dynamodb"))
    keys = _mapping(record, "dynamodb.Keys", change.get("Keys"))
    image_name = stream.image(event)
    image = keys
    if image_name is not None:
        image = _mapping(record, f"dynamodb.{image_name}", change.get(image_name))
    item = _item(record, image_name, image, keys, stream)
    return stream.request(
        item=item,
        old=_old(record, change, image_name, item, stream),
        event_id=_string(record, "eventID", whole.get("eventID")),
        event_name=event,
        sequence_number=_sequence_number(record, change.get("SequenceNumber")),
        time=_time(record, change.get("ApproximateCreationDateTime")),
        removed_by_ttl=whole.get("userIdentity") == _TIME_TO_LIVE,
        image=image,
    )


class RequestReader:
    """Reads the records of one contract, of which what can be is worked out once."""

    def __init__(self, stream: RequestsStream) -> None:
        self._stream = stream
        self._read = _fast_reader(stream)

    def request_of(self, record: Any) -> Any:
        """The request of a record; None when its event is none of the contract.

        Raises what `request_of` raises.
        """
        try:
            return self._read(record)
        except Exception:  # noqa: BLE001 - whatever it is, the careful way says it
            if event_name(record) not in self._stream.events:
                return None
            return request_of(record, self._stream)


def _fast_reader(stream: RequestsStream) -> Callable[[Any], Any]:
    """Reads a record that is as it should be. Of others it raises anything, and says nothing."""
    images = {event.value: (event, _image_key(stream, event)) for event in stream.events}
    key_names = [key.name for key in stream.item.keys]
    decode, make = stream.item.decode, _maker(stream.request)

    def read(record: Any) -> Any:
        event, image_name = images[record["eventName"]]
        change = record["dynamodb"]
        keys, image = change["Keys"], change[image_name]
        for name in key_names:
            if image[name] != keys[name]:
                raise ValueError
        event_id, number = record["eventID"], change["SequenceNumber"]
        seconds = change["ApproximateCreationDateTime"]
        if not (
            type(event_id) is type(number) is str
            and event_id
            and number.isdigit()
            and number.isascii()
            and type(seconds) in _SECONDS
        ):
            raise ValueError
        item = old = decode(image)
        if image_name != "OldImage":
            old = decode(change["OldImage"]) if "OldImage" in change else None
        is_removed_by_ttl = "userIdentity" in record and record["userIdentity"] == _TIME_TO_LIVE
        return make(
            {
                "item": item,
                "old": old,
                "event_id": event_id,
                "event_name": event,
                "sequence_number": number,
                "time": _utc(seconds),
                "removed_by_ttl": is_removed_by_ttl,
                "image": image,
            }
        )

    return read


def _image_key(stream: RequestsStream, event: EventName) -> str:
    """What a record holds the request's image under: its keys, where it carries no image."""
    image = stream.image(event)
    return "Keys" if image is None else image.value


def _maker(request: type[Change[Any]]) -> Callable[[dict[str, Any]], Any]:
    """Makes a request of all of its fields."""
    kind = typing.get_origin(request) or request
    if kind.__init__ is not Change.__init__:
        return lambda fields: request(**fields)

    def make(fields: dict[str, Any]) -> Any:
        made = _new(kind)
        # A frozen dataclass sets one field after the other, which takes three times as long.
        _set(made, "__dict__", fields)
        return made

    return make


_new: Final = object.__new__
_set: Final = object.__setattr__


@lru_cache(maxsize=16)
def _utc(seconds: float) -> datetime:
    """Many of a batch are of the same second."""
    return datetime.fromtimestamp(seconds, UTC)


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


def _item(
    record: object,
    image_name: Image | None,
    image: Mapping[str, Any],
    keys: Mapping[str, Any],
    stream: RequestsStream,
) -> Any:
    """The item, whose keys are those that the record has been written under."""
    mistakes = [
        Mistake(f"Keys.{key.name}", None, in_words([key.type]))
        if key.name not in keys
        else Mistake(
            f"{image_name}.{key.name}",
            image[key.name],
            f"the same as in Keys: {_in_words(keys[key.name])}",
        )
        for key in stream.item.keys
        if key.name in image and image[key.name] != keys.get(key.name)
    ]
    try:
        item = stream.item.decode(image)
    except InvalidAttributeValueError as error:
        mistakes += error.within(str(image_name or "Keys"))
    if mistakes:
        raise _misfit(record, mistakes)
    return item


def _old(
    record: object,
    change: Mapping[str, Any],
    image_name: Image | None,
    item: object,
    stream: RequestsStream,
) -> Any:
    """The item before the change; the item itself where that is what the request is made of."""
    if image_name is Image.OLD:
        return item
    if Image.OLD not in change:
        return None
    old = _mapping(record, f"dynamodb.{Image.OLD}", change[Image.OLD])
    try:
        return stream.item.decode(old)
    except InvalidAttributeValueError as error:
        raise _misfit(record, error.within(str(Image.OLD))) from None


def _string(record: object, where: str, value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise _malformed(record, where, value, "a string")


def _sequence_number(record: object, value: object) -> str:
    number = sequence_number(record)
    if number is None:
        raise _malformed(record, "dynamodb.SequenceNumber", value, "digits as a string")
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
        f"record {record_id(record)}: {where} must be {expected}, found {_in_words(found)}",
        (f"{where} must be {expected}",),
    )


def _misfit(record: object, mistakes: Sequence[Mistake]) -> MalformedRecordError:
    """All mistakes at once; of very many the first."""
    told = [
        f"{one.path} must be {one.expected}, found {_in_words(one.found)}"
        for one in mistakes[:_MOST_MISTAKES]
    ]
    more = len(mistakes) - len(told)
    rest = f"; and {more} more" if more else ""
    return MalformedRecordError(
        f"record {record_id(record)}: {'; '.join(told)}{rest}",
        tuple(f"{one.path} must be {one.expected}" for one in mistakes),
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
