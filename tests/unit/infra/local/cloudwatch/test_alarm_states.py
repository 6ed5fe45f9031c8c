"""Alarms are evaluated as CloudWatch documents it."""

from typing import Any, Final

import pytest

from infra.local.cloudwatch.alarms import Alarms, State, state_of
from infra.local.cloudwatch.definitions import MetricAlarm, composite_alarm, metric_alarm
from infra.local.cloudwatch.expressions import UnsupportedAlarmError
from infra.local.cloudwatch.metric_store import MetricStore, Series

ERRORS: Final = Series.of("AWS/Lambda", "Errors", {"FunctionName": "processor"})
T: Final = 1_700_000_040.0
"""A whole minute."""


def inputs(**changed: Any) -> dict[str, Any]:
    return {
        "name": "crashes",
        "namespace": "AWS/Lambda",
        "metricName": "Errors",
        "dimensions": {"FunctionName": "processor"},
        "statistic": "Sum",
        "period": 60,
        "evaluationPeriods": 3,
        "datapointsToAlarm": 3,
        "comparisonOperator": "GreaterThanOrEqualToThreshold",
        "threshold": 1,
        **changed,
    }


def alarm(missing: str = "missing", *, of_three: int = 3) -> MetricAlarm:
    return metric_alarm(inputs(datapointsToAlarm=of_three, treatMissingData=missing))


def points(drawn: str) -> list[float | None]:
    """As the guide draws them, the newest last: 0 within, X breaching, - missing."""
    meant: dict[str, float | None] = {"0": 0, "X": 1, "-": None}
    return [meant[each] for each in reversed(drawn.split())]


KEPT: Final = "kept"
ALARM, OK, NO_DATA = State.ALARM, State.OK, State.INSUFFICIENT_DATA
TABLES: Final = [
    (3, "0 - X - X", OK, OK, OK, OK),
    (3, "0 - - - -", OK, OK, OK, OK),
    (3, "- - - - -", NO_DATA, KEPT, ALARM, OK),
    (3, "0 X X - X", ALARM, ALARM, ALARM, ALARM),
    (3, "- - X - -", ALARM, KEPT, ALARM, OK),
    (2, "0 - X - X", ALARM, ALARM, ALARM, ALARM),
    (2, "0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    (2, "0 - X - -", OK, OK, ALARM, OK),
    (2, "- - - - 0", OK, OK, ALARM, OK),
    (2, "- - - X -", ALARM, KEPT, ALARM, OK),
    # The text below the tables, of data that is too new to be sure.
    (3, "- - - - X", NO_DATA, KEPT, ALARM, OK),
    (3, "- - - X -", NO_DATA, KEPT, ALARM, OK),
]
"""CloudWatch User Guide, "How alarm state is evaluated when data is missing": datapoints to alarm
of three periods, the newest five, and the state for missing, ignore, breaching, notBreaching."""


@pytest.mark.parametrize("current", [State.OK, State.ALARM])
@pytest.mark.parametrize("row", TABLES, ids=lambda row: f"{row[0]} of 3: {row[1]}")
def test_missing_data_is_treated_as_in_the_guides_tables(
    row: tuple[Any, ...], current: State
) -> None:
    of_three, drawn, *expected = row
    ways = ["missing", "ignore", "breaching", "notBreaching"]

    states = [state_of(points(drawn), alarm(way, of_three=of_three), current) for way in ways]

    assert states == [current if each == KEPT else each for each in expected]


def test_an_alarm_on_dynamodb_ignores_missing_data_whatever_it_says() -> None:
    of_a_table = metric_alarm(
        inputs(namespace="AWS/DynamoDB", metricName="X", treatMissingData="notBreaching")
    )

    assert state_of(points("- - - - -"), of_a_table, State.ALARM) is State.ALARM


def test_a_composite_follows_those_it_names() -> None:
    store = MetricStore()
    one = {"evaluationPeriods": 1, "datapointsToAlarm": 1, "treatMissingData": "notBreaching"}
    rules = {"either": "ALARM(a) OR ALARM(b)", "both": 'ALARM("a") AND (ALARM("b"))'}
    alarms = Alarms(
        [
            *(composite_alarm({"alarmName": key, "alarmRule": rules[key]}) for key in rules),
            metric_alarm(inputs(name="a", **one)),
            metric_alarm(inputs(name="b", metricName="Throttles", **one)),
        ],
        store,
        created=T,
    )

    now = T

    def states(*metrics: str) -> tuple[State, State]:
        nonlocal now
        now += 600
        for metric in metrics:
            store.add(Series.of("AWS/Lambda", metric, {"FunctionName": "processor"}), 1, now - 30)
        alarms.evaluate(now)
        return alarms.states["either"], alarms.states["both"]

    assert states() == (State.OK, State.OK)
    assert states("Errors") == (State.ALARM, State.OK)
    assert states("Errors", "Throttles") == (State.ALARM, State.ALARM)


def test_an_alarm_that_warms_up_waits_for_its_time_or_its_data() -> None:
    store = MetricStore()
    silent = metric_alarm(
        inputs(
            comparisonOperator="LessThanThreshold",
            treatMissingData="breaching",
            warmUpConfiguration={"warmUpPeriodDurationInMinutes": 15},
        )
    )
    alarms = Alarms([silent], store, created=T)

    assert alarms.evaluate(T + 14 * 60) == []
    alarms.evaluate(T + 15 * 60)
    assert alarms.states["crashes"] is State.ALARM


def test_only_what_changed_is_told_once_and_with_its_value() -> None:
    store = MetricStore()
    alarms = Alarms([alarm("notBreaching", of_three=1)], store, created=T)
    alarms.evaluate(T)

    store.add(ERRORS, 2, T + 10)
    (fired,) = alarms.evaluate(T + 60)
    assert (fired.before, fired.after, fired.value) == (State.OK, State.ALARM, 2)
    assert alarms.evaluate(T + 61) == []


@pytest.mark.parametrize(
    "beyond",
    [
        {"statistic": None, "extendedStatistic": "p99"},
        {"statistic": "p99"},
        {"unit": "Count"},
        {"comparisonOperator": "GreaterThanUpperThreshold"},
        {"evaluationWindow": {"type": "wall-clock"}},
        {"metricQueries": [{"id": "q", "expression": "ANOMALY_DETECTION_BAND(m)"}]},
    ],
)
def test_what_is_not_evaluated_here_is_refused(beyond: dict[str, Any]) -> None:
    with pytest.raises((UnsupportedAlarmError, KeyError)):
        metric_alarm(inputs(**beyond))


@pytest.mark.parametrize(
    "rule", ["NOT ALARM(a)", "OK(a)", "INSUFFICIENT_DATA(a)", "TRUE", "ALARM(a) ALARM(b)", ""]
)
def test_a_rule_that_is_not_evaluated_here_is_refused(rule: str) -> None:
    with pytest.raises(UnsupportedAlarmError):
        composite_alarm({"alarmName": "c", "alarmRule": rule})
