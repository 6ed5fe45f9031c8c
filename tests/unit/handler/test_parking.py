"""Parking and idempotency against a real S3 and DynamoDB API: the embedded AWS's."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

from handler.config import (
    IDEMPOTENCY_EXPIRY_ATTRIBUTE,
    IDEMPOTENCY_KEY_ATTRIBUTE,
    HandlerConfig,
    RequestsStream,
)
from handler.once import Once
from handler.parking import S3Parking, document, object_key
from handler.records import RejectedRequestError, Request, request_of
from infra.local.aws.emulator import Emulator
from tests.unit.handler.events import STREAM_ARN, record
from tests.unit.handler.stubs import FakeContext

TABLE = "idempotency"


@pytest.fixture
def table(aws: Emulator) -> Any:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": IDEMPOTENCY_KEY_ATTRIBUTE, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": IDEMPOTENCY_KEY_ATTRIBUTE, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


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


def once(table: Any, **settings: Any) -> Once:
    config = HandlerConfig(failure_bucket="b", idempotency_table=TABLE, **settings)
    layer = DynamoDBPersistenceLayer(
        table_name=TABLE,
        key_attr=IDEMPOTENCY_KEY_ATTRIBUTE,
        expiry_attr=IDEMPOTENCY_EXPIRY_ATTRIBUTE,
        boto3_client=table,
    )
    return Once(config, TABLE, layer)


def request(number: int = 1) -> Request:
    request: Request = request_of(record(number), RequestsStream())
    return request


def items(table: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.scan(TableName=TABLE)["Items"]
    return found


def test_an_event_takes_effect_once(table: Any) -> None:
    seen: list[str] = []

    def work(done: Request) -> None:
        seen.append(done.event_id)

    assert once(table).run(work, request(), FakeContext())
    assert not once(table).run(work, request(), FakeContext())
    assert once(table).run(work, request(2), FakeContext())
    assert len(seen) == 2


@pytest.mark.parametrize("error", [ConnectionError, RejectedRequestError])
def test_an_event_that_failed_is_forgotten_so_that_it_can_run_again(
    table: Any, error: type[Exception]
) -> None:
    def fail(_: Request) -> None:
        raise error("not now")

    with pytest.raises(error):
        once(table).run(fail, request(), FakeContext())

    assert items(table) == []
    assert once(table).run(lambda _: None, request(), FakeContext())


def test_an_event_in_progress_elsewhere_is_a_failure_that_passes(table: Any) -> None:
    def deliver_again(_: Request) -> None:
        once(table).run(lambda _: None, request(), FakeContext())

    with pytest.raises(Exception, match="in progress"):
        once(table).run(deliver_again, request(), FakeContext())


def test_what_a_killed_invocation_left_in_progress_can_run_after_its_timeout(table: Any) -> None:
    class KilledError(BaseException):
        """Nothing can be done after it, as after SIGKILL."""

    def killed(_: Request) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        once(table).run(killed, request(), FakeContext(lambda: -1_000))

    assert [one["status"] for one in items(table)] == [{"S": "INPROGRESS"}]
    assert once(table).run(lambda _: None, request(), FakeContext())


def test_nothing_of_the_payload_is_stored(table: Any) -> None:
    once(table, idempotency_expires_after=1000).run(lambda _: None, request(), FakeContext())

    (item,) = items(table)
    assert set(item) == {"id", "expiration", "in_progress_expiration", "status", "data"}
    assert item["data"] == {"S": "null"}


def test_a_table_that_cannot_be_reached_is_a_failure_that_passes(aws: Emulator) -> None:
    nowhere = aws.client("dynamodb", endpoint="http://127.0.0.1:9")

    with pytest.raises(Exception, match="Failed to save in progress record"):
        once(nowhere).run(lambda _: None, request(), FakeContext())


def test_a_reason_of_any_length_is_kept_to_a_length_that_can_be_read() -> None:
    kept = document(record(1), "x" * 5_000_000, FakeContext())["reason"]

    assert kept == "x" * 4096 + "... (5,000,000 characters in all)"
