"""Monitoring: alarms and dashboard rest on what the stack emits, and someone is told."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from handler.config import HandlerConfig, HandlerMetric
from tests import pages
from tests.plan import (
    COMPOSITE_ALARM,
    DASHBOARD,
    EVENT_SOURCE_MAPPING,
    FUNCTION,
    GET_TABLE,
    KEY,
    METRIC_ALARM,
    TABLE,
    TOPIC,
    TOPIC_POLICY,
    TOPIC_SUBSCRIPTION,
    Plan,
    plan_of,
)
from tests.project import FROZEN, PROJECT

ON_CALL: Final = "arn:aws:sns:ap-northeast-1:123456789012:on-call"
OFF: Final = {"monitoring": {"enabled": False}}

Series: TypeAlias = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions of a metric."""

OF_A_FUNCTION: Final = {
    "ConcurrentExecutions",
    "DestinationDeliveryFailures",
    "Duration",
    "Errors",
    "Invocations",
    "IteratorAge",
    "Throttles",
}
"""Lambda Developer Guide, "Types of metrics for Lambda functions": of one that reads a stream."""
OF_A_MAPPING: Final = {
    "DroppedEventCount",
    "FailedInvokeEventCount",
    "FilteredOutEventCount",
    "InvokedEventCount",
    "OnFailureDestinationDeliveredEventCount",
    "PolledEventCount",
}
"""The same, "Event source mapping metrics": the group EventCount, of a DynamoDB stream."""
OF_A_TABLE: Final = {"ConsumedWriteCapacityUnits", "WriteThrottleEvents"}
"""DynamoDB Developer Guide, "DynamoDB metrics and dimensions": with the dimension TableName."""


def emitted(plan: Plan) -> set[Series]:
    """Every metric that the stack's own resources emit."""
    function = plan.resource(FUNCTION)
    name = function.outputs["name"]
    told = HandlerConfig.from_environ(function.inputs["environment"]["variables"])
    mapping = plan.resource(EVENT_SOURCE_MAPPING)
    counted = OF_A_MAPPING if "EventCount" in mapping.inputs["metricsConfig"]["metrics"] else set()
    return {
        *_series("AWS/Lambda", OF_A_FUNCTION, {"FunctionName": name}),
        *_series("AWS/Lambda", counted, {"EventSourceMappingUUID": mapping.outputs["uuid"]}),
        *_series(
            told.metrics_namespace,
            {str(each) for each in HandlerMetric},
            {"service": told.service, "function_name": name},
        ),
        *(
            series
            for name in [
                *(table.outputs["name"] for table in plan.of_type(TABLE)),
                *(found["name"] for token, found in plan.calls if token == GET_TABLE),
            ]
            for series in _series("AWS/DynamoDB", OF_A_TABLE, {"TableName": name})
        ),
    }


def _series(namespace: str, names: set[str], dimensions: Mapping[str, str]) -> Iterator[Series]:
    yield from ((namespace, name, frozenset(dimensions.items())) for name in names)


def watched(alarm: Mapping[str, Any]) -> Iterator[Series]:
    """What an alarm reads."""
    reads = [each["metric"] for each in alarm.get("metricQueries", []) if "metric" in each]
    for each in reads or [alarm]:
        yield each["namespace"], each["metricName"], frozenset(each["dimensions"].items())


def shown(plan: Plan) -> Iterator[Series]:
    """What the dashboard's widgets draw."""
    for widget in widgets(plan):
        for line in widget["properties"].get("metrics", []):
            namespace, name, *named, _ = line
            yield namespace, name, frozenset(zip(named[::2], named[1::2], strict=True))


def widgets(plan: Plan) -> list[dict[str, Any]]:
    body: dict[str, Any] = json.loads(plan.inputs_of(DASHBOARD)["dashboardBody"])
    return list(body["widgets"])


@pytest.fixture(scope="module")
def prod() -> Plan:
    return plan_of({"monitoring": {"subscriptions": ["team@example.com"]}}, stack="prod")


def alarm_of(plan: Plan, name: str) -> Mapping[str, Any]:
    """The alarm of that name, without the function's."""
    return plan.inputs_of(METRIC_ALARM, f"requests-monitoring-{name}")


STACKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "as prod has it": {},
    "without memory": {"idempotency": {"enabled": False}},
    "every event": {"stream": {"events": ["INSERT", "MODIFY"]}},
    "disabled": {"eventSource": {"enabled": False}},
    "given up soon": {"eventSource": {"maximumRecordAgeInSeconds": 60}},
}


@pytest.mark.parametrize("stack", STACKS)
def test_alarms_read_and_widgets_draw_what_the_stack_emits(stack: str) -> None:
    assert_all_is_emitted(plan_of(STACKS[stack], stack="prod"))


def test_of_a_table_that_exists_the_metrics_are_drawn_too(tmp_path: Path) -> None:
    shutil.copyfile(FROZEN / "__main__.py", tmp_path / "__main__.py")
    (tmp_path / "Pulumi.yaml").write_text("name: requests-processor\n", encoding="utf-8")
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config: {'aws:region': ap-northeast-1, table: {name: orders}}\n", encoding="utf-8"
    )
    plan = plan_of(project=tmp_path)

    assert_all_is_emitted(plan)
    assert ("TableName", "orders") in {pair for _, _, named in shown(plan) for pair in named}


def assert_all_is_emitted(plan: Plan) -> None:
    read = {series for each in plan.of_type(METRIC_ALARM) for series in watched(each.inputs)}
    drawn = set(shown(plan))

    assert read
    assert drawn
    assert (read | drawn) - emitted(plan) == set()


def test_what_an_alarm_reads_is_on_the_dashboard(prod: Plan) -> None:
    read = {series for each in prod.of_type(METRIC_ALARM) for series in watched(each.inputs)}

    assert read - set(shown(prod)) == set()


def test_the_dashboard_shows_the_state_of_every_alarm(prod: Plan) -> None:
    (alarms,) = (each["properties"] for each in widgets(prod) if each["type"] == "alarm")

    assert set(alarms["alarms"]) == {
        each.outputs["arn"]
        for type_ in (METRIC_ALARM, COMPOSITE_ALARM)
        for each in prod.of_type(type_)
    }


def test_no_two_widgets_cover_each_other_and_none_is_cut_off(prod: Plan) -> None:
    cells = [
        (column, row)
        for each in widgets(prod)
        for column in range(each["x"], each["x"] + each["width"])
        for row in range(each["y"], each["y"] + each["height"])
    ]

    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


def test_the_dashboard_follows_a_record_from_write_to_done(prod: Plan) -> None:
    texts = [each["properties"]["markdown"] for each in widgets(prod) if each["type"] == "text"]
    rows = [each["y"] for each in widgets(prod)]

    assert [text.splitlines()[0] for text in texts] == [
        "## 1 Written",
        "## 2 Read from the stream",
        "## 3 Delivered",
        "## 4 Done",
        "## 5 Not done",
    ]
    assert rows == sorted(rows)


def test_without_memory_there_is_no_alarm_and_no_graph_of_it() -> None:
    plan = plan_of({"idempotency": {"enabled": False}}, stack="prod")

    assert "requests-monitoring-memory-throttled" not in plan.names()
    assert set(shown(plan)) - emitted(plan) == set()


def test_a_mapping_that_is_disabled_on_purpose_need_not_poll() -> None:
    plan = plan_of({"eventSource": {"enabled": False}}, stack="prod")

    assert "requests-monitoring-does-not-poll" not in plan.names()


def test_monitoring_is_on_in_prod_and_off_in_dev_as_a_group() -> None:
    types = {METRIC_ALARM, COMPOSITE_ALARM, DASHBOARD, TOPIC, TOPIC_POLICY, KEY}

    assert types <= {each.type for each in plan_of(stack="prod").registered}
    assert not types & {each.type for each in plan_of(stack="dev").registered}
    assert not types & {each.type for each in plan_of(OFF, stack="prod").registered}


def test_every_alarm_says_what_it_means_and_what_to_do_first(prod: Plan) -> None:
    for alarm in [*prod.of_type(METRIC_ALARM), *prod.of_type(COMPOSITE_ALARM)]:
        described = alarm.inputs["alarmDescription"]
        name = alarm.name.removeprefix("requests-monitoring-")
        assert " First: " in described
        assert described.endswith(f"docs/operations.md, {name}.")
        assert len(described) <= 1024


def test_no_alarm_names_a_unit(prod: Plan) -> None:
    assert all("unit" not in json.dumps(each.inputs) for each in prod.of_type(METRIC_ALARM))


def test_an_alarm_and_its_end_are_told_once(prod: Plan) -> None:
    topic = prod.resource(TOPIC).outputs["arn"]
    silent = {
        each.name.removeprefix("requests-monitoring-")
        for each in prod.of_type(METRIC_ALARM)
        if each.inputs["alarmActions"] != [topic] or each.inputs["okActions"] != [topic]
    }

    # What these say is said by the alarm that is made of them.
    assert silent == {"dropped", "undelivered"}
    lost = prod.inputs_of(COMPOSITE_ALARM)
    assert lost["alarmActions"] == lost["okActions"] == [topic]
    assert lost["alarmRule"] == (
        'ALARM("requests-processor-dropped") OR ALARM("requests-processor-undelivered")'
    )


def test_a_topic_that_there_is_is_told_and_none_is_made() -> None:
    plan = plan_of({"monitoring": {"topicArn": ON_CALL}}, stack="prod")

    assert not plan.of_type(TOPIC)
    assert not plan.of_type(KEY)
    assert plan.exports["alarmTopicArn"] == ON_CALL
    assert alarm_of(plan, "given-up")["alarmActions"] == [ON_CALL]


def test_each_endpoint_is_told_in_its_own_way() -> None:
    endpoints = [
        "team@example.com",
        "https://hooks.example.com/alarms",
        "arn:aws:sqs:ap-northeast-1:123456789012:alarms",
        "arn:aws:lambda:ap-northeast-1:123456789012:function:page",
    ]
    plan = plan_of({"monitoring": {"subscriptions": endpoints}}, stack="prod")

    made = {
        each.inputs["endpoint"]: each.inputs["protocol"]
        for each in plan.of_type(TOPIC_SUBSCRIPTION)
    }
    assert made == dict(zip(endpoints, ["email", "https", "sqs", "lambda"], strict=True))


def test_only_cloudwatch_of_the_own_account_writes_to_the_topic(prod: Plan) -> None:
    (statement,) = json.loads(prod.inputs_of(TOPIC_POLICY)["policy"])["Statement"]

    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Action"] == "sns:Publish"
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


@pytest.mark.parametrize(
    ("limit", "quarter"), [(21_600, 5_400), (-1, 21_600), (604_800, 21_600), (1_800, 450)]
)
def test_the_age_is_measured_by_what_ends_first_the_limit_or_the_stream(
    limit: int, quarter: int
) -> None:
    plan = plan_of({"eventSource": {"maximumRecordAgeInSeconds": limit}}, stack="prod")

    assert alarm_of(plan, "falls-behind")["threshold"] == quarter * 1000
    assert alarm_of(plan, "about-to-expire")["threshold"] == quarter * 3 * 1000


@pytest.mark.parametrize(
    ("limit", "there"),
    [
        (1_799, {"falls-behind"}),
        (600, {"falls-behind"}),
        (599, set()),
        (60, set()),
    ],
)
def test_an_alarm_that_could_only_fire_when_records_are_given_up_is_not_made(
    limit: int, there: set[str]
) -> None:
    names = plan_of({"eventSource": {"maximumRecordAgeInSeconds": limit}}, stack="prod").names()

    behind = {"falls-behind", "about-to-expire"}
    assert {name for name in behind if f"requests-monitoring-{name}" in names} == there


def test_how_many_parked_records_are_an_alarm_is_the_stacks_to_say() -> None:
    plan = plan_of({"monitoring": {"rejectedRecords": 25}}, stack="prod")

    assert alarm_of(plan, "rejected")["threshold"] == 25


def test_the_documents_quote_what_it_costs(prod: Plan) -> None:
    """CloudWatch's prices of 2026: a metric of an alarm 0.10, a composite 0.50, a dashboard 3."""
    metrics = sum(len(list(watched(each.inputs))) for each in prod.of_type(METRIC_ALARM))
    others = 0.5 * len(prod.of_type(COMPOSITE_ALARM)) + 3 * len(prod.of_type(DASHBOARD))
    price = f"${0.1 * metrics + others + len(prod.of_type(KEY)):.2f} a month"

    guide = pages.text("operations.md")
    assert f"alarms on {metrics} metrics" in guide
    assert price in guide
    # A user's own README quotes none, and may be missing.
    readme = PROJECT / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    assert set(re.findall(r"alarms and dashboard are about (\S+ a month)", text)) <= {price}
