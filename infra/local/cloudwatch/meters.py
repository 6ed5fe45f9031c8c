"""What the parts of the local run count, as the metrics that CloudWatch has of them.

Names, dimensions and what has a data point when follow the Lambda Developer Guide, "Types of
metrics for Lambda functions", and CloudWatch's embedded metric format.
"""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from infra.local.cloudwatch.metric_store import MetricStore, Series
from infra.local.function.invocation import Function, Invocation, ThrottledError
from infra.local.mapping.destination import arrival

LAMBDA: Final = "AWS/Lambda"

OF_THE_FUNCTION: Final = frozenset({"DestinationDeliveryFailures"})
"""What a mapping counts that is the function's metric on AWS."""
ALSO_WHEN_IDLE: Final = frozenset({"PolledEventCount"})
"""What is counted as 0 while a mapping polls and finds nothing."""


def of_function(function: str, metric: str) -> Series:
    """A function's metric."""
    return Series.of(LAMBDA, metric, {"FunctionName": function})


def of_mapping(uuid: str, metric: str) -> Series:
    """A mapping's metric."""
    return Series.of(LAMBDA, metric, {"EventSourceMappingUUID": uuid})


def count_invocation(store: MetricStore, invocation: Invocation, ended: float) -> None:
    """What Lambda counts of an invocation, whoever asked for it."""
    metrics = {
        "Invocations": 1.0,
        "Errors": float(invocation.function_error is not None),
        "Throttles": 0.0,
        "Duration": invocation.duration * 1000,
    }
    for name, value in metrics.items():
        series = of_function(invocation.function_name, name)
        # "The timestamp on an error metric reflects when the function was invoked."
        store.add(series, value, ended - invocation.duration)


class MeteredFunction(Function):
    """A function as a mapping invokes it, with what Lambda counts of that beside the invocation."""

    def __init__(
        self,
        function: Function,
        name: str,
        store: MetricStore,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._function = function
        self._name = name
        self._store = store
        self._now = now
        self._running = 0

    async def invoke(self, event: Mapping[str, Any], *, request_id: str) -> Invocation:
        self._running += 1
        self._count("ConcurrentExecutions", lambda _: self._running)
        self._count("IteratorAge", lambda now: _iterator_age(event, now))
        try:
            return await self._function.invoke(event, request_id=request_id)
        except ThrottledError:
            self._count("Throttles", lambda _: 1)
            raise
        finally:
            self._running -= 1

    def _count(self, metric: str, value: Callable[[float], float]) -> None:
        now = self._now()
        # Whatever stands in a record, it is delivered.
        with contextlib.suppress(Exception):
            self._store.add(of_function(self._name, metric), value(now), now)


def _iterator_age(event: Mapping[str, Any], now: float) -> float:
    """The age of the event's last record in milliseconds."""
    return max(0.0, now - arrival(event["Records"][-1])) * 1000


class MappingMeter:
    """Tells the store from time to time what a mapping has counted since."""

    def __init__(
        self,
        store: MetricStore,
        *,
        uuid: str,
        function: str,
        counted: Callable[[], Mapping[str, int]],
        is_polling: Callable[[], bool],
    ) -> None:
        self._store = store
        self._uuid = uuid
        self._function = function
        self._counted = counted
        self._is_polling = is_polling
        self._before: Counter[str] = Counter()

    def sample(self, now: float) -> None:
        """What is new."""
        counted, is_polling = self._counted(), self._is_polling()
        for name, count in counted.items():
            new = count - self._before[name]
            if new or (is_polling and name in ALSO_WHEN_IDLE):
                self._store.add(self._series(name), new, now)
        self._before = Counter(counted)

    def _series(self, name: str) -> Series:
        if name in OF_THE_FUNCTION:
            return of_function(self._function, name)
        return of_mapping(self._uuid, name)


def embedded_metrics(line: str) -> list[tuple[Series, float]]:
    """What a line of the log holds in CloudWatch's embedded metric format; nothing in any other.

    "Specification: Embedded metric format" in the CloudWatch User Guide: a value may be a list.
    """
    try:
        return list(_metrics_of(_embedded(line)))
    except (AttributeError, LookupError, TypeError, ValueError):
        return []  # it only looks like it


def _metrics_of(document: Mapping[str, Any]) -> Iterator[tuple[Series, float]]:
    for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                series = Series.of(directive["Namespace"], metric["Name"], dimensions)
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield series, float(value)


def _embedded(line: str) -> dict[str, Any]:
    if '"_aws"' not in line:
        return {}
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
