"""The project's stacks, as a workflow takes them: PYTHONPATH=. python .github/scripts/stacks.py

Its argument is preview or deploy. Prints lines for GITHUB_OUTPUT, each a job's matrix of what the
jobs must know before Pulumi is there: `all` of the stacks, and, in the order in which they are
deployed, `dev`, the `others` and `prod`. VARIABLES holds the repository's variables, as JSON; a
stack without its own is left out, with a notice. Whether the rest of a stack file is right, the
program says.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
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

ORDER = ("dev", "others", "prod")

Stack = dict[str, str]


def stacks(project: Path, variables: Mapping[str, str] | None = None) -> list[Stack]:
    """Name, region and runner of each `Pulumi.<stack>.yaml` in a folder.

    Raises `StackFileError` for a stack without a region, or of an unknown architecture.
    """
    return [
        {
            "stack": name,
            "region": region(project, name, variables or {}),
            "runner": runner(project, name),
        }
        for name in stack_names(project)
    ]


def region(project: Path, stack: str, variables: Mapping[str, str]) -> str:
    """The region of a stack: of its files, or, where those name none, of its variable."""
    variable = f"AWS_REGION_{ending(stack)}"
    otherwise = f", or set the variable {variable}"
    return region_of(project, stack, named=variables.get(variable), otherwise=otherwise)


def ending(stack: str) -> str:
    """Of the names of a stack's variables."""
    return re.sub(r"[^A-Za-z0-9]", "_", stack).upper()


def runner(project: Path, stack: str) -> str:
    """The runner on which a stack's image is built."""
    key = f"{project_name(project)}:function"
    function = section(stack_values(project, stack).get(key))
    architecture = function.get("architecture") or FunctionConfig().architecture
    if str(architecture) not in RUNNERS:
        known = ", ".join(RUNNERS)
        raise StackFileError(
            f"Pulumi.{stack}.yaml: {key}.architecture must be one of {known}, got {architecture}"
        )
    return RUNNERS[Architecture(str(architecture))]


def section(value: object) -> Mapping[str, object]:
    """A section's settings; where Pulumi.yaml declares none, it may be given as JSON."""
    try:
        read = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        read = None
    # What else stands there, the program refuses.
    return read if isinstance(read, Mapping) else {}


def access(stack: str, what: str, variables: Mapping[str, str]) -> tuple[Stack, list[str]]:
    """Role and backend of a stack, and the variables that are missing.

    No role is shared: the one of dev's jobs could then change prod.
    """
    role = f"AWS_{what.upper()}_ROLE_ARN_{ending(stack)}"
    backend = f"PULUMI_BACKEND_URL_{ending(stack)}"
    found = {
        "role": variables.get(role, ""),
        "backend": variables.get(backend) or variables.get("PULUMI_BACKEND_URL", ""),
    }
    names = {"role": role, "backend": backend}
    return found, [names[key] for key, value in found.items() if not value]


def outputs(found: list[Stack]) -> dict[str, list[Stack]]:
    """The stacks of each matrix."""
    placed: dict[str, list[Stack]] = {place: [] for place in ORDER}
    for each in found:
        placed[each["stack"] if each["stack"] in {"dev", "prod"} else "others"].append(each)
    return {"all": found, **placed}


def tell(what: str, stack: str, missing: list[str]) -> None:
    """Says why a stack is left out: beside the run, and in its summary."""
    reason = f"set {' and '.join(missing)} (docs/deploying.md)"
    # Not to standard output, which is GITHUB_OUTPUT's.
    sys.stderr.write(f"::notice title=No {what} of {stack}::{reason}\n")
    with Path(os.environ.get("GITHUB_STEP_SUMMARY", os.devnull)).open("a", encoding="utf-8") as to:
        to.write(f"No {what} of {stack}: {reason}.\n\n")


def main(what: str) -> None:
    """Prints the stacks of the working directory."""
    variables = json.loads(os.environ.get("VARIABLES") or "{}")
    ready = []
    try:
        for each in stacks(Path.cwd(), variables):
            found, missing = access(each["stack"], what, variables)
            if missing:
                tell(what, each["stack"], missing)
            else:
                ready.append({**each, **found})
    except StackFileError as error:
        sys.exit(f"error: {error}")
    for name, members in outputs(ready).items():
        sys.stdout.write(f"{name}={json.dumps({'include': members})}\n")


if __name__ == "__main__":
    main(sys.argv[1])
