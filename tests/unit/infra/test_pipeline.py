"""The whole program: both stacks, what they export, and how the components hang together."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pulumi
import pytest

from handler.config import RequestsStream
from infra.local.program.engine import UNKNOWN
from tests.plan import (
    ACCOUNT,
    AUTHORIZATION_TOKEN,
    BUCKET,
    FUNCTION,
    GET_IMAGE,
    GET_REPOSITORY,
    REGION,
    REPOSITORY,
    ROLE,
    TABLE,
    plan_of,
)

NO_IDEMPOTENCY = {"idempotency": {"enabled": False}}
EXISTING_IMAGE = {"image": {"repository": "processor", "tag": "1.0"}}
EARLIER_IMAGE = {"image": {"digest": "sha256:" + "5e" * 32}}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_exports_what_a_user_needs_next(stack: str) -> None:
    exports = plan_of(stack=stack).exports

    of_monitoring = {"alarmTopicArn", "dashboardName"} if stack == "prod" else set()
    assert exports.keys() == of_monitoring | {
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


def fits(planned: object, made: object) -> bool:
    """Whether all that a preview knows of a value is so."""
    if planned is UNKNOWN:
        return True
    if isinstance(planned, dict) and isinstance(made, dict):
        return planned.keys() <= made.keys() and all(
            fits(each, made[key]) for key, each in planned.items()
        )
    if isinstance(planned, list) and isinstance(made, list):
        return len(planned) == len(made) and all(map(fits, planned, made))
    return planned == made


@pytest.mark.parametrize("config", [{}, NO_IDEMPOTENCY, EXISTING_IMAGE, EARLIER_IMAGE])
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_preview_plans_what_an_up_makes_and_knows_nothing_else(
    stack: str, config: dict[str, Any]
) -> None:
    planned = {each.name: each for each in plan_of(config, stack=stack, preview=True).registered}
    made = {each.name: each for each in plan_of(config, stack=stack).registered}

    assert planned.keys() == made.keys()
    assert [name for name in made if not fits(planned[name].inputs, made[name].inputs)] == []
    assert [
        name
        for name in made
        if (planned[name].depends_on, planned[name].protect, planned[name].secrets)
        != (made[name].depends_on, made[name].protect, made[name].secrets)
    ] == []


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


@pytest.mark.parametrize(
    "name",
    ["Orders", "my_orders", "orders-", "-orders", "my--orders", "1st", "", "a" * 41, "orders.new"],
)
def test_a_name_that_a_service_would_refuse_is_one_message_before_the_first_resource(
    name: str, tmp_path: Path
) -> None:
    project = project_with(tmp_path, f'RequestsPipeline("{name}", StackConfig())')

    with pytest.raises(pulumi.RunError, match="the pipeline's name must be at most 40 lowercase"):
        plan_of(project=project)


@pytest.mark.parametrize("name", ["orders", "orders-2", "a", "a" * 40])
def test_every_physical_name_is_one_that_its_service_takes(name: str, tmp_path: Path) -> None:
    plan = plan_of(project=project_with(tmp_path, f'RequestsPipeline("{name}", StackConfig())'))

    named = {
        BUCKET: r"[a-z0-9-]{3,63}",
        REPOSITORY: r"[a-z][a-z0-9-]{1,255}",
        ROLE: r"[\w+=,.@-]{1,64}",
        FUNCTION: r"[\w-]{1,64}",
        TABLE: r"[\w.-]{3,255}",
    }
    assert all(
        re.fullmatch(pattern, f"{each.name}-1a2b3c4")
        for type_, pattern in named.items()
        for each in plan.of_type(type_)
    )


def test_a_pipelines_own_provider_makes_all_of_it_and_answers_all_its_calls(
    tmp_path: Path,
) -> None:
    plan = plan_of(
        project=project_with(
            tmp_path,
            """
import pulumi_aws as aws

elsewhere = aws.Provider("elsewhere", region="eu-west-1")
opts = pulumi.ResourceOptions(providers=[elsewhere])
RequestsPipeline("built", StackConfig(), opts=opts)
older = ImageConfig(digest="sha256:" + 64 * "0")
RequestsPipeline("rolled-back", StackConfig(image=older), opts=opts)
""",
        )
    )

    assert set(plan.providers) == {AUTHORIZATION_TOKEN, GET_REPOSITORY, GET_IMAGE}
    assert set(plan.providers.values()) == {"elsewhere-id"}


def project_with(folder: Path, program: str) -> Path:
    """A project whose program is these lines."""
    (folder / "Pulumi.yaml").write_text("name: another\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    imports = """
import pulumi
from infra.config import ImageConfig
from infra.config.stack import StackConfig
from infra.pipeline import RequestsPipeline
"""
    (folder / "__main__.py").write_text(imports + program)
    return folder
