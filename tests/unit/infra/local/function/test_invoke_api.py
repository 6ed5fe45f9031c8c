"""Lambda's Invoke API, with boto3 as its client and a real function behind it."""

import asyncio
import base64
import contextlib
import http.client
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local.function.invoke_api import InvokeApi
from infra.local.function.lambda_function import LambdaFunction
from tests.processes import PATIENCE, wait_until
from tests.unit.infra.local.function.functions import ARN, settings

CODE = """
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


def with_client(folder: Path, work: Callable[[Any], Any], **changes: Any) -> Any:
    """Runs `work(client)` in a thread, against a served function."""

    async def main() -> Any:
        async with LambdaFunction(settings(folder, CODE, **changes)) as function:
            api = InvokeApi(function)
            await api.start()
            session: Any = boto3.Session("key", "secret", region_name="eu-west-1")
            client = session.client(
                "lambda",
                endpoint_url=api.endpoint,
                config=Config(retries={"total_max_attempts": 1}),
            )
            try:
                return await asyncio.to_thread(work, client)
            finally:
                await api.stop()

    return asyncio.run(main())


@pytest.mark.parametrize(
    "name",
    [
        "processor",
        "processor:$LATEST",
        "function:processor",
        "123456789012:function:processor",
        ARN,
    ],
)
def test_a_function_is_invoked_by_any_of_its_names(tmp_path: Path, name: str) -> None:
    answer = with_client(
        tmp_path, lambda client: client.invoke(FunctionName=name, Payload=b'{"a": 1}')
    )

    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"a": 1}


def test_a_function_error_is_in_the_header_and_its_document_in_the_body(tmp_path: Path) -> None:
    answer = with_client(
        tmp_path,
        lambda client: client.invoke(FunctionName="processor", Payload=b'{"raise": "not today"}'),
    )

    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorMessage"] == "not today"


def test_the_tail_of_the_log_is_that_of_the_invocation_alone(tmp_path: Path) -> None:
    def both(client: Any) -> Any:
        client.invoke(FunctionName="processor", Payload=b"1")
        return client.invoke(FunctionName="processor", Payload=b"2", LogType="Tail")

    answer = with_client(tmp_path, both)

    assert base64.b64decode(answer["LogResult"]) == b"printed 2"


def test_no_log_comes_along_unasked(tmp_path: Path) -> None:
    answer = with_client(tmp_path, lambda client: client.invoke(FunctionName="processor"))

    assert "LogResult" not in answer


def test_no_payload_is_an_empty_event_and_none_a_null_response(tmp_path: Path) -> None:
    def both(client: Any) -> Any:
        return [
            client.invoke(FunctionName="processor")["Payload"].read(),
            client.invoke(FunctionName="processor", Payload=b"null")["Payload"].read(),
        ]

    assert with_client(tmp_path, both) == [b"{}", b"null"]


def test_a_dry_run_invokes_nothing(tmp_path: Path) -> None:
    payload = json.dumps({"write": str(tmp_path / "written")}).encode()

    answer = with_client(
        tmp_path,
        lambda client: client.invoke(
            FunctionName="processor", Payload=payload, InvocationType="DryRun"
        ),
    )

    assert answer["StatusCode"] == 204
    assert not (tmp_path / "written").exists()


def test_an_event_is_accepted_at_once_and_invoked_when_there_is_room(tmp_path: Path) -> None:
    first = json.dumps({"wait": str(tmp_path / "go")}).encode()
    second = json.dumps({"write": str(tmp_path / "written")}).encode()

    def events(client: Any) -> Any:
        send = partial(client.invoke, FunctionName="processor", InvocationType="Event")
        statuses = [send(Payload=payload)["StatusCode"] for payload in (first, second)]
        before = (tmp_path / "written").exists()
        (tmp_path / "go").touch()
        wait_until((tmp_path / "written").exists)
        return statuses, before

    assert with_client(tmp_path, events, reserved_concurrency=1) == ([202, 202], False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"FunctionName": "other"}, "ResourceNotFoundException"),
        ({"Qualifier": "live"}, "ResourceNotFoundException"),
        ({"Payload": b"{"}, "InvalidRequestContentException"),
        ({"Payload": b"\xff"}, "InvalidRequestContentException"),
        ({"Payload": b" " * (6 * 1024 * 1024 + 1)}, "RequestEntityTooLargeException"),
        (
            {"Payload": b" " * (1024 * 1024 + 1), "InvocationType": "Event"},
            "RequestEntityTooLargeException",
        ),
        ({"InvocationType": "Sometimes"}, "InvalidParameterValueException"),
    ],
    ids=["name", "qualifier", "no JSON", "no text", "6 MB", "1 MB for an event", "type"],
)
def test_what_lambda_refuses_is_refused_with_its_error(
    tmp_path: Path, arguments: dict[str, Any], code: str
) -> None:
    assert with_client(tmp_path, partial(refused, arguments)) == code


def test_no_room_is_too_many_requests(tmp_path: Path) -> None:
    code = with_client(tmp_path, partial(refused, {}), reserved_concurrency=0)

    assert code == "TooManyRequestsException"


def refused(arguments: dict[str, Any], client: Any) -> str:
    with pytest.raises(ClientError) as caught:
        client.invoke(**{"FunctionName": "processor", "Payload": b"{}", **arguments})
    return str(caught.value.response["Error"]["Code"])


def test_a_call_that_is_not_there_says_so(tmp_path: Path) -> None:
    def refused(client: Any) -> Any:
        with pytest.raises(ClientError, match="answers Lambda's Invoke only"):
            client.list_functions()

    with_client(tmp_path, refused)


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"Host": "rebound.example:{port}"}, "Host must be localhost or an address"),
        ({"Origin": "https://page.example"}, "Origin must not be there"),
        ({"Origin": "null"}, "Origin must not be there"),
        ({"Origin": "http://localhost:3000"}, "Origin must not be there"),
        ({"Host": "localhost:{port}"}, ""),
        ({"Origin": "http://127.0.0.1:{port}"}, ""),
    ],
)
def test_a_page_in_a_browser_invokes_nothing(
    tmp_path: Path, headers: dict[str, str], refused: str
) -> None:
    written = tmp_path / "written"

    def work(client: Any) -> tuple[int, str]:
        endpoint = urlsplit(client.meta.endpoint_url)
        connection = http.client.HTTPConnection(endpoint.netloc, timeout=PATIENCE)
        filled = {name: value.format(port=endpoint.port) for name, value in headers.items()}
        path = "/2015-03-31/functions/processor/invocations"
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps({"write": str(written)}), filled)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    status, body = with_client(tmp_path, work)

    assert status == (403 if refused else 200)
    assert refused in body
    assert written.exists() is not bool(refused)
