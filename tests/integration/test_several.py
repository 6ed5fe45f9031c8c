"""A program of its own with two tables, two functions and three mappings, in the local run."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from infra.local import LocalDeployment, deploy
from infra.local.aws.emulator import Emulator
from infra.local.program.engine import NotOneResourceError
from infra.local.program.run import ProgramError

PROGRAM: Final = '''
"""Orders are copied into a second table, and both tables' inserts are written down."""

import json

import pulumi
import pulumi_aws as aws

MAY_DO_ALL = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}
]}
LAMBDA = {"Service": "lambda.amazonaws.com"}
ASSUME = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": LAMBDA}
]}


def table(name):
    return aws.dynamodb.Table(
        name,
        billing_mode="PAY_PER_REQUEST",
        hash_key="id",
        attributes=[{"name": "id", "type": "S"}],
        stream_enabled=True,
        stream_view_type="NEW_IMAGE",
    )


def function(name, variables):
    role = aws.iam.Role(f"{name}-role", assume_role_policy=json.dumps(ASSUME))
    allowed = aws.iam.RolePolicy(f"{name}-all", role=role.name, policy=json.dumps(MAY_DO_ALL))
    logs = aws.cloudwatch.LogGroup(f"{name}-logs", retention_in_days=1)
    return aws.lambda_.Function(
        name,
        package_type="Image",
        image_uri="example/image@sha256:" + "0" * 64,
        image_config={"commands": [f"functions.{name}"]},
        architectures=["x86_64"],
        role=role.arn,
        environment={"variables": variables},
        memory_size=128,
        timeout=10,
        ephemeral_storage={"size": 512},
        logging_config={
            "log_format": "JSON", "log_group": logs.name, "application_log_level": "INFO",
        },
        opts=pulumi.ResourceOptions(depends_on=[allowed]),
    )


def mapping(name, table, function):
    return aws.lambda_.EventSourceMapping(
        name,
        event_source_arn=table.stream_arn,
        function_name=function,
        starting_position="TRIM_HORIZON",
    )


orders, copies = table("orders"), table("copies")
copy = function("copy", {"COPIES": copies.name})
write_down = function("write_down", {})
# In an order against that of the data: a copy is written down by the mapping that comes first.
pulumi.export("ofCopies", mapping("of-copies", copies, write_down.arn).uuid)
pulumi.export("ofOrders", mapping("of-orders", orders, write_down.arn).uuid)
copied_by = pulumi.Config().get("function") or copy.name
pulumi.export("copied", mapping("copied", orders, copied_by).uuid)
'''

FUNCTIONS: Final = """
import json
import os
import pathlib

import boto3

JOURNAL = pathlib.Path(__file__).parent / "journal"


def copy(event, context):
    table = boto3.resource("dynamodb").Table(os.environ["COPIES"])
    for record in event["Records"]:
        table.put_item(Item={"id": "copy of " + record["dynamodb"]["Keys"]["id"]["S"]})
    print("copied")
    return context.function_name


def write_down(event, context):
    with JOURNAL.open("a") as journal:
        for record in event.get("Records", []):
            journal.write(record["dynamodb"]["Keys"]["id"]["S"] + "\\n")
    return context.function_name
"""


def written_project(folder: Path) -> Path:
    """A program, and beside it the code of its functions."""
    (folder / "Pulumi.yaml").write_text("name: orders\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: ap-northeast-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "functions.py").write_text(FUNCTIONS)
    (folder / "journal").touch()
    return folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Several:
    """The deployed program, and what was there after its first two orders."""

    deployment: LocalDeployment
    project: Path
    journal: list[str]
    counted: Mapping[str, Mapping[str, int]]
    counted_together: Mapping[str, int]

    def written(self) -> list[str]:
        """The journal now."""
        return (self.project / "journal").read_text().splitlines()


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Iterator[Several]:
    project = written_project(tmp_path_factory.mktemp("several"))
    with deploy(project=project, code=project, emulator=emulator) as deployment:
        put(deployment, "a", "b")
        deployment.drain()
        yield Several(
            deployment=deployment,
            project=project,
            journal=(project / "journal").read_text().splitlines(),
            counted=deployment.metrics_by_mapping,
            counted_together=deployment.metrics,
        )


def put(deployment: LocalDeployment, *keys: str) -> None:
    dynamodb = deployment.client("dynamodb")
    for key in keys:
        dynamodb.put_item(TableName="orders", Item={"id": {"S": key}})


def invoked(deployment: LocalDeployment, name: str) -> Any:
    answer = deployment.client("lambda").invoke(FunctionName=name, Payload=b'{"Records": []}')
    return json.loads(answer["Payload"].read())


def test_every_function_gets_the_records_of_its_mappings(several: Several) -> None:
    # Until the copies are written down too, by the mapping that comes first.
    assert sorted(several.journal) == ["a", "b", "copy of a", "copy of b"]


def test_each_mapping_counts_for_itself_and_all_of_them_together(several: Several) -> None:
    polled = {
        name: several.counted[several.deployment.outputs[name]]["PolledEventCount"]
        for name in ("ofCopies", "ofOrders", "copied")
    }

    assert polled == {"ofCopies": 2, "ofOrders": 2, "copied": 2}
    assert several.counted_together["PolledEventCount"] == 6


def test_mappings_that_are_paused_go_on_each_from_its_own_checkpoint(several: Several) -> None:
    deployment = several.deployment
    before = deployment.metrics["PolledEventCount"]
    deployment.pause()
    put(deployment, "c")
    deployment.resume()
    deployment.drain()

    assert sorted(several.written()) == sorted([*several.journal, "c", "copy of c"])
    assert deployment.metrics["PolledEventCount"] == before + 3


def test_lambdas_api_invokes_each_function_by_its_name(several: Several) -> None:
    assert invoked(several.deployment, "copy") == "copy"
    assert invoked(several.deployment, "write_down") == "write_down"


def test_each_function_writes_to_its_own_log_group(several: Several) -> None:
    logs = several.deployment.client("logs")
    events = {
        group: [each["message"] for each in logs.filter_log_events(logGroupName=group)["events"]]
        for group in ("copy-logs", "write_down-logs")
    }

    assert any("copied" in line for line in events["copy-logs"])
    assert not any("copied" in line for line in events["write_down-logs"])


def test_what_is_asked_of_the_one_function_is_refused_with_the_names_of_both(
    several: Several,
) -> None:
    message = r"must have one aws:lambda/function:Function here, it has copy, write_down"
    with pytest.raises(NotOneResourceError, match=message):
        _ = several.deployment.role_credentials


def test_a_mapping_to_a_function_that_is_not_there_is_refused(tmp_path: Path) -> None:
    project = written_project(tmp_path)

    with (
        pytest.raises(ProgramError, match="Function does not exist"),
        deploy(config={"function": "nobody"}, project=project, code=project),
    ):
        pass
