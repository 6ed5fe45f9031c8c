"""Lambda's Invoke API, with boto3 as its client and a real function behind it."""

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local.invoke_api import InvokeApi
from infra.local.lambda_runtime import LambdaFunction
from tests.unit.local.test_lambda_runtime import ARN, settings

CODE = """
    def handler(event, context):
        print("printed")
        if event.get("raise"):
            raise ValueError("not today")
        return event
"""


def with_client(folder: Path, work: Callable[[Any], Any]) -> Any:
    """Runs `work(client)` in a thread, against a served function."""

    async def main() -> Any:
        async with LambdaFunction(settings(folder, CODE)) as function:
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


@pytest.mark.parametrize("name", ["processor", ARN, "123456789012:function:processor"])
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
        lambda client: client.invoke(FunctionName="processor", Payload=b'{"raise": true}'),
    )

    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorMessage"] == "not today"


def test_the_tail_of_the_log_comes_along_when_asked_for(tmp_path: Path) -> None:
    def twice(client: Any) -> Any:
        client.invoke(FunctionName="processor", Payload=b"{}")
        return client.invoke(FunctionName="processor", Payload=b"{}", LogType="Tail")

    answer = with_client(tmp_path, twice)

    assert "printed" in base64.b64decode(answer["LogResult"]).decode()


@pytest.mark.parametrize(("kind", "status"), [("DryRun", 204), ("Event", 202)])
def test_the_other_invocation_types_answer_without_a_result(
    tmp_path: Path, kind: str, status: int
) -> None:
    answer = with_client(
        tmp_path,
        lambda client: client.invoke(FunctionName="processor", Payload=b"{}", InvocationType=kind),
    )

    assert answer["StatusCode"] == status


@pytest.mark.parametrize(
    ("name", "payload", "code"),
    [
        ("other", b"{}", "ResourceNotFoundException"),
        ("processor", b"{", "InvalidRequestContentException"),
        ("processor", b'"' + b"x" * (6 * 1024 * 1024) + b'"', "RequestEntityTooLargeException"),
    ],
    ids=["another name", "no JSON", "too large"],
)
def test_what_lambda_refuses_is_refused_with_its_error(
    tmp_path: Path, name: str, payload: bytes, code: str
) -> None:
    def refused(client: Any) -> Any:
        with pytest.raises(ClientError) as caught:
            client.invoke(FunctionName=name, Payload=payload)
        return caught.value.response["Error"]["Code"]

    assert with_client(tmp_path, refused) == code


def test_a_call_that_is_not_there_says_so(tmp_path: Path) -> None:
    def refused(client: Any) -> Any:
        with pytest.raises(ClientError, match="answers Lambda's Invoke only"):
            client.list_functions()

    with_client(tmp_path, refused)
