"""A record as it stood in the stream: of which item, at which place, and whether it can have."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from handler.attribute_values import InvalidAttributeValueError, plain_map
from handler.config import EventName
from infra.events.stream_record import sequence_number

Record: TypeAlias = object
"""What stood in the stream. Not always a mapping: some were given up because they are not."""

_IMAGES: Final = ("Keys", "NewImage", "OldImage")
_LEVELS: Final = 10
"""More than any record of a stream has around its images."""
_KEY_TYPES: Final = ({"S"}, {"N"}, {"B"})
# AWS: a sequence number has 21 to 40 digits (API Reference, StreamRecord).
_SEQUENCE_NUMBER: Final = re.compile(r"[0-9]{1,40}")


def impossible(record: Record) -> str | None:
    """Why no stream of DynamoDB's holds such a record; None: one may."""
    if not isinstance(record, Mapping):
        return f"a record must be an object, got {type(record).__name__}"
    change = record.get("dynamodb", {})
    if not isinstance(change, Mapping):
        return f"dynamodb must be an object, got {type(change).__name__}"
    return (
        _impossible_event(record)
        or _impossible_number(change)
        or next(filter(None, (_impossible_image(name, change) for name in _IMAGES)), None)
        or _impossible_nesting(record, change)
        or _impossible_text(record)
    )


def _impossible_event(record: Mapping[str, Any]) -> str | None:
    for name in ("eventID", "eventName"):
        if not isinstance(record.get(name, ""), str):
            return f"{name} must be a string"
    event = record.get("eventName")
    return None if event in (None, *EventName) else "eventName must be INSERT, MODIFY or REMOVE"


def _impossible_number(change: Mapping[str, Any]) -> str | None:
    number = change.get("SequenceNumber", "0")
    if isinstance(number, str) and _SEQUENCE_NUMBER.fullmatch(number):
        return None
    return "SequenceNumber must be 21 to 40 digits"


def _impossible_image(name: str, change: Mapping[str, Any]) -> str | None:
    image = change.get(name, {})
    try:
        plain_map(image)
    except InvalidAttributeValueError as error:
        return f"{name}: {error}"
    except RecursionError:
        return f"{name} is nested too deeply"
    if name == "Keys" and not all(set(key) in _KEY_TYPES for key in image.values()):
        return "Keys must be strings, numbers or binaries"
    return None


def _impossible_nesting(record: Mapping[str, Any], change: Mapping[str, Any]) -> str | None:
    """Of what surrounds the images, whose own nesting the handler's decoder has judged."""
    around = {name: value for name, value in change.items() if name not in _IMAGES}
    level: list[Any] = [{**record, "dynamodb": around}]
    for _ in range(_LEVELS):
        level = [inner for each in level for inner in _within(each)]
    return "it is nested too deeply" if level else None


def _within(value: object) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _impossible_text(record: Mapping[str, Any]) -> str | None:
    try:
        json.dumps(record, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        half = isinstance(error, UnicodeEncodeError)
        return "half a surrogate pair is no text" if half else "it is no JSON"
    return None


def identity(record: Record) -> bytes:
    """The same for equal records only."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).digest()


def place(record: Record) -> tuple[bool, int]:
    """Its place among records, by sequence number, which orders the changes of each item."""
    number = sequence_number(record)
    return number is None, int(number or 0)
