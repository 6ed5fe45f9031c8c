"""The reader against the embedded AWS: records in Lambda's form, one for each change."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local.aws.emulator import Emulator
from infra.local.mapping.stream_reader import (
    DynamoDBStreamReader,
    Record,
    StreamError,
    TrimmedDataError,
)
from infra.local.mapping.stream_records import lambda_record

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

REGION = "ap-northeast-1"
"""Not moto's own."""

PAGE = 3
"""Records that a test reads at a time."""


class Table:
    """A table with a stream, and a reader of it."""

    def __init__(self, aws: Emulator, name: str, view_type: Any) -> None:
        self.name = name
        self.client: DynamoDBClient = aws.client("dynamodb")
        self.client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.streams = aws.client("dynamodbstreams")
        if view_type is not None:
            self.start_stream(view_type)

    def start_stream(self, view_type: Any) -> None:
        description = self.client.update_table(
            TableName=self.name,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view_type},
        )["TableDescription"]
        self.stream_arn = description["LatestStreamArn"]

    @property
    def reader(self) -> DynamoDBStreamReader:
        return DynamoDBStreamReader(self.streams, self.stream_arn, REGION)

    def put(self, key: str, **attributes: Any) -> None:
        self.client.put_item(TableName=self.name, Item={"id": {"S": key}, **attributes})

    def update(self, key: str, value: str) -> None:
        self.client.update_item(
            TableName=self.name,
            Key={"id": {"S": key}},
            UpdateExpression="SET v = :v",
            ExpressionAttributeValues={":v": {"S": value}},
        )

    def delete(self, key: str) -> None:
        self.client.delete_item(TableName=self.name, Key={"id": {"S": key}})


@pytest.fixture
def table(aws: Emulator, request: pytest.FixtureRequest) -> Table:
    view_type = getattr(request, "param", "NEW_AND_OLD_IMAGES")
    return Table(aws, "table", view_type)


def with_view(view_type: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("table", [view_type], indirect=True)


def read(reader: DynamoDBStreamReader, position: str = "TRIM_HORIZON") -> list[Record]:
    """All that is in the stream after the position."""

    async def all_records() -> list[Record]:
        (shard,) = await reader.shard_ids()
        iterator: str | None = await reader.iterator(shard, position)
        found: list[Record] = []
        while iterator is not None:
            records, iterator = await reader.records(iterator, PAGE)
            if not records:
                break
            found += records
        return found

    return asyncio.run(all_records())


def changes(records: list[Record]) -> list[tuple[str, str]]:
    return [(r["eventName"], r["dynamodb"]["Keys"]["id"]["S"]) for r in records]


def test_a_record_has_exactly_the_fields_that_lambda_sends(table: Table) -> None:
    """[V]"""
    table.put("a", n={"N": "42"})

    (record,) = read(table.reader)

    assert set(record) == {
        "eventID",
        "eventName",
        "eventVersion",
        "eventSource",
        "awsRegion",
        "dynamodb",
        "eventSourceARN",
    }
    assert len(record["eventID"]) == 32
    assert record["eventVersion"] == "1.1"
    assert record["eventSource"] == "aws:dynamodb"
    assert record["awsRegion"] == REGION
    assert record["eventSourceARN"] == table.stream_arn
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "n": {"N": "42"}}
    assert record["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert "OldImage" not in record["dynamodb"]


def test_the_creation_time_is_a_float_of_whole_seconds(table: Table) -> None:
    """[V]"""
    table.put("a")

    (record,) = read(table.reader)
    created = record["dynamodb"]["ApproximateCreationDateTime"]

    assert isinstance(created, float)
    assert created == int(created)


def test_the_sequence_number_is_a_text_of_21_to_40_digits(table: Table) -> None:
    """[M]"""
    table.put("a")

    (record,) = read(table.reader)

    assert record["dynamodb"]["SequenceNumber"].isdecimal()
    assert 21 <= len(record["dynamodb"]["SequenceNumber"]) <= 40


def test_binaries_are_base64_text_at_any_depth(table: Table) -> None:
    """[V]: b"foobar" is Zm9vYmFy."""
    table.put("a", b={"B": b"foobar"}, s={"BS": [b"foobar"]}, m={"M": {"l": {"L": [{"B": b"x"}]}}})

    (record,) = read(table.reader)

    assert record["dynamodb"]["NewImage"]["b"] == {"B": "Zm9vYmFy"}
    assert record["dynamodb"]["NewImage"]["s"] == {"BS": ["Zm9vYmFy"]}
    assert record["dynamodb"]["NewImage"]["m"] == {"M": {"l": {"L": [{"B": "eA=="}]}}}


def test_a_removal_carries_the_old_image_and_no_new_one(table: Table) -> None:
    """[D, M]"""
    table.put("a", v={"S": "1"})
    table.delete("a")

    removal = read(table.reader)[-1]["dynamodb"]

    assert removal["OldImage"] == {"id": {"S": "a"}, "v": {"S": "1"}}
    assert "NewImage" not in removal


def test_an_update_that_creates_the_item_is_one_insert_with_the_whole_image(table: Table) -> None:
    table.update("a", "1")
    table.put("b")

    records = read(table.reader)

    assert changes(records) == [("INSERT", "a"), ("INSERT", "b")]
    assert records[0]["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "v": {"S": "1"}}


def test_an_item_created_again_after_its_removal_is_inserted_again(table: Table) -> None:
    table.put("a")
    table.delete("a")
    table.put("a")

    assert changes(read(table.reader)) == [("INSERT", "a"), ("REMOVE", "a"), ("INSERT", "a")]


@pytest.mark.parametrize(
    "table", ["NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"], indirect=True
)
def test_a_write_that_changes_nothing_is_no_record(table: Table) -> None:
    """[D]"""
    table.put("a", v={"S": "1"})
    table.put("a", v={"S": "1"})
    table.update("a", "1")
    table.update("a", "2")

    assert changes(read(table.reader)) == [("INSERT", "a"), ("MODIFY", "a")]


@with_view("NEW_IMAGE")
def test_a_reader_that_resumes_still_knows_which_writes_changed_nothing(table: Table) -> None:
    table.put("a", v={"S": "1"})
    position = read(table.reader)[-1]["dynamodb"]["SequenceNumber"]
    table.update("a", "1")
    table.update("a", "2")

    (resumed,) = read(table.reader, position)

    assert resumed["dynamodb"]["NewImage"]["v"] == {"S": "2"}


@with_view("NEW_IMAGE")
def test_a_reader_that_goes_back_gives_the_same_records_again(table: Table) -> None:
    table.put("a", v={"S": "1"})
    table.update("a", "2")
    table.update("a", "1")
    reader = table.reader

    first = read(reader)

    assert read(reader, first[0]["dynamodb"]["SequenceNumber"]) == first[1:]
    assert read(reader) == first


@with_view("KEYS_ONLY")
def test_keys_only_records_carry_no_image(table: Table) -> None:
    """[D, M]"""
    table.update("a", "1")

    (record,) = read(table.reader)

    assert set(record["dynamodb"]) & {"NewImage", "OldImage"} == set()


def test_the_latest_sequence_number_is_none_until_something_is_written(table: Table) -> None:
    async def latest() -> str | None:
        (shard,) = await table.reader.shard_ids()
        return await table.reader.latest_sequence_number(shard)

    before = asyncio.run(latest())
    table.put("a")
    table.put("b")

    assert before is None
    assert asyncio.run(latest()) == read(table.reader)[-1]["dynamodb"]["SequenceNumber"]


def test_an_error_of_the_service_is_a_stream_error(aws: Emulator) -> None:
    streams = aws.client("dynamodbstreams")
    arn = f"arn:aws:dynamodb:{REGION}:123456789012:table/none/stream/2025-01-01T00:00:00.000"
    reader = DynamoDBStreamReader(streams, arn, REGION)

    assert "ResourceNotFoundException" in failure(reader.shard_ids())


def test_a_service_that_cannot_be_reached_is_a_stream_error() -> None:
    streams = boto3.Session("key", "secret", region_name=REGION).client(
        "dynamodbstreams",
        endpoint_url="http://127.0.0.1:1",
        config=Config(retries={"total_max_attempts": 1}),
    )
    reader = DynamoDBStreamReader(streams, "arn:aws:dynamodb:r:1:table/t/stream/s", REGION)

    assert "Could not connect" in failure(reader.shard_ids())


def test_trimmed_data_has_an_error_of_its_own() -> None:
    class Trimmed:
        def __getattr__(self, name: str) -> Any:
            def call(**_: Any) -> Any:
                raise ClientError({"Error": {"Code": "TrimmedDataAccessException"}}, name)

            return call

    reader = DynamoDBStreamReader(Trimmed(), "arn", REGION)  # type: ignore[arg-type]  # only fails

    with pytest.raises(TrimmedDataError):
        asyncio.run(reader.records("iterator"))


def failure(call: Awaitable[Any]) -> str:
    async def main() -> None:
        await call

    with pytest.raises(StreamError) as caught:
        asyncio.run(main())
    return str(caught.value)


def test_a_deletion_by_ttl_keeps_its_user_identity_in_lambdas_spelling(table: Table) -> None:
    """[D, M]: GetRecords has capitals, Lambda's events do not."""
    table.put("a")
    table.delete("a")
    (shard,) = asyncio.run(table.reader.shard_ids())
    iterator = table.streams.get_shard_iterator(
        StreamArn=table.stream_arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    removal = table.streams.get_records(ShardIterator=iterator)["Records"][-1]
    identity = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}

    record = lambda_record({**removal, "userIdentity": identity}, stream_arn="arn", region=REGION)

    assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
