"""What one queue of a shard is tried with, and what came of it."""

from dataclasses import dataclass, field
from typing import Final

from infra.capacity.function_time import FunctionTime
from infra.capacity.workload import Arrivals
from infra.config.stack_settings import StartingPosition
from infra.events.stream_record import INVOCATION_PAYLOAD
from infra.local.mapping.settings import MappingSettings

POLL_INTERVAL: Final = 0.25
"""Seconds: "Lambda polls shards [...] at a base rate of 4 times per second" (Developer Guide)."""

ENVELOPE_BYTES: Final = 440
"""Of a record in the event, beside its image: ids, names, the keys, the table's ARN."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What one queue is to be tried with. Times are in seconds from the beginning."""

    arrivals: Arrivals
    settings: MappingSettings
    function: FunctionTime
    record_bytes: int
    """Of a record's image."""
    outage_from: float = 0.0
    outage_to: float = 0.0
    until: float
    """The simulation ends then, or later, once less than a batch waits, if it may go on."""
    goes_on: bool = False
    poll_interval: float = POLL_INTERVAL
    jumps: bool = True
    """Whether what repeats itself is left out."""

    @property
    def fullest(self) -> int:
        """Records of the largest batch: 6 MB is an invocation's most."""
        most = (INVOCATION_PAYLOAD - 14) // (self.record_bytes + ENVELOPE_BYTES)
        return max(1, min(self.settings.batch_size, most))


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What a simulation saw. What it left out is counted."""

    ages: list[tuple[float, float]] = field(default_factory=list)
    """Time, and the iterator's age then: as Lambda's IteratorAge, of the last record of a batch
    that is handed to the function."""
    batches: list[int] = field(default_factory=list)
    """The number of records of each invocation that was simulated."""
    invocations: float = 0.0
    busy: float = 0.0
    """Seconds in which the function ran."""
    given_up: float = 0.0
    """Records that went to the on-failure destination, from where they can be replayed."""
    forgotten: float = 0.0
    """Records that the stream had forgotten before they could be given up."""
    settled: int = 0
    ended_at: float = 0.0

    @property
    def greatest_age(self) -> float:
        """Seconds."""
        return max((age for _, age in self.ages), default=0.0)

    @property
    def records_a_batch(self) -> float:
        """On average."""
        return sum(self.batches) / max(len(self.batches), 1)


def mapping_settings(
    *,
    batch_size: int,
    window: int,
    retries: int,
    record_age: int,
    bisect: bool,
) -> MappingSettings:
    """The settings of a mapping with partial batch responses and an on-failure destination."""
    return MappingSettings(
        uuid="capacity",
        stream_arn="stream",
        function_arn="function",
        starting_position=StartingPosition.TRIM_HORIZON,
        batch_size=batch_size,
        maximum_batching_window_in_seconds=window,
        maximum_retry_attempts=retries,
        maximum_record_age_in_seconds=record_age,
        bisect_batch_on_function_error=bisect,
        report_batch_item_failures=True,
    )
