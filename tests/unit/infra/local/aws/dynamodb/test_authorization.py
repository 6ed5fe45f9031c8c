"""Permissions are asked for item by item, and refused in AWS's words."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.aws.emulator import ACCOUNT, Credentials, Emulator
from tests.unit.infra.local.aws.dynamodb.conftest import Table, refusal

KEY = {"id": {"S": "a"}}
UPDATE = {
    "UpdateExpression": "SET v = :v",
    "ExpressionAttributeValues": {":v": {"S": "1"}},
}


def transact(**item: Any) -> dict[str, Any]:
    return {"TransactItems": [{kind: {"TableName": "mine", **each} for kind, each in item.items()}]}


CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("put_item", {"TableName": "mine", "Item": KEY}, "PutItem"),
    ("transact_write_items", transact(Put={"Item": KEY}), "PutItem"),
    ("transact_write_items", transact(Update={"Key": KEY, **UPDATE}), "UpdateItem"),
    ("transact_write_items", transact(Delete={"Key": KEY}), "DeleteItem"),
    (
        "transact_write_items",
        transact(ConditionCheck={"Key": KEY, "ConditionExpression": "attribute_not_exists(v)"}),
        "ConditionCheckItem",
    ),
    ("transact_get_items", transact(Get={"Key": KEY}), "GetItem"),
    (
        "batch_write_item",
        {"RequestItems": {"mine": [{"PutRequest": {"Item": KEY}}]}},
        "BatchWriteItem",
    ),
    ("batch_get_item", {"RequestItems": {"mine": {"Keys": [KEY]}}}, "BatchGetItem"),
    ("execute_statement", {"Statement": "INSERT INTO mine VALUE {'id': 'b'}"}, "PartiQLInsert"),
    (
        "execute_transaction",
        {"TransactStatements": [{"Statement": "DELETE FROM mine WHERE id = 'b'"}]},
        "PartiQLDelete",
    ),
    (
        "execute_transaction",
        {"TransactStatements": [{"Statement": "SELECT * FROM mine WHERE id = 'b'"}]},
        "PartiQLSelect",
    ),
]


def user(aws: Emulator, name: str, *statements: dict[str, Any]) -> Credentials:
    iam = aws.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
    return aws.assume_role(role["Arn"])


def may(action: str, *arns: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": list(arns)}


@pytest.mark.parametrize(("call", "request_", "action"), CALLS)
def test_a_call_needs_the_permissions_of_its_items(
    table: Table, call: str, request_: dict[str, Any], action: str
) -> None:
    needed = may(f"dynamodb:{action}", table.arn)
    elsewhere = may(f"dynamodb:{action}", table.arn + "-of-another")
    allowed = user(table.aws, "allowed", needed)
    refused = user(table.aws, "refused", elsewhere, may("dynamodb:Describe*", "*"))
    table.aws.enforce_permissions()

    with pytest.raises(ClientError) as error:
        getattr(table.aws.client("dynamodb", refused), call)(**request_)
    getattr(table.aws.client("dynamodb", allowed), call)(**request_)

    code, message = refusal(error)
    assert code == "AccessDeniedException"
    assert message.startswith(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/refused/")
    assert message.endswith(
        f" is not authorized to perform: dynamodb:{action} on resource: {table.arn} "
        f"because no identity-based policy allows the dynamodb:{action} action"
    )


def test_a_transaction_over_two_tables_needs_both(table: Table) -> None:
    other = Table(table.aws, "other")
    one = user(table.aws, "one", may("dynamodb:PutItem", table.arn))
    both = user(table.aws, "both", may("dynamodb:PutItem", table.arn, other.arn))
    table.aws.enforce_permissions()
    items = [{"Put": {"TableName": name, "Item": KEY}} for name in ("mine", "other")]

    with pytest.raises(ClientError) as error:
        table.aws.client("dynamodb", one).transact_write_items(TransactItems=items)
    table.aws.client("dynamodb", both).transact_write_items(TransactItems=items)

    assert f"on resource: {other.arn} because" in refusal(error)[1]


def test_a_denial_is_told_apart(table: Table) -> None:
    denied = user(
        table.aws,
        "denied",
        may("dynamodb:*", "*"),
        may("dynamodb:PutItem", table.arn, effect="Deny"),
    )
    table.aws.enforce_permissions()

    with pytest.raises(ClientError) as error:
        table.aws.client("dynamodb", denied).transact_write_items(**transact(Put={"Item": KEY}))

    assert refusal(error)[1].endswith("with an explicit deny in an identity-based policy")


def test_a_batch_of_statements_is_refused_statement_by_statement(table: Table) -> None:
    inserts = user(table.aws, "inserts", may("dynamodb:PartiQLInsert", table.arn))
    table.aws.enforce_permissions()

    answers = table.aws.client("dynamodb", inserts).batch_execute_statement(
        Statements=[
            {"Statement": "INSERT INTO mine VALUE {'id': 'a'}"},
            {"Statement": "UPDATE mine SET v = 1 WHERE id = 'a'"},
        ]
    )["Responses"]

    assert "Error" not in answers[0]
    assert answers[1]["Error"]["Code"] == "AccessDenied"
    assert "dynamodb:PartiQLUpdate on resource" in answers[1]["Error"]["Message"]


def test_an_index_is_queried_with_a_permission_on_it(table: Table) -> None:
    on_table = user(table.aws, "on-table", may("dynamodb:Query", table.arn))
    table.aws.enforce_permissions()

    with pytest.raises(ClientError) as error:
        table.aws.client("dynamodb", on_table).query(
            TableName="mine",
            IndexName="by-v",
            KeyConditionExpression="v = :v",
            ExpressionAttributeValues={":v": {"S": "1"}},
        )

    assert f"on resource: {table.arn}/index/by-v because" in refusal(error)[1]


def test_a_stream_is_read_with_a_permission_on_it(table: Table) -> None:
    reader = user(table.aws, "reader", may("dynamodb:DescribeStream", table.stream_arn))
    table.aws.enforce_permissions()
    streams = table.aws.client("dynamodbstreams", reader)

    streams.describe_stream(StreamArn=table.stream_arn)
    with pytest.raises(ClientError) as error:
        streams.get_shard_iterator(
            StreamArn=table.stream_arn, ShardId="shard" * 6, ShardIteratorType="LATEST"
        )

    code, message = refusal(error)
    assert code == "AccessDeniedException"
    assert f"dynamodb:GetShardIterator on resource: {table.stream_arn} because" in message
