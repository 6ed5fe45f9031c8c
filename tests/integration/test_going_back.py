"""A rollback, tried in the embedded AWS: to an older content, and to an older digest, unbuilt.

ECR is moto's, which holds a repository to its tags' mutability as AWS does.
"""

import json
from typing import Any, Final

import pytest

from infra.local import LocalDeployment
from infra.local.aws import resources
from tests.integration.conftest import Deploy, JournalledFunction, item
from tests.plan import REPOSITORY

MANIFEST_TYPE: Final = "application/vnd.docker.distribution.manifest.v2+json"


def push(deployment: LocalDeployment, tag: str, build: str) -> str:
    """Pushes what a build made of a content, and returns its digest."""
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": {"digest": build}}
    image = deployment.client("ecr").put_image(
        repositoryName=repository(deployment),
        imageTag=tag,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=MANIFEST_TYPE,
    )["image"]
    return str(image["imageId"]["imageDigest"])


def repository(deployment: LocalDeployment) -> str:
    """The stack's own."""
    return str(deployment.deployed.only(REPOSITORY).outputs["name"])


def tag_of(deployment: LocalDeployment) -> str:
    """Under which the program pushes what it builds."""
    inputs: dict[str, Any] = dict(deployment.deployed.only(resources.IMAGE).inputs)
    return str(inputs["imageName"].rpartition(":")[2])


@pytest.mark.parametrize("between", ["another commit", None])
def test_an_older_commit_is_built_anew_and_pushed_under_the_tag_that_it_had(
    deploy: Deploy, between: str | None
) -> None:
    with deploy() as deployment:
        older = push(deployment, tag_of(deployment), "one build")
        if between is not None:
            push(deployment, "of-another-commit", between)

        again = push(deployment, tag_of(deployment), "another build of the same")

        (found,) = deployment.client("ecr").describe_images(
            repositoryName=repository(deployment), imageIds=[{"imageTag": tag_of(deployment)}]
        )["imageDetails"]
        assert found["imageDigest"] == again != older


def test_an_older_digest_runs_without_a_build_and_in_the_stacks_own_repository(
    deploy: Deploy, function: JournalledFunction
) -> None:
    older = "sha256:" + 64 * "0"
    with deploy(config={"image": {"digest": older}}, **function.deployed) as deployment:
        deployment.client("dynamodb").put_item(
            TableName=deployment.outputs["tableName"], Item=item("a")
        )
        deployment.drain()

        assert function.keys == ["a"]
        assert deployment.outputs["imageUri"].endswith(f"/{repository(deployment)}@{older}")
        assert deployment.deployed.of_type(resources.IMAGE) == []
