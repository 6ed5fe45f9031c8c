"""The load that is asked about: how much is written, how large, and what goes wrong meanwhile."""

import math
from dataclasses import dataclass

from infra.capacity.listed import listed


@dataclass(frozen=True, kw_only=True, slots=True)
class Burst:
    """More is written for a while."""

    writes_per_second: float
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """All writes of the table, spread evenly over its shards. Times are in seconds."""

    writes_per_second: float
    record_bytes: int = 1024
    """Of an item, and so of the image that a record carries."""
    process_seconds: float = 0.0
    """What `process` takes for one record."""
    passing: float = 1.0
    """The share of the writes that the filter lets through."""
    burst: Burst | None = None
    outage_seconds: float = 0.0
    """How long what `process` calls is down: each record fails then."""

    @property
    def write_units(self) -> int:
        """DynamoDB's, of one write."""
        return max(1, math.ceil(self.record_bytes / 1024))

    @property
    def peak(self) -> float:
        """The most that is written a second."""
        return max(self.writes_per_second, self.burst.writes_per_second if self.burst else 0)

    @property
    def assumed_shards(self) -> int:
        """One for each partition that the peak needs; a new table has four."""
        quotas = listed().quotas
        units = max(self.peak * self.write_units, quotas["new_table_write_units"])
        return math.ceil(units / quotas["partition_write_units"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrivals:
    """When the records of one queue are written: at one rate, but for a while at another."""

    rate: float
    other_rate: float = 0.0
    other_from: float = 0.0
    other_to: float = 0.0
    """Seconds from the beginning; the same as `other_from` for no other rate."""

    def count(self, time: float) -> int:
        """How many were written until then."""
        other = min(max(time - self.other_from, 0.0), self.other_to - self.other_from)
        return int((time - other) * self.rate + other * self.other_rate + 1e-9)

    def time(self, index: int) -> float:
        """When the record of that index, from 0, was written."""
        number = index + 1.0
        before = self.other_from * self.rate
        during = (self.other_to - self.other_from) * self.other_rate
        if number <= before or self.other_to <= self.other_from:
            return number / self.rate
        if number <= before + during:
            return self.other_from + (number - before) / self.other_rate
        return self.other_to + (number - before - during) / self.rate
