"""What each import costs, from what `python -X importtime` prints."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

_LINE: Final = re.compile(r"import time: +(\d+) \| +\d+ \| +([\w.]+)$")

REST: Final = "the rest"


def self_times(printed: str) -> dict[str, int]:
    """Of each module the microseconds that it took itself, without what it imports."""
    return {name: int(took) for took, name in _lines(printed)}


def _lines(printed: str) -> Iterator[tuple[str, str]]:
    for line in printed.splitlines():
        if found := _LINE.match(line):
            yield found[1], found[2]


def by_package(times: Mapping[str, int], *, without: Collection[str] = ()) -> Counter[str]:
    """Of each package with all its modules; `without` those that every interpreter imports."""
    costs: Counter[str] = Counter()
    for module, took in times.items():
        if module not in without:
            costs[module.partition(".")[0]] += took
    return costs


def dearest(costs: Sequence[Mapping[str, float]], *, share: float = 0.02) -> dict[str, list[float]]:
    """What each package costs in each of the functions, the dearest first.

    Those that take less than their share in all of the functions are one.
    """
    least = [sum(each.values()) * share for each in costs]
    shown: dict[str, list[float]] = {}
    rest = [0.0] * len(costs)
    for name in {name: None for each in costs for name in each}:
        figures = [each.get(name, 0) for each in costs]
        if any(map(float.__ge__, map(float, figures), least)):
            shown[name] = figures
        else:
            rest = list(map(float.__add__, rest, map(float, figures)))
    ordered = dict(sorted(shown.items(), key=lambda each: max(each[1]), reverse=True))
    return {**ordered, REST: rest} if any(rest) else ordered
