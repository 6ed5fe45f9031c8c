"""Values as DynamoDB keeps them, and its refusals in its words."""

from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from infra.local.aws.dynamodb.values import canonical, canonical_number
from tests.unit.infra.local.aws.dynamodb.conftest import Table, refusal

NINES = "9" * 38


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1.0", "1"),
        ("00042", "42"),
        ("1E3", "1000"),
        ("-0", "0"),
        ("0.0", "0"),
        ("10.50", "10.5"),
        ("+7", "7"),
        (".5", "0.5"),
        ("1e-3", "0.001"),
        ("-1.50", "-1.5"),
        (NINES, NINES),
        (NINES + "000", NINES + "000"),
        ("1E125", "1" + "0" * 125),
        ("1E-130", "0." + "0" * 129 + "1"),
    ],
)
def test_numbers_are_plain_and_without_needless_zeroes(written: str, kept: str) -> None:
    assert canonical_number(written) == kept


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20
    )
)
def test_a_number_keeps_its_value_and_is_kept_as_it_is_the_second_time(number: Decimal) -> None:
    kept = canonical_number(str(number))

    assert Decimal(kept) == number
    assert canonical_number(kept) == kept


def test_sets_have_no_order() -> None:
    assert canonical({"SS": ["b", "a"]}) == canonical({"SS": ["a", "b"]})
    assert canonical({"NS": ["10", "9.0"]}) == {"NS": ["9", "10"]}
    assert canonical({"BS": [b"b", b"a"]}) == canonical({"BS": [b"a", b"b"]})


PRECISION = "Attempting to store more than 38 significant digits in a Number"
OVERFLOW = (
    "Number overflow. Attempting to store a number with magnitude larger than supported range"
)
UNDERFLOW = (
    "Number underflow. Attempting to store a number with magnitude smaller than supported range"
)
INVALID = "One or more parameter values were invalid: "
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"N": "1" * 39}, PRECISION),
    ({"N": "-1." + "1" * 38}, PRECISION),
    ({"N": "1E126"}, OVERFLOW),
    ({"N": "-1E126"}, OVERFLOW),
    ({"N": "1E999999999"}, OVERFLOW),
    ({"N": "1E-131"}, UNDERFLOW),
    ({"N": ""}, "The parameter cannot be converted to a numeric value"),
    ({"N": "b"}, "The parameter cannot be converted to a numeric value: b"),
    ({"N": "NaN"}, "The parameter cannot be converted to a numeric value: NaN"),
    ({"N": "1_0"}, "The parameter cannot be converted to a numeric value: 1_0"),
    ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
    ({"SS": ["a", "a"]}, f"{INVALID}Input collection [a, a] contains duplicates."),
    ({"SS": []}, f"{INVALID}An string set  may not be empty"),
    ({"NS": []}, f"{INVALID}An number set  may not be empty"),
    ({"BS": []}, f"{INVALID}Binary sets should not be empty"),
    ({"M": {"": {"S": "a"}}}, f"{INVALID}An attribute name may not be empty"),
    ({"S": "\ud800"}, f"{INVALID}A string must be valid UTF-8, got '\\ud800'"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED)
def test_what_dynamodb_refuses_is_refused_in_its_words(
    table: Table, value: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError) as put:
        table.put("a", v={"L": [value]})
    with pytest.raises(ClientError) as update:
        table.update("a", "SET v = :v", v=value)

    assert refusal(put) == ("ValidationException", message)
    assert refusal(update) == (
        "ValidationException",
        f"ExpressionAttributeValues contains invalid value: {message} for key :v",
    )
    assert table.get("a") is None


@pytest.mark.parametrize("name", ["", "\ud800"])
def test_a_name_that_is_none_is_refused_wherever_it_stands(table: Table, name: str) -> None:
    value = {"S": "1"}
    updates: list[dict[str, Any]] = [
        {
            "UpdateExpression": "SET #n = :v",
            "ExpressionAttributeNames": {"#n": name},
            "ExpressionAttributeValues": {":v": value},
        },
        {"AttributeUpdates": {name: {"Action": "PUT", "Value": value}}},
    ]
    for update in updates:
        with pytest.raises(ClientError) as refused:
            table.dynamodb.update_item(TableName="mine", Key={"id": {"S": "a"}}, **update)
        assert refusal(refused)[0] == "ValidationException"
    with pytest.raises(ClientError) as put:
        table.put("a", **{name: value})

    assert refusal(put)[0] == "ValidationException"
    assert table.records() == []


def test_an_empty_key_is_refused(table: Table) -> None:
    message = (
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
        "contain an empty string value. Key: id"
    )
    for write in (
        lambda: table.put(""),
        lambda: table.get(""),
        lambda: table.update("", "SET v = :v", v={"S": "1"}),
        lambda: table.dynamodb.delete_item(TableName="mine", Key={"id": {"S": ""}}),
    ):
        with pytest.raises(ClientError) as refused:
            write()

        assert refusal(refused) == ("ValidationException", message)


def test_sums_and_grown_sets_are_canonical_too(table: Table) -> None:
    table.update("a", "SET n = :n ADD s :s", n={"N": "0.10"}, s={"NS": ["2"]})
    table.update("a", "SET n = n + :n ADD s :s", n={"N": "0.90"}, s={"NS": ["1.0", "2.00"]})

    assert table.get("a") == {"id": {"S": "a"}, "n": {"N": "1"}, "s": {"NS": ["1", "2"]}}


def test_a_sum_is_exact(table: Table) -> None:
    table.put("a", n={"N": "1" + "0" * 37})
    table.update("a", "SET n = n + :n", n={"N": "1"})

    assert table.get("a") == {"id": {"S": "a"}, "n": {"N": "1" + "0" * 36 + "1"}}


def test_an_item_is_found_by_another_spelling_of_its_number(table: Table) -> None:
    table.put("a", n={"N": "10.50"})
    found = table.dynamodb.scan(
        TableName="mine",
        FilterExpression="n = :n",
        ExpressionAttributeValues={":n": {"N": "1.05E1"}},
    )["Items"]

    assert found == [{"id": {"S": "a"}, "n": {"N": "10.5"}}]
    assert table.records()[0]["dynamodb"]["NewImage"] == found[0]
