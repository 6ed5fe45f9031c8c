"""The program under the local engine: what it is given, what it makes, and how it fails."""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.local.aws import resources
from infra.local.program import run
from infra.local.program.engine import UNKNOWN, Deployed
from infra.local.program.run import ProgramError, default_stack, region_of
from tests.project import FROZEN

run_program = partial(run.run_program, project=FROZEN)


class Provider:
    """Makes up what the program reads of its resources; `refuses` a type."""

    def __init__(self, refuses: str | None = None) -> None:
        self.created: list[str] = []
        self._refuses = refuses

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        del inputs
        if type_ == self._refuses:
            raise PermissionError(f"no {name} for you")
        self.created.append(type_)
        digest = "sha256:" + "0" * 64
        return {
            "arn": f"arn:aws:service:eu-west-1:123456789012:{name}",
            "streamArn": f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}/stream/1",
            "name": name,
            "bucket": name,
            "repositoryUrl": "registry/name",
            "registryId": "123456789012",
            "repoDigest": f"registry/name@{digest}",
            "uuid": "a-uuid",
        }

    def read(self, type_: str, name: str, id_: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
        del state
        return {**self.create(type_, name, {}), "id": id_}

    def component(self, inputs: Mapping[str, Any]) -> None:
        pass

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        del token, arguments
        return {"userName": "AWS", "password": "secret"}


def test_the_unchanged_program_makes_its_resources_and_exports() -> None:
    provider = Provider()

    deployed = run_program("dev", {}, provider)

    assert resources.FUNCTION in provider.created
    assert deployed.exports["mappingUuid"] == "a-uuid"
    assert deployed.only(resources.EVENT_SOURCE_MAPPING).inputs["batchSize"] == 50


def test_what_it_made_is_in_the_order_in_which_data_flows() -> None:
    deployed = run_program("dev", {}, Provider())

    components = [each.type for each in deployed.resources if "requests:infra:" in each.type]
    assert [each.rpartition(":")[2] for each in components] == [
        "RequestsPipeline",
        "RequestsTable",
        "ProcessorImage",
        "FailureBucket",
        "IdempotencyTable",
        "ProcessorFunction",
        "StreamEventSourceMapping",
    ]


def test_whole_numbers_are_whole_and_secrets_are_plain_for_whoever_creates() -> None:
    deployed = run_program("dev", {}, Provider())

    assert isinstance(deployed.only(resources.FUNCTION).inputs["timeout"], int)
    assert deployed.only(resources.IMAGE).inputs["registry"]["password"] == "secret"


def test_what_the_caller_gives_goes_over_the_stack_file() -> None:
    deployed = run_program("dev", {"eventSource": {"batchSize": 3}}, Provider())

    mapping = deployed.only(resources.EVENT_SOURCE_MAPPING).inputs
    assert mapping["batchSize"] == 3
    assert mapping["startingPosition"] == "TRIM_HORIZON"


def test_a_mistake_in_the_configuration_stops_the_program_before_its_first_resource() -> None:
    provider = Provider()

    with pytest.raises(ProgramError, match=r"requests-processor:eventSource\.batchSize"):
        run_program("dev", {"eventSource": {"batchSize": 0}}, provider)

    assert provider.created == []


def test_what_cannot_be_created_is_the_reason_that_is_given() -> None:
    with pytest.raises(ProgramError, match="no requests-processor for you"):
        run_program("dev", {}, Provider(refuses=resources.FUNCTION))


def test_a_stack_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ProgramError, match=r"no stack test: .*; known: dev, prod"):
        run_program("test", {}, Provider())


def test_who_names_no_stack_gets_dev_and_without_it_the_first(tmp_path: Path) -> None:
    assert default_stack(tmp_path) == "dev"
    for stack in ("prod", "eu"):
        (tmp_path / f"Pulumi.{stack}.yaml").touch()
    assert default_stack(tmp_path) == "eu"
    (tmp_path / "Pulumi.dev.yaml").touch()
    assert default_stack(tmp_path) == "dev"


def test_a_stack_file_without_a_region_is_named(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: orders\n")
    (tmp_path / "Pulumi.here.yaml").write_text("config: {}\n")

    with pytest.raises(ProgramError, match=r"Pulumi\.here\.yaml: aws:region is missing"):
        region_of("here", tmp_path, environ={})


def test_without_a_region_in_its_files_a_stack_has_that_of_the_shell(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.here.yaml").write_text("config: {}\n")

    assert region_of("here", tmp_path, environ={"AWS_REGION": "eu-west-1"}) == "eu-west-1"
    assert region_of("here", tmp_path, {"aws:region": "eu-west-3"}, environ={}) == "eu-west-3"


def test_a_region_of_another_partition_than_the_accounts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.here.yaml").write_text("config: {aws:region: cn-north-1}\n")

    with pytest.raises(ProgramError, match="cn-north-1 is of the partition aws-cn, and the acc"):
        region_of("here", tmp_path)


PROGRAM = """
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
queue = aws.sqs.Queue("orders", fifo_queue=True)
policy = aws.sqs.QueuePolicy(
    "orders-policy",
    queue_url=queue.url,
    policy=pulumi.Output.secret("{}"),
    opts=pulumi.ResourceOptions(
        depends_on=[aws.sqs.Queue("first")],
        protect=True,
        delete_before_replace=True,
        ignore_changes=["policy"],
    ),
)
aws.get_region(region=config.require("region"))
pulumi.export("url", queue.url)
pulumi.export("fifo", queue.fifo_queue)
"""


class Queues:
    """Gives each resource a URL, and each look-up a region."""

    def __init__(self) -> None:
        self.created: list[str] = []

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        del type_, inputs
        self.created.append(name)
        return {"url": f"https://{name}"}

    def read(self, type_: str, name: str, id_: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
        del state
        return {**self.create(type_, name, {}), "id": id_}

    def component(self, inputs: Mapping[str, Any]) -> None:
        pass

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        del token
        return {"region": arguments["region"]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that has nothing of this one's."""
    (tmp_path / "Pulumi.yaml").write_text("name: orders\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  orders:region: eu-west-1\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return tmp_path


@pytest.mark.parametrize("preview", [False, True])
def test_a_resource_carries_what_the_program_asked_of_the_engine(
    project: Path, preview: bool
) -> None:
    deployed = run_program("dev", {}, Queues(), preview=preview, project=project)

    policy = deployed.only("aws:sqs/queuePolicy:QueuePolicy")
    assert {urn.rpartition("::")[2] for urn in policy.depends_on} == {"orders", "first"}
    assert policy.protect
    assert policy.delete_before_replace
    assert policy.ignore_changes == ("policy",)
    assert policy.secrets == {"policy"}
    queue = deployed.of_type("aws:sqs/queue:Queue")[0]
    assert (queue.protect, queue.ignore_changes, queue.secrets) == (False, (), frozenset())


def test_a_look_up_is_written_down_with_its_arguments(project: Path) -> None:
    deployed = run_program("dev", {"region": "us-east-1"}, Queues(), project=project)

    (look_up,) = deployed.look_ups
    assert look_up.token == "aws:index/getRegion:getRegion"
    assert look_up.arguments == {"region": "us-east-1"}


def test_a_preview_creates_nothing_and_knows_no_output_that_is_not_an_input(project: Path) -> None:
    queues = Queues()

    deployed = run_program("dev", {}, queues, preview=True, project=project)

    assert queues.created == []
    assert deployed.exports == {"url": UNKNOWN, "fifo": True}
    assert deployed.only("aws:sqs/queuePolicy:QueuePolicy").inputs == {
        "queueUrl": UNKNOWN,
        "policy": "{}",
    }


def test_an_up_knows_what_its_provider_says(project: Path) -> None:
    deployed = run_program("dev", {}, Queues(), project=project)

    assert deployed.exports == {"url": "https://orders", "fifo": True}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_preview_of_the_program_registers_what_an_up_does(stack: str) -> None:
    made = run_program(stack, {}, Provider())
    planned = run_program(stack, {}, Provider(), preview=True)

    def asked(deployed: Deployed) -> list[tuple[object, ...]]:
        return [
            (each.urn, each.depends_on, each.protect, each.delete_before_replace, each.secrets)
            for each in deployed.resources
        ]

    assert asked(planned) == asked(made)
    assert set(planned.exports) == set(made.exports)
    assert planned.exports["imageUri"] is UNKNOWN


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("outputs = {}\nprint(outputs['vpcId'])\n", "KeyError: 'vpcId' (__main__.py, line 2)"),
        ("import item\n", "name 'Status' is not defined (item.py, line 2)"),
        ("import nowhere\n", "No module named 'nowhere' (__main__.py, line 1)"),
    ],
)
def test_an_error_of_pythons_own_is_said_with_its_place(
    project: Path, program: str, said: str
) -> None:
    (project / "__main__.py").write_text(program)
    (project / "item.py").write_text("class Order:\n    status: Status\n")

    with pytest.raises(ProgramError, match=f"^{re.escape(said)}$"):
        run.run_program("dev", {}, Queues(), project=project)
