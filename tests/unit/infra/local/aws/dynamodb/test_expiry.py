"""What is past its time to live is removed, by DynamoDB and not by a caller."""

import time
from typing import Any

import pytest

from tests.unit.infra.local.aws.dynamodb.conftest import Table

YEAR = 365 * 24 * 60 * 60


@pytest.fixture
def expiring(table: Table) -> Table:
    table.dynamodb.update_time_to_live(
        TableName="mine", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    return table


def since(seconds: float) -> dict[str, Any]:
    return {"N": str(int(time.time() - seconds))}


def test_an_expired_item_is_removed_when_asked_and_readable_until_then(expiring: Table) -> None:
    expiring.put("a", until=since(10))
    readable = expiring.get("a")

    assert readable is not None
    assert expiring.aws.expire() == 1
    assert expiring.get("a") is None
    assert expiring.changes == [("INSERT", "a"), ("REMOVE", "a")]


def test_the_record_says_that_dynamodb_removed_it(expiring: Table) -> None:
    expiring.put("a", until=since(10))
    expiring.aws.expire()
    expiring.put("b", until=since(10))
    expiring.dynamodb.delete_item(TableName="mine", Key={"id": {"S": "b"}})

    _, expired, _, deleted = expiring.records()

    assert expired["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert expired["dynamodb"]["OldImage"]["id"] == {"S": "a"}
    assert "userIdentity" not in deleted


@pytest.mark.parametrize(
    "until",
    [
        since(-3600),
        since(5 * YEAR + 3600),
        {"S": "1"},
        {"N": "0"},
        {"NS": ["1"]},
    ],
)
def test_what_is_no_time_or_none_in_the_last_five_years_stays(
    expiring: Table, until: dict[str, Any]
) -> None:
    expiring.put("a", until=until)

    assert expiring.aws.expire() == 0
    assert expiring.get("a") is not None


def test_an_item_without_the_attribute_stays(expiring: Table) -> None:
    expiring.put("a")

    assert expiring.aws.expire() == 0


def test_a_table_without_time_to_live_keeps_everything(table: Table) -> None:
    table.put("a", until=since(10))

    assert table.aws.expire() == 0
