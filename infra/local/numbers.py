"""The numbers of a local run under CloudWatch's names: those of the dashboard and of the alarms.

The demo sums them up, and `up` says what each minute had.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from handler.config import METRICS_NAMESPACE, HandlerMetric
from infra.local.cloudwatch.meters import LAMBDA


class Counted(Protocol):
    """Who has the metrics."""

    def statistic(
        self, name: str, statistic: str, *, namespace: str, start: float, end: float
    ) -> float | None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """A metric, and what it says of a run."""

    name: str
    what: str
    statistic: str = "Sum"
    namespace: str = LAMBDA
    unit: str = ""
    is_rare: bool = False
    """Nobody misses it as long as it is 0."""

    def shown(self, value: float) -> str:
        return f"{value:,.0f}{self.unit}"


FILTERED_OUT: Final = "FilteredOutEventCount"
NUMBERS: Final = (
    Number(name="PolledEventCount", what="records read from the stream"),
    Number(name=FILTERED_OUT, what="kept away by the filter"),
    Number(name="InvokedEventCount", what="records delivered to the handler"),
    Number(name="FailedInvokeEventCount", what="of these failed, to be delivered again"),
    Number(name="Invocations", what="of the handler"),
    Number(name="Errors", what="invocations that crashed or timed out"),
    Number(name="Throttles", what="invocations refused", is_rare=True),
    Number(name="Duration", what="the longest invocation", statistic="Maximum", unit=" ms"),
    Number(
        name="IteratorAge",
        what="the oldest record when it was delivered",
        statistic="Maximum",
        unit=" ms",
    ),
    Number(name=HandlerMetric.PROCESSED, what="records processed", namespace=METRICS_NAMESPACE),
    Number(
        name=HandlerMetric.REJECTED,
        what="records rejected and parked",
        namespace=METRICS_NAMESPACE,
    ),
    Number(
        name="OnFailureDestinationDeliveredEventCount",
        what="records given up, whole in the failure bucket",
    ),
    Number(name="DroppedEventCount", what="records lost"),
    Number(name="DestinationDeliveryFailures", what="writes to the bucket refused", is_rare=True),
)
"""In the order of a record's way."""


def values(
    counted: Counted, start: float = 0, end: float = math.inf
) -> Iterator[tuple[Number, float]]:
    """Each number with its value between two epoch seconds; 0 where there is no data."""
    for number in NUMBERS:
        value = counted.statistic(
            number.name, number.statistic, namespace=number.namespace, start=start, end=end
        )
        yield number, value or 0


def of_run(counted: Counted) -> Iterator[tuple[Number, str]]:
    """What the whole run comes to."""
    for number, value in values(counted):
        if value or not number.is_rare:
            yield number, number.shown(value)


def of_minute(counted: Counted, start: float) -> dict[str, str]:
    """What was counted in the minute that begins then; nothing of what was not."""
    there = values(counted, start, start + 60)
    return {number.name: number.shown(value) for number, value in there if value}
