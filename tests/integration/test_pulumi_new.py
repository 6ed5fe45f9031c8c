"""A project that `pulumi new` makes of this one, under another name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from infra.local.provider.private_stack import pulumi
from tests.integration.conftest import item
from tests.integration.pulumi_stacks import Stack, ensure_there_is_pulumi, stack, with_interpreter
from tests.project import copy_of_project

NAME = "orders-of-the-shop"


def new_project(folder: Path) -> Path:
    """What `pulumi new` makes, with a clone as its template."""
    ensure_there_is_pulumi()
    clone = folder / "clone"
    clone.mkdir()
    copy_of_project(clone)
    told = pulumi(
        *("new", str(clone), "--generate-only", "--yes", "--name", NAME),
        *("--dir", str(folder / "new")),
        environment={"PULUMI_HOME": str(folder / "home"), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        folder=folder,
    ).stdout
    assert "ready to go" in told, told
    return with_interpreter(folder / "new")


@pytest.fixture
def dev() -> Iterator[Stack]:
    with stack("dev", made=new_project) as dev:
        yield dev


def test_its_stack_works_and_takes_settings(dev: Stack) -> None:
    before = yaml.safe_load((dev.folder / "Pulumi.dev.yaml").read_text("utf-8"))["config"]
    dev.run("config", "set", "--path", "eventSource.batchSize", "25")
    dev.run("config", "set", "--path", "--type", "string", 'tags["cost.center"]', "4711")

    told = dev.up()
    outputs = dev.outputs
    dev.aws.client("dynamodb").put_item(TableName=outputs["tableName"], Item=item("first"))
    dev.aws.drain()

    assert "31 created" in told
    assert {each["urn"].split("::")[1] for each in dev.state} == {NAME}
    mapping = dev.aws.client("lambda").get_event_source_mapping(UUID=outputs["mappingUuid"])
    assert mapping["BatchSize"] == 25
    # What was set beside it stays.
    assert dev.config[f"{NAME}:eventSource"] == {**before["eventSource"], "batchSize": 25}
    role = dev.aws.client("iam").list_roles()["Roles"][0]["RoleName"]
    tags = dev.aws.client("iam").list_role_tags(RoleName=role)["Tags"]
    assert {"Key": "cost.center", "Value": "4711"} in tags
    assert dev.aws.metrics["InvokedEventCount"] == 1
    assert "31 unchanged" in dev.up()


def test_only_its_name_is_another(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    clone = tmp_path / "clone"

    others = {
        str(file.relative_to(clone))
        for file in clone.rglob("*")
        if file.is_file() and file.read_bytes() != (project / file.relative_to(clone)).read_bytes()
    }
    assert others == {"Pulumi.yaml"}
    content = yaml.safe_load((project / "Pulumi.yaml").read_text("utf-8"))
    was = yaml.safe_load((clone / "Pulumi.yaml").read_text("utf-8"))
    assert {key for key in was if was[key] != content.get(key)} == {"name"}
