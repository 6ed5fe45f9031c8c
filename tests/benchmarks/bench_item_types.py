"""Microseconds to decode one item: into a declared type, and into a map without one."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from handler.attribute_values import plain_map
from handler.item_types import ItemType
from tests.benchmarks.figures import Part, Table, with_spread
from tests.benchmarks.flat_item import IMAGE, Flat
from tests.benchmarks.side_by_side import interleaved
from tests.benchmarks.target import at_most

ITEMS: Final = 2_000
ROUNDS: Final = 25
MOST: Final = 1.3
"""Times an untyped map."""


def main() -> Part:
    works = {
        "typed": partial(_decoding, ItemType(Flat).decode),
        "untyped map": partial(_decoding, plain_map),
    }
    times = interleaved(works, rounds=ROUNDS)
    ratio = times["typed"].times(times["untyped map"])
    rows = [
        (name, with_spread(samples.scaled(1e6 / ITEMS)), "", "") for name, samples in times.items()
    ]
    rows[0] = (*rows[0][:2], with_spread(ratio, "{:.2f}"), at_most(ratio, MOST))
    table = Table(
        head=("an item of ten attributes", "CPU µs", "times the map", "target"), rows=tuple(rows)
    )
    return Part(title="Decoding an item", tables=(table,))


def _decoding(decode: Callable[[Any], object]) -> float:
    begun = time.process_time()
    for _ in range(ITEMS):
        decode(IMAGE)
    return time.process_time() - begun
