"""The project's stacks, as its workflows take them: PYTHONPATH=. python .github/scripts/stacks.py

Prints two lines for GITHUB_OUTPUT: `stacks`, what each one's jobs must know before Pulumi is
there, and `matrix`, the same as a job's matrix. Whether the rest of a stack file is right, the
program says.
"""

import json
import sys
from pathlib import Path

from infra.config import Architecture, FunctionConfig
from infra.config.stack_file import (
    StackFileError,
    project_name,
    region_of,
    stack_names,
    stack_values,
)

# GitHub's runner of the function's own architecture: its image builds there without emulation.
RUNNERS = {Architecture.X86_64: "ubuntu-24.04", Architecture.ARM64: "ubuntu-24.04-arm"}


def stacks(project: Path) -> dict[str, dict[str, str]]:
    """Region and runner of each `Pulumi.<stack>.yaml` in a folder, by the stack's name.

    Raises `StackFileError` for a file without a region, or of an unknown architecture.
    """
    return {
        name: {"region": region_of(project, name), "runner": runner(project, name)}
        for name in stack_names(project)
    }


def runner(project: Path, stack: str) -> str:
    """The runner on which a stack's image is built."""
    key = f"{project_name(project)}:function"
    function = stack_values(project, stack).get(key) or {}
    architecture = function.get("architecture", FunctionConfig().architecture)
    if architecture not in RUNNERS:
        known = ", ".join(RUNNERS)
        raise StackFileError(
            f"Pulumi.{stack}.yaml: {key}.architecture must be one of {known}, got {architecture}"
        )
    return RUNNERS[Architecture(architecture)]


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
