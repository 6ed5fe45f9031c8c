"""Docker's command line, as these tests use it."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra import build_context
from tests.plan import IMAGE, plan_of

BASE_IMAGE: Final = "requests-processor-base"
"""AWS's base, or what stands in for it: `.ci/base-image` makes it."""

CONFIG: Final = {"image": {"baseImage": BASE_IMAGE}, "function": {"architecture": "x86_64"}}


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)  # noqa: S607 - the one that the machine has
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def inspect(image: str) -> Any:
    return json.loads(docker("image", "inspect", image))[0]


def registered_build() -> Mapping[str, Any]:
    """How the program registered the image: what every test here builds with."""
    build: Mapping[str, Any] = plan_of(CONFIG).inputs_of(IMAGE)["build"]
    return build


def files_of(image: str) -> set[str]:
    """Every file below /var/task."""
    program = (
        "import pathlib; print(*(p for p in pathlib.Path('/var/task').rglob('*') if p.is_file()))"
    )
    return set(docker("run", "--rm", "--entrypoint", "python", image, "-c", program).split())


def buildkit_client() -> str | None:
    """The folder of a client that has BuildKit: by itself up to 22, with buildx from 23 on."""
    for folder in os.get_exec_path():
        client = shutil.which("docker", path=folder)
        if client is not None and _has_buildkit(client):
            return folder
    return None


def _has_buildkit(client: str) -> bool:
    version = subprocess.run(
        [client, "version", "--format", "{{.Client.Version}}"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    buildx = subprocess.run([client, "buildx", "version"], capture_output=True, check=False)
    return version.split(".")[0].isdecimal() and (
        int(version.split(".")[0]) < 23 or buildx.returncode == 0
    )


def copied_context(folder: Path) -> Path:
    """The build context in a folder where a test may change it."""
    context = folder / "handler"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(build_context.BUILD_CONTEXT, context, ignore=ignored)
    return context
