"""A runner of workflow steps, on this machine.

GitHub's CLI, Docker and Pulumi stand in as programs that write down how they were called.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.project import PROJECT
from tests.unit.workflows.workflow_files import GITHUB

Result = subprocess.CompletedProcess[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """How a stand-in was called."""

    arguments: list[str]
    request: str
    """What it read from standard input."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs steps and scripts, which write to a folder of their own."""

    folder: Path
    checkout: Path = PROJECT
    """Where they run."""

    @property
    def output(self) -> str:
        """What the steps wrote to GITHUB_OUTPUT."""
        return self._written("output")

    @property
    def summary(self) -> str:
        """What the steps wrote to GITHUB_STEP_SUMMARY."""
        return self._written("summary")

    def step(self, file: str, name: str, **environ: str) -> Result:
        """Runs the shell script of the only step of that name or id, as `shell: bash` does."""
        content = yaml.safe_load((GITHUB / file).read_text(encoding="utf-8"))
        jobs = content["jobs"].values() if "jobs" in content else [content["runs"]]
        steps = [step for job in jobs for step in job.get("steps", [])]
        (script,) = (step["run"] for step in steps if name in {step.get("name"), step.get("id")})
        return self.shell(script, **environ)

    def shell(self, script: str, **environ: str) -> Result:
        """Runs commands as `shell: bash` does."""
        return self._run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], environ
        )

    def script(self, name: str, *arguments: str, **environ: str) -> Result:
        """Runs one of the workflows' own scripts."""
        return self._run([sys.executable, str(GITHUB / "scripts" / name), *arguments], environ)

    def stand_in(self, name: str, code: str = "") -> None:
        """Puts a program of that name first on the PATH; `code` is how it answers."""
        program = self._bin / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f"#!{sys.executable}\nimport json, sys\n"
            f"with open({str(self._calls(name))!r}, 'a') as calls:\n"
            f"    print(json.dumps([sys.argv[1:], sys.stdin.read()]), file=calls)\n{code}\n",
            encoding="utf-8",
        )
        program.chmod(0o755)

    def calls_of(self, name: str) -> list[Call]:
        """The calls of a stand-in, in order."""
        lines = self._calls(name).read_text(encoding="utf-8").splitlines()
        return [
            Call(arguments=arguments, request=request)
            for arguments, request in map(json.loads, lines)
        ]

    @property
    def _bin(self) -> Path:
        return self.folder / "bin"

    def _calls(self, name: str) -> Path:
        return self.folder / f"{name}.calls"

    def _written(self, name: str) -> str:
        file = self.folder / name
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def _run(self, command: list[str], environ: Mapping[str, str]) -> Result:
        own = {
            "PATH": f"{self._bin}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "RUNNER_TEMP": str(self.folder),
        }
        return subprocess.run(
            command,
            input="",
            env={**own, **environ},
            cwd=self.checkout,
            capture_output=True,
            text=True,
            check=False,
        )
