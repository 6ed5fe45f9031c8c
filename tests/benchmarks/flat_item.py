"""A flat item, as most tables have them: ten attributes side by side."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from handler.item_types import Key, SortKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Flat:
    """An order."""

    customer: Key[str]
    placed: SortKey[Decimal]
    status: str
    currency: str
    total: Decimal
    count: int
    paid: bool
    note: str
    channel: str
    updated: int


IMAGE: Final[dict[str, Any]] = {
    "customer": {"S": "c-1029"},
    "placed": {"N": "1790000000"},
    "status": {"S": "new"},
    "currency": {"S": "EUR"},
    "total": {"N": "101.5"},
    "count": {"N": "3"},
    "paid": {"BOOL": True},
    "note": {"S": "at the back door"},
    "channel": {"S": "web"},
    "updated": {"N": "1790000001"},
}
"""One as the stream carries it."""
