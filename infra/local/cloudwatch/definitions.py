"""Alarms as the program registered them, read from the inputs of Pulumi's resources.

Only what is evaluated here is read; an input beyond it is refused, so that no alarm is taken for
another one than it is.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.alarms.definitions import MissingData
from infra.local.cloudwatch.expressions import (
    Expression,
    Rule,
    UnsupportedAlarmError,
    read_expression,
    read_rule,
)
from infra.local.cloudwatch.metric_store import STATISTICS, Series

METRIC_ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE_ALARM: Final = "aws:cloudwatch/compositeAlarm:CompositeAlarm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A statistic of a metric."""

    series: Series
    statistic: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricAlarm:
    """When a metric, or an expression over some, is to fire."""

    name: str
    description: str
    readings: Mapping[str, Reading]
    """By their ids."""
    expression: Expression
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    comparison: str
    threshold: float
    missing_data: MissingData
    warm_up: int = 0
    """Seconds after its creation for which it is not evaluated while data is missing."""
    tells: bool = False
    """Whether anybody is told of it."""

    @property
    def metric_names(self) -> str:
        """What it reads, for people."""
        return ", ".join(reading.series.name for reading in self.readings.values())

    def breaches(self, value: float) -> bool:
        """Whether a data point is beyond the threshold."""
        return COMPARISONS[self.comparison](value, self.threshold)


COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CompositeAlarm:
    """When an alarm on others is to fire."""

    name: str
    description: str
    rule: Rule
    named: frozenset[str]
    """The alarms that its rule is about."""
    tells: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredAlarm:
    """An alarm as Pulumi's resource describes it."""

    type: str
    inputs: Mapping[str, Any]
    since: float
    """The epoch second at which it was made, or changed."""

    def read(self) -> MetricAlarm | CompositeAlarm:
        """Raises `UnsupportedAlarmError`."""
        return (
            metric_alarm(self.inputs) if self.type == METRIC_ALARM else composite_alarm(self.inputs)
        )


_SAID: Final = {"alarmActions", "alarmDescription", "name", "okActions", "tags"}
"""Inputs that change nothing of when an alarm fires."""
_READ: Final = {
    "comparisonOperator",
    "datapointsToAlarm",
    "dimensions",
    "evaluationPeriods",
    "metricName",
    "metricQueries",
    "namespace",
    "period",
    "statistic",
    "threshold",
    "treatMissingData",
    "warmUpConfiguration",
}


def metric_alarm(inputs: Mapping[str, Any]) -> MetricAlarm:
    """From the inputs of a `MetricAlarm`. Raises `UnsupportedAlarmError`."""
    name = inputs["name"]
    _refuse_beyond(name, inputs, _SAID | _READ)
    queries = inputs.get("metricQueries")
    readings, expression, period = _of_queries(name, queries) if queries else _of_metric(inputs)
    comparison, periods = inputs["comparisonOperator"], int(inputs["evaluationPeriods"])
    if comparison not in COMPARISONS:
        raise UnsupportedAlarmError(f"{name}: {comparison} is not evaluated here")
    return MetricAlarm(
        name=name,
        description=inputs.get("alarmDescription", ""),
        readings=readings,
        expression=expression,
        period=period,
        evaluation_periods=periods,
        datapoints_to_alarm=int(inputs.get("datapointsToAlarm", periods)),
        comparison=comparison,
        threshold=float(inputs["threshold"]),
        missing_data=_missing_data(inputs, readings),
        warm_up=_warm_up(name, inputs),
        tells=bool(inputs.get("alarmActions")),
    )


def composite_alarm(inputs: Mapping[str, Any]) -> CompositeAlarm:
    """From the inputs of a `CompositeAlarm`. Raises `UnsupportedAlarmError`."""
    name = inputs["alarmName"]
    _refuse_beyond(name, inputs, _SAID | {"alarmName", "alarmRule"})
    rule, named = read_rule(inputs["alarmRule"])
    return CompositeAlarm(
        name=name,
        description=inputs.get("alarmDescription", ""),
        rule=rule,
        named=named,
        tells=bool(inputs.get("alarmActions")),
    )


def _refuse_beyond(name: str, inputs: Mapping[str, Any], known: set[str]) -> None:
    beyond = [key for key, value in inputs.items() if value is not None and key not in known]
    if beyond:
        raise UnsupportedAlarmError(f"{name}: {', '.join(beyond)} is not evaluated here")


def _of_metric(inputs: Mapping[str, Any]) -> tuple[Mapping[str, Reading], Expression, int]:
    reading = _reading(inputs, inputs.get("statistic"))
    return {"value": reading}, lambda values: values["value"], int(inputs["period"])


def _of_queries(
    name: str, queries: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Reading], Expression, int]:
    metrics = {each["id"]: each["metric"] for each in queries if each.get("metric")}
    results = [each for each in queries if each.get("expression")]
    periods = {int(metric["period"]) for metric in metrics.values()}
    if len(results) != 1 or not results[0].get("returnData") or len(periods) != 1:
        raise UnsupportedAlarmError(f"{name}: one expression over metrics of one period, please")
    readings = {id_: _reading(metric, metric["stat"]) for id_, metric in metrics.items()}
    return readings, read_expression(results[0]["expression"], frozenset(metrics)), periods.pop()


def _reading(metric: Mapping[str, Any], statistic: str | None) -> Reading:
    if statistic not in STATISTICS:
        raise UnsupportedAlarmError(f"the statistic {statistic} is not evaluated here")
    dimensions = metric.get("dimensions") or {}
    return Reading(
        series=Series.of(metric["namespace"], metric["metricName"], dimensions),
        statistic=statistic,
    )


def _missing_data(inputs: Mapping[str, Any], readings: Mapping[str, Reading]) -> MissingData:
    # "Alarms that evaluate metrics in the AWS/DynamoDB namespace always ignore missing data even
    # if you choose a different option" (CloudWatch API Reference, PutMetricAlarm).
    if any(each.series.namespace == "AWS/DynamoDB" for each in readings.values()):
        return MissingData.IGNORE
    return MissingData(inputs.get("treatMissingData", MissingData.MISSING))


def _warm_up(name: str, inputs: Mapping[str, Any]) -> int:
    given = inputs.get("warmUpConfiguration") or {}
    _refuse_beyond(name, given, {"warmUpPeriodDurationInMinutes"})
    return int(given.get("warmUpPeriodDurationInMinutes", 0)) * 60
