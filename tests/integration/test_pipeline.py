"""The whole pipeline on this machine: real streams, real processes, permissions enforced."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.aws import resources
from infra.local.function.lambda_function import FunctionInitError
from infra.local.program.run import ProgramError
from tests.integration.conftest import Deploy, JournalledFunction, item, parked, put, refuse_parking
from tests.processes import wait_until


@pytest.mark.each_commit
def test_inserts_reach_the_handler_and_nothing_else_invokes_it(
    deploy: Deploy, function: JournalledFunction
) -> None:
    with deploy(**function.deployed) as deployment:
        put(deployment, item("a"), item("b"))
        put(deployment, item("a", text="changed"))
        table = deployment.outputs["tableName"]
        deployment.client("dynamodb").delete_item(TableName=table, Key={"request_id": {"S": "b"}})
        deployment.drain()

        assert function.keys == ["a", "b"]
        assert [record["eventName"] for record in function.records] == ["INSERT", "INSERT"]
        assert deployment.metrics["PolledEventCount"] == 4
        assert deployment.metrics["FilteredOutEventCount"] == 2
        assert deployment.metrics["InvokedEventCount"] == 2


@pytest.mark.each_commit
def test_the_real_handler_processes_parks_and_counts(deploy: Deploy, tmp_path: Any) -> None:
    del tmp_path
    with deploy() as deployment:
        put(deployment, item("good"), {"request_id": {"S": "malformed"}}, item("also good"))
        deployment.drain()

        (key,) = parked(deployment)
        assert key.startswith("rejected/requests-processor/")
        body = deployment.client("s3").get_object(
            Bucket=deployment.outputs["failureBucket"], Key=key
        )["Body"]
        document = json.loads(body.read())
        assert "NewImage.payload must be a map" in document["reason"]
        assert json.loads(document["payload"])["Records"][0]["dynamodb"]["Keys"] == {
            "request_id": {"S": "malformed"}
        }
        assert [one.response for one in deployment.invocations if one.error] == []


def test_a_record_has_the_form_that_lambda_gives_it(
    deploy: Deploy, function: JournalledFunction
) -> None:
    with deploy(**function.deployed) as deployment:
        put(deployment, item("a"))
        deployment.drain()
        stream_arn = deployment.outputs["streamArn"]

    (record,) = function.records
    assert record["eventVersion"] == "1.1"
    assert record["eventSource"] == "aws:dynamodb"
    assert record["awsRegion"] == "ap-northeast-1"
    assert record["eventSourceARN"] == stream_arn
    assert record["dynamodb"]["StreamViewType"] == "NEW_IMAGE"
    assert record["dynamodb"]["NewImage"] == item("a")
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], float)


@pytest.mark.each_commit
def test_a_failing_record_is_retried_from_its_sequence_number_in_order(
    deploy: Deploy, function: JournalledFunction
) -> None:
    function.fail_on("b")
    with deploy(config={"eventSource": {"maximumRetryAttempts": 100}}, **function.deployed) as up:
        up.pause()
        put(up, item("a"), item("b"), item("c"))
        up.resume()
        wait_until(lambda: function.keys.count("b") > 1)
        with pytest.raises(TimeoutError, match="still being delivered"):
            up.drain(timeout=0.1)
        before = function.keys
        function.fail_on()
        up.drain(timeout=300)

    assert before[:2] == ["a", "b"]
    assert set(before[2:]) == {"b"}
    assert function.keys.count("a") == 1
    assert function.keys[-2:] == ["b", "c"]


@pytest.mark.each_commit
def test_what_always_fails_ends_in_the_bucket_and_the_rest_is_processed(
    deploy: Deploy, function: JournalledFunction
) -> None:
    function.fail_on("b")
    with deploy(config={"eventSource": {"maximumRetryAttempts": 1}}, **function.deployed) as up:
        put(up, item("a"), item("b"), item("c"))
        up.drain(timeout=300)

        (key,) = parked(up)
        assert key.startswith(f"aws/lambda/{up.outputs['mappingUuid']}/")
        assert up.metrics["OnFailureDestinationDeliveredEventCount"] == 1
        assert up.metrics["DroppedEventCount"] == 0
    assert function.keys[-1] == "c"
    assert function.keys.count("a") == 1


def test_upserts_and_writes_that_change_nothing_behave_as_on_aws(
    deploy: Deploy, function: JournalledFunction
) -> None:
    with deploy(**function.deployed) as deployment:
        table = deployment.outputs["tableName"]
        deployment.client("dynamodb").update_item(
            TableName=table,
            Key={"request_id": {"S": "upserted"}},
            UpdateExpression="SET payload = :payload",
            ExpressionAttributeValues={":payload": item("x")["payload"]},
        )
        put(deployment, item("same"))
        put(deployment, item("same"))
        deployment.drain()

        assert deployment.metrics["PolledEventCount"] == 2
    upserted, same = function.records
    assert upserted["dynamodb"]["NewImage"] == item("upserted", text="hello")
    assert same["dynamodb"]["NewImage"] == item("same")


@pytest.mark.parametrize(
    ("position", "keys"), [("TRIM_HORIZON", ["before", "after"]), ("LATEST", ["after"])]
)
def test_the_starting_position_decides_about_what_was_written_before(
    deploy: Deploy, function: JournalledFunction, position: str, keys: list[str]
) -> None:
    settings = {"eventSource": {"startingPosition": position, "enabled": False}}
    with deploy(config=settings, **function.deployed) as deployment:
        put(deployment, item("before"))
        deployment.drain()
        assert function.keys == []
        deployment.enable()
        put(deployment, item("after"))
        deployment.drain()

    assert function.keys == keys


def test_a_stopped_mapping_goes_on_where_it_was(
    deploy: Deploy, function: JournalledFunction
) -> None:
    with deploy(**function.deployed) as deployment:
        put(deployment, item("a"))
        deployment.drain()
        deployment.pause()
        put(deployment, item("b"))
        deployment.resume()
        deployment.drain()

        assert deployment.metrics["PolledEventCount"] == 2
    assert function.keys == ["a", "b"]


def test_the_batch_size_is_the_stacks(deploy: Deploy, function: JournalledFunction) -> None:
    settings = {"eventSource": {"batchSize": 3}}
    with deploy(config=settings, **function.deployed) as deployment:
        deployment.pause()
        put(deployment, *(item(f"item-{number}") for number in range(7)))
        deployment.resume()
        deployment.drain()

        sizes = [len(one.event["Records"]) for one in deployment.invocations]  # type: ignore[index] # an event
    assert sizes == [3, 3, 1]


def test_the_stacks_own_filter_decides_what_invokes_the_function(
    deploy: Deploy, function: JournalledFunction
) -> None:
    wanted = {"dynamodb": {"NewImage": {"payload": {"M": {"text": {"S": ["wanted"]}}}}}}
    with deploy(config={"eventSource": {"filters": [wanted]}}, **function.deployed) as deployment:
        put(deployment, item("a", text="other"), item("b", text="wanted"))
        deployment.drain()

    assert function.keys == ["b"]


def without_policy(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Leaves one role policy out of what the engine creates."""
    create = resources.create

    def create_most(emulator: Any, type_: str, resource: str, inputs: Any) -> Any:
        if resource == name:
            return {}
        return create(emulator, type_, resource, inputs)

    monkeypatch.setattr(resources, "create", create_most)


def test_without_the_right_to_read_the_stream_the_mapping_is_refused_as_on_aws(
    deploy: Deploy, function: JournalledFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_policy(monkeypatch, "requests-mapping-stream")

    with (
        pytest.raises(ProgramError, match="Please ensure the role can perform"),
        deploy(**function.deployed),
    ):
        pass


def test_a_rejected_record_that_the_bucket_refuses_is_not_lost_but_retried(
    deploy: Deploy,
) -> None:
    with deploy(config={"eventSource": {"maximumRetryAttempts": 0}}) as deployment:
        refuse_parking(deployment)
        put(deployment, {"request_id": {"S": "malformed"}})
        deployment.drain(60)

        (key,) = parked(deployment)
        assert key.startswith("aws/lambda/")
        assert any("cannot be parked" in line for line in deployment.log)


def test_without_the_right_to_the_table_of_events_no_request_is_processed(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_policy(monkeypatch, "requests-processor-idempotency")
    with deploy(config={"eventSource": {"maximumRetryAttempts": 0}}) as deployment:
        put(deployment, item("a"))
        deployment.drain(60)

        assert len(parked(deployment)) == 1
        assert any("EventNotClaimedError" in line for line in deployment.log)


def test_the_function_may_not_write_to_the_source_table(deploy: Deploy) -> None:
    with deploy() as deployment:
        dynamodb = deployment.client("dynamodb", deployment.role_credentials)

        table = deployment.outputs["tableName"]
        with pytest.raises(ClientError, match="not authorized"):
            dynamodb.put_item(TableName=table, Item=item("x"))
        with pytest.raises(ClientError, match="not authorized"):
            dynamodb.delete_item(TableName=table, Key={"request_id": {"S": "x"}})


def test_the_function_may_write_to_its_own_bucket_and_read_none(deploy: Deploy) -> None:
    with deploy() as deployment:
        s3 = deployment.client("s3", deployment.role_credentials)
        bucket = deployment.outputs["failureBucket"]

        s3.put_object(Bucket=bucket, Key="rejected/x", Body=b"")
        s3.put_object(Bucket=bucket, Key="aws/lambda/x", Body=b"")
        deployment.client("s3").create_bucket(
            Bucket="elsewhere",
            CreateBucketConfiguration={"LocationConstraint": deployment.emulator.region},
        )
        with pytest.raises(ClientError, match="Access"):
            s3.put_object(Bucket="elsewhere", Key="rejected/x", Body=b"")
        with pytest.raises(ClientError, match="Access"):
            s3.get_object(Bucket=bucket, Key="rejected/x")


def test_the_log_is_in_the_log_group_and_holds_no_payload(deploy: Deploy) -> None:
    with deploy() as deployment:
        put(deployment, item("a", secret="do-not-log-me"), {"request_id": {"S": "malformed"}})
        deployment.drain()

        events = deployment.client("logs").filter_log_events(
            logGroupName=deployment.outputs["logGroup"]
        )["events"]
    lines = [event["message"] for event in events]
    assert any('"Request done"' in line for line in lines)
    assert not any("do-not-log-me" in line for line in lines)
    assert not any("do-not-log-me" in line for line in deployment.log)


def test_the_deployed_function_answers_lambdas_invoke(deploy: Deploy) -> None:
    with deploy() as deployment:
        answer = deployment.client("lambda").invoke(
            FunctionName=deployment.outputs["functionArn"], Payload=b"{}"
        )

        assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}


def test_a_handler_that_cannot_be_imported_stops_the_deployment(
    deploy: Deploy, function: JournalledFunction
) -> None:
    (function.folder / "function.py").write_text("import nowhere\n")

    with (
        pytest.raises(FunctionInitError, match="No module named 'nowhere'"),
        deploy(**function.deployed),
    ):
        pass


def test_the_callers_aws_settings_do_not_leak_in(
    deploy: Deploy, function: JournalledFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_REGION"):
        monkeypatch.setenv(name, "http://127.0.0.1:9" if "URL" in name else "somebody-elses")

    with deploy(**function.deployed) as deployment:
        put(deployment, item("a"))
        deployment.drain()

    assert function.keys == ["a"]
