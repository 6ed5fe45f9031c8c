"""These tests need Docker and the base image, which `.ci/run` sets up; in CI nothing is skipped."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import urllib3

from infra.local.function.docker_sandbox import build_image
from tests.image.docker_cli import BASE_IMAGE, registered_build
from tests.project import copy_of_project

REASON = (
    "needs Docker's engine and the image requests-processor-base: bash .ci/docker; "
    "bash .ci/base-image"
)


def _is_missing() -> bool:
    try:
        found = subprocess.run(
            ["docker", "image", "inspect", BASE_IMAGE],  # noqa: S607 - the one that the machine has
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        return True
    return found.returncode != 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if item.nodeid.startswith("tests/image/")]
    if here and "CI" not in os.environ and _is_missing():
        for item in here:
            item.add_marker(pytest.mark.skip(reason=REASON))


PACKAGES: Final = ("aws-lambda-powertools", "jmespath", "typing-extensions")
"""Those that the image came with."""


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context as it came, whatever its user has made of it."""
    context = copy_of_project(tmp_path_factory.mktemp("image")) / "handler"
    requirements = context / "requirements.txt"
    blocks = re.split(r"^(?=\S)", requirements.read_text(encoding="utf-8"), flags=re.MULTILINE)
    kept = [each for each in blocks if each.startswith(tuple(f"{name}==" for name in PACKAGES))]
    requirements.write_text("".join(kept), encoding="utf-8")
    return context


@pytest.fixture(scope="module", autouse=True)
def as_it_came(context: Path) -> Iterator[None]:
    """What the program and the sandbox take for the build context."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infra.build_context.BUILD_CONTEXT", context)
        patch.setattr("infra.build_context._STAGED_CONTEXTS", context.parent / ".build")
        patch.setattr("infra.image.BUILD_CONTEXT", context)
        yield


@pytest.fixture(scope="module")
def image(as_it_came: None) -> str:
    """The id of the image, built with what the program registered."""
    del as_it_came
    return build_image(registered_build())


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a registry of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("registry")
    (folder / "config.yml").write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    process: subprocess.Popen[Any] = subprocess.Popen(
        ["docker-registry", "serve", str(folder / "config.yml")],  # noqa: S607 - Debian's
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://{address}/v2/")
        yield address
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            urllib3.request("GET", url, retries=False)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} does not answer")
