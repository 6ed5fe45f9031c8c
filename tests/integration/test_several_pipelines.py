"""Two pipelines in one program, as docs/several.md writes them, through every command."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.exports import pipeline_exports
from infra.local import LocalDeployment, deploy
from infra.local.aws.emulator import Emulator
from tests import pages
from tests.integration.conftest import item
from tests.project import copy_of_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project, with the files of the page."""
    folder = copy_of_project(tmp_path_factory.mktemp("several") / "project")
    pages.write(pages.files(pages.sections("several.md")[""]), folder)
    return folder


@pytest.fixture(scope="module")
def deployed(project: Path, emulator: Emulator) -> Iterator[LocalDeployment]:
    with deploy(project=project, emulator=emulator) as deployment:
        yield deployment


def put(deployment: LocalDeployment, pipeline: str, written: dict[str, Any]) -> None:
    table = pipeline_exports(deployment.outputs, pipeline)["tableName"]
    deployment.client("dynamodb").put_item(TableName=table, Item=written)


def command(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_each_item_reaches_the_process_of_its_own_pipeline(deployed: LocalDeployment) -> None:
    put(deployed, "requests", item("request-1"))
    put(deployed, "payments", {"number": {"N": "7"}, "amount": {"N": "5"}})
    deployed.drain()

    by_function = {each.function_name: each.event for each in deployed.invocations}
    assert set(by_function) == {"requests-processor", "payments-processor"}
    assert "7 is paid" in deployed.log
    assert any("Request done" in line for line in deployed.log)


def test_a_misfit_of_each_is_parked_in_its_own_bucket(deployed: LocalDeployment) -> None:
    put(deployed, "requests", {"request_id": {"S": "bad"}, "payload": {"S": "no map"}})
    put(deployed, "payments", {"number": {"N": "8"}})
    deployed.drain()

    s3 = deployed.client("s3")
    for name, reason in (("requests", "payload must be"), ("payments", "amount must be")):
        bucket = pipeline_exports(deployed.outputs, name)["failureBucket"]
        (parked,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
        assert reason in s3.get_object(Bucket=bucket, Key=parked["Key"])["Body"].read().decode()


def test_the_demo_writes_to_the_pipeline_that_is_named(project: Path) -> None:
    done = command("infra.local", "demo", "--pipeline", "payments", folder=project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Wrote to payments-table: 12 inserts" in done.stdout
    assert "Every record that the filter let through was processed: 12 of 12" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo"], "error: which pipeline? Name it with --pipeline: payments, requests\n"),
        (
            ["up", "--pipeline", "payment"],
            "error: there is no pipeline payment; known are payments, requests\n",
        ),
    ],
)
def test_a_pipeline_that_is_not_named_or_not_there_is_one_message(
    project: Path, arguments: list[str], message: str
) -> None:
    done = command("infra.local", *arguments, folder=project)

    assert done.returncode == 2
    (said,) = (line for line in done.stderr.splitlines(keepends=True) if line.startswith("error"))
    assert said == message


def test_a_record_is_held_against_the_filters_of_the_pipeline_that_is_named(
    project: Path, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    image = {"number": {"N": "7"}, "amount": {"N": "5"}}
    event.write_text(json.dumps({"eventName": "INSERT", "dynamodb": {"NewImage": image}}))
    setting = 'payments:eventSource.filters=[{dynamodb: {NewImage: {amount: {N: ["6"]}}}}]'
    asked = ["--event", str(event), "--stack", "dev", "--config", setting]

    ours = command("infra.local", "filter", *asked, "--pipeline", "requests", folder=project)
    theirs = command("infra.local", "filter", *asked, "--pipeline", "payments", folder=project)

    assert (ours.returncode, ours.stdout) == (0, "Records[0] (INSERT) matches\n")
    assert theirs.returncode == 1
    assert "dynamodb.NewImage.amount.N" in theirs.stdout


def test_what_a_load_takes_is_asked_of_the_pipeline_that_is_named(project: Path) -> None:
    asked = ["--writes-per-second", "10", "--stack", "dev", "--shards", "1"]
    changes = ["--config", "payments:eventSource.batchSize=7"]

    ours, theirs, nobodys = (
        command("infra.capacity", *asked, *changes, *named, folder=project)
        for named in (["--pipeline", "requests"], ["--pipeline", "payments"], [])
    )

    assert "(batchSize 50)" in ours.stdout
    assert "its images (1)" in ours.stdout
    assert "(batchSize 7)" in theirs.stdout
    assert "error: which pipeline? Name it with --pipeline: payments, requests" in nobodys.stderr


def test_a_mistake_of_one_pipeline_is_told_before_the_other_is_asked_for(
    project: Path, tmp_path: Path
) -> None:
    setting = "payments:eventSource.batchSize=0"
    asked = ["--event", str(tmp_path), "--stack", "dev", "--config", setting]

    done = command("infra.local", "filter", *asked, "--pipeline", "requests", folder=project)

    assert done.returncode == 2
    assert "payments:eventSource.batchSize must be between" in done.stderr


def test_the_second_functions_process_imports_no_other(project: Path) -> None:
    program = (
        "import sys, handler.payments.app; "
        "print([name for name in ('app', 'contract', 'item', 'process', 'settings')"
        " if f'handler.{name}' in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
