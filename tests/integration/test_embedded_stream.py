"""The stream end to end: what TTL removes, several shards, and transactions that are cancelled."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from infra.local import LocalDeployment
from tests.integration.conftest import Deploy, JournalledFunction, item

PROGRAM: Final = '''
"""A table whose items expire, and a function that gets what DynamoDB itself removes."""

import json

import pulumi
import pulumi_aws as aws

LAMBDA = {"Service": "lambda.amazonaws.com"}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ASSUME = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": LAMBDA}
]}
REMOVED = {
    "eventName": ["REMOVE"],
    "userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]},
}

table = aws.dynamodb.Table(
    "sessions",
    billing_mode="PAY_PER_REQUEST",
    hash_key="request_id",
    attributes=[{"name": "request_id", "type": "S"}],
    ttl={"attribute_name": "until", "enabled": True},
    stream_enabled=True,
    stream_view_type="OLD_IMAGE",
)
role = aws.iam.Role("role", assume_role_policy=json.dumps(ASSUME))
allowed = aws.iam.RolePolicy("all", role=role.name, policy=json.dumps(ALL))
logs = aws.cloudwatch.LogGroup("logs", retention_in_days=1)
function = aws.lambda_.Function(
    "backup",
    package_type="Image",
    image_uri="example/image@sha256:" + "0" * 64,
    image_config={"commands": ["function.handler"]},
    architectures=["x86_64"],
    role=role.arn,
    memory_size=128,
    timeout=10,
    ephemeral_storage={"size": 512},
    logging_config={
        "log_format": "JSON", "log_group": logs.name, "application_log_level": "INFO",
    },
    opts=pulumi.ResourceOptions(depends_on=[allowed]),
)
aws.lambda_.EventSourceMapping(
    "removed",
    event_source_arn=table.stream_arn,
    function_name=function.arn,
    starting_position="TRIM_HORIZON",
    filter_criteria={"filters": [{"pattern": json.dumps(REMOVED)}]},
)
'''


@pytest.fixture
def expiring(tmp_path: Path) -> Path:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: sessions\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: ap-northeast-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


def test_a_filter_on_the_service_gets_what_ttl_removes_and_not_what_a_user_deletes(
    deploy: Deploy, function: JournalledFunction, expiring: Path
) -> None:
    with deploy(project=expiring, **function.deployed) as up:
        dynamodb = up.client("dynamodb")
        for key in ("expired", "deleted"):
            past = {"N": str(int(time.time()) - 10)}
            dynamodb.put_item(TableName="sessions", Item={**item(key), "until": past})
        dynamodb.delete_item(TableName="sessions", Key={"request_id": {"S": "deleted"}})
        removed = up.expire()
        up.drain()

    (record,) = function.records
    assert removed == 1
    assert function.keys == ["expired"]
    assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert record["dynamodb"]["OldImage"]["payload"] == {"M": {"text": {"S": "hello"}}}


def put(up: LocalDeployment, *keys: str, **payload: str) -> None:
    for key in keys:
        up.client("dynamodb").put_item(TableName=up.outputs["tableName"], Item=item(key, **payload))


@pytest.mark.each_commit
def test_after_a_cancelled_transaction_everything_is_delivered(
    deploy: Deploy, function: JournalledFunction
) -> None:
    with deploy(**function.deployed) as up:
        put(up, "before")
        table = up.outputs["tableName"]
        fails = {
            "ConditionCheck": {
                "TableName": table,
                "Key": {"request_id": {"S": "absent"}},
                "ConditionExpression": "attribute_exists(request_id)",
            }
        }
        rolled_back = {"Put": {"TableName": table, "Item": item("rolled-back")}}
        for items in ([fails], [rolled_back, fails]):
            with pytest.raises(ClientError, match="TransactionCanceledException"):
                up.client("dynamodb").transact_write_items(TransactItems=items)
        put(up, "after", "and-again")
        up.drain()

    assert function.keys == ["before", "after", "and-again"]


def test_several_shards_are_delivered_each_in_order_and_go_on_from_their_own_checkpoints(
    deploy: Deploy, function: JournalledFunction
) -> None:
    keys = [f"item-{number}" for number in range(16)]
    with deploy(shards=4, config={"eventSource": {"batchSize": 3}}, **function.deployed) as up:
        for _ in range(2):  # what is deleted and written again is inserted twice
            put(up, *keys)
            delete(up, *keys)
        up.drain()
        before = list(function.keys)
        up.pause()
        put(up, *keys)
        up.resume()
        up.drain()
        (mapping,) = up._mappings.by_uuid.values()
        assert mapping.polled is not None
        checkpoints = mapping.polled.mapping.checkpoints
        shards = keys_by_shard(up)
        batches = [keys_of(one.event) for one in up.invocations]

    assert sorted(before) == sorted(keys * 2)
    assert sorted(function.keys[len(before) :]) == sorted(keys)
    assert len(set(checkpoints.values())) == len(shards) == 4
    assert all(any(batch <= shard for shard in shards.values()) for batch in batches)
    for key in keys:
        numbers = [number(record) for record in function.records if key_of(record) == key]
        assert numbers == sorted(numbers)


def test_batches_of_several_shards_are_processed_at_the_same_time(
    deploy: Deploy, tmp_path: Path
) -> None:
    (tmp_path / "function.py").write_text(MEETING)

    with deploy(shards=4, code=tmp_path, entry_point="function.handler") as up:
        put(up, *(f"item-{number}" for number in range(16)))
        up.drain()

    assert len(list(tmp_path.glob("met-*"))) > 1


MEETING: Final = '''
"""Each invocation waits until another has begun."""

import pathlib
import time

HERE = pathlib.Path(__file__).parent


def handler(event, context):
    (HERE / f"met-{context.aws_request_id}").touch()
    while len(list(HERE.glob("met-*"))) < 2:
        time.sleep(0.01)
    return {"batchItemFailures": []}
'''


def delete(up: LocalDeployment, *keys: str) -> None:
    for key in keys:
        up.client("dynamodb").delete_item(
            TableName=up.outputs["tableName"], Key={"request_id": {"S": key}}
        )


def keys_by_shard(up: LocalDeployment) -> dict[str, set[str]]:
    streams, arn = up.client("dynamodbstreams"), up.outputs["streamArn"]
    stream = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    found = {}
    for shard in (each["ShardId"] for each in stream["Shards"]):
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found[shard] = set(map(key_of, streams.get_records(ShardIterator=iterator)["Records"]))
    return found


def keys_of(event: Any) -> set[str]:
    return set(map(key_of, event["Records"]))


def key_of(record: Mapping[str, Any]) -> str:
    key: str = record["dynamodb"]["Keys"]["request_id"]["S"]
    return key


def number(record: Mapping[str, Any]) -> int:
    return int(record["dynamodb"]["SequenceNumber"])
