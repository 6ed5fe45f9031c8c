"""A deployment's metrics and alarms are CloudWatch's, to whoever asks its API."""

from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local import LocalDeployment
from infra.local.cloudwatch.alarms import State
from tests.integration.conftest import Deploy, JournalledFunction, item, put

ON = {"monitoring": {"enabled": True, "subscriptions": ["team@example.com"]}}


def statistics(deployment: LocalDeployment, name: str, statistic: str, **dimensions: str) -> float:
    """As the operations guide asks for them."""
    now = datetime.now(UTC)
    answer: dict[str, Any] = deployment.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=[statistic],
    )
    (point,) = answer["Datapoints"]
    return float(point[statistic])


def test_what_ran_is_found_under_cloudwatchs_names_and_a_given_up_record_fires_its_alarm(
    deploy: Deploy, function: JournalledFunction
) -> None:
    config = {**ON, "eventSource": {"maximumRetryAttempts": 0, "batchSize": 1}}
    with deploy(config=config, **function.deployed) as deployment:
        assert [each for each in deployment.look_at_alarms() if each.is_told] == []
        function.fail_on("b")
        put(deployment, item("a"), item("b"))
        deployment.drain()
        deployment.client("lambda").invoke(
            FunctionName=deployment.outputs["functionName"], Payload=b'{"Records": []}'
        )

        fired = [each.alarm.name for each in deployment.look_at_alarms() if each.is_told]

        name = deployment.outputs["functionName"]
        mapping = {"EventSourceMappingUUID": deployment.outputs["mappingUuid"]}
        assert fired == [f"{name}-given-up"]
        assert deployment.alarms[f"{name}-given-up"] is State.ALARM
        found = deployment.client("cloudwatch").describe_alarms(StateValue="ALARM")
        assert [each["AlarmName"] for each in found["MetricAlarms"]] == fired
        assert statistics(deployment, "PolledEventCount", "Sum", **mapping) == 2
        assert statistics(deployment, "FailedInvokeEventCount", "Sum", **mapping) == 1
        assert statistics(deployment, "Invocations", "Sum", FunctionName=name) == 3
        age = statistics(deployment, "IteratorAge", "Maximum", FunctionName=name)
        assert age == deployment.statistic("IteratorAge", "Maximum")
