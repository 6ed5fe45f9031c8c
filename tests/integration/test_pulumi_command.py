"""`make up ARGS="--pulumi"`: the stack by Pulumi's own engine, and its commands beside it."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.provider.backend import Backend
from tests.integration.conftest import item
from tests.integration.pulumi_stacks import ensure_there_is_pulumi, project_for_pulumi
from tests.integration.test_command_line import read_until, started
from tests.processes import PATIENCE, is_running, processes_of, wait_until

KEYS_OF_A_REAL_STACK = {
    "secretsprovider": "awskms://alias/of-the-company?region=ap-northeast-1",
    "encryptedkey": "AQICAHgtheKeyOfARealStack",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Terminal:
    """Another terminal, into which was pasted what the run printed."""

    folder: Path
    pasted: str

    def popen(self, command: str) -> "subprocess.Popen[str]":
        # What was there before, of another account and another stack.
        before = {"AWS_PROFILE": "company", "AWS_SESSION_TOKEN": "x", "PULUMI_STACK": "prod"}
        return subprocess.Popen(
            ["bash", "-ec", f"{self.pasted}\nexec {command}"],  # noqa: S607 - whichever there is
            cwd=self.folder,
            env={**os.environ, **before},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        with self.popen(command) as process:
            told, _ = process.communicate()
        assert process.returncode == 0, told
        return told

    def variable(self, name: str) -> str:
        return self.run(f"printenv {name}").rstrip("\n")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A clone whose stack dev is a real one, with a secret, and committed."""
    ensure_there_is_pulumi()
    project = project_for_pulumi(tmp_path / "project")
    file = project / "Pulumi.dev.yaml"
    content: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    content["config"]["tags"] = {"Owner": {"secure": "v1:abcdefghijkl:bm90IHRvIGJlIHJlYWQ="}}
    file.write_text(yaml.safe_dump({**KEYS_OF_A_REAL_STACK, **content}), "utf-8")
    (project / ".gitignore").write_text(".venv\n__pycache__/\n.build/\n")
    for command in ("init --quiet", "add --all", "commit --quiet --message All"):
        git(project, *command.split())
    return project


def git(project: Path, *arguments: str) -> str:
    author = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    command = ["git", *author, *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def up(project: Path) -> Iterator["subprocess.Popen[str]"]:
    with started("up", "--pulumi", folder=project) as process:
        yield process


def terminal_of(introduction: list[str], project: Path) -> Terminal:
    pasted = [line for line in introduction if re.match(r"(un|ex)(set|port) ", line)]
    return Terminal(folder=project, pasted="".join(pasted))


PUT = f"""
import boto3, sys
boto3.client("dynamodb").put_item(TableName=sys.argv[1], Item={item("from-another-terminal")!r})
"""


def test_pulumis_commands_work_on_the_stack_and_leave_the_working_tree_as_it_is(
    project: Path, up: "subprocess.Popen[str]"
) -> None:
    introduction = read_until(up, "Listening")
    terminal = terminal_of(introduction, project)
    shown = "".join(introduction)
    backend = terminal.variable("PULUMI_BACKEND_URL").removeprefix("file://")

    assert shown.count('tags.Owner is encrypted for Pulumi alone: "encrypted" stands for it') == 1
    assert "+ 31 created" in shown
    assert "31 unchanged" in terminal.run("pulumi preview --non-interactive")
    terminal.run("pulumi config set --path eventSource.batchSize 7")
    changed = terminal.run("pulumi up --yes --non-interactive")
    assert "~ 1 updated" in changed
    table = terminal.run("pulumi stack output tableName").strip()
    terminal.run(shlex.join([sys.executable, "-c", PUT, table]))
    read_until(up, "processed")
    assert "31 unchanged" in terminal.run("pulumi refresh --yes --non-interactive")
    assert "31 deleted" in terminal.run("pulumi destroy --yes --non-interactive")
    assert git(project, "status", "--porcelain") == ""
    up.send_signal(signal.SIGINT)
    said, errors = up.communicate(timeout=PATIENCE)

    assert up.returncode == 0, errors
    assert said.rstrip().endswith("Stopped; nothing is left running.")
    assert "Traceback" not in errors
    assert not Path(backend).exists()
    assert git(project, "status", "--porcelain") == ""
    content = yaml.safe_load((project / "Pulumi.dev.yaml").read_text("utf-8"))
    assert KEYS_OF_A_REAL_STACK.items() <= content.items()


def test_ctrl_c_ends_an_update_in_another_terminal_and_removes_the_backend(
    project: Path, up: "subprocess.Popen[str]"
) -> None:
    terminal = terminal_of(read_until(up, "Listening"), project)
    folder = Path(terminal.variable("PULUMI_BACKEND_URL").removeprefix("file://"))
    backend = Backend(folder=folder)
    terminal.run("pulumi config set --path function.memorySize 512")

    with terminal.popen("pulumi up --yes --non-interactive") as update:
        wait_until(lambda: any(backend._locks()))
        up.send_signal(signal.SIGINT)
        said, errors = up.communicate(timeout=PATIENCE)
        told, _ = update.communicate(timeout=PATIENCE)

    assert up.returncode == 0, errors
    assert update.returncode != 0, told
    assert said.rstrip().endswith("Stopped; nothing is left running.")
    assert not folder.exists()


def test_ctrl_c_while_the_stack_is_made_leaves_nothing(
    project: Path, up: "subprocess.Popen[str]"
) -> None:
    read_until(up, "creating")
    there = processes_of(up.pid)
    up.send_signal(signal.SIGINT)
    said, errors = up.communicate(timeout=PATIENCE)

    assert up.returncode == 0, errors
    assert said.rstrip().endswith("Stopped; nothing is left running.")
    assert len(there) > 2  # the embedded AWS, Pulumi and its language host at least
    wait_until(lambda: not any(map(is_running, there)))
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize("missing", ["pulumi", "pulumi-language-python"])
def test_without_a_command_line_one_line_says_what_to_do(missing: str, tmp_path: Path) -> None:
    project = project_for_pulumi(tmp_path / "project")
    commands = tmp_path / "bin"
    commands.mkdir()
    if missing != "pulumi":
        (commands / "pulumi").write_text("#!/bin/sh\necho v3.274.1\n")
        (commands / "pulumi").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "infra.local", "up", "--pulumi"],
        cwd=project,
        env={**os.environ, "PATH": f"{commands}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: --pulumi needs Pulumi's command line, and {missing} is not on")
    assert "bash .ci/pulumi-cli" in line


def test_a_command_line_that_would_touch_the_stack_file_is_refused(tmp_path: Path) -> None:
    project = project_for_pulumi(tmp_path / "project")
    for name in ("pulumi", "pulumi-language-python"):
        (tmp_path / name).write_text("#!/bin/sh\necho v3.207.0\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "infra.local", "up", "--pulumi"],
        cwd=project,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "must be 3.208 or newer, the one on PATH is v3.207" in done.stderr
