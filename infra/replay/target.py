"""Which bucket, function and table a command works on, and the clients to reach them.

The names come from the command line, or from a stack's outputs where the Pulumi CLI is present.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client


class ReplayError(Exception):
    """Says in one line what the caller can do about it; the command ends with exit code 2."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The parts of one deployed stack. A part that a command needs and nobody named is an error."""

    names: Mapping[str, str]
    """Of bucket, function and table, as far as they are known."""
    session: "boto3.Session"

    @property
    def bucket(self) -> str:
        """The failure bucket's name. Raises `ReplayError`."""
        return self._named("bucket")

    @property
    def function(self) -> str:
        """The function's name or ARN. Raises `ReplayError`."""
        return self._named("function")

    @property
    def table(self) -> str:
        """The source table's name. Raises `ReplayError`."""
        return self._named("table")

    def _named(self, part: str) -> str:
        if part not in self.names:
            raise ReplayError(f"which {part}? Name it with --{part}, or the stack with --stack")
        return self.names[part]

    @cached_property
    def s3(self) -> "S3Client":
        return self.session.client("s3")

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self.session.client("dynamodb")

    @cached_property
    def awslambda(self) -> "LambdaClient":
        # A function may run for 15 minutes, and a retry of the client's own would run it twice.
        config = Config(read_timeout=910, retries={"total_max_attempts": 1})
        return self.session.client("lambda", config=config)


_OUTPUTS = {"bucket": "failureBucket", "function": "functionName", "table": "tableName"}


def target(*, stack: str | None, named: Mapping[str, str | None]) -> Target:
    """The target of a command; what is named goes before what the stack says.

    Raises `ReplayError` when the stack's outputs cannot be read.
    """
    outputs = _stack_outputs(stack) if stack is not None else {}
    names = {part: str(outputs[key]) for part, key in _OUTPUTS.items() if key in outputs}
    names.update({part: name for part, name in named.items() if name is not None})
    return Target(names=names, session=boto3.Session())


def _stack_outputs(stack: str) -> Mapping[str, Any]:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise ReplayError(
            "--stack reads the stack's outputs with the Pulumi CLI, which is not installed; "
            "name --bucket, --function and --table instead"
        )
    command = [pulumi, "stack", "output", "--json", "--stack", stack]
    # The command is fixed, and the stack's name is one argument, not shell text.
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["pulumi said nothing"])[-1]
        raise ReplayError(f"the outputs of stack {stack} cannot be read: {reason}")
    outputs: Mapping[str, Any] = json.loads(result.stdout)
    return outputs
