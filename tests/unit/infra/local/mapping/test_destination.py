"""What the on-failure destination holds: AWS's document, under AWS's key, in a real S3 API."""

import asyncio
import json
import re
from typing import Any

import pytest

from infra.local.aws.emulator import Emulator
from infra.local.function.invocation import Invocation
from infra.local.mapping.destination import (
    Condition,
    DestinationError,
    S3Destination,
    failure_document,
    object_key,
)
from tests.unit.infra.local.mapping.deliveries import (
    BUCKET_ARN,
    FUNCTION_ARN,
    MAPPING_UUID,
    settings,
)
from tests.unit.infra.local.mapping.scripted import SHARD, STREAM_ARN, stream_record

NOW = 1_764_085_988.123
"""2025-11-25T15:53:08.123Z"""

REQUEST_ID = "7d0ba4a2-0000-4000-8000-000000000000"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
RECORDS = [stream_record(1, created=NOW - 28.5), stream_record(2, created=NOW - 2)]


def document(*, invocation: Invocation | None = None, condition: Condition) -> dict[str, Any]:
    return failure_document(
        settings(),
        shard_id=SHARD,
        records=RECORDS,
        condition=condition,
        invoke_count=4,
        request_id=REQUEST_ID,
        invocation=invocation,
        now=NOW,
    )


def test_the_document_of_exhausted_retries_is_aws() -> None:
    """[V]"""
    failed = Invocation(
        request_id=REQUEST_ID,
        event={"Records": RECORDS},
        response=None,
        function_error="Unhandled",
        error={},
        duration=0,
    )

    assert document(invocation=failed, condition=Condition.RETRY_ATTEMPTS_EXHAUSTED) == {
        "requestContext": {
            "requestId": REQUEST_ID,
            "functionArn": FUNCTION_ARN,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 4,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": "2025-11-25T15:53:08.123Z",
        "DDBStreamBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": RECORDS[0]["dynamodb"]["SequenceNumber"],
            "endSequenceNumber": RECORDS[1]["dynamodb"]["SequenceNumber"],
            "approximateArrivalOfFirstRecord": "2025-11-25T15:52:39Z",
            "approximateArrivalOfLastRecord": "2025-11-25T15:53:06Z",
            "batchSize": 2,
            "streamArn": STREAM_ARN,
        },
        "payload": json.dumps({"Records": RECORDS}),
    }


def test_the_document_of_an_expired_record_has_no_response_context() -> None:
    """[VK]"""
    expired = document(condition=Condition.RECORD_AGE_EXCEEDED)

    assert expired["requestContext"]["condition"] == "RecordAgeExceeded"
    assert expired["requestContext"]["requestId"] == REQUEST_ID
    assert "responseContext" not in expired


def test_the_key_is_laid_out_by_mapping_shard_and_time() -> None:
    """[V]"""
    key = object_key(MAPPING_UUID, document(condition=Condition.RECORD_AGE_EXCEEDED))

    prefix = re.escape(f"aws/lambda/{MAPPING_UUID}/{SHARD}/2025/11/25/2025-11-25T15.53.08-")
    assert re.fullmatch(prefix + UUID, key)


@pytest.fixture
def s3(aws: Emulator) -> Any:
    return aws.client("s3")


def test_the_bucket_holds_the_document_with_the_whole_event(s3: Any) -> None:
    """[V, D, S]: the payload is JSON in a string, and the object is of no type."""
    region = {"LocationConstraint": s3.meta.region_name}
    s3.create_bucket(Bucket="failures", CreateBucketConfiguration=region)
    destination = S3Destination(s3, bucket_arn=BUCKET_ARN, mapping_uuid=MAPPING_UUID)
    sent = document(condition=Condition.RECORD_AGE_EXCEEDED)

    asyncio.run(destination.send(sent))

    (kept,) = s3.list_objects_v2(Bucket="failures")["Contents"]
    read = s3.get_object(Bucket="failures", Key=kept["Key"])
    body = json.loads(read["Body"].read())
    assert read["ContentType"] == "application/octet-stream"
    assert kept["Key"].startswith(f"aws/lambda/{MAPPING_UUID}/{SHARD}/2025/11/25/")
    assert body == sent
    assert isinstance(body["payload"], str)
    assert json.loads(body["payload"]) == {"Records": RECORDS}


def test_a_bucket_that_refuses_is_a_destination_error_that_names_it(s3: Any) -> None:
    missing = "arn:aws:s3:::missing"
    destination = S3Destination(s3, bucket_arn=missing, mapping_uuid=MAPPING_UUID)

    with pytest.raises(DestinationError, match=r"s3://missing/aws/lambda/.*NoSuchBucket"):
        asyncio.run(destination.send(document(condition=Condition.RECORD_AGE_EXCEEDED)))
