"""The alarms that a program registered rest on what runs here, under CloudWatch's names."""

import asyncio
import dataclasses
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from infra.local import cloudwatch_api, numbers, report
from infra.local.alarm_watch import AlarmWatch
from infra.local.cloudwatch.alarms import State, Transition
from infra.local.cloudwatch.definitions import RegisteredAlarm
from infra.local.cloudwatch.meters import (
    MeteredFunction,
    embedded_metrics,
    of_function,
    of_mapping,
)
from infra.local.cloudwatch.metric_store import MetricStore, Series
from infra.local.function.invocation import Function, Invocation
from infra.local.lambda_api.mappings import StoredMapping
from infra.local.monitored import Monitored
from tests.plan import COMPOSITE_ALARM, DASHBOARD, EVENT_SOURCE_MAPPING, METRIC_ALARM, Plan, plan_of

T: Final = 1_700_000_040.0
"""A whole minute."""
FUNCTION: Final = "requests-processor"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(stack="prod")


def registered_alarms(plan: Plan) -> dict[str, RegisteredAlarm]:
    return {
        each.inputs.get("alarmName", each.inputs.get("name")): RegisteredAlarm(
            type=each.type, inputs=each.inputs, since=T
        )
        for type_ in (METRIC_ALARM, COMPOSITE_ALARM)
        for each in plan.of_type(type_)
    }


class Run:
    """A mapping that counts what a test says, and the alarms of a program on it."""

    def __init__(self, plan: Plan) -> None:
        self.uuid = plan.resource(EVENT_SOURCE_MAPPING).outputs["uuid"]
        self.mapping = StoredMapping(
            uuid=self.uuid,
            arn="",
            tags={},
            parameters={
                "EventSourceArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/1",
                "FunctionName": f"arn:aws:lambda:eu-west-1:123456789012:function:{FUNCTION}",
                "StartingPosition": "TRIM_HORIZON",
            },
        )
        self.store = MetricStore()
        self.registered = registered_alarms(plan)
        self.monitored = Monitored({self.uuid: self.mapping}, self.registered, self.store)

    def told(self, now: float) -> list[tuple[str, State]]:
        changed = self.monitored.look(now)
        return [(each.alarm.name, each.after) for each in changed if each.is_told]


def test_what_a_mapping_counts_fires_the_programs_alarm_at_once_and_its_end_is_told(
    plan: Plan,
) -> None:
    run = Run(plan)
    assert run.told(T) == []

    run.mapping.counted["OnFailureDestinationDeliveredEventCount"] += 3

    assert run.told(T + 5) == [(f"{FUNCTION}-given-up", State.ALARM)]
    assert run.told(T + 10) == []
    # CloudWatch looks back beyond a minute without data.
    assert run.told(T + 70) == []
    assert run.told(T + 185) == [(f"{FUNCTION}-given-up", State.OK)]


def test_of_alarms_that_another_is_made_of_only_that_one_is_told(plan: Plan) -> None:
    run = Run(plan)
    run.told(T)

    run.mapping.counted["DestinationDeliveryFailures"] += 1

    assert run.told(T + 5) == [(f"{FUNCTION}-records-lost", State.ALARM)]
    assert run.monitored.states[f"{FUNCTION}-undelivered"] is State.ALARM


def test_a_mapping_that_does_not_poll_counts_no_idle_minutes(plan: Plan) -> None:
    run = Run(plan)

    told = [each for minute in range(20) for each in run.told(T + minute * 60)]

    assert told == [(f"{FUNCTION}-does-not-poll", State.ALARM)]


def test_what_the_handler_prints_fires_the_programs_alarm(plan: Plan) -> None:
    run = Run(plan)
    run.told(T)
    directive = {
        "Namespace": "RequestsProcessor",
        "Dimensions": [["service", "function_name"]],
        "Metrics": [{"Name": "Rejected"}],
    }
    printed = {
        "_aws": {"CloudWatchMetrics": [directive]},
        "service": f"requests-processor/prod/{FUNCTION}",
        "function_name": FUNCTION,
        "Rejected": [1],
    }

    run.monitored.count_line(json.dumps(printed), T + 1)
    run.monitored.count_line("printed by hand", T + 1)

    assert run.told(T + 5) == [(f"{FUNCTION}-rejected", State.ALARM)]


def test_an_alarm_beyond_what_is_evaluated_is_named_and_the_others_hold(plan: Plan) -> None:
    run = Run(plan)
    theirs = {"name": "slow", "extendedStatistic": "p99"}
    run.registered["slow"] = RegisteredAlarm(type=METRIC_ALARM, inputs=theirs, since=T)

    assert run.monitored.not_evaluated == ["slow: extendedStatistic is not evaluated here"]
    assert len(run.monitored.states) == 13


def test_an_alarm_that_is_changed_keeps_its_state_and_one_that_is_deleted_has_none(
    plan: Plan,
) -> None:
    run, name = Run(plan), f"{FUNCTION}-given-up"
    run.mapping.counted["OnFailureDestinationDeliveredEventCount"] += 3
    run.told(T)

    before = run.registered[name]
    run.registered[name] = dataclasses.replace(before, inputs={**before.inputs, "threshold": 4})
    assert run.monitored.states[name] is State.ALARM
    assert run.told(T + 5) == [(name, State.OK)]
    del run.registered[name]
    assert name not in run.monitored.states
    assert run.told(T + 10) == []


def test_the_numbers_are_named_as_on_the_dashboard(plan: Plan) -> None:
    drawn = {
        (line[0], line[1])
        for widget in json.loads(plan.inputs_of(DASHBOARD)["dashboardBody"])["widgets"]
        for line in widget["properties"].get("metrics", [])
    }

    assert {(each.namespace, each.name) for each in numbers.NUMBERS} <= drawn


def test_what_an_alarm_reads_of_lambda_or_the_handler_is_among_the_numbers(plan: Plan) -> None:
    reads = [
        metric["metricName"]
        for each in plan.of_type(METRIC_ALARM)
        for queried in each.inputs.get("metricQueries", [{"metric": each.inputs}])
        if (metric := queried.get("metric")) and metric["namespace"] != "AWS/DynamoDB"
    ]

    assert reads
    assert set(reads) <= {each.name for each in numbers.NUMBERS}


class Answering(Function):
    async def invoke(self, event: Mapping[str, Any], *, request_id: str) -> Invocation:
        return Invocation(request_id=request_id, event=event, response="answered")


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": [{}]}, {"Records": [None]}])
def test_what_cannot_be_counted_is_delivered_all_the_same(event: Mapping[str, Any]) -> None:
    store = MetricStore()
    metered = MeteredFunction(Answering(), FUNCTION, store, lambda: T)

    invocation = asyncio.run(metered.invoke(event, request_id="1"))

    assert invocation.response == "answered"
    assert store.over_all("AWS/Lambda", "ConcurrentExecutions", "Maximum", start=T, end=T + 1) == 1


class Client:
    """Of CloudWatch: keeps what it is given, and refuses what the test says."""

    def __init__(self, refused: str = "") -> None:
        self.put: list[dict[str, Any]] = []
        self._refused = refused

    def put_metric_data(self, **request: Any) -> None:
        if request["Namespace"] == self._refused:
            raise ClientError({"Error": {"Code": "InvalidParameterValue"}}, "PutMetricData")
        self.put.append(request)


def test_clients_are_given_each_minutes_statistics_and_then_only_what_is_new() -> None:
    store, client = MetricStore(), Client()
    for at, value in ((T, 1), (T + 59, 3), (T + 60, 5)):
        store.add(of_function(FUNCTION, "Duration"), value, at)

    cloudwatch_api.put_metrics(client, store.taken())
    store.add(of_function(FUNCTION, "Duration"), 7, T + 61)
    cloudwatch_api.put_metrics(client, store.taken())

    first, second, third = (each for request in client.put for each in request["MetricData"])
    assert first["StatisticValues"] == {"SampleCount": 2, "Sum": 4, "Minimum": 1, "Maximum": 3}
    assert first["Dimensions"] == [{"Name": "FunctionName", "Value": FUNCTION}]
    assert second["Timestamp"].timestamp() == third["Timestamp"].timestamp() == T + 60
    assert third["StatisticValues"]["Sum"] == 7


def test_metrics_that_are_refused_keep_no_others_back() -> None:
    store, client = MetricStore(), Client(refused="AWS/Lambda")
    store.add(of_function(FUNCTION, "Errors"), float("nan"), T)
    for number in range(1_001):
        store.add(Series.of("Mine", f"metric-{number}", {}), 1, T)

    cloudwatch_api.put_metrics(client, store.taken())

    assert [len(request["MetricData"]) for request in client.put] == [1_000, 1]


@pytest.mark.parametrize(
    "document",
    [
        {"_aws": 1},
        {"_aws": {"CloudWatchMetrics": [{"Namespace": "x"}]}},
        {
            "_aws": {
                "CloudWatchMetrics": [{"Dimensions": [["gone"]], "Metrics": [], "Namespace": ""}]
            }
        },
        {"_aws": {"CloudWatchMetrics": 7}},
    ],
)
def test_a_line_that_only_looks_like_metrics_counts_nothing(document: object) -> None:
    assert embedded_metrics(json.dumps(document)) == []


class Counted:
    """Metrics of a store, and alarms that change when the test says so."""

    def __init__(self) -> None:
        self.store = MetricStore()
        self.changes: list[Transition] = []

    def statistic(
        self, name: str, statistic: str, *, namespace: str, start: float, end: float
    ) -> float | None:
        return self.store.over_all(namespace, name, statistic, start=start, end=end)

    def look_at_alarms(self) -> list[Transition]:
        changes, self.changes = self.changes, []
        return changes


def test_several_functions_and_mappings_are_counted_together() -> None:
    counted = Counted()
    for name in ("one", "other"):
        counted.store.add(of_mapping(name, "PolledEventCount"), 600, T)
        counted.store.add(of_function(name, "Invocations"), 1, T)
    counted.store.add(of_function("one", "Duration"), 12.4, T)
    counted.store.add(of_function("other", "Duration"), 31.2, T)

    shown = {number.name: value for number, value in numbers.of_run(counted)}

    assert shown["PolledEventCount"] == "1,200"
    assert shown["Invocations"] == "2"
    assert shown["Duration"] == "31 ms"
    assert shown["Errors"] == "0"
    assert "Throttles" not in shown


def screen(counted: Counted, clock: Iterable[float]) -> tuple[AlarmWatch, io.StringIO]:
    times, written = iter(clock), io.StringIO()
    console = Console(file=written, width=40, highlight=False, markup=False)
    return AlarmWatch(console, counted, lambda: next(times)), written


def test_a_minute_is_told_once_it_is_over_and_an_idle_one_never() -> None:
    counted = Counted()
    watch, written = screen(counted, [T + 1, T + 59, T + 60, T + 61, T + 121])
    counted.store.add(of_mapping("one", "PolledEventCount"), 2, T + 58)
    counted.store.add(of_mapping("one", "PolledEventCount"), 0, T + 60)

    told = []
    for _ in range(4):
        watch.look()
        told.append(written.getvalue().count("\n"))

    assert told == [0, 1, 1, 1]
    assert written.getvalue().endswith("  PolledEventCount 2\n")


def test_an_alarm_is_told_at_once_and_in_one_line(plan: Plan) -> None:
    counted = Counted()
    watch, written = screen(counted, [T, T + 2])
    run = Run(plan)
    run.monitored.look(T)
    run.store.add(of_function(FUNCTION, "DestinationDeliveryFailures"), 1, T)
    counted.changes = run.monitored.look(T + 5)

    watch.look()

    (line,) = written.getvalue().splitlines()
    assert line.startswith(f"ALARM {FUNCTION}-records-lost: Records were given up")


def transition(plan: Plan, before: State, after: State, **changes: Any) -> Transition:
    run = Run(plan)
    run.mapping.counted["OnFailureDestinationDeliveredEventCount"] += 1_234
    (fired,) = (each for each in run.monitored.look(T) if each.after is State.ALARM)
    return dataclasses.replace(fired, before=before, after=after, **changes)


def test_an_alarm_is_named_by_its_metric_with_its_meaning_and_what_to_do(plan: Plan) -> None:
    line = report.alarm_line(transition(plan, State.OK, State.ALARM))

    assert line.startswith(
        f"ALARM OnFailureDestinationDeliveredEventCount 1,234 ({FUNCTION}-given-up): Records were"
    )
    assert "First: See what failed" in line


def test_the_end_of_an_alarm_is_short(plan: Plan) -> None:
    ended = transition(plan, State.ALARM, State.OK, value=None)

    assert report.alarm_line(ended) == (
        f"OK OnFailureDestinationDeliveredEventCount ({FUNCTION}-given-up)"
    )


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({}, ["This stack has no alarms; with --config monitoring.enabled=true it has them here."]),
        ({"a": State.OK, "b": State.INSUFFICIENT_DATA}, ["None of 2 alarms would fire."]),
        ({"a": State.OK, "b": State.ALARM}, []),
    ],
)
def test_it_is_said_when_no_alarm_fires_and_when_there_is_none(
    states: dict[str, State], said: list[str]
) -> None:
    assert list(report.alarms_lines(states, [])) == said
    assert list(report.alarms_lines(states, ["why"]))[len(said) :] == [
        "This alarm is not evaluated here: why"
    ]


def test_the_figures_stand_in_columns() -> None:
    lines = report.figure_lines([("Errors", "1,000", "crashes"), ("Duration", "9 ms", "longest")])

    assert lines == ["Errors    1,000  crashes", "Duration   9 ms  longest"]
