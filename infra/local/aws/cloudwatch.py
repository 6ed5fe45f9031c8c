"""Alarms and dashboards in the embedded AWS, so that the AWS CLI finds them there.

What an alarm's state is, `infra.local.cloudwatch` works out; moto keeps it. moto knows no composite
alarms: those are evaluated all the same, and no CLI finds them. What replaces one follows
internal/service/cloudwatch of terraform-provider-aws 6.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from infra.local.aws import services
from infra.local.aws.emulator import ACCOUNT, Emulator
from infra.local.aws.inputs import heeded, unnoted
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType
from infra.local.cloudwatch.definitions import COMPOSITE_ALARM, METRIC_ALARM, RegisteredAlarm

DASHBOARD: Final = "aws:cloudwatch/dashboard:Dashboard"

_ALARM: Final = {
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluationPeriods": "EvaluationPeriods",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
}


def _put_alarm(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    request: dict[str, Any] = {
        aws: inputs[key] for key, aws in _ALARM.items() if inputs.get(key) is not None
    }
    if inputs.get("dimensions"):
        request["Dimensions"] = _dimensions(inputs["dimensions"])
    if inputs.get("metricQueries"):
        request["Metrics"] = [_query(each) for each in inputs["metricQueries"]]
    # moto has no parameter for it, and the tags are the same as everywhere.
    heeded(inputs, "warmUpConfiguration", "tags")
    emulator.client("cloudwatch").put_metric_alarm(AlarmName=name, **request)
    _register(emulator, METRIC_ALARM, name, inputs)
    return {"id": name, "name": name, "arn": _arn(emulator, name)}


def _register(emulator: Emulator, type_: str, name: str, inputs: Inputs) -> None:
    # Of what nobody evaluates it is still to be said that it was not read.
    kept = {**unnoted(inputs), "name": name}
    emulator.alarms[name] = RegisteredAlarm(type=type_, inputs=kept, since=time.time())


def _dimensions(inputs: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in inputs.items()]


def _query(inputs: Inputs) -> dict[str, Any]:
    query = {"Id": inputs["id"], "ReturnData": inputs.get("returnData", False)}
    metric = inputs.get("metric")
    if metric is None:
        return {**query, "Expression": inputs["expression"], "Label": inputs.get("label", "")}
    named = services.given(metric, {"namespace": "Namespace", "metricName": "MetricName"})
    return {
        **query,
        "MetricStat": {
            "Metric": {**named, "Dimensions": _dimensions(metric.get("dimensions", {}))},
            "Period": metric["period"],
            "Stat": metric["stat"],
        },
    }


def _arn(emulator: Emulator, alarm: str) -> str:
    return f"arn:aws:cloudwatch:{emulator.region}:{ACCOUNT}:alarm:{alarm}"


def _composite_alarm(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    heeded(inputs, "alarmActions", "alarmDescription", "alarmRule", "okActions", "tags")
    name = inputs["alarmName"]
    _register(emulator, COMPOSITE_ALARM, name, inputs)
    return {"id": name, "arn": _arn(emulator, name)}


def _put_dashboard(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    name = inputs["dashboardName"]
    emulator.client("cloudwatch").put_dashboard(
        DashboardName=name, DashboardBody=inputs["dashboardBody"]
    )
    return {"id": name, "dashboardArn": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}"}


def _again_alarm(emulator: Emulator, alarm: Existing, inputs: Inputs) -> Outputs:
    _put_alarm(emulator, alarm.id, inputs)
    return {}


def _again_dashboard(emulator: Emulator, dashboard: Existing, inputs: Inputs) -> Outputs:
    _put_dashboard(emulator, dashboard.id, inputs)
    return {}


def _again_composite(emulator: Emulator, alarm: Existing, inputs: Inputs) -> Outputs:
    _composite_alarm(emulator, alarm.id, inputs)
    return {}


def _delete_alarm(emulator: Emulator, alarm: Existing) -> None:
    emulator.client("cloudwatch").delete_alarms(AlarmNames=[alarm.id])
    emulator.alarms.pop(alarm.id, None)


def _delete_dashboard(emulator: Emulator, dashboard: Existing) -> None:
    emulator.client("cloudwatch").delete_dashboards(DashboardNames=[dashboard.id])


def _delete_composite(emulator: Emulator, alarm: Existing) -> None:
    emulator.alarms.pop(alarm.id, None)


TYPES: Final[Mapping[str, ResourceType]] = {
    METRIC_ALARM: ResourceType(
        create=_put_alarm,
        update=_again_alarm,
        delete=_delete_alarm,
        naming=Naming(longest=255),
        computed=("arn",),
        replaced_by=frozenset({"name"}),
        unordered=frozenset({"alarmActions", "okActions"}),
    ),
    COMPOSITE_ALARM: ResourceType(
        create=_composite_alarm,
        update=_again_composite,
        delete=_delete_composite,
        computed=("arn",),
        replaced_by=frozenset({"alarmName"}),
        unordered=frozenset({"alarmActions", "okActions"}),
    ),
    DASHBOARD: ResourceType(
        create=_put_dashboard,
        update=_again_dashboard,
        delete=_delete_dashboard,
        computed=("dashboardArn",),
        replaced_by=frozenset({"dashboardName"}),
    ),
}
