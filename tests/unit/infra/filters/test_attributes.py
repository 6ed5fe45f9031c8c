"""What a filter may compare an attribute with: DynamoDB's types and their values.

That a refused filter matches nothing on AWS is shown in test_filter_pattern_matching.py.
"""

import json
from typing import Any

import pytest

from infra.filters.criteria import filter_patterns
from tests.unit.infra.filters.filter_problems import (
    INSERTS,
    image,
    problem,
)


@pytest.mark.parametrize(
    ("values", "right"),
    [
        (["x", "y"], '{"S":["x","y"]}'),
        ([5], '{"N":["5"]}'),
        ([True], '{"BOOL":[true]}'),
        ([None], '{"NULL":[true]}'),
        ([{"prefix": "x"}], '{"S":[{"prefix":"x"}]}'),
    ],
)
def test_an_attribute_without_its_type_is_refused(values: list[object], right: str) -> None:
    got = json.dumps(values, separators=(",", ":"))

    assert problem(image({"status": values})) == (
        f"filters[0].dynamodb.NewImage.status must name its DynamoDB type, as {right}, got {got}"
    )


@pytest.mark.parametrize("type_", ["s", "String", "key"])
def test_what_is_no_type_is_refused(type_: str) -> None:
    assert problem(image({"status": {type_: ["x"]}})) == (
        f"filters[0].dynamodb.NewImage.status.{type_} must be the DynamoDB type of status "
        "(S, N, B, SS, NS, BS, BOOL, NULL, M, L; the attributes of a map come after M), "
        f'got "{type_}"'
    )


@pytest.mark.parametrize("where", ["Keys", "NewImage"])
def test_the_key_attribute_is_text(where: str) -> None:
    assert problem({"dynamodb": {where: {"request_id": {"N": ["1"]}}}}) == (
        f"filters[0].dynamodb.{where}.request_id.N must be S, the type of request_id, got N"
    )


def test_the_payload_is_a_map() -> None:
    assert problem(image({"payload": {"S": ["x"]}})) == (
        "filters[0].dynamodb.NewImage.payload.S must be M, the type of payload, got S"
    )
    assert problem(image({"payload": ["x"]})) == (
        "filters[0].dynamodb.NewImage.payload must name its type, "
        'as {"M": {"name": {"S": ["string"]}}}, got ["x"]'
    )


@pytest.mark.parametrize(
    ("value", "advice"),
    [({"numeric": [">", 100]}, ": ranges are for process"), ({"anything-but": 101}, "")],
)
def test_an_operator_on_numbers_is_refused_for_n(value: dict[str, Any], advice: str) -> None:
    got = json.dumps(value, separators=(",", ":"))

    assert problem(image({"count": {"N": ["5", value]}})) == (
        "filters[0].dynamodb.NewImage.count.N[1] must compare with a string, "
        f"because N holds its number as a string{advice}, got {got}"
    )


def test_a_number_is_refused_where_its_text_is_needed() -> None:
    assert problem(image({"count": {"N": [101]}})) == (
        'filters[0].dynamodb.NewImage.count.N[0] must compare with a string, as "101", '
        "because N holds its number as a string, got 101"
    )


@pytest.mark.parametrize(
    ("text", "right"),
    [("007", ' ("7")'), ("1.50", ' ("1.5")'), ("+1", ' ("1")'), ("-0", ' ("-0")'), ("ten", "")],
)
def test_a_number_that_dynamodb_would_not_write_so_is_refused(text: str, right: str) -> None:
    assert problem(image({"count": {"N": [text]}})) == (
        "filters[0].dynamodb.NewImage.count.N[0] must be a number as DynamoDB writes it"
        f'{right}, got "{text}"'
    )


@pytest.mark.parametrize(
    "attribute",
    [
        {"S": ["x", {"prefix": "y"}, {"exists": False}]},
        {"N": ["0", "-1.5", "0.25", "100", "1E+40", {"prefix": "1"}, {"anything-but": "5"}]},
        {"B": ["Zm9vYmFy"]},
        {"BOOL": [True, False]},
        {"NULL": [True]},
        {"SS": ["x"]},
        {"NS": ["1", "2"]},
        {"BS": ["Zm9v"]},
        {"M": {"a": {"S": ["x"]}, "b.c": {"M": {"d": {"BOOL": [True]}}}}},
        {"L": {"S": ["x"], "M": {"a": {"N": ["1"]}}, "L": {"N": ["1"]}}},
    ],
    ids=lambda attribute: next(iter(attribute)),
)
def test_values_that_fit_their_type_are_accepted(attribute: dict[str, Any]) -> None:
    [pattern] = filter_patterns((image({"a": attribute}),), INSERTS)

    assert json.loads(pattern) == {**image({"a": attribute}), "eventName": ["INSERT"]}


@pytest.mark.parametrize(
    ("type_", "value", "reason"),
    [
        ("S", 5, "must compare with a string, got 5"),
        ("S", True, "must compare with a string, got true"),
        ("S", None, "must compare with a string, got null"),
        ("BOOL", "true", 'must compare with true or false, got "true"'),
        ("BOOL", None, "must compare with true or false, got null"),
        (
            "BOOL",
            {"anything-but": "x"},
            'must compare with true or false, got {"anything-but":"x"}',
        ),
        ("NULL", None, "must compare with true, got null"),
        ("NULL", False, "must compare with true, got false"),
        ("B", "foobar!", 'must be base64, because B holds its bytes so, got "foobar!"'),
        ("SS", 5, "must compare with a string, got 5"),
    ],
)
def test_a_value_that_its_type_never_holds_is_refused(
    type_: str, value: object, reason: str
) -> None:
    assert problem(image({"a": {type_: [value]}})) == (
        f"filters[0].dynamodb.NewImage.a.{type_}[0] {reason}"
    )


@pytest.mark.parametrize(
    ("filter_", "path", "right"),
    [
        ({"dynamodb": 0}, "dynamodb", '{"NewImage": {"attribute": {"S": ["string"]}}}'),
        (image(0), "dynamodb.NewImage", '{"attribute": {"S": ["string"]}}'),
        ({"dynamodb": {"Keys": 0}}, "dynamodb.Keys", '{"attribute": {"S": ["string"]}}'),
        (image({"a": {"M": 0}}), "dynamodb.NewImage.a.M", '{"name": {"S": ["string"]}}'),
        (image({"a": {"L": 0}}), "dynamodb.NewImage.a.L", '{"S": ["string"]}'),
    ],
)
def test_exists_is_refused_on_what_is_not_a_leaf(
    filter_: dict[str, Any], path: str, right: str
) -> None:
    text = json.dumps(filter_).replace("0", '[{"exists":true}]')

    assert problem(text) == (
        f"filters[0].{path} must lead to a leaf, as {right}, "
        'because exists does not see objects, got [{"exists":true}]'
    )


def test_exists_is_refused_on_an_attribute_without_its_type() -> None:
    """On AWS it matches every record, although the attribute is there."""
    assert problem(image({"status": [{"exists": False}]})) == (
        "filters[0].dynamodb.NewImage.status must name its DynamoDB type, "
        'as {"S":[{"exists":false}]}, because exists sees only leaves, got [{"exists":false}]'
    )


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        (
            {"eventName": {"S": ["INSERT"]}},
            "eventName must be followed by a list of values, because the record has a string there",
        ),
        (
            image({"a": {"BOOL": {"S": ["x"]}}}),
            (
                "dynamodb.NewImage.a.BOOL must be followed by a list of values, "
                "because the record has true or false there"
            ),
        ),
        ({"eventName": "INSERT"}, 'eventName must be a list, as ["INSERT"], got "INSERT"'),
        (image({"a": {"S": "x"}}), 'dynamodb.NewImage.a.S must be a list, as ["x"], got "x"'),
    ],
)
def test_a_list_belongs_on_a_leaf_and_only_there(filter_: dict[str, Any], message: str) -> None:
    assert problem(filter_) == f"filters[0].{message}"
