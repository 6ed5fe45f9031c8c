"""Writes leave one record each, or nothing."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.infra.local.aws.dynamodb.conftest import Table, refusal

VIEW_TYPES = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
each_view_type = pytest.mark.parametrize("table", VIEW_TYPES, indirect=True)


def put(key: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "mine", "Item": {"id": {"S": key}}, **more}}


FAILS = {
    "ConditionCheck": {
        "TableName": "mine",
        "Key": {"id": {"S": "absent"}},
        "ConditionExpression": "attribute_exists(id)",
    }
}


@each_view_type
def test_an_upsert_is_one_insert(table: Table) -> None:
    table.update("a", "SET v = :v", v={"S": "1"})

    (record,) = table.records()
    change = record["dynamodb"]

    whole = {"id": {"S": "a"}, "v": {"S": "1"}}
    is_shown = change["StreamViewType"] in ("NEW_AND_OLD_IMAGES", "NEW_IMAGE")
    assert record["eventName"] == "INSERT"
    assert change.get("NewImage") == (whole if is_shown else None)
    assert "OldImage" not in change


@each_view_type
def test_a_write_that_changes_nothing_leaves_no_record(table: Table) -> None:
    table.put("a", n={"N": "1.0"}, s={"SS": ["b", "a"]})
    table.put("a", n={"N": "1"}, s={"SS": ["a", "b"]})
    table.update("a", "SET n = :n", n={"N": "1.00"})
    table.dynamodb.update_item(TableName="mine", Key={"id": {"S": "a"}})
    table.dynamodb.delete_item(TableName="mine", Key={"id": {"S": "absent"}})
    table.dynamodb.batch_write_item(
        RequestItems={"mine": [{"DeleteRequest": {"Key": {"id": {"S": "absent"}}}}]}
    )

    assert table.changes == [("INSERT", "a")]


@each_view_type
def test_what_was_declared_is_what_is_described(table: Table, request: Any) -> None:
    declared = request.node.callspec.params["table"]
    described = table.dynamodb.describe_table(TableName="mine")["Table"]["StreamSpecification"]
    stream = table.streams.describe_stream(StreamArn=table.stream_arn)["StreamDescription"]

    assert described == {"StreamEnabled": True, "StreamViewType": declared}
    assert stream["StreamViewType"] == declared


def test_a_cancelled_transaction_leaves_nothing(table: Table) -> None:
    table.put("before")
    for items in ([FAILS], [put("rolled-back"), FAILS], [FAILS, put("rolled-back")]):
        with pytest.raises(ClientError) as cancelled:
            table.dynamodb.transact_write_items(TransactItems=items)
        assert refusal(cancelled)[0] == "TransactionCanceledException"
    table.put("after")

    numbers = [each["dynamodb"]["SequenceNumber"] for each in table.records()]
    assert table.changes == [("INSERT", "before"), ("INSERT", "after")]
    assert table.get("rolled-back") is None
    assert len(set(numbers)) == 2


def test_a_cancelled_transaction_says_why_of_each_item(table: Table) -> None:
    table.put("a", v={"S": "1"})
    condition = {"ConditionExpression": "attribute_not_exists(id)"}
    shown = {**condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}

    with pytest.raises(ClientError) as cancelled:
        table.dynamodb.transact_write_items(TransactItems=[put("b"), put("a", **shown)])

    response: Any = cancelled.value.response
    assert response["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {"id": {"S": "a"}, "v": {"S": "1"}},
        },
    ]


def test_an_item_is_in_a_transaction_once(table: Table) -> None:
    with pytest.raises(ClientError) as refused:
        table.dynamodb.transact_write_items(TransactItems=[put("a"), put("a")])

    assert "multiple operations on one item" in refusal(refused)[1]
    assert table.records() == []


def test_an_update_that_fails_half_way_leaves_nothing(table: Table) -> None:
    table.put("a", s={"S": "text"})

    with pytest.raises(ClientError):
        table.update("a", "SET v = :n ADD s :n", n={"N": "1"})

    assert table.get("a") == {"id": {"S": "a"}, "s": {"S": "text"}}
    assert table.changes == [("INSERT", "a")]


def test_a_transaction_that_is_sent_again_has_no_effect(table: Table) -> None:
    def send(item: dict[str, Any]) -> None:
        table.dynamodb.transact_write_items(TransactItems=[item], ClientRequestToken="one")

    item = {
        "Update": {
            "TableName": "mine",
            "Key": {"id": {"S": "a"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    send(item)
    send(item)

    assert table.get("a") == {"id": {"S": "a"}, "n": {"N": "1"}}
    with pytest.raises(ClientError) as mismatch:
        send(put("b"))
    assert refusal(mismatch)[0] == "IdempotentParameterMismatchException"


def test_a_cancelled_transaction_may_be_sent_again(table: Table) -> None:
    item = put("a", ConditionExpression="attribute_not_exists(id)")
    table.put("a")
    with pytest.raises(ClientError):
        table.dynamodb.transact_write_items(TransactItems=[item], ClientRequestToken="one")
    table.dynamodb.delete_item(TableName="mine", Key={"id": {"S": "a"}})

    table.dynamodb.transact_write_items(TransactItems=[item], ClientRequestToken="one")

    assert table.get("a") == {"id": {"S": "a"}}


def test_a_batch_is_refused_whole(table: Table) -> None:
    twice = [
        {"PutRequest": {"Item": {"id": {"S": "a"}}}},
        {"DeleteRequest": {"Key": {"id": {"S": "a"}}}},
    ]
    for requests in (twice, [twice[0], {"PutRequest": {"Item": {"other": {"S": "a"}}}}]):
        with pytest.raises(ClientError) as refused:
            table.dynamodb.batch_write_item(RequestItems={"mine": requests})
        assert refusal(refused)[0] == "ValidationException"

    assert table.records() == []


def test_an_update_with_only_a_key_makes_the_item(table: Table) -> None:
    table.dynamodb.update_item(TableName="mine", Key={"id": {"S": "a"}})

    assert table.get("a") == {"id": {"S": "a"}}
    assert table.changes == [("INSERT", "a")]


def test_attribute_updates_keep_their_types(table: Table) -> None:
    values: dict[str, Any] = {
        "b": {"B": b"x"},
        "bool": {"BOOL": True},
        "bs": {"BS": [b"x"]},
        "null": {"NULL": True},
        "n": {"N": "1.0"},
    }
    table.dynamodb.update_item(
        TableName="mine",
        Key={"id": {"S": "a"}},
        AttributeUpdates={name: {"Action": "PUT", "Value": each} for name, each in values.items()},
    )
    table.dynamodb.update_item(
        TableName="mine",
        Key={"id": {"S": "a"}},
        AttributeUpdates={
            "n": {"Action": "ADD", "Value": {"N": "0.5"}},
            "ns": {"Action": "ADD", "Value": {"NS": ["2", "1"]}},
            "bool": {"Action": "DELETE"},
        },
    )

    assert table.get("a") == {
        "id": {"S": "a"},
        "b": {"B": b"x"},
        "bs": {"BS": [b"x"]},
        "null": {"NULL": True},
        "n": {"N": "1.5"},
        "ns": {"NS": ["1", "2"]},
    }


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("s > :one", False),
        ("s <= :one", False),
        ("s BETWEEN :one AND :one", False),
        ("NOT s > :one", True),
        ("n < :one OR n = :one", True),
    ],
)
def test_values_of_different_types_are_neither_less_nor_more(
    table: Table, condition: str, holds: bool
) -> None:
    table.put("a", s={"S": "text"}, n={"N": "1"})
    one = {":one": {"N": "1"}}
    delete = {"TableName": "mine", "Key": {"id": {"S": "a"}}, "ConditionExpression": condition}
    found = table.dynamodb.scan(
        TableName="mine", FilterExpression=condition, ExpressionAttributeValues=one
    )["Count"]

    assert found == holds
    if holds:
        table.dynamodb.delete_item(**delete, ExpressionAttributeValues=one)
        return
    with pytest.raises(ClientError) as failed:
        table.dynamodb.delete_item(**delete, ExpressionAttributeValues=one)
    assert refusal(failed)[0] == "ConditionalCheckFailedException"


@pytest.mark.parametrize(
    "expression", ["SET n.x = :v", "SET n[0] = :v", "REMOVE n.x", "REMOVE n[0]"]
)
def test_a_path_into_no_document_is_refused(table: Table, expression: str) -> None:
    table.put("a", n={"N": "1"})
    values = {"ExpressionAttributeValues": {":v": {"S": "1"}}} if "SET" in expression else {}

    with pytest.raises(ClientError) as refused:
        table.dynamodb.update_item(
            TableName="mine", Key={"id": {"S": "a"}}, UpdateExpression=expression, **values
        )

    assert refusal(refused) == (
        "ValidationException",
        "The document path provided in the update expression is invalid for update",
    )


def test_what_moto_cannot_do_is_said_in_one_line(table: Table) -> None:
    with pytest.raises(ClientError) as refused:
        table.dynamodb.describe_contributor_insights(TableName="mine")

    code, message = refusal(refused)
    assert code == "InternalServerError"
    assert message.startswith("the embedded DynamoDB cannot do this DescribeContributorInsights")
