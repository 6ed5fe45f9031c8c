"""The whole program: both stacks, what they export, and how the components hang together."""

import json
import subprocess

import pytest

from handler.config import RequestsStream
from tests.plan import ACCOUNT, REGION, plan_of

NO_IDEMPOTENCY = {"idempotency": {"enabled": False}}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_exports_what_a_user_needs_next(stack: str) -> None:
    exports = plan_of(stack=stack).exports

    assert exports.keys() == {
        "tableName",
        "streamArn",
        "functionName",
        "functionArn",
        "imageUri",
        "mappingUuid",
        "logGroup",
        "failureBucket",
        "idempotencyTable",
        "putItemCommand",
        "tailLogsCommand",
    }
    assert all(isinstance(value, str) and value for value in exports.values())


def test_no_export_is_left_over_from_another_stack() -> None:
    plan_of()

    assert "idempotencyTable" not in plan_of(NO_IDEMPOTENCY).exports


def test_every_resource_belongs_to_a_component_and_is_named_after_it() -> None:
    plan = plan_of()

    misnamed = {
        each.name
        for each in plan.registered
        if not each.name.startswith(each.parent) or each.parent == "requests"
    }
    assert misnamed == set()


@pytest.mark.parametrize(
    ("stack", "protected"),
    [("dev", set()), ("prod", {"requests-table", "requests-image", "requests-failures"})],
)
def test_protected_is_what_aws_would_refuse_to_delete(stack: str, protected: set[str]) -> None:
    assert {each.name for each in plan_of(stack=stack).registered if each.protect} == protected


def test_the_same_configuration_gives_the_same_plan() -> None:
    first, second = plan_of(), plan_of()

    assert {each.name: each.inputs for each in first.registered} == {
        each.name: each.inputs for each in second.registered
    }


def test_the_command_to_put_an_item_puts_a_request_of_the_contract() -> None:
    command = plan_of().exports["putItemCommand"]

    arguments = arguments_of(command)
    item = json.loads(arguments.pop())
    stream = RequestsStream()
    assert arguments == [
        "dynamodb",
        "put-item",
        "--region",
        REGION,
        "--table-name",
        "requests-table",
        "--item",
    ]
    made = stream.item.decode(item)
    assert made.request_id.startswith("request-")
    assert made.payload


def test_the_command_to_put_an_item_names_another_request_each_time() -> None:
    assert "$(date +%s)" in plan_of().exports["putItemCommand"]


def test_the_command_to_tail_the_log_names_the_log_group() -> None:
    plan = plan_of()

    arguments = arguments_of(plan.exports["tailLogsCommand"])
    assert arguments == ["logs", "tail", "--region", REGION, "--follow", plan.exports["logGroup"]]


def test_the_streams_arn_names_account_and_region() -> None:
    stream_arn = plan_of().exports["streamArn"]

    assert stream_arn.startswith(
        f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/requests-table/stream/"
    )


def arguments_of(command: str) -> list[str]:
    """What the AWS CLI is given when a shell runs the command."""
    script = f"aws() {{ printf '%s\\0' \"$@\"; }}; {command}"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]
