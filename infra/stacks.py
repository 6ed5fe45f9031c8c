"""The project's stacks, as its workflows take them: python -m infra.stacks

Prints two lines for GITHUB_OUTPUT: `stacks`, what each one's jobs must know before Pulumi is
there, and `matrix`, the same as a job's matrix. Whether the rest of a stack file is right is the
program's to say.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from infra.config.sections import Architecture, FunctionConfig

RUNNERS: Final = {Architecture.X86_64: "ubuntu-24.04", Architecture.ARM64: "ubuntu-24.04-arm"}
"""GitHub's runner of the function's own architecture: its image builds there without emulation."""


class StackFileError(ValueError):
    """A stack file lacks what its jobs must know; says which file and what."""


def stacks(project: Path) -> dict[str, dict[str, str]]:
    """Region and runner of each `Pulumi.<stack>.yaml` in a folder, by the stack's name.

    Raises `StackFileError` for a file without a region, or of an unknown architecture.
    """
    name = _read(project / "Pulumi.yaml")["name"]
    files = sorted(project.glob("Pulumi.*.yaml"))
    return {file.name.split(".", 1)[1].removesuffix(".yaml"): _stack(file, name) for file in files}


def _stack(file: Path, project: str) -> dict[str, str]:
    config = _read(file).get("config") or {}
    region = config.get("aws:region")
    if region is None:
        raise StackFileError(f"{file.name}: aws:region is missing; it must be a region's name")
    function = config.get(f"{project}:function", {})
    architecture = function.get("architecture", FunctionConfig().architecture)
    if architecture not in RUNNERS:
        known = ", ".join(RUNNERS)
        raise StackFileError(
            f"{file.name}: {project}:function.architecture must be one of {known}, "
            f"got {architecture}"
        )
    return {"region": region, "runner": RUNNERS[architecture]}


def _read(file: Path) -> Mapping[str, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8")) or {}


def main() -> None:
    """Prints the stacks of the working directory."""
    try:
        found = stacks(Path.cwd())
    except StackFileError as error:
        sys.exit(f"error: {error}")
    matrix = {"include": [{"stack": name, **settings} for name, settings in found.items()]}
    sys.stdout.write(f"stacks={json.dumps(found)}\nmatrix={json.dumps(matrix)}\n")


if __name__ == "__main__":
    main()
