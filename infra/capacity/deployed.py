"""The stream of a deployed stack, asked for its shards."""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.stack_outputs import StackOutputsError, region_of, stack_outputs


class NotDeployedError(Exception):
    """The stack's stream cannot be asked; says why in one line."""


def open_shards(stack: str, pipeline: str | None) -> int:
    """How many shards its stream has that are still written to. Raises `NotDeployedError`."""
    try:
        outputs = stack_outputs(stack, pipeline)
        return _open_shards(str(outputs["streamArn"]), region_of(outputs))
    except KeyError:
        raise NotDeployedError("it has no output streamArn") from None
    except (StackOutputsError, BotoCoreError, ClientError) as error:
        raise NotDeployedError(" ".join(str(error).split())) from error


def _open_shards(stream_arn: str, region: str | None) -> int:
    client = boto3.client("dynamodbstreams", region_name=region)
    shards, page = 0, client.describe_stream(StreamArn=stream_arn)["StreamDescription"]
    while True:
        shards += sum(map(_is_open, page.get("Shards", [])))
        last = page.get("LastEvaluatedShardId")
        if last is None:
            return max(1, shards)
        page = client.describe_stream(StreamArn=stream_arn, ExclusiveStartShardId=last)[
            "StreamDescription"
        ]


def _is_open(shard: Mapping[str, Any]) -> bool:
    return "EndingSequenceNumber" not in shard.get("SequenceNumberRange", {})
