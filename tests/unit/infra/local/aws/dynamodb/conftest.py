"""What the embedded DynamoDB's tests share: a table, and what its stream tells."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.aws.emulator import Emulator


class Table:
    """A table with a stream, written over HTTP."""

    def __init__(
        self,
        aws: Emulator,
        name: str = "mine",
        view_type: str = "NEW_AND_OLD_IMAGES",
        *,
        sort_key: bool = False,
    ) -> None:
        self.name = name
        self.aws = aws
        self.dynamodb: Any = aws.client("dynamodb")
        self.streams: Any = aws.client("dynamodbstreams")
        keys = [("id", "HASH"), ("at", "RANGE")][: 1 + sort_key]
        description = self.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view_type},
        )["TableDescription"]
        self.arn: str = description["TableArn"]
        self.stream_arn: str = description["LatestStreamArn"]

    def put(self, key: str, **attributes: Any) -> None:
        self.dynamodb.put_item(TableName=self.name, Item={"id": {"S": key}, **attributes})

    def get(self, key: str) -> dict[str, Any] | None:
        answer = self.dynamodb.get_item(TableName=self.name, Key={"id": {"S": key}})
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def update(self, key: str, expression: str, **values: Any) -> None:
        self.dynamodb.update_item(
            TableName=self.name,
            Key={"id": {"S": key}},
            UpdateExpression=expression,
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
        )

    @property
    def shards(self) -> list[str]:
        stream = self.streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]
        return [shard["ShardId"] for shard in stream["Shards"]]

    def records(self, shard: str | None = None) -> list[dict[str, Any]]:
        """All of a shard, of the first if none is named."""
        iterator = self.streams.get_shard_iterator(
            StreamArn=self.stream_arn,
            ShardId=shard or self.shards[0],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        found: list[dict[str, Any]] = []
        while page := (answer := self.streams.get_records(ShardIterator=iterator))["Records"]:
            found += page
            iterator = answer["NextShardIterator"]
        return found

    @property
    def changes(self) -> list[tuple[str, str]]:
        """Of each record the event and the item."""
        return [(each["eventName"], each["dynamodb"]["Keys"]["id"]["S"]) for each in self.records()]


@pytest.fixture
def table(aws: Emulator, request: pytest.FixtureRequest) -> Table:
    return Table(aws, view_type=getattr(request, "param", "NEW_AND_OLD_IMAGES"))


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    """The code and the message."""
    told = error.value.response["Error"]
    return told["Code"], told["Message"]
