"""The scripts of the workflows, with Pulumi's own command line and the policy pack."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.config.stack_file import merged
from infra.local.provider.private_stack import clean_environment
from tests.integration.pulumi_stacks import (
    Stack,
    ensure_there_is_the_policy_packs_environment,
    stack,
)
from tests.unit.workflows.workflow_files import GITHUB
from tests.unit.workflows.workflow_runner import Result, Runner

OTHER_IMAGES = {"requests-processor:stream": {"viewType": "NEW_AND_OLD_IMAGES"}}
BREAKING = """
import json
import pulumi_aws as aws
everybody = {"Effect": "Allow", "Action": "sns:Publish", "Principal": "*", "Resource": "*"}
everything = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
topic = aws.sns.Topic("closed-to-services", kms_master_key_id="alias/aws/sns")
aws.cloudwatch.LogGroup("kept-for-ever", name="kept-for-ever")
aws.sqs.Queue("in-plain-text", sqs_managed_sse_enabled=False)
aws.sns.TopicPolicy("open", arn=topic.arn, policy={"Statement": [everybody]})
role = aws.iam.Role(
    "wide",
    assume_role_policy={"Statement": []},
    inline_policies=[{"name": "all", "policy": json.dumps({"Statement": everything})}],
)
aws.s3.Bucket("unblocked")
function = aws.lambda_.Function(
    "unpinned",
    role=role.arn,
    package_type="Image",
    image_uri="123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine:latest",
)
aws.lambda_.EventSourceMapping(
    "silent",
    function_name=function.name,
    event_source_arn="arn:aws:dynamodb:eu-west-1:123456789012:table/mine/stream/2026",
    starting_position="LATEST",
)
"""
BROKEN = {
    "closed-buckets": "unblocked",
    "encrypted-at-rest": "in-plain-text",
    "image-by-digest": "unpinned",
    "log-retention": "kept-for-ever",
    "no-public-access": "open",
    "no-wildcard-resources": "wide",
    "partial-responses-and-destination": "silent",
    "topic-key-that-services-may-use": "closed-to-services",
}
"""Each rule, but that of production, by a resource of a user's own."""


@pytest.fixture(scope="module")
def deployed() -> Iterator[Stack]:
    environment = ensure_there_is_the_policy_packs_environment()
    with stack("dev") as dev:
        (dev.folder / "infra/policy_pack/.venv").symlink_to(environment)
        (dev.folder / ".github").symlink_to(GITHUB)
        dev.up()
        yield dev


@pytest.fixture
def dev(deployed: Stack) -> Iterator[Stack]:
    """The stack dev, whose settings and program a test may change."""
    main, config = deployed.folder / "__main__.py", deployed.config
    program = main.read_text("utf-8")
    yield deployed
    main.write_text(program, "utf-8")
    deployed.config = config


@pytest.fixture
def runner(dev: Stack, tmp_path: Path) -> Runner:
    return Runner(tmp_path, dev.folder)


def step(dev: Stack, runner: Runner, file: str, name: str, **environ: str) -> Result:
    machine = {key: value for key, value in clean_environment().items() if key != "PATH"}
    return runner.step(
        f"workflows/{file}", name, **machine, **dev.environment, STACK="dev", **environ
    )


def changed(dev: Stack, values: dict[str, Any]) -> None:
    dev.config = merged(dev.config, values)


def test_the_preview_shows_the_change_and_that_the_policies_hold(
    dev: Stack, runner: Runner
) -> None:
    changed(dev, OTHER_IMAGES)

    result = step(dev, runner, "preview.yml", "Preview")

    shown = (runner.folder / "preview.txt").read_text("utf-8")
    assert result.returncode == 0, shown
    assert "streamViewType" in shown
    assert "requests-processor" in shown.partition("Policy Packs run:")[2]
    assert "\x1b" not in shown


def test_the_impact_reads_what_the_command_line_prints_and_stops_until_it_is_allowed(
    dev: Stack, runner: Runner
) -> None:
    changed(dev, OTHER_IMAGES)
    name = "Say what the update would lose"

    refused = step(dev, runner, "preview.yml", name, DESCRIPTION="A change.")
    said = (runner.folder / "impact.md").read_text("utf-8")
    lines = "\n".join(line for line in said.splitlines() if line.startswith("Allow-impact: "))
    allowed = step(dev, runner, "preview.yml", name, DESCRIPTION=lines)

    assert refused.returncode == 1, refused.stderr
    assert "Allow-impact: view-type-changed:requests-table" in lines
    assert allowed.returncode == 0, allowed.stdout


def test_the_comment_has_both(dev: Stack, runner: Runner) -> None:
    changed(dev, OTHER_IMAGES)
    runner.stand_in("gh", "if '--paginate' in sys.argv: print('[[]]')")
    step(dev, runner, "preview.yml", "Preview")
    step(dev, runner, "preview.yml", "Say what the update would lose", DESCRIPTION="")

    result = step(
        dev,
        runner,
        "preview.yml",
        "Comment",
        OUTCOME="success",
        REPOSITORY="octo-org/requests",
        PULL_REQUEST="7",
        RUN_URL="https://github.com/octo-org/requests/actions/runs/1",
    )

    assert result.returncode == 0, result.stderr
    body = json.loads(runner.calls_of("gh")[-1].request)["body"]
    assert body.startswith("<!-- pulumi preview of dev -->")
    assert "view-type-changed" in body
    assert "streamViewType" in body


def test_a_policy_that_is_broken_stops_the_preview_and_the_update(
    dev: Stack, runner: Runner
) -> None:
    with (dev.folder / "__main__.py").open("a", encoding="utf-8") as main:
        main.write(BREAKING)

    preview = step(dev, runner, "preview.yml", "Preview")
    update = step(dev, runner, "update.yml", "Update and export")

    shown = (runner.folder / "preview.txt").read_text("utf-8")
    assert preview.returncode != 0
    assert update.returncode != 0
    for told in (shown, update.stdout):
        red = set(re.findall(r"([a-z-]+)  \(\S+: ([a-z-]+)\)", told))
        assert red == set(BROKEN.items()), told
    names = dev.aws.client("logs").describe_log_groups()["logGroups"]
    assert "kept-for-ever" not in {each["logGroupName"] for each in names}


def test_the_update_changes_the_stack_and_lists_its_exports(dev: Stack, runner: Runner) -> None:
    before = dev.config
    changed(dev, {"requests-processor:function": {"memorySize": 640}})

    result = step(dev, runner, "update.yml", "Update and export")

    with contextlib.ExitStack() as after:
        after.callback(dev.up)
        after.callback(setattr, dev, "config", before)
        assert result.returncode == 0, result.stdout
        assert "~ 1 updated" in result.stdout
        assert f"<dt>tableName</dt><dd><pre>{dev.outputs['tableName']}</pre></dd>" in runner.summary
        function = dev.outputs["functionName"]
        configuration = dev.aws.client("lambda").get_function_configuration(FunctionName=function)
        assert configuration["MemorySize"] == 640
