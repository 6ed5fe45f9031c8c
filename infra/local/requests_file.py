"""The requests that the demo writes: a built-in mix, any number of inserts, or a file of one's own.

Each is one write to the table, in DynamoDB's own JSON.
"""

import codecs
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from handler.config import EventName, RequestsStream
from infra.local.plain_items import InvalidItemError, typed_item
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
    """One item a line, as plain JSON; `-` is standard input.

    Raises `ItemsError` with all that is wrong.
    """
    name = "standard input" if str(path) == "-" else str(path)
    writes, problems, seen = list[Write](), list[str](), set[str]()
    for number, line in enumerate(_lines(path, name), start=1):
        try:
            if string := _string(line, is_first=number == 1).strip(_BLANKS):
                writes.append(_item(string, stream, seen))
        except InvalidItemError as error:
            problems += [f"{name}:{number}: {problem}" for problem in error.problems]
    if not writes and not problems:
        problems.append(f"{name} holds no items; it takes one JSON object a line")
    if problems:
        raise ItemsError(_shortened(problems))
    return writes


_BLANKS: Final = " \t\r"
"""JSON's, of a line. Python would take U+0085 and the like for some too."""


def _lines(path: Path, name: str) -> list[bytes]:
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ItemsError(f"{name} cannot be read: {error.strerror}") from error
    # JSON ends no line at U+2028, U+0085 and the like, as Python would.
    return content.split(b"\n")


def _string(line: bytes, *, is_first: bool) -> str:
    if is_first and line.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InvalidItemError("begins with a byte order mark: save the file as UTF-8 without one")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise InvalidItemError(
            f"is not UTF-8: byte {error.start + 1} of the line is 0x{line[error.start]:02X}"
        ) from error


def _shortened(problems: list[str]) -> str:
    more = len(problems) - _SHOWN
    return "\n".join([*problems[:_SHOWN], *([f"... and {more:,} more"] if more > 0 else [])])


_SHOWN: Final = 20
"""Mistakes of a file, which may have one in each line."""


def count_of(writes: Iterable[Write], events: Sequence[EventName]) -> int:
    """How many of the writes make one of these events."""
    return sum(write.event in events for write in writes)


def _item(line: str, stream: RequestsStream, seen: set[str]) -> Write:
    item = typed_item(line, stream)
    key = _key(item, stream)
    # The same number may be written in several ways.
    name = repr([Decimal(each["N"]).normalize() if "N" in each else each for each in key.values()])
    event = EventName.MODIFY if name in seen else EventName.INSERT
    seen.add(name)
    return Write(event=event, key=key, item=item)


def _key(item: TypedItem, stream: RequestsStream) -> TypedItem:
    return {key.name: item[key.name] for key in stream.item.keys}


def _write(stream: RequestsStream, event: EventName, number: int, word: str) -> Write:
    item = sample_item(stream, f"{number:04d}", word=word)
    return Write(event=event, key=_key(item, stream), item=item)
