"""Writers that really run at once, against a model of DynamoDB that is kept beside it."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeAlias

import pytest
from botocore.exceptions import ClientError

from infra.local.aws.emulator import Emulator
from tests.unit.infra.local.aws.dynamodb.conftest import Table

Item: TypeAlias = dict[str, Any]
Change: TypeAlias = tuple[str, Item | None, Item | None]
"""The event, and the image before and after."""

WRITERS: Final = 8
OWNED: Final = 5
"""Items that one writer alone writes."""
SHARED: Final = 4
"""Items that all write."""


class Writer:
    """Writes at random, and keeps what DynamoDB should then hold and have told."""

    def __init__(self, table: Table, number: int) -> None:
        self.items: dict[str, Item] = {}
        self.changes: dict[str, list[Change]] = defaultdict(list)
        self._table = table
        self._owned = [f"writer-{number}-{each}" for each in range(OWNED)]
        self._random = random.Random(number)  # noqa: S311 - to be the same each time
        self._numbers = 0

    def write(self, times: int) -> None:
        for _ in range(times):
            self._random.choice(self._kinds)()

    @property
    def _kinds(self) -> list[Callable[[], None]]:
        alone = [self._put, self._update, self._delete, self._no_change, self._insert]
        return [*alone, self._batch, self._transaction, self._cancelled, self._shared]

    def _put(self) -> None:
        item = self._new_item(self._key())
        self._table.dynamodb.put_item(TableName="mine", Item=item)
        self._becomes(item["id"]["S"], item)

    def _update(self) -> None:
        """Of an item that is there, or of a new one."""
        key, number = self._key(), self._number()
        self._table.update(key, "SET n = :n REMOVE v", n=number)
        before = self.items.get(key, {"id": {"S": key}})
        self._becomes(key, {**{k: v for k, v in before.items() if k != "v"}, "n": number})

    def _delete(self) -> None:
        key = self._key()
        self._table.dynamodb.delete_item(TableName="mine", Key={"id": {"S": key}})
        self._becomes(key, None)

    def _no_change(self) -> None:
        for key, item in list(self.items.items())[:1]:
            self._table.dynamodb.put_item(TableName="mine", Item=item)
            self._becomes(key, item)

    def _insert(self) -> None:
        item = self._new_item(self._key())
        key = item["id"]["S"]
        statement = "INSERT INTO mine VALUE {'id': ?, 'n': ?, 'v': ?}"
        answer = self._table.dynamodb.batch_execute_statement(
            Statements=[{"Statement": statement, "Parameters": [*item.values()]}]
        )["Responses"]
        assert ("Error" in answer[0]) is (key in self.items)
        if key not in self.items:
            self._becomes(key, item)

    def _batch(self) -> None:
        first, second = self._random.sample(self._owned, 2)
        item = self._new_item(first)
        requests = [
            {"PutRequest": {"Item": item}},
            {"DeleteRequest": {"Key": {"id": {"S": second}}}},
        ]
        self._table.dynamodb.batch_write_item(RequestItems={"mine": requests})
        self._becomes(first, item)
        self._becomes(second, None)

    def _transaction(self) -> None:
        first, second = self._random.sample(self._owned, 2)
        item, number = self._new_item(first), self._number()
        update = {
            "TableName": "mine",
            "Key": {"id": {"S": second}},
            "UpdateExpression": "SET n = :n",
            "ExpressionAttributeValues": {":n": number},
        }
        items = [{"Put": {"TableName": "mine", "Item": item}}, {"Update": update}]
        self._table.dynamodb.transact_write_items(TransactItems=items)
        self._becomes(first, item)
        self._becomes(second, {**self.items.get(second, {"id": {"S": second}}), "n": number})

    def _cancelled(self) -> None:
        check = {
            "TableName": "mine",
            "Key": {"id": {"S": "absent"}},
            "ConditionExpression": "attribute_exists(id)",
        }
        put = {"Put": {"TableName": "mine", "Item": self._new_item(self._key())}}
        items = [put, {"ConditionCheck": check}]
        self._random.shuffle(items)
        with pytest.raises(ClientError, match="TransactionCanceledException"):
            self._table.dynamodb.transact_write_items(TransactItems=items)

    def _shared(self) -> None:
        key = f"shared-{self._random.randrange(SHARED)}"
        if self._random.random() < 0.3:
            self._table.dynamodb.delete_item(TableName="mine", Key={"id": {"S": key}})
        else:
            self._table.update(key, "SET n = :n", n={"N": str(self._random.randrange(3))})

    def _key(self) -> str:
        return self._random.choice(self._owned)

    def _number(self) -> dict[str, str]:
        self._numbers += 1
        return {"N": str(self._numbers)}

    def _new_item(self, key: str) -> Item:
        return {"id": {"S": key}, "n": self._number(), "v": {"S": self._random.choice("ab")}}

    def _becomes(self, key: str, item: Item | None) -> None:
        before = self.items.pop(key, None)
        if item is not None:
            self.items[key] = item
        if before != item:
            event = "INSERT" if before is None else "REMOVE" if item is None else "MODIFY"
            self.changes[key].append((event, before, item))


class Reader(threading.Thread):
    """Reads the stream while it is written, until it is told that no more comes."""

    def __init__(self, table: Table) -> None:
        super().__init__(daemon=True)
        self.records: list[dict[str, Any]] = []
        self.over = threading.Event()
        self._table = table

    def run(self) -> None:
        table = self._table
        iterator = table.streams.get_shard_iterator(
            StreamArn=table.stream_arn,
            ShardId=table.shards[0],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        while True:
            was_over = self.over.is_set()
            answer = table.streams.get_records(ShardIterator=iterator, Limit=10)
            self.records += answer["Records"]
            if was_over and not answer["Records"]:
                return
            iterator = answer["NextShardIterator"]


@pytest.mark.parametrize("writes", [1_000, pytest.param(5_000, marks=pytest.mark.slow)])
def test_with_writers_at_once_each_change_is_one_record_in_order(
    aws: Emulator, writes: int
) -> None:
    table = Table(aws)
    writers = [Writer(table, number) for number in range(WRITERS)]
    reader = Reader(table)
    reader.start()
    with ThreadPoolExecutor(WRITERS) as threads:
        for done in [threads.submit(each.write, writes // WRITERS) for each in writers]:
            done.result()
    reader.over.set()
    reader.join()

    told: dict[str, list[Change]] = defaultdict(list)
    for record in table.records():
        change = record["dynamodb"]
        images = change.get("OldImage"), change.get("NewImage")
        told[change["Keys"]["id"]["S"]].append((record["eventName"], *images))
    numbers = [int(each["dynamodb"]["SequenceNumber"]) for each in table.records()]
    scanned = table.dynamodb.scan(TableName="mine", ConsistentRead=True)["Items"]
    items = {item["id"]["S"]: item for item in scanned}

    shared = {key: told.pop(key) for key in list(told) if key.startswith("shared-")}
    assert told == {key: each for writer in writers for key, each in writer.changes.items()}
    assert {key: item for key, item in items.items() if key not in shared} == {
        key: item for writer in writers for key, item in writer.items.items()
    }
    for key, changes in shared.items():
        assert [old for _, old, _ in changes] == [None, *(new for _, _, new in changes[:-1])]
        assert all(old != new for _, old, new in changes)
        assert changes[-1][2] == items.get(key)
    assert numbers == sorted(set(numbers))
    assert reader.records == table.records()
