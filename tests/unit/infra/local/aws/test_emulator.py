"""The embedded AWS: permissions by ARN, nothing of the caller's, nothing left behind."""

import contextlib
import http.client
import os
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from infra.local.aws.emulator import ACCOUNT, Emulator, EmulatorError
from infra.local.aws.emulator_process import EmulatorProcess, begun_ahead
from tests.processes import PATIENCE
from tests.unit.infra.local.aws.roles import role_with

REGION = "ap-northeast-1"
TABLE_ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/mine"


@pytest.fixture
def mine(aws: Emulator) -> Emulator:
    """With a table that has a stream, and a log group, both called mine."""
    aws.client("dynamodb").create_table(
        TableName="mine",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    aws.client("logs").create_log_group(logGroupName="mine")
    return aws


def stream_arn(emulator: Emulator) -> str:
    table = emulator.client("dynamodb").describe_table(TableName="mine")["Table"]
    return str(table["LatestStreamArn"])


@pytest.mark.parametrize(
    ("service", "call", "action"),
    [
        ("dynamodb", "get_item", "dynamodb:GetItem"),
        ("dynamodbstreams", "describe_stream", "dynamodb:DescribeStream"),
        ("logs", "create_log_stream", "logs:CreateLogStream"),
    ],
)
def test_a_permission_is_checked_against_the_arn(
    mine: Emulator, service: str, call: str, action: str
) -> None:
    stream = stream_arn(mine)
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:mine:log-stream:*"
    arn = {"dynamodb": TABLE_ARN, "dynamodbstreams": stream, "logs": log}[service]
    calls: dict[str, Any] = {
        "dynamodb": {"TableName": "mine", "Key": {"id": {"S": "a"}}},
        "dynamodbstreams": {"StreamArn": stream},
        "logs": {"logGroupName": "mine", "logStreamName": "one"},
    }
    right = role_with(mine, "right", action, arn)
    wrong = role_with(mine, "wrong", action, arn.replace("mine", "other"))
    mine.enforce_permissions()

    with pytest.raises(ClientError, match=f"not authorized to perform: {action}"):
        getattr(mine.client(service, wrong), call)(**calls[service])
    getattr(mine.client(service, right), call)(**calls[service])


def test_a_taken_port_is_said_to_be_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(EmulatorError, match=f"port {port} of 127.0.0.1 is taken"):
            Emulator(region=REGION, port=port)


def test_the_callers_aws_settings_are_not_used(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "there-is-none")
    monkeypatch.setenv("AWS_REGION", "us-gov-west-1")

    assert emulator.client("sqs").meta.region_name == REGION


def test_the_process_is_gone_when_the_block_ends() -> None:
    with Emulator(region=REGION) as emulator:
        process_id = emulator.process_id
        assert emulator.endpoint.startswith("http://127.0.0.1:")

    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "rebound.example"}, 403),
        ({"Origin": "https://page.example"}, 403),
        ({"Host": "bucket.localhost"}, 200),
        ({}, 200),
    ],
)
def test_a_page_in_a_browser_is_answered_nothing(
    aws: Emulator, headers: dict[str, str], status: int
) -> None:
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint).netloc, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/moto-api/data.json", headers=headers)

        assert connection.getresponse().status == status


@pytest.mark.parametrize(
    "words", ["filter", "up --port 4566", "demo --port=4566", "demo --docker", "up --help", ""]
)
def test_none_is_begun_for_a_command_that_could_not_use_it(words: str) -> None:
    with begun_ahead(words.split()) as process:
        assert process is None


def test_the_process_ends_with_who_began_it() -> None:
    with EmulatorProcess() as process:
        assert process._process.stdin is not None
        process._process.stdin.close()

        assert process._process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("service", "call", "parameters"),
    [
        ("ssm", "start_automation_execution", {"DocumentName": "AWS-Restart"}),
        ("ses", "put_identity_policy", {"Identity": "a", "PolicyName": "b", "Policy": "{}"}),
    ],
)
def test_a_call_that_is_not_known_says_so(
    aws: Emulator, service: str, call: str, parameters: dict[str, str]
) -> None:
    with pytest.raises(
        ClientError, match=f"call of {service} is not known in the local run"
    ) as error:
        getattr(aws.client(service), call)(**parameters)

    assert error.value.response["Error"]["Code"] == "NotImplemented"
