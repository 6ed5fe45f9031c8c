"""Microseconds to decode one item: into a declared type, and into a map without one."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

from handler.attribute_values import plain_map
from handler.item_types import ItemType, Key, SortKey
from tests.benchmarks.side_by_side import medians, seconds
from tests.benchmarks.target import at_most

ITEMS: Final = 2_000
ROUNDS: Final = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class Flat:
    """Ten attributes side by side, as most tables have them."""

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


IMAGE: Final = {
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


def main() -> None:
    works = {
        "typed": partial(_decoding, ItemType(Flat).decode),
        "untyped map": partial(_decoding, plain_map),
    }
    times = medians(works, rounds=ROUNDS)
    ratio = times["typed"] / times["untyped map"]
    for name, time in times.items():
        said = f"{ratio:.2f} times the untyped map {at_most(ratio, 1.3, ' times')}"
        line = f"an item of ten attributes, {name:<11}: {time / ITEMS * 1e6:>5.1f} µs"
        print(f"{line} {said if name == 'typed' else ''}".rstrip())


def _decoding(decode: Callable[[Any], object]) -> float:
    def work() -> None:
        for _ in range(ITEMS):
            decode(IMAGE)

    return seconds(work)


if __name__ == "__main__":
    main()
