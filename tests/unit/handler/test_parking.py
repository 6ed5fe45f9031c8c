"""Parking against a real S3 API: the embedded AWS's."""

import json
from typing import Any

import pytest

from handler.parking import S3Parking, document, object_key
from infra.local.aws.emulator import Emulator
from tests.unit.handler.events import STREAM_ARN, record
from tests.unit.handler.stubs import FakeContext


def test_a_rejected_record_is_parked_in_the_shape_of_lambdas_own_document(aws: Emulator) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="parked", CreateBucketConfiguration={"LocationConstraint": aws.region})

    key = S3Parking("parked", s3).park(record(1), "no such product", FakeContext())

    parked = json.loads(s3.get_object(Bucket="parked", Key=key)["Body"].read())
    assert parked.pop("timestamp").endswith("Z")
    assert json.loads(parked.pop("payload")) == {"Records": [record(1)]}
    assert parked == {
        "requestContext": {
            "requestId": "request-id",
            "functionArn": FakeContext.invoked_function_arn,
            "condition": "RecordRejected",
            "approximateInvokeCount": 1,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": None,
        },
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": None,
            "startSequenceNumber": f"{1:026d}",
            "endSequenceNumber": f"{1:026d}",
            "approximateArrivalOfFirstRecord": "2024-04-22T08:21:59Z",
            "approximateArrivalOfLastRecord": "2024-04-22T08:21:59Z",
            "batchSize": 1,
            "streamArn": STREAM_ARN,
        },
        "reason": "no such product",
    }


def test_a_second_delivery_is_parked_under_the_same_key() -> None:
    assert object_key(record(1), "processor") == object_key(record(1), "processor")
    assert object_key(record(1), "processor") == (
        "rejected/processor/2024/04/22/2024-04-22T08.21.59-00000000-0000-0000-0000-000000000001"
    )


@pytest.mark.parametrize("hostile", [None, 7, [], "x", {}, {"dynamodb": []}, {"eventID": 3}])
def test_whatever_a_record_is_it_can_be_parked(hostile: Any) -> None:
    assert object_key(hostile, "processor").startswith("rejected/processor/1970/01/01/")
    parked = document(hostile, "reason", FakeContext())
    assert json.loads(parked["payload"]) == {"Records": [hostile]}


def test_a_reason_of_any_length_is_kept_to_a_length_that_can_be_read() -> None:
    kept = document(record(1), "x" * 5_000_000, FakeContext())["reason"]

    assert kept == "x" * 4096 + "... (5,000,000 characters in all)"
