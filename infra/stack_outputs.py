"""The outputs of a deployed stack, by the Pulumi CLI: what the commands find its parts by."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from infra.exports import WhichPipelineError, pipeline_exports


class StackOutputsError(Exception):
    """A stack's outputs cannot be read; says why in one line."""


class NoPulumiError(StackOutputsError):
    """The Pulumi CLI is not installed."""


def stack_outputs(stack: str, pipeline: str | None) -> Mapping[str, Any]:
    """Those of one pipeline; None: of the only one. Raises `StackOutputsError`."""
    try:
        return pipeline_exports(_read(stack), pipeline)
    except WhichPipelineError as error:
        raise StackOutputsError(f"stack {stack}: {error}") from error


def region_of(outputs: Mapping[str, Any]) -> str | None:
    """Where the stack is, whatever the shell says; None: its outputs do not say."""
    arn = str(outputs.get("functionArn") or outputs.get("streamArn") or "").split(":")
    return arn[3] if len(arn) > 5 else None


def _read(stack: str) -> Mapping[str, Any]:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise NoPulumiError("the Pulumi CLI, which reads a stack's outputs, is not installed")
    command = [pulumi, "stack", "output", "--json", "--stack", stack]
    # The command is fixed, and the stack's name is one argument, not shell text.
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["pulumi said nothing"])[-1]
        raise StackOutputsError(f"the outputs of stack {stack} cannot be read: {reason}")
    outputs: Mapping[str, Any] = json.loads(result.stdout)
    return outputs
