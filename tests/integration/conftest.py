"""What the integration tests share: an embedded AWS, and small functions with their journals."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import infra.local
from handler.config import REJECTED_PREFIX
from infra.local import LocalDeployment
from infra.local.aws.emulator import Emulator
from tests import pages, proof
from tests.integration.faults import FaultyHandler
from tests.project import FROZEN
from tests.proof import Outcome

FUNCTION = '''
"""Journals each record that it is given, and fails where the test says so."""

import json
import pathlib

HERE = pathlib.Path(__file__).parent


def handler(event, context):
    failing = json.loads((HERE / "failing.json").read_text())
    for record in event["Records"]:
        key = record["dynamodb"]["Keys"]["request_id"]["S"]
        with (HERE / "journal").open("a") as journal:
            journal.write(json.dumps(record) + "\\n")
        if key in failing:
            number = record["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}
'''


class JournalledFunction:
    """A function's folder, for `deploy(code=..., entry_point=...)`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "function.py").write_text(dedent(FUNCTION))
        (folder / "journal").touch()
        self.fail_on()

    @property
    def deployed(self) -> dict[str, Any]:
        """What `deploy` takes."""
        return {"code": self.folder, "entry_point": "function.handler"}

    def fail_on(self, *keys: str) -> None:
        """From now on these items' records fail."""
        text = "[" + ", ".join(f'"{key}"' for key in keys) + "]"
        (self.folder / "failing.json").write_text(text)

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every record that the function was given, in order."""
        lines = (self.folder / "journal").read_text().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def keys(self) -> list[str]:
        """Of which items they were."""
        return [record["dynamodb"]["Keys"]["request_id"]["S"] for record in self.records]


Deploy = Callable[..., AbstractContextManager[LocalDeployment]]


@pytest.fixture
def deploy(emulator: Emulator, frozen: Path) -> Deploy:
    """`infra.local.deploy` of the frozen project into the embedded AWS that runs already."""
    return partial(infra.local.deploy, emulator=emulator, project=FROZEN, code=frozen)


@pytest.fixture
def function(tmp_path: Path) -> JournalledFunction:
    return JournalledFunction(tmp_path)


@pytest.fixture
def faulty(tmp_path: Path) -> FaultyHandler:
    return FaultyHandler(folder=tmp_path)


def item(key: str, **payload: str) -> dict[str, Any]:
    """An item in DynamoDB's JSON."""
    values = {name: {"S": value} for name, value in (payload or {"text": "hello"}).items()}
    return {"request_id": {"S": key}, "payload": {"M": values}}


def put(deployment: LocalDeployment, *items: Mapping[str, Any]) -> None:
    """Writes items one after the other."""
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs["tableName"]
    for one in items:
        dynamodb.put_item(TableName=table, Item=one)


def parked(deployment: LocalDeployment, prefix: str = "") -> list[str]:
    """The keys of the failure bucket's objects."""
    s3, bucket = deployment.client("s3"), deployment.outputs["failureBucket"]
    answer = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [one["Key"] for one in answer.get("Contents", [])]


def refuse_parking(deployment: LocalDeployment) -> None:
    """A policy of the bucket's own: the role may, and must, put under any key of it."""
    bucket = deployment.outputs["failureBucket"]
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/{REJECTED_PREFIX}*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    deployment.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)


class Outcomes:
    """What became of the records under the faults of a test, told when all tests are over."""

    def __init__(self, tell: Callable[[str, object], None]) -> None:
        self._tell = tell

    def add(self, outcome: Outcome) -> Outcome:
        """Fails where docs/faults.md quotes another outcome of the fault."""
        if pages.DOCS.exists():
            assert outcome.row in pages.text("faults.md").splitlines()
        self._tell(*proof.as_property(outcome))
        return outcome


@pytest.fixture
def outcomes(record_property: Callable[[str, object], None]) -> Outcomes:
    return Outcomes(record_property)
