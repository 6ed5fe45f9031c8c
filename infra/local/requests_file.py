"""The requests that the demo writes: a built-in mix, any number of inserts, or a file of one's own.

Each is one write to the table, in DynamoDB's own JSON.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from handler.attribute_values import in_words
from handler.config import EventName, RequestsStream
from infra.sample_items import TypedItem, sample_item


class ItemsError(Exception):
    """The items cannot be written; says which lines, and what would be right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One change of the table, and the event that it makes."""

    event: EventName
    key: TypedItem
    item: Mapping[str, Any]
    """The item afterwards, typed; the key alone for a removal."""

    def put_into(self, client: Any, table: str) -> None:
        """Makes the change."""
        if self.event is EventName.REMOVE:
            client.delete_item(TableName=table, Key=self.item)
        else:
            client.put_item(TableName=table, Item=self.item)


def built_in_mix(stream: RequestsStream) -> list[Write]:
    """Twelve inserts, four updates and two removals, as a table sees them in a busy minute."""
    inserts = inserts_of(stream, 12)
    updates = [_write(stream, EventName.MODIFY, number, "changed") for number in (3, 5, 7, 9)]
    removals = [
        Write(event=EventName.REMOVE, key=write.key, item=write.key) for write in inserts[8:10]
    ]
    return [*inserts[:6], *updates[:2], *inserts[6:], *updates[2:], *removals]


def inserts_of(stream: RequestsStream, count: int) -> list[Write]:
    """So many new items of the contract's type."""
    return [_write(stream, EventName.INSERT, number, "hello") for number in range(1, count + 1)]


def read_items(path: Path, stream: RequestsStream) -> list[Write]:
    """One item a line, as plain JSON. Raises `ItemsError` with all that is wrong."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ItemsError(f"{path} cannot be read: {error}") from error
    writes, problems, seen = [], [], list[TypedItem]()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            write = _item(line, stream, seen)
        except ItemsError as error:
            problems.append(f"{path}:{number}: {error}")
        else:
            writes.append(write)
            seen.append(write.key)
    if not writes and not problems:
        problems.append(f"{path} holds no items; it takes one JSON object a line")
    if problems:
        raise ItemsError("\n".join(problems))
    return writes


def count_of(writes: Iterable[Write], events: Sequence[EventName]) -> int:
    """How many of the writes make one of these events."""
    return sum(write.event in events for write in writes)


def _item(line: str, stream: RequestsStream, seen: Sequence[TypedItem]) -> Write:
    try:
        item = json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise ItemsError(f"is not JSON: {error}") from error
    if not isinstance(item, dict):
        raise ItemsError("must be a JSON object")
    try:
        typed: Any = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    except (TypeError, ArithmeticError) as error:
        raise ItemsError(f"is nothing DynamoDB can hold: {error}") from error
    key = _key(typed, stream)
    event = EventName.MODIFY if key in seen else EventName.INSERT
    return Write(event=event, key=key, item=typed)


def _key(item: TypedItem, stream: RequestsStream) -> TypedItem:
    problems = [
        f"must have {key.name}, {in_words([key.type])}"
        for key in stream.item.keys
        if not item.get(key.name, {}).get(key.type)
    ]
    if problems:
        raise ItemsError(" and ".join(problems))
    return {key.name: item[key.name] for key in stream.item.keys}


def _write(stream: RequestsStream, event: EventName, number: int, word: str) -> Write:
    item = sample_item(stream, f"{number:04d}", word=word)
    return Write(event=event, key=_key(item, stream), item=item)
