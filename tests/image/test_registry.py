"""Pushed to a real registry, it is an image that Lambda takes, and is found by its digest."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.image.docker_cli import docker, inspect, registered_build

MANIFEST_TYPES = {
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
}


@pytest.fixture(scope="module")
def pushed(image: str, registry: str) -> Iterator[str]:
    """The image's name with its digest, as the function would be given it."""
    name = f"{registry}/requests:{registered_build()['args']['VERSION']}"
    docker("tag", image, name)
    docker("push", "--quiet", name)
    (repo_digest,) = [one for one in inspect(name)["RepoDigests"] if one.startswith(registry)]
    yield repo_digest
    docker("image", "rm", name)


def fetched(reference: str, kind: str, digest: str) -> tuple[bytes, str]:
    """A manifest or a blob of the registry, and its media type."""
    host, _, rest = reference.partition("/")
    response = urllib3.request(
        "GET",
        f"http://{host}/v2/{rest.partition('@')[0]}/{kind}/{digest}",
        headers={"Accept": ", ".join(MANIFEST_TYPES)},
    )
    assert response.status == 200
    return response.data, response.headers["Content-Type"]


def config_of(reference: str, manifest: bytes) -> Any:
    return json.loads(fetched(reference, "blobs", json.loads(manifest)["config"]["digest"])[0])


def test_it_is_one_image_and_no_index(pushed: str) -> None:
    manifest, media_type = fetched(pushed, "manifests", pushed.partition("@")[2])

    assert media_type in MANIFEST_TYPES
    assert "manifests" not in json.loads(manifest)


def test_its_digest_is_that_of_its_manifest(pushed: str) -> None:
    digest = pushed.partition("@")[2]

    manifest, _ = fetched(pushed, "manifests", digest)

    assert digest == f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def test_its_platform_is_the_registered_one(pushed: str) -> None:
    manifest, _ = fetched(pushed, "manifests", pushed.partition("@")[2])

    config = config_of(pushed, manifest)

    assert f"{config['os']}/{config['architecture']}" == registered_build()["platform"]


def test_by_its_digest_the_same_image_comes_back(pushed: str, image: str) -> None:
    docker("pull", "--quiet", pushed)

    assert inspect(pushed)["Id"] == inspect(image)["Id"]


def test_lambda_would_take_it_from_the_registry(pushed: str) -> None:
    check = subprocess.run(
        [sys.executable, "-m", "infra.image_check", pushed, "--architecture", "x86_64"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert check.returncode == 0, check.stdout + check.stderr


def test_lambda_would_take_it_from_a_tar(image: str, tmp_path: Path) -> None:
    tar = tmp_path / "image.tar"
    docker("save", "--output", str(tar), image)

    check = subprocess.run(
        [sys.executable, "-m", "infra.image_check", str(tar), "--architecture", "x86_64"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert check.returncode == 0, check.stdout + check.stderr
