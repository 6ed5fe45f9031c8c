"""What clients of CloudWatch's API find here: the metrics and the alarms' states, which moto keeps.

On AWS nobody but AWS writes to a namespace that begins with AWS/; moto takes it.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.local.cloudwatch.alarms import Transition
from infra.local.cloudwatch.definitions import MetricAlarm
from infra.local.cloudwatch.metric_store import Counted

_AT_ONCE: Final = 1000
"""Most metrics of a PutMetricData (CloudWatch API Reference)."""


def put_metrics(client: Any, new: Iterable[Counted]) -> None:
    """What was counted in minutes, beside what was put before."""
    by_namespace: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in new:
        by_namespace[each.series.namespace].append(_datum(each))
    for namespace, data in by_namespace.items():
        for some in _chunks(data):
            # A function may print what CloudWatch does not take: NaN, or a namespace with a colon.
            with contextlib.suppress(ClientError):
                client.put_metric_data(Namespace=namespace, MetricData=some)


def set_state(client: Any, change: Transition) -> None:
    """Of a metric alarm: moto has no composite ones."""
    alarm = change.alarm
    if not isinstance(alarm, MetricAlarm):
        return
    # A client may have deleted it.
    with contextlib.suppress(ClientError):
        client.set_alarm_state(
            AlarmName=alarm.name,
            StateValue=str(change.after),
            StateReason=f"{alarm.metric_names} {change.value}",
        )


def _datum(counted: Counted) -> dict[str, Any]:
    statistics = counted.statistics
    return {
        "MetricName": counted.series.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in counted.series.dimensions],
        "Timestamp": datetime.fromtimestamp(counted.minute, UTC),
        "StatisticValues": {
            "SampleCount": statistics.count,
            "Sum": statistics.total,
            "Minimum": statistics.least,
            "Maximum": statistics.greatest,
        },
    }


def _chunks(data: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rest = iter(data)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
