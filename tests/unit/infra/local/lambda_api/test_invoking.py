"""Lambda's Invoke, with boto3 as its client and a real function behind it."""

import base64
import contextlib
import http.client
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.processes import PATIENCE, wait_until
from tests.unit.infra.local.lambda_api.conftest import EmbeddedLambda

pytestmark = pytest.mark.slow  # they wait for functions and mappings

CODE: Final = """
import os, pathlib, time

def handler(event, context):
    print("printed", event)
    match event:
        case {"raise": message}:
            raise ValueError(message)
        case {"write": path}:
            pathlib.Path(path).touch()
        case {"wait": path}:
            while not os.path.exists(path):
                time.sleep(0.01)
        case _:
            return event
"""


@pytest.fixture
def client(lambda_: EmbeddedLambda) -> Any:
    """Of an embedded AWS with one function."""
    lambda_.create_function("processor", CODE)
    return lambda_.client


@pytest.mark.parametrize(
    "name",
    [
        "processor",
        "processor:$LATEST",
        "function:processor",
        "123456789012:function:processor",
        "arn:aws:lambda:ap-northeast-1:123456789012:function:processor",
    ],
)
def test_a_function_is_invoked_by_any_of_its_names(client: Any, name: str) -> None:
    answer = client.invoke(FunctionName=name, Payload=b'{"a": 1}')

    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"a": 1}


def test_a_function_error_is_in_the_header_and_its_document_in_the_body(client: Any) -> None:
    answer = client.invoke(FunctionName="processor", Payload=b'{"raise": "not today"}')

    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorMessage"] == "not today"


def test_the_tail_of_the_log_is_that_of_the_invocation_alone(client: Any) -> None:
    client.invoke(FunctionName="processor", Payload=b"1")
    answer = client.invoke(FunctionName="processor", Payload=b"2", LogType="Tail")

    assert base64.b64decode(answer["LogResult"]) == b"printed 2"


def test_no_log_comes_along_unasked(client: Any) -> None:
    assert "LogResult" not in client.invoke(FunctionName="processor")


def test_no_payload_is_an_empty_event_and_none_a_null_response(client: Any) -> None:
    assert client.invoke(FunctionName="processor")["Payload"].read() == b"{}"
    assert client.invoke(FunctionName="processor", Payload=b"null")["Payload"].read() == b"null"


def test_a_dry_run_invokes_nothing(client: Any, tmp_path: Path) -> None:
    payload = json.dumps({"write": str(tmp_path / "written")}).encode()

    answer = client.invoke(FunctionName="processor", Payload=payload, InvocationType="DryRun")

    assert answer["StatusCode"] == 204
    assert not (tmp_path / "written").exists()


def test_an_event_is_accepted_at_once_and_invoked_when_there_is_room(
    client: Any, tmp_path: Path
) -> None:
    client.put_function_concurrency(FunctionName="processor", ReservedConcurrentExecutions=1)
    first = json.dumps({"wait": str(tmp_path / "go")}).encode()
    second = json.dumps({"write": str(tmp_path / "written")}).encode()

    statuses = [
        client.invoke(FunctionName="processor", InvocationType="Event", Payload=each)["StatusCode"]
        for each in (first, second)
    ]
    before = (tmp_path / "written").exists()
    (tmp_path / "go").touch()
    wait_until((tmp_path / "written").exists)

    assert (statuses, before) == ([202, 202], False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"FunctionName": "other"}, "ResourceNotFoundException"),
        ({"Qualifier": "live"}, "ResourceNotFoundException"),
        ({"FunctionName": "processor:live"}, "ResourceNotFoundException"),
        ({"Payload": b"{"}, "InvalidRequestContentException"),
        ({"Payload": b"\xff"}, "InvalidRequestContentException"),
        ({"Payload": b"[NaN]"}, "InvalidRequestContentException"),
        ({"ClientContext": "e30="}, "NotImplemented"),
        ({"Payload": b" " * (6 * 1024 * 1024 + 1)}, "RequestEntityTooLargeException"),
        (
            {"Payload": b" " * (1024 * 1024 + 1), "InvocationType": "Event"},
            "RequestEntityTooLargeException",
        ),
        ({"InvocationType": "Sometimes"}, "ValidationException"),
    ],
    ids=[
        "name",
        "qualifier",
        "name:qualifier",
        "no JSON",
        "no text",
        "NaN",
        "context",
        "6 MB",
        "1 MB",
        "type",
    ],
)
def test_what_lambda_refuses_is_refused_with_its_error(
    client: Any, arguments: dict[str, Any], code: str
) -> None:
    assert code_of_refusal(client, **arguments) == code


def test_no_room_is_too_many_requests(client: Any) -> None:
    client.put_function_concurrency(FunctionName="processor", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName="processor")
    without: Any = caught.value.response
    client.delete_function_concurrency(FunctionName="processor")

    # Recorded: LocalStack's snapshot of test_lambda_concurrency_block.
    assert without["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
    assert without["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert client.invoke(FunctionName="processor")["StatusCode"] == 200


def code_of_refusal(client: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        client.invoke(**{"FunctionName": "processor", "Payload": b"{}", **arguments})
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"Host": "rebound.example:{port}"}, "Host must be localhost or an address"),
        ({"Origin": "https://page.example"}, "Origin must not be there"),
        ({"Origin": "null"}, "Origin must not be there"),
        ({"Origin": "http://localhost:3000"}, "Origin must not be there"),
        ({}, "Missing Authentication Token"),
    ],
)
def test_a_page_in_a_browser_and_who_does_not_sign_invoke_nothing(
    client: Any, tmp_path: Path, headers: dict[str, str], refused: str
) -> None:
    written = tmp_path / "written"
    endpoint = urlsplit(client.meta.endpoint_url)
    connection = http.client.HTTPConnection(endpoint.netloc, timeout=PATIENCE)
    filled = {name: value.format(port=endpoint.port) for name, value in headers.items()}

    with contextlib.closing(connection):
        path = "/2015-03-31/functions/processor/invocations"
        connection.request("POST", path, json.dumps({"write": str(written)}), filled)
        answer = connection.getresponse()
        status, body = answer.status, answer.read().decode()

    assert status == 403
    assert refused in body
    assert not written.exists()
