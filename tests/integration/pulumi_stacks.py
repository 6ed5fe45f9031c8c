"""Stacks of Pulumi's own engine in an embedded AWS, as the tests use them."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from infra.config.stack_file import merged
from infra.local.aws.emulator import Emulator
from infra.local.provider.deployment import PulumiDeployment, stack_of_pulumi
from infra.local.provider.private_stack import PrivateStack, pulumi
from infra.local.provider.servicer import Faults
from tests.project import PROJECT, copy_of_project

REGION: Final = "ap-northeast-1"
DEFAULTS: Final[Mapping[str, Any]] = {"aws:region": REGION}
"""The values of a stack that sets nothing else."""
WITHOUT_ALARMS: Final[Mapping[str, Any]] = {**DEFAULTS, "monitoring": {"enabled": False}}
"""Nor has what its records do not need: each update is sooner there."""


def ensure_there_is_pulumi() -> None:
    """Skips the test where there is no command line, which is never in CI."""
    missing = [name for name in ("pulumi", "pulumi-language-python") if shutil.which(name) is None]
    if missing:
        reason = f"not on PATH: {' and '.join(missing)}; `bash .ci/pulumi-cli` builds both"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def ensure_there_is_the_policy_packs_environment() -> Path:
    """Skips the test where it is missing, which is never in CI; returns it."""
    environment = PROJECT / "infra/policy_pack/.venv"
    if not (environment / "installed").exists():
        reason = "missing: `make infra/policy_pack/.venv/installed` makes it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return environment


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What the engine would do to one resource."""

    op: str
    type: str
    name: str
    reasons: tuple[str, ...]
    """The inputs that it is for."""


@dataclass(kw_only=True, slots=True)
class Stack:
    """A stack, and the AWS that it is deployed to."""

    private: PrivateStack
    aws: PulumiDeployment
    environment: dict[str, str]
    faults: Faults
    folder: Path
    """Where the commands are given."""

    @property
    def config(self) -> dict[str, Any]:
        """The stack file's values."""
        return dict(yaml.safe_load(self.private.config_file.read_text("utf-8"))["config"])

    @config.setter
    def config(self, values: Mapping[str, Any]) -> None:
        content = yaml.safe_load(self.private.config_file.read_text("utf-8"))
        self.private.config_file.write_text(yaml.safe_dump({**content, "config": dict(values)}))

    def run(self, *arguments: str, check: bool = True, **environment: str) -> str:
        """What a command prints. Raises `PulumiError` when it fails."""
        return pulumi(
            *arguments,
            environment={**self.environment, **environment},
            folder=self.folder,
            check=check,
        ).stdout

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command that goes on."""
        executable = shutil.which("pulumi")
        assert executable
        return subprocess.Popen(
            [executable, *arguments, "--non-interactive"],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def up(self, *arguments: str) -> str:
        """Updates without a preview."""
        return self.run("up", "--yes", "--skip-preview", *arguments)

    def preview(self, **settings: Any) -> list[Step]:
        """What an update would do with these settings over the stack's; nothing of it is kept."""
        return steps(self.previewed(**settings))

    def previewed(self, **settings: Any) -> str:
        """The same, as `pulumi preview --json` prints it."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "Pulumi.preview.yaml")
            content = yaml.safe_load(self.private.config_file.read_text("utf-8"))
            content["config"] = merged(content["config"], settings)
            file.write_text(yaml.safe_dump(content), "utf-8")
            told = self.run("preview", "--json", PULUMI_OPTION_CONFIG_FILE=str(file))
        return told[told.index("{") :]

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's exports."""
        return dict(json.loads(self.run("stack", "output", "--json")))

    @property
    def state(self) -> list[dict[str, Any]]:
        """Its resources, as the backend has them."""
        exported = json.loads(self.run("stack", "export"))
        return list(exported["deployment"].get("resources", []))

    def resource(self, type_: str, name: str) -> dict[str, Any]:
        """The state of one resource."""
        (found,) = [
            each
            for each in self.state
            if each["type"] == type_ and each["urn"].rpartition("::")[2] == name
        ]
        return found


def steps(told: str) -> list[Step]:
    """What `preview --json` tells, without what stays as it is, and without components."""
    document = json.loads(told)
    found = [_step(each) for each in document["steps"]]
    return [each for each in found if each.op != "same" and "/" in each.type]


def _step(step: Mapping[str, Any]) -> Step:
    type_, _, name = step["urn"].split("::", 2)[2].partition("::")
    return Step(
        op=step["op"],
        type=type_.rpartition("$")[2],
        name=name,
        reasons=tuple(step.get("diffReasons") or ()),
    )


@contextlib.contextmanager
def stack(
    name: str,
    values: Mapping[str, Any] | None = None,
    *,
    emulator: Emulator | None = None,
    code: Path | None = None,
    entry_point: str | None = None,
    files: Mapping[str, str] | None = None,
    made: Callable[[Path], Path] | None = None,
) -> Iterator[Stack]:
    """A stack of this project, or of one whose file has these values, not yet deployed.

    `files` are the user's own, by their paths. `made` makes the project in an empty folder, in
    place of a copy of this one.
    """
    ensure_there_is_pulumi()
    faults = Faults()
    with tempfile.TemporaryDirectory() as folder:
        project = (made or project_for_pulumi)(Path(folder))
        for path, text in (files or {}).items():
            (project / path).write_text(text, "utf-8")
        if values is not None:
            content = {"config": dict(values)}
            (project / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump(content), "utf-8")
        with stack_of_pulumi(
            name,
            code=code,
            entry_point=entry_point,
            emulator=emulator,
            project=project,
            faults=faults,
        ) as aws:
            environment = aws.private.environment(aws.ports)
            yield Stack(
                private=aws.private,
                aws=aws,
                environment=environment,
                faults=faults,
                folder=project,
            )


def project_for_pulumi(folder: Path) -> Path:
    """A copy of the project, with its interpreter where Pulumi.yaml has it."""
    return with_interpreter(copy_of_project(folder))


def with_interpreter(project: Path) -> Path:
    (project / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return project
