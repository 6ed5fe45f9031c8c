"""The alarms: how a stream fails, each as what CloudWatch is to look at.

docs/operations.md has a section for each, with the reason of its threshold. `unit` is left out of
all: with a wrong one an alarm stays in INSUFFICIENT_DATA (PutMetricAlarm, "Unit").
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from handler.config import HandlerMetric
from infra.alarms.metrics import Reading, of_function, of_handler, of_mapping, of_memory
from infra.config.stack import StackConfig
from infra.config.stack_settings import seconds_until_given_up

_MINUTE: Final = 60
_DAY: Final = 24 * 3600


class Comparison(StrEnum):
    """When a data point breaches, in CloudWatch's words."""

    AT_LEAST = "GreaterThanOrEqualToThreshold"
    LESS_THAN = "LessThanThreshold"


class MissingData(StrEnum):
    """What a period without a data point counts as, in CloudWatch's words."""

    NOT_BREACHING = "notBreaching"
    BREACHING = "breaching"
    IGNORE = "ignore"
    MISSING = "missing"
    """CloudWatch's own default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricAlarm:
    """An alarm on a metric, or on an expression over several."""

    name: str
    meaning: str
    first: str
    """What to do first."""
    readings: Mapping[str, Reading]
    """By their ids in the expression."""
    expression: str | None = None
    """Metric math; None: the only reading itself."""
    period: int = _MINUTE
    """Seconds."""
    datapoints: int = 1
    """How many of the periods must breach."""
    periods: int = 1
    comparison: Comparison = Comparison.AT_LEAST
    threshold: float = 1
    missing_data: MissingData = MissingData.NOT_BREACHING
    warm_up_minutes: int | None = None
    """After it was made, it is not evaluated for so long unless there is data enough."""
    tells: bool = True
    """False: one that is made of it does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompositeAlarm:
    """An alarm that fires when any of others does."""

    name: str
    meaning: str
    first: str
    any_of: tuple[str, ...]


def metric_alarms(config: StackConfig) -> Iterator[MetricAlarm]:
    """Those of a stack, in the order of a record's way."""
    if config.event_source.enabled:
        yield DOES_NOT_POLL
    yield FILTER_MATCHES_NOTHING
    yield from _behind(config)
    yield from (KEEPS_FAILING, CRASHES, THROTTLED)
    if config.idempotency.enabled:
        yield MEMORY_THROTTLED
    yield _rejected(config)
    yield from (GIVEN_UP, DROPPED, UNDELIVERED)


def composite_alarms() -> Iterator[CompositeAlarm]:
    """Those that are made of others."""
    yield CompositeAlarm(
        name="records-lost",
        meaning="Records were given up and stand in no bucket: they are lost.",
        first="Mend the failure bucket or the role's permission on it, then backfill the items.",
        any_of=(DROPPED.name, UNDELIVERED.name),
    )


DOES_NOT_POLL: Final = MetricAlarm(
    name="does-not-poll",
    meaning="The mapping has not read the stream for 15 minutes, though it is enabled.",
    first="Look at the mapping's State and LastProcessingResult.",
    # 0 is counted in each idle minute, and nothing while a mapping does not poll.
    readings={"polled": of_mapping("PolledEventCount", "SampleCount")},
    datapoints=15,
    periods=15,
    comparison=Comparison.LESS_THAN,
    missing_data=MissingData.BREACHING,
    # There is no data of the time before the mapping was made, or enabled again.
    warm_up_minutes=15,
)

FILTER_MATCHES_NOTHING: Final = MetricAlarm(
    name="filter-matches-nothing",
    meaning="For a day the filter has kept away every record, of more than 100.",
    first="Try the filter on a record: python -m infra.local filter.",
    readings={
        "polled": of_mapping("PolledEventCount"),
        "filtered": of_mapping("FilteredOutEventCount"),
    },
    expression="IF(polled > 100 AND FILL(filtered, 0) >= polled, 1, 0)",
    period=_DAY,
)


TIME_TO_FIRE: Final = 7.5 * _MINUTE
"""Five minutes of data, and what CloudWatch takes until it has and evaluates the last of them."""


def _behind(config: StackConfig) -> Iterator[MetricAlarm]:
    expires_after = seconds_until_given_up(config.event_source.maximum_record_age_in_seconds)
    for name, share, first in (
        ("falls-behind", 0.25, "See in the log which record fails, or raise the concurrency."),
        ("about-to-expire", 0.75, "Stop what blocks the shard now, or records are given up."),
    ):
        seconds = round(expires_after * share)
        # Later than that it could only say what given-up says.
        if expires_after * (1 - share) < TIME_TO_FIRE:
            continue
        yield MetricAlarm(
            name=name,
            meaning=(
                f"Records wait {seconds // 60} minutes or more; after {expires_after // 60} "
                "they are given up or gone."
            ),
            first=first,
            readings={"age": of_function("IteratorAge", "Maximum")},
            datapoints=5,
            periods=5,
            threshold=seconds * 1000,
            # Without an invocation there is no age: nothing is known, and the state stays.
            missing_data=MissingData.IGNORE,
        )


KEEPS_FAILING: Final = MetricAlarm(
    name="keeps-failing",
    meaning="In each of 10 minutes records failed and are delivered again.",
    first="Look in the log for: Record failed, it will be delivered again.",
    # Counts partial failures, which are no error of the function's.
    readings={"failed": of_mapping("FailedInvokeEventCount")},
    datapoints=10,
    periods=10,
)

CRASHES: Final = MetricAlarm(
    name="crashes",
    meaning="The function crashed, timed out or ran out of memory in 3 of 5 minutes.",
    first="Look in the log for the invocation's error and its Max Memory Used.",
    readings={"errors": of_function("Errors")},
    datapoints=3,
    periods=5,
)

THROTTLED: Final = MetricAlarm(
    name="throttled",
    meaning="The function was refused concurrency in 10 of 15 minutes.",
    first="Compare the reserved and the account's concurrency with shards x parallelization.",
    readings={"throttles": of_function("Throttles")},
    datapoints=10,
    periods=15,
)

MEMORY_THROTTLED: Final = MetricAlarm(
    name="memory-throttled",
    meaning="DynamoDB refused writes to the table that remembers events, 5 minutes long.",
    first="Look at the table's write capacity and for one key that is written over and over.",
    readings={"throttled": of_memory("WriteThrottleEvents")},
    # Alarms on AWS/DynamoDB pass over missing data whatever is set (PutMetricAlarm).
    expression="FILL(throttled, 0)",
    datapoints=5,
    periods=5,
)


def _rejected(config: StackConfig) -> MetricAlarm:
    least = config.monitoring.rejected_records
    return MetricAlarm(
        name="rejected",
        meaning=f"The handler parked {least} or more records in 5 minutes as poison.",
        first="See why: python -m infra.replay list, then show.",
        readings={"rejected": of_handler(HandlerMetric.REJECTED)},
        period=5 * _MINUTE,
        threshold=least,
    )


GIVEN_UP: Final = MetricAlarm(
    name="given-up",
    meaning="Records were given up after retries or age; they stand whole in the failure bucket.",
    first="See what failed: python -m infra.replay list; mend it, then run.",
    readings={"delivered": of_mapping("OnFailureDestinationDeliveredEventCount")},
)

DROPPED: Final = MetricAlarm(
    name="dropped",
    meaning="Lambda dropped records that are in no bucket.",
    first="As for records-lost, which is made of this.",
    readings={"dropped": of_mapping("DroppedEventCount")},
    tells=False,
)

UNDELIVERED: Final = MetricAlarm(
    name="undelivered",
    meaning="Lambda could not write what it gave up to the failure bucket.",
    first="As for records-lost, which is made of this.",
    # Of the function, not of the mapping; one a batch, a minute later.
    readings={"failures": of_function("DestinationDeliveryFailures")},
    tells=False,
)
