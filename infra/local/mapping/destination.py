"""The on-failure destination: what Lambda writes to S3 about a batch it gave up, and where.

Only S3 receives the records themselves; SQS and SNS destinations, which receive a pointer into a
stream that forgets, are left out on purpose.
"""

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from handler.config import LAMBDA_FAILURE_PREFIX
from infra.local.function.invocation import Invocation
from infra.local.mapping.settings import MappingSettings
from infra.local.mapping.stream_reader import Record

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class Condition(StrEnum):
    """Why a batch was given up."""

    RETRY_ATTEMPTS_EXHAUSTED = "RetryAttemptsExhausted"
    RECORD_AGE_EXCEEDED = "RecordAgeExceeded"


class DestinationError(Exception):
    """The destination did not take the record of a failed batch."""


class Destination(Protocol):
    async def send(self, document: Mapping[str, Any]) -> str:
        """Keeps the record of a failed batch and returns where. Raises `DestinationError`."""
        ...


class S3Destination:
    """Writes each failed batch into its own object of a bucket."""

    def __init__(self, client: "S3Client", *, bucket_arn: str, mapping_uuid: str) -> None:
        self._client = client
        self._bucket = bucket_arn.rpartition(":")[2]
        self._mapping_uuid = mapping_uuid

    async def send(self, document: Mapping[str, Any]) -> str:
        key = object_key(self._mapping_uuid, document)
        body = json.dumps(document).encode()
        try:
            await asyncio.to_thread(
                self._client.put_object,
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/octet-stream",
            )
        except (BotoCoreError, ClientError) as error:
            raise DestinationError(f"s3://{self._bucket}/{key}: {error}") from error
        return key


def object_key(mapping_uuid: str, document: Mapping[str, Any]) -> str:
    """AWS: aws/lambda/<ESM-UUID>/<shardId>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<UUID>."""
    shard_id = document["DDBStreamBatchInfo"]["shardId"]
    time = datetime.fromisoformat(document["timestamp"])
    return (
        f"{LAMBDA_FAILURE_PREFIX}{mapping_uuid}/{shard_id}/{time:%Y/%m/%d}/"
        f"{time:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
    )


def failure_document(
    settings: MappingSettings,
    *,
    shard_id: str,
    records: Sequence[Record],
    condition: Condition,
    invoke_count: int,
    request_id: str,
    invocation: Invocation | None,
    now: float,
) -> dict[str, Any]:
    """The document as AWS writes it. Without an invocation there is no `responseContext`, but a
    request id: the last that the batch was invoked with, or would have been.

    `payload` holds the whole event as JSON text: "an escaped JSON string" (Lambda Developer Guide,
    "Retain discarded records for a DynamoDB event source").
    """
    response = {} if invocation is None else {"responseContext": _response_context(invocation)}
    return {
        "requestContext": {
            "requestId": request_id,
            "functionArn": settings.function_arn,
            "condition": str(condition),
            "approximateInvokeCount": invoke_count,
        },
        **response,
        "version": "1.0",
        "timestamp": _timestamp(now, "milliseconds"),
        "DDBStreamBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": records[0]["dynamodb"]["SequenceNumber"],
            "endSequenceNumber": records[-1]["dynamodb"]["SequenceNumber"],
            "approximateArrivalOfFirstRecord": _timestamp(arrival(records[0]), "seconds"),
            "approximateArrivalOfLastRecord": _timestamp(arrival(records[-1]), "seconds"),
            "batchSize": len(records),
            "streamArn": settings.stream_arn,
        },
        "payload": json.dumps({"Records": list(records)}),
    }


def arrival(record: Record) -> float:
    """When the record was written, in epoch seconds."""
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def _response_context(invocation: Invocation) -> dict[str, Any]:
    """A reported batch item failure is a successful invocation: its `functionError` is null."""
    return {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": invocation.function_error,
    }


def _timestamp(seconds: float, precision: str) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
