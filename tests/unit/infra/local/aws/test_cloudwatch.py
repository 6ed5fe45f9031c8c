"""The alarms and the dashboard of the program, as the embedded AWS has them."""

from collections.abc import Mapping
from typing import Any

from infra.local.aws import resources
from infra.local.aws.emulator import Emulator
from infra.local.aws.not_made import NOT_MADE_HERE
from infra.local.aws.resource_type import Existing
from tests.plan import COMPOSITE_ALARM, DASHBOARD, METRIC_ALARM, Plan, Registered, plan_of


def made(aws: Emulator, registered: Registered) -> Existing:
    outputs = resources.create(aws, registered.type, registered.name, registered.inputs)
    assert NOT_MADE_HERE not in outputs, registered.name
    return Existing(id=outputs["id"], state={**registered.inputs, **outputs})


def alarms(aws: Emulator) -> dict[str, Mapping[str, Any]]:
    found = aws.client("cloudwatch").describe_alarms(AlarmNamePrefix="requests-processor-")
    return {each["AlarmName"]: each for each in found["MetricAlarms"]}


def prod() -> Plan:
    return plan_of(stack="prod")


def test_every_alarm_is_found_by_the_functions_name(aws: Emulator) -> None:
    registered = prod().of_type(METRIC_ALARM)
    for each in registered:
        made(aws, each)

    assert alarms(aws).keys() == {each.inputs["name"] for each in registered}
    crashes = alarms(aws)["requests-processor-crashes"]
    assert (crashes["MetricName"], crashes["DatapointsToAlarm"]) == ("Errors", 3)
    filtered = alarms(aws)["requests-processor-filter-matches-nothing"]
    assert [each["Id"] for each in filtered["Metrics"]] == ["breach", "polled", "filtered"]


def test_an_alarm_takes_over_another_threshold_and_goes(aws: Emulator) -> None:
    registered = prod().resource(METRIC_ALARM, "requests-monitoring-rejected")
    before = made(aws, registered)

    inputs = {**registered.inputs, "threshold": 25}
    resources.update(aws, METRIC_ALARM, before, inputs, changed={"threshold"})
    assert alarms(aws)["requests-processor-rejected"]["Threshold"] == 25
    assert aws.alarms["requests-processor-rejected"].inputs["threshold"] == 25
    resources.type_of(METRIC_ALARM).delete(aws, before)
    assert alarms(aws) == {}
    assert aws.alarms == {}


def test_the_dashboard_is_kept_and_goes(aws: Emulator) -> None:
    registered = prod().resource(DASHBOARD)
    dashboard = made(aws, registered)
    cloudwatch = aws.client("cloudwatch")

    kept = cloudwatch.get_dashboard(DashboardName=dashboard.id)
    assert kept["DashboardBody"] == registered.inputs["dashboardBody"]
    resources.type_of(DASHBOARD).delete(aws, dashboard)
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []


def test_a_composite_alarm_has_an_arn_though_moto_has_none_of_its_kind(aws: Emulator) -> None:
    lost = made(aws, prod().resource(COMPOSITE_ALARM))

    assert lost.state["arn"].endswith(":alarm:requests-processor-records-lost")
    assert "requests-processor-records-lost" in aws.alarms
    resources.type_of(COMPOSITE_ALARM).delete(aws, lost)
    assert aws.alarms == {}


def test_what_of_an_alarm_is_not_made_here_is_still_said(aws: Emulator) -> None:
    inputs = {
        **prod().resource(METRIC_ALARM, "requests-monitoring-crashes").inputs,
        "unit": "Count",
    }

    outputs = resources.create(aws, METRIC_ALARM, "crashes", inputs)

    assert outputs[NOT_MADE_HERE] == "unit"
