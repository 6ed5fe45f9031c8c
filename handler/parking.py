"""Parking a rejected record: whole, with its reason, in the failure bucket.

The document has the shape of the one that Lambda's own S3 on-failure destination writes, so that
both are listed and replayed alike.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from handler.config import REJECTED_PREFIX
from handler.context import Context

if TYPE_CHECKING:
    import uuid

    from types_boto3_s3 import S3Client

CONDITION: Final = "RecordRejected"
"""Stands where Lambda writes why it gave up: RetryAttemptsExhausted or RecordAgeExceeded."""

LONGEST_REASON: Final = 4096
"""Characters of a reason that are kept: whoever lists a bucket reads many of them."""


class S3Parking:
    """Keeps rejected records in S3."""

    def __init__(self, bucket: str, client: "S3Client | None" = None) -> None:
        """Without a client one is made when the first record is parked."""
        self._bucket = bucket
        self._client = client

    def park(self, record: object, reason: str, context: Context) -> str:
        """Writes the record and returns the object's key. Raises what the S3 client raises.

        The key is made of the record alone: a second delivery writes the same object.
        """
        key = object_key(record, context.function_name)
        self._s3().put_object(
            Bucket=self._bucket,
            Key=key,
            Body=json.dumps(document(record, reason, context)).encode(),
            ContentType="application/json",
        )
        return key

    def _s3(self) -> "S3Client":
        if self._client is None:
            # Only a function that rejects something pays for the import.
            import boto3  # noqa: PLC0415

            from handler.aws_client import CLIENT_CONFIG  # noqa: PLC0415

            self._client = boto3.client("s3", config=CLIENT_CONFIG)
        return self._client


def document(record: object, reason: str, context: Context) -> dict[str, Any]:
    """The document of one rejected record; `reason` is ours, and shardId is not known here."""
    arrival = _timestamp(_written_at(record), "seconds")
    number = _change(record).get("SequenceNumber")
    return {
        "requestContext": {
            "requestId": context.aws_request_id,
            "functionArn": context.invoked_function_arn,
            "condition": CONDITION,
            "approximateInvokeCount": 1,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": context.function_version,
            "functionError": None,
        },
        "version": "1.0",
        "timestamp": _timestamp(datetime.now(UTC), "milliseconds"),
        "DDBStreamBatchInfo": {
            "shardId": None,
            "startSequenceNumber": number,
            "endSequenceNumber": number,
            "approximateArrivalOfFirstRecord": arrival,
            "approximateArrivalOfLastRecord": arrival,
            "batchSize": 1,
            "streamArn": record.get("eventSourceARN") if isinstance(record, Mapping) else None,
        },
        "reason": _capped(reason),
        "payload": json.dumps({"Records": [record]}),
    }


def _capped(reason: str) -> str:
    if len(reason) <= LONGEST_REASON:
        return reason
    return f"{reason[:LONGEST_REASON]}... ({len(reason):,} characters in all)"


def object_key(record: object, function_name: str) -> str:
    """Lambda's layout under a prefix of its own: <prefix><function>/YYYY/MM/DD/<time>-<UUID>."""
    time = _written_at(record)
    return (
        f"{REJECTED_PREFIX}{function_name}/{time:%Y/%m/%d}/{time:%Y-%m-%dT%H.%M.%S}-"
        f"{_identity(record)}"
    )


def _identity(record: object) -> "uuid.UUID":
    """The event id, which has a UUID's 32 digits; of a record without one, a digest of it."""
    import uuid  # noqa: PLC0415 - it takes milliseconds, which only a function that rejects pays

    event_id = record.get("eventID") if isinstance(record, Mapping) else None
    try:
        return uuid.UUID(event_id)
    except (ValueError, TypeError, AttributeError):
        return uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(record, sort_keys=True))


def _written_at(record: object) -> datetime:
    """When the change was written; 1970 when the record does not tell."""
    seconds = _change(record).get("ApproximateCreationDateTime")
    try:
        return datetime.fromtimestamp(seconds, UTC)  # type: ignore[arg-type] # that is a TypeError
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _change(record: object) -> Mapping[str, Any]:
    change = record.get("dynamodb") if isinstance(record, Mapping) else None
    return change if isinstance(change, Mapping) else {}


def _timestamp(moment: datetime, precision: str) -> str:
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
