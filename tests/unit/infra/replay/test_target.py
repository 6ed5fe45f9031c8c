"""Which names a replay works on: the command line's before the stack's.

The Pulumi CLI is a script here, because the real one cannot be had from a package registry.
"""

import json
from pathlib import Path

import pytest

from infra.replay.target import ReplayError, target

OUTPUTS = {
    "failureBucket": "requests-failures-1a2b3c4",
    "functionName": "requests-processor-1a2b3c4",
    "tableName": "requests-table-1a2b3c4",
    "functionArn": "arn:aws:lambda:ap-southeast-2:123456789012:function:requests-processor-1a2b3c4",
    "logGroup": "of no interest",
}
NOBODY = {"bucket": None, "function": None, "table": None}


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prints the outputs of the stack dev, and refuses every other."""
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    script = tmp_path / "pulumi"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$@" > {tmp_path}/called\n'
        f'[ "$5" = dev ] && exec cat {tmp_path}/outputs.json\n'
        "echo 'Loading ...' >&2\n"
        "echo \"error: no stack named '$5' found\" >&2\n"
        "exit 255\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_a_stack_is_asked_for_its_outputs(pulumi: Path) -> None:
    found = target(stack="dev", named=NOBODY)

    assert (found.bucket, found.function, found.table) == tuple(OUTPUTS.values())[:3]
    assert (pulumi / "called").read_text() == "stack output --json --stack dev\n"


@pytest.mark.usefixtures("pulumi")
def test_the_stack_says_in_which_region_it_is_whatever_the_shell_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    found = target(stack="dev", named=NOBODY)

    assert {found.s3.meta.region_name, found.dynamodb.meta.region_name} == {"ap-southeast-2"}
    assert found.awslambda.meta.region_name == "ap-southeast-2"


@pytest.mark.usefixtures("pulumi")
def test_what_the_command_line_names_goes_before_what_the_stack_says() -> None:
    found = target(stack="dev", named={**NOBODY, "bucket": "mine"})

    assert (found.bucket, found.function) == ("mine", OUTPUTS["functionName"])


def test_of_several_pipelines_the_one_that_is_named_is_taken(pulumi: Path) -> None:
    payments = {**OUTPUTS, "functionName": "payments-processor", "tableName": "payments"}
    (pulumi / "outputs.json").write_text(json.dumps({"requests": OUTPUTS, "payments": payments}))

    assert target(stack="dev", named=NOBODY, pipeline="payments").table == "payments"
    with pytest.raises(ReplayError, match=r"stack dev: which pipeline\?.*: payments, requests"):
        target(stack="dev", named=NOBODY)


def test_a_pipeline_is_one_of_a_stack() -> None:
    with pytest.raises(ReplayError, match="name that too, with --stack"):
        target(stack=None, named=NOBODY, pipeline="payments")


@pytest.mark.usefixtures("pulumi")
def test_a_stack_that_does_not_exist_is_pulumis_own_message() -> None:
    with pytest.raises(
        ReplayError, match=r"outputs of stack prod cannot be read: error: no stack named 'prod'"
    ):
        target(stack="prod", named=NOBODY)


def test_a_part_that_nobody_named_is_asked_for() -> None:
    found = target(stack=None, named={**NOBODY, "bucket": "mine"})

    with pytest.raises(ReplayError, match="which table"):
        _ = found.table
