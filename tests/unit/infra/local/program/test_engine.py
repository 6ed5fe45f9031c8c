"""The program under the local engine: what it is given, what it makes, and how it fails."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.aws import resources
from infra.local.aws.emulator import Emulator
from infra.local.aws.resources import UnknownResourceError
from infra.local.program import run as program
from infra.local.program.run import ProgramError, merged, region_of, run_program, stack_values


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
    assert mapping["startingPosition"] == "LATEST"


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
        stack_values("test")


def test_a_stack_file_without_a_region_is_named(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.here.yaml").write_text("config: {}\n")
    monkeypatch.setattr(program, "PROJECT", tmp_path)

    with pytest.raises(ProgramError, match=r"Pulumi\.here\.yaml names no aws:region"):
        region_of("here")


def test_a_stack_file_that_is_no_yaml_is_named(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.here.yaml").write_text("config: [\n")
    monkeypatch.setattr(program, "PROJECT", tmp_path)

    with pytest.raises(ProgramError, match=r"Pulumi\.here\.yaml cannot be read"):
        region_of("here")


def test_objects_are_merged_key_by_key_and_everything_else_is_replaced() -> None:
    values = {"a": {"b": 1, "c": [1]}, "d": 1}

    assert merged(values, {"a": {"c": [2]}, "d": {"e": 1}}) == {
        "a": {"b": 1, "c": [2]},
        "d": {"e": 1},
    }
    assert values == {"a": {"b": 1, "c": [1]}, "d": 1}


def test_a_type_or_a_look_up_that_is_not_known_here_is_an_error() -> None:
    with Emulator(region="eu-west-1") as emulator:
        with pytest.raises(UnknownResourceError, match="cannot create aws:sqs/queue:Queue"):
            resources.create(emulator, "aws:sqs/queue:Queue", "queue", {})
        with pytest.raises(UnknownResourceError, match="cannot answer aws:index/getRegion"):
            resources.look_up(emulator, "aws:index/getRegion", {})
