"""What is printed of a bucket that anybody may have written to: exact, and harmless to a terminal.

Escape sequences, newlines, half surrogate pairs and what turns the direction of writing come out as
escapes; numbers keep all their digits.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from rich.cells import cell_len, set_cell_size

from infra.wording import counted

LONGEST_REASON: Final = 200
"""Characters of a reason in a table or a message."""


def harmless(text: object) -> str:
    """One line that changes nothing about a terminal: what is not printable is an escape."""
    # str.isprintable() is false for control and format characters, surrogates and line separators.
    return "".join(each if each.isprintable() else _escaped(each) for each in str(text))


def capped(text: str, longest: int = LONGEST_REASON) -> str:
    """The text, or its beginning and how long it is."""
    return (
        text if len(text) <= longest else f"{text[:longest]}... ({counted(len(text), 'character')})"
    )


def listing(rows: Sequence[Mapping[str, Any]], width: int | None) -> Iterator[str]:
    """Failed objects in a table; where that is wider than the terminal, in two lines each.

    A key that is cut or folded is of no use to whoever wants to paste it.
    """
    table = [("failed at", "why", "records", "key"), *map(_cells, rows)]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    if width is None or sum(widths) + len(_GAP) * 3 <= width:
        for cells in table:
            padded = map(set_cell_size, cells, widths)
            yield _GAP.join(padded).rstrip()
        return
    for failed_at, why, records, key in table[1:]:
        yield _cut(_GAP.join((failed_at, counted(int(records), "record"), why)), width)
        yield f"{_GAP}{key}"


def _cells(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    why = f"{row['condition']}: {row['reason']}" if row["reason"] else row["condition"]
    failed_at, why, key = map(harmless, (row["failedAt"], why, row["key"]))
    return failed_at, why, str(row["records"]), key


def _cut(line: str, width: int) -> str:
    return line if cell_len(line) <= width else f"{set_cell_size(line, width - 1)}…"


_GAP: Final = "  "


def as_json(value: object, indent: str | None = None, margin: str = "") -> str:
    """JSON in ASCII with every digit of a number; binary as base64, sets as sorted lists."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return json.dumps(base64.b64encode(value).decode())
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    if isinstance(value, Mapping):
        members = [
            f"{as_json(str(name))}: {as_json(each, indent, margin + (indent or ''))}"
            for name, each in value.items()
        ]
        return _bracketed("{", members, "}", indent, margin)
    if isinstance(value, (list, tuple)):
        elements = [as_json(each, indent, margin + (indent or "")) for each in value]
        return _bracketed("[", elements, "]", indent, margin)
    return json.dumps(value).replace("\x7f", "\\u007f")


def _bracketed(
    opening: str, parts: list[str], closing: str, indent: str | None, margin: str
) -> str:
    if indent is None or not parts:
        return f"{opening}{', '.join(parts)}{closing}"
    inner = f",\n{margin}{indent}".join(parts)
    return f"{opening}\n{margin}{indent}{inner}\n{margin}{closing}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
