"""Which bucket, function and table a command works on, and the clients to reach them.

The names come from the command line, or from a stack's outputs where the Pulumi CLI is present;
with them the region, so that it is not the shell's that decides where is looked.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.stack_outputs import NoPulumiError, StackOutputsError, region_of, stack_outputs

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client

LONGEST_INVOCATION: Final = 900
"""Seconds; the quota is Lambda's."""

_KEEPALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 30, "TCP_KEEPCNT": 5}
"""Seconds until the first probe and between them: a NAT gateway forgets a connection after 350
without a byte, and the kernel's own first probe comes after 7,200."""


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
        # A retry of the client's own would run the function twice.
        config = Config(
            read_timeout=LONGEST_INVOCATION + 10,
            retries={"total_max_attempts": 1},
            tcp_keepalive=True,
        )
        client = self.session.client("lambda", config=config)
        # botocore switches the probes on and has no setting for when they come.
        endpoint = client._endpoint  # type: ignore[attr-defined]  # noqa: SLF001
        options = endpoint.http_session._socket_options  # noqa: SLF001
        options += [
            (socket.IPPROTO_TCP, getattr(socket, name), seconds)
            for name, seconds in _KEEPALIVE.items()
            if hasattr(socket, name)
        ]
        return client


_OUTPUTS = {"bucket": "failureBucket", "function": "functionName", "table": "tableName"}


def target(
    *, stack: str | None, named: Mapping[str, str | None], pipeline: str | None = None
) -> Target:
    """The target of a command; what is named goes before what the stack says of its pipeline.

    Raises `ReplayError` when the stack's outputs cannot be read, or have no such pipeline.
    """
    if pipeline is not None and stack is None:
        raise ReplayError("--pipeline is one of a stack: name that too, with --stack")
    outputs = _pipeline_outputs(stack, pipeline) if stack is not None else {}
    names = {part: str(outputs[key]) for part, key in _OUTPUTS.items() if key in outputs}
    names.update({part: name for part, name in named.items() if name is not None})
    return Target(names=names, session=boto3.Session(region_name=region_of(outputs)))


def _pipeline_outputs(stack: str, pipeline: str | None) -> Mapping[str, Any]:
    try:
        return stack_outputs(stack, pipeline)
    except NoPulumiError as error:
        raise ReplayError(
            "--stack reads the stack's outputs with the Pulumi CLI, which is not installed; "
            "name --bucket, --function and --table instead"
        ) from error
    except StackOutputsError as error:
        raise ReplayError(str(error)) from error


def said(error: ClientError) -> str:
    """AWS's code and message, without the operation's name around them."""
    details = error.response.get("Error", {})
    return f"{details.get('Code', 'unknown')}: {details.get('Message', error)}"
