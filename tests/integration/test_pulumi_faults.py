"""Updates that are refused or killed in the middle, and what is left to do after them."""

import json
import os
import re
import shlex
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from infra.local.provider.backend import ForeignBackendError
from tests import pages
from tests.integration.pulumi_stacks import Stack, stack
from tests.processes import PATIENCE, is_running, processes_of, wait_until

TABLE = "aws:dynamodb/table:Table"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
GUIDE = pages.text("changing.md")
OPTIONS = "--parent 'table=URN' --protect=false --generate-code=false --yes"


@pytest.fixture
def dev() -> Iterator[Stack]:
    with stack("dev") as dev:
        yield dev


class Refusing:
    """Refuses each resource the first time that it is asked for it."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self._lock = threading.Lock()
        self.is_on = True

    def __call__(self, operation: str, type_: str, name: str) -> None:
        with self._lock:
            known = f"{operation} {type_} {name}" in self.refused
            if not self.is_on or known:
                return
            self.refused.append(f"{operation} {type_} {name}")
        raise ClientError(
            {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation
        )


def test_what_was_refused_at_each_resource_in_turn_is_made_once(dev: Stack) -> None:
    dev.faults.before = refusing = Refusing()
    attempts = 1
    while "error:" in dev.run("up", "--yes", "--skip-preview", check=False):
        attempts += 1
        assert attempts < 15, "it is not getting any further"

    made = [
        each["urn"] for each in dev.state if each.get("custom") and "providers" not in each["urn"]
    ]
    assert len(made) == len(set(made)) == len(refusing.refused)
    assert "31 unchanged" in dev.up()
    assert len(dev.aws.client("dynamodb").list_tables()["TableNames"]) == 2
    assert len(dev.aws.client("iam").list_roles()["Roles"]) == 1
    assert len(dev.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]) == 1


class Holding:
    """Holds one operation, before or after it is done, until the test is over."""

    def __init__(self, operation: str, type_: str, name: str) -> None:
        self.held = (operation, type_, name)
        self.has_come = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, *moment: str) -> None:
        if moment == self.held and not self.has_come.is_set():
            self.has_come.set()
            self.go_on.wait(2 * PATIENCE)
            raise ForeignBackendError("the engine that asked for it is gone")


def stop_between_two_writes(dev: Stack, engine: int) -> None:
    """A file backend writes each attributes file in place: an empty one, no command can load.

    A real stack's state is an object of a bucket, which is written whole.
    """
    while True:
        os.kill(engine, signal.SIGSTOP)
        wait_until(lambda: is_stopped(engine))
        if all(map(is_whole, dev.private.backend.folder.glob(".pulumi/stacks/**/dev.json*"))):
            return
        os.kill(engine, signal.SIGCONT)


def is_whole(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, FileNotFoundError):
        return False
    return True


def is_stopped(process: int) -> bool:
    """With all of its threads."""
    states = Path(f"/proc/{process}/task").glob("*/stat")
    return {each.read_text("utf-8").rpartition(")")[2].split()[0] for each in states} == {"T"}


def kill_at(dev: Stack, holding: Holding) -> str:
    """Kills an update when it has come to that point, and returns what the next one says."""
    up = dev.start("up", "--yes", "--skip-preview")
    assert holding.has_come.wait(PATIENCE)
    its_own = processes_of(up.pid)
    stop_between_two_writes(dev, up.pid)
    up.kill()
    up.communicate()
    wait_until(lambda: not any(map(is_running, its_own)))
    locked = dev.run("up", "--yes", "--skip-preview", check=False)
    holding.go_on.set()
    return locked


def test_a_killed_creation_leaves_an_orphan_that_is_found_and_deleted(dev: Stack) -> None:
    dev.faults.after = holding = Holding("create", TABLE, "requests-table")

    locked = kill_at(dev, holding)
    assert "currently locked" in locked
    assert "pulumi cancel" in locked
    dev.run("cancel", "--yes")
    told = dev.up()

    tables = dev.aws.client("dynamodb").list_tables()["TableNames"]
    known = dev.outputs["tableName"]
    (orphan,) = [each for each in tables if each.startswith("requests-table-") and each != known]
    assert "31 created" in told or "created" in told
    assert commands("aws dynamodb list-tables")
    dev.aws.client("dynamodb").delete_table(TableName=orphan)
    assert "31 unchanged" in dev.up()


def commands(beginning: str) -> list[str]:
    """The commands of the guide that begin so."""
    return re.findall(rf"^{re.escape(beginning)}.*$", GUIDE, flags=re.MULTILINE)


def imported(dev: Stack, command: str, id_: str) -> str:
    """Imports what the state does not know, below the component that it belongs to."""
    _, _, _, name, *_ = shlex.split(command)
    component = next(
        each["urn"]
        for each in dev.state
        if each["urn"].endswith(f"::{name}") and not each.get("custom")
    )
    words = [id_ if word in {"NAME", "UUID"} else word for word in shlex.split(command)[1:]]
    return dev.run(*(word.replace("URN", component) for word in words))


def test_an_orphaned_table_that_is_imported_would_be_replaced(dev: Stack) -> None:
    """As the guide warns: the bridge gives what the program does not name a new name."""
    dev.faults.after = holding = Holding("create", TABLE, "requests-table")
    kill_at(dev, holding)
    dev.run("cancel", "--yes")
    tables = dev.aws.client("dynamodb").list_tables()["TableNames"]
    (orphan,) = [each for each in tables if each.startswith("requests-table-")]

    told = imported(dev, f"pulumi import {TABLE} requests-table NAME {OPTIONS}", orphan)

    assert "1 imported" in told
    assert f"{TABLE}: (replace)" in dev.run("preview", "--diff")


def test_an_orphaned_mapping_is_imported_in_place_of_a_new_one(dev: Stack) -> None:
    dev.faults.after = holding = Holding("create", MAPPING, "requests-mapping")
    kill_at(dev, holding)
    dev.run("cancel", "--yes")
    (orphan,) = dev.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]

    (command,) = commands("pulumi import ")
    told = imported(dev, command, orphan["UUID"])
    dev.up()

    assert "1 imported" in told
    assert dev.outputs["mappingUuid"] == orphan["UUID"]
    assert "31 unchanged" in dev.up()


def test_an_orphaned_mapping_is_a_conflict_that_names_it(dev: Stack) -> None:
    dev.faults.after = holding = Holding("create", MAPPING, "requests-mapping")
    kill_at(dev, holding)
    dev.run("cancel", "--yes")

    told = dev.run("up", "--yes", "--skip-preview", check=False)
    (orphan,) = dev.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert "ResourceConflictException" in told
    assert orphan["UUID"] in told
    dev.aws.client("lambda").delete_event_source_mapping(UUID=orphan["UUID"])
    wait_until(
        lambda: not dev.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    )
    dev.up()

    assert dev.outputs["mappingUuid"] != orphan["UUID"]


def test_a_killed_update_is_completed_by_the_next(dev: Stack) -> None:
    dev.up()
    table = dev.outputs["tableName"]
    dev.config = {**dev.config, "requests-processor:tags": {"Owner": "payments"}}
    dev.faults.after = holding = Holding("update", TABLE, "requests-table")

    kill_at(dev, holding)
    dev.run("cancel", "--yes")
    told = dev.up()

    assert "updated" in told
    assert dev.outputs["tableName"] == table
    arn = dev.resource(TABLE, "requests-table")["outputs"]["arn"]
    tags = dev.aws.client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"]
    assert {"Key": "Owner", "Value": "payments"} in tags
    assert "31 unchanged" in dev.up()
