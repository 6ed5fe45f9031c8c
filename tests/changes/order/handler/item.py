"""What an item of the orders' table is."""

from dataclasses import dataclass, field
from decimal import Decimal

from handler.change import Change
from handler.item_types import Key, SortKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What is ordered, and how often."""

    sku: str
    count: int
    price: Decimal
    marks: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order of a customer, by the second in which it was placed."""

    customer: Key[str]
    placed: SortKey[int]
    status: str
    total: Decimal
    note: str | None = None
    lines: list[Line] = field(default_factory=list)


Request = Change[Order]
