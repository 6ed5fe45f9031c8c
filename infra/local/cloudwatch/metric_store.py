"""Metrics over time: what was counted when, and what it comes to in a period."""

import bisect
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

STATISTICS: Final = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")

_KEPT: Final = 2 * 24 * 3600
"""Seconds for which data points are kept: twice the longest period of an alarm of this program."""


@dataclass(frozen=True, slots=True)
class Series:
    """One metric, as CloudWatch tells it from all others."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "Series":
        return cls(namespace, name, frozenset(dimensions.items()))


@dataclass(slots=True)
class Statistics:
    """What was counted within a time."""

    count: float = 0
    total: float = 0
    least: float = float("inf")
    greatest: float = float("-inf")

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.greatest = max(self.greatest, value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What was counted of a metric within a minute."""

    series: Series
    minute: int
    """The epoch second at which it began."""
    statistics: Statistics


class MetricStore:
    """Keeps data points by the second; safe to use from several threads."""

    def __init__(self) -> None:
        self._seconds: dict[Series, dict[int, Statistics]] = defaultdict(dict)
        self._order: dict[Series, list[int]] = defaultdict(list)
        self._new: dict[tuple[Series, int], Statistics] = defaultdict(Statistics)
        self._lock = threading.Lock()

    def add(self, series: Series, value: float, at: float) -> None:
        """One data point, at an epoch second."""
        second = int(at)
        with self._lock:
            seconds, order = self._seconds[series], self._order[series]
            if second not in seconds:
                seconds[second] = Statistics()
                bisect.insort(order, second)
                while order[0] < second - _KEPT:
                    del seconds[order.pop(0)]
            seconds[second].add(value)
            self._new[series, second // 60 * 60].add(value)

    def taken(self) -> list[Counted]:
        """What was counted since this was called before."""
        with self._lock:
            new, self._new = self._new, defaultdict(Statistics)
        return [
            Counted(series=series, minute=minute, statistics=statistics)
            for (series, minute), statistics in new.items()
        ]

    def data_point(
        self, series: Series, statistic: str, *, start: float, end: float
    ) -> float | None:
        """A statistic over a period, its end not included; None: there is no data in it."""
        return self._over([series], statistic, start, end)

    def over_all(
        self, namespace: str, name: str, statistic: str, *, start: float, end: float
    ) -> float | None:
        """The same of a metric whatever its dimensions, as of all functions together."""
        with self._lock:
            named = [
                each for each in self._order if (each.namespace, each.name) == (namespace, name)
            ]
        return self._over(named, statistic, start, end)

    def _over(
        self, several: Sequence[Series], statistic: str, start: float, end: float
    ) -> float | None:
        with self._lock:
            seconds = [
                self._seconds[series][second]
                for series in several
                for second in _within(self._order.get(series, []), start, end)
            ]
        return _statistic(statistic, seconds) if seconds else None


def _within(order: list[int], start: float, end: float) -> list[int]:
    return order[bisect.bisect_left(order, start) : bisect.bisect_left(order, end)]


def _statistic(statistic: str, seconds: list[Statistics]) -> float:
    count, total = sum(each.count for each in seconds), sum(each.total for each in seconds)
    return {
        "SampleCount": count,
        "Sum": total,
        "Average": total / count,
        "Minimum": min(each.least for each in seconds),
        "Maximum": max(each.greatest for each in seconds),
    }[statistic]
