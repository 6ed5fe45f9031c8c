"""The regions that are known, and what of a region's name is a mistake."""

import json
from importlib import resources
from typing import Any

import pytest

from infra.config.regions import REGIONS, doubt_of, mistake_of, partition_of

PARTITIONS: list[dict[str, Any]] = json.loads(
    resources.files("botocore").joinpath("data/partitions.json").read_text(encoding="utf-8")
)["partitions"]


def test_every_region_that_boto3_knows_is_known_with_its_partition() -> None:
    of_boto3 = {
        region: partition["id"]
        for partition in PARTITIONS
        for region in partition["regions"]
        if not region.endswith("-global")
    }

    assert of_boto3.items() <= REGIONS.items()
    assert {region: partition_of(region) for region in REGIONS} == dict(REGIONS)
    assert not any(mistake_of(region) or doubt_of(region) for region in REGIONS)


@pytest.mark.parametrize("region", ["eu-west-12", "us-gov-middle-1", "xx-new-1"])
def test_a_region_that_nobody_knows_yet_is_doubted_and_no_mistake(region: str) -> None:
    assert mistake_of(region) is None
    assert region in str(doubt_of(region))


@pytest.mark.parametrize("region", ["eu_west_1", "Frankfurt", "eu-west-1a", "", 5, True, ["eu"]])
def test_what_has_not_the_form_of_a_region_is_a_mistake(region: object) -> None:
    said = str(mistake_of(region))
    assert "must be a region's name" in said
    assert isinstance(region, str) or f"got {json.dumps(region)}" in said


def test_a_near_name_is_offered() -> None:
    assert str(mistake_of("eu-west1")).endswith("did you mean eu-west-1?")
    assert str(doubt_of("eu-wst-1")).endswith("did you mean eu-west-1?")
