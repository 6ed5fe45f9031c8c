"""What other stacks export: in a file of the project, for there is no Pulumi state here."""

from pathlib import Path
from typing import Any, Final

import yaml

FILE: Final = "tests/yours/stack-outputs.yaml"
"""What other stacks export, by the stack's name as the program has it."""


class StackOutputsError(Exception):
    """The file with other stacks' outputs says nothing of the kind; says why."""


def outputs_of(project: Path, stack_name: str) -> dict[str, Any]:
    """What the project's file says of a stack. Raises `StackOutputsError`."""
    file = project / FILE
    if not file.exists():
        return {}
    try:
        said = yaml.safe_load(file.read_text()) or {}
        found = said.get(stack_name) or {}
        return dict(found)
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        message = "must be a mapping from a stack's name to a mapping of its outputs"
        raise StackOutputsError(f"{FILE} {message}: {error}") from error
