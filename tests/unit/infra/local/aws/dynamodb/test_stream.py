"""The stream's API: iterators, streams that are switched off and on again, several shards."""

import base64
import json
import time

import pytest
from botocore.exceptions import ClientError

from infra.local.aws.emulator import Emulator
from tests.unit.infra.local.aws.dynamodb.conftest import Table, refusal


def test_an_iterator_is_good_for_a_quarter_of_an_hour(table: Table) -> None:
    table.put("a")

    def iterator(age: float) -> str:
        stands_for = json.dumps([table.shards[0], 0, time.time() - age]).encode()
        return f"{table.stream_arn}|1|{base64.b64encode(stands_for).decode()}"

    assert len(table.streams.get_records(ShardIterator=iterator(14 * 60))["Records"]) == 1
    with pytest.raises(ClientError) as expired:
        table.streams.get_records(ShardIterator=iterator(16 * 60))
    assert refusal(expired)[0] == "ExpiredIteratorException"


def test_iterators_begin_where_they_are_told_to(table: Table) -> None:
    for key in ("a", "b", "c"):
        table.put(key)
    second = table.records()[1]["dynamodb"]["SequenceNumber"]

    def keys(kind: str, **number: str) -> list[str]:
        iterator = table.streams.get_shard_iterator(
            StreamArn=table.stream_arn, ShardId=table.shards[0], ShardIteratorType=kind, **number
        )["ShardIterator"]
        found = table.streams.get_records(ShardIterator=iterator)["Records"]
        return [record["dynamodb"]["Keys"]["id"]["S"] for record in found]

    assert keys("TRIM_HORIZON") == ["a", "b", "c"]
    assert keys("LATEST") == []
    assert keys("AT_SEQUENCE_NUMBER", SequenceNumber=second) == ["b", "c"]
    assert keys("AFTER_SEQUENCE_NUMBER", SequenceNumber=second) == ["c"]


def test_a_stream_that_is_switched_off_is_read_to_its_end(table: Table) -> None:
    table.put("a")
    table.dynamodb.update_table(TableName="mine", StreamSpecification={"StreamEnabled": False})
    table.put("b")
    iterator = table.streams.get_shard_iterator(
        StreamArn=table.stream_arn, ShardId=table.shards[0], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]

    answer = table.streams.get_records(ShardIterator=iterator)
    stream = table.streams.describe_stream(StreamArn=table.stream_arn)["StreamDescription"]

    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in answer["Records"]] == ["a"]
    assert "NextShardIterator" not in answer
    assert stream["StreamStatus"] == "DISABLED"


def test_a_stream_that_is_switched_on_again_is_another(table: Table) -> None:
    specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    with pytest.raises(ClientError) as refused:
        table.dynamodb.update_table(TableName="mine", StreamSpecification=specification)
    table.dynamodb.update_table(TableName="mine", StreamSpecification={"StreamEnabled": False})
    again = table.dynamodb.update_table(TableName="mine", StreamSpecification=specification)

    assert refusal(refused) == (
        "ValidationException",
        "Table already has an enabled stream: TableName: mine",
    )
    assert again["TableDescription"]["LatestStreamArn"] != table.stream_arn
    assert len(table.streams.list_streams(TableName="mine")["Streams"]) == 2


@pytest.fixture
def four_shards(aws: Emulator) -> Table:
    aws.split_streams(4)
    return Table(aws)


def test_items_are_spread_over_the_shards_and_each_items_order_is_kept(four_shards: Table) -> None:
    for number in range(3):
        for key in range(20):
            four_shards.put(f"item-{key}", n={"N": str(number)})

    read = [four_shards.records(shard) for shard in four_shards.shards]
    where: dict[str, set[int]] = {}
    numbers: dict[str, list[str]] = {}
    for at, records in enumerate(read):
        for record in records:
            key = record["dynamodb"]["Keys"]["id"]["S"]
            where.setdefault(key, set()).add(at)
            numbers.setdefault(key, []).append(record["dynamodb"]["NewImage"]["n"]["N"])

    assert len(four_shards.shards) == 4
    assert all(read)
    assert all(len(shards) == 1 for shards in where.values())
    assert numbers == {f"item-{key}": ["0", "1", "2"] for key in range(20)}
