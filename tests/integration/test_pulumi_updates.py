"""`pulumi preview`, `up`, `refresh` and `destroy` by Pulumi's own engine, while records flow."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.aws import resources
from infra.local.aws.repositories import PASSWORD
from infra.local.provider.private_stack import pulumi
from tests.integration.conftest import JournalledFunction, item
from tests.integration.pulumi_stacks import Stack, stack
from tests.project import copy_of_project

TABLE = "aws:dynamodb/table:Table"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
DENY_TRACES = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "xray:*", "Resource": "*"}],
}
OWNER = "payments-team-of-the-company"
"""A tag that the stack's configuration keeps encrypted."""


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> JournalledFunction:
    return JournalledFunction(tmp_path_factory.mktemp("function"))


@pytest.fixture(scope="module")
def planned(function: JournalledFunction) -> Iterator[tuple[Stack, str]]:
    """The stack dev, and what a preview said of it before it was there."""
    with stack("dev", **function.deployed) as dev:
        dev.run("config", "set", "--path", "tags.Owner", OWNER, "--secret")
        told = dev.run("preview")
        assert dev.aws.client("dynamodb").list_tables()["TableNames"] == []
        yield dev, told


@pytest.fixture(scope="module")
def dev(planned: tuple[Stack, str]) -> Stack:
    """The stack dev, deployed."""
    dev, _ = planned
    dev.up()
    return dev


def put(dev: Stack, *keys: str) -> None:
    """Writes items and waits for what becomes of them."""
    table = dev.outputs["tableName"]
    for key in keys:
        dev.aws.client("dynamodb").put_item(TableName=table, Item=item(key))
    dev.aws.drain()


def test_a_preview_shows_all_that_is_to_be_made_and_makes_nothing(
    planned: tuple[Stack, str],
) -> None:
    _, told = planned

    assert "+ 31 to create" in told
    assert "warning" not in told


def test_what_is_written_after_an_update_is_processed(
    dev: Stack, function: JournalledFunction
) -> None:
    put(dev, "after-up")

    assert function.keys[-1] == "after-up"


def test_a_second_update_changes_nothing(dev: Stack) -> None:
    assert "31 unchanged" in dev.up()
    assert dev.preview() == []


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_nothing_differs_from_another_checkout_with_another_umask(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as cleanup:
        if name == "dev":
            deployed = request.getfixturevalue("dev")
        else:
            deployed = cleanup.enter_context(stack(name))
            deployed.up()
        there = deployed.folder
        cleanup.callback(setattr, deployed, "folder", there)
        deployed.folder = other = copy_of_project(tmp_path / "other" / "checkout")
        (other / ".venv").symlink_to(there / ".venv")
        as_with_umask_077(other)

        assert deployed.preview() == []
        context = deployed.resource(resources.IMAGE, "requests-image")["inputs"]["build"]["context"]
        assert hashed_by_docker(other / context) == hashed_by_docker(there / context) != {}


def as_with_umask_077(folder: Path) -> None:
    for each in [folder, *folder.rglob("*")]:
        if not each.is_symlink():
            each.chmod(0o700 if each.is_dir() else 0o600)


def hashed_by_docker(context: Path) -> dict[str, tuple[int, bytes]]:
    """What pulumi-docker makes the digest of a build context of: names, modes and contents."""
    return {
        str(each.relative_to(context)): (
            each.stat().st_mode,
            each.read_bytes() if each.is_file() else b"",
        )
        for each in context.rglob("*")
    }


def test_a_refresh_finds_nothing_else_than_was_made(dev: Stack) -> None:
    assert "31 unchanged" in dev.run("refresh", "--yes", "--skip-preview")
    assert dev.preview() == []


def test_what_somebody_changed_by_hand_is_found_and_changed_back(dev: Stack) -> None:
    outputs = dev.outputs
    table, mapping = outputs["tableName"], outputs["mappingUuid"]
    change_by_hand(dev, outputs)

    dev.run("refresh", "--yes", "--skip-preview")
    changed = {(step.name, step.op, *step.reasons) for step in dev.preview()}
    dev.up()

    assert changed == {
        ("requests-table", "update", "deletionProtectionEnabled", "tags"),
        ("requests-mapping", "update", "batchSize", "functionResponseTypes"),
        ("requests-processor", "update", "ephemeralStorage", "tags", "timeout"),
        ("requests-processor-log-group", "update", "retentionInDays"),
        ("requests-processor-tracing", "update", "policy"),
        ("requests-failures-lifecycle", "update", "rules"),
        ("requests-failures-public-access-block", "create"),
        ("requests-failures-versioning", "update", "versioningConfiguration"),
    }
    assert dev.preview() == []
    described = dev.aws.client("dynamodb").describe_table(TableName=table)["Table"]
    assert described["DeletionProtectionEnabled"] is False
    found = dev.aws.client("lambda").get_event_source_mapping(UUID=mapping)
    assert found["BatchSize"] == 50


def change_by_hand(dev: Stack, outputs: dict[str, Any]) -> None:
    """A setting of each kind of resource, as somebody does with another tool than Pulumi."""
    table, mapping = outputs["tableName"], outputs["mappingUuid"]
    dynamodb, functions, s3 = map(dev.aws.client, ("dynamodb", "lambda", "s3"))
    tag, bucket = {"Key": "drifted", "Value": "yes"}, outputs["failureBucket"]
    arn = dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    dynamodb.tag_resource(ResourceArn=arn["TableDescription"]["TableArn"], Tags=[tag])
    functions.update_event_source_mapping(UUID=mapping, BatchSize=7, FunctionResponseTypes=[])
    functions.update_function_configuration(
        FunctionName=outputs["functionName"], Timeout=33, EphemeralStorage={"Size": 600}
    )
    functions.tag_resource(Resource=outputs["functionArn"], Tags={"drifted": "yes"})
    dev.aws.client("logs").put_retention_policy(logGroupName=outputs["logGroup"], retentionInDays=3)
    role, _, name = dev.resource(ROLE_POLICY, "requests-processor-tracing")["id"].partition(":")
    dev.aws.client("iam").put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=json.dumps(DENY_TRACES)
    )
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_public_access_block(Bucket=bucket)
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    rules[0]["Expiration"]["Days"] += 1
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def test_what_is_gone_is_made_again(dev: Stack, function: JournalledFunction) -> None:
    mapping = dev.outputs["mappingUuid"]
    dev.aws.client("lambda").delete_event_source_mapping(UUID=mapping)

    dev.run("refresh", "--yes", "--skip-preview")
    steps = {step.name: step.op for step in dev.preview()}
    dev.up()
    put(dev, "after-refresh")

    assert steps == {"requests-mapping": "create"}
    assert dev.outputs["mappingUuid"] != mapping
    assert function.keys[-1] == "after-refresh"


def test_no_secret_stands_in_the_state(dev: Stack) -> None:
    state = dev.run("stack", "export")

    image = dev.resource(resources.IMAGE, "requests-image")
    assert image["inputs"]["registry"]["server"]
    assert PASSWORD not in state
    assert OWNER not in state
    tags = dev.aws.client("dynamodb").list_tags_of_resource(
        ResourceArn=dev.resource(TABLE, "requests-table")["outputs"]["arn"]
    )["Tags"]
    assert {"Key": "Owner", "Value": OWNER} in tags


def another_backend(dev: Stack, folder: Path) -> str:
    """A backend with a stack of the same name, and nothing in it; returns its URL."""
    shutil.copy(dev.folder / "Pulumi.yaml", folder)
    elsewhere = f"file://{folder}"
    environment = {**dev.environment, "PULUMI_BACKEND_URL": elsewhere}
    pulumi("stack", "init", "dev", environment=environment, folder=folder)
    return elsewhere


def test_an_update_of_another_backend_changes_nothing(dev: Stack, tmp_path: Path) -> None:
    elsewhere = another_backend(dev, tmp_path)

    told = dev.run("up", "--yes", "--skip-preview", check=False, PULUMI_BACKEND_URL=elsewhere)

    assert "another backend than the local run's" in told
    assert len(dev.aws.client("dynamodb").list_tables()["TableNames"]) == 2


def test_a_real_stack_is_not_taken_for_the_runs_own(dev: Stack, tmp_path: Path) -> None:
    """Its state has no mark; here it is this stack's own, with the mark taken out."""
    exported = json.loads(dev.run("stack", "export", "--show-secrets"))
    for each in exported["deployment"]["resources"]:
        each.get("inputs", {}).pop("localRun", None)
        each.get("outputs", {}).pop("localRun", None)
    file = tmp_path / "state.json"
    file.write_text(json.dumps(exported))
    elsewhere = another_backend(dev, tmp_path)
    dev.run("stack", "import", "--file", str(file), PULUMI_BACKEND_URL=elsewhere)

    for command in ("preview", "refresh --yes --skip-preview", "destroy --yes --skip-preview"):
        told = dev.run(*command.split(), check=False, PULUMI_BACKEND_URL=elsewhere)
        assert "is not the local run's" in told, command


def test_the_working_tree_stays_as_it_is(dev: Stack) -> None:
    frozen = dev.folder / "Pulumi.dev.yaml"

    assert "salt" not in frozen.read_text("utf-8")
    assert "salt" in dev.private.config_file.read_text("utf-8")
