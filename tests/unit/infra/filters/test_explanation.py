"""What is said of a record that a filter pattern does not match."""

import json
from typing import Any

import pytest

from infra.filters.pattern import FilterPattern

RECORD = {
    "eventName": "MODIFY",
    "dynamodb": {
        "Keys": {"request_id": {"S": "r-1"}},
        "NewImage": {
            "status": {"S": "open"},
            "tags": {"SS": ["a", "b"]},
            "lines": {"L": [{"M": {"sku": {"S": "a"}}}, {"M": {"state": {"S": "new"}}}]},
        },
    },
}


def explanation(pattern: dict[str, Any]) -> str | None:
    return FilterPattern(json.dumps(pattern)).explain(RECORD)


def image(attributes: dict[str, Any]) -> dict[str, Any]:
    return {"dynamodb": {"NewImage": attributes}}


def test_nothing_is_said_of_a_record_that_matches() -> None:
    assert explanation({"eventName": ["MODIFY"]}) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ({"eventName": ["INSERT"]}, 'eventName is "MODIFY", the pattern wants ["INSERT"]'),
        (
            image({"tags": {"SS": ["c"]}}),
            'dynamodb.NewImage.tags.SS is "a", "b", the pattern wants ["c"]',
        ),
        (
            image({"status": {"S": [{"exists": False}]}}),
            'dynamodb.NewImage.status.S is "open", the pattern wants [{"exists":false}]',
        ),
        (
            image({"status": {"N": ["1"]}}),
            (
                "dynamodb.NewImage.status.N is not a leaf of the record "
                '(dynamodb.NewImage.status has S), the pattern wants ["1"]'
            ),
        ),
        (
            image({"status": ["open"]}),
            (
                "dynamodb.NewImage.status is not a leaf of the record "
                '(it is an object with S there), the pattern wants ["open"]'
            ),
        ),
        (
            {"eventName": {"S": ["x"]}},
            (
                'eventName.S is not a leaf of the record (eventName is "MODIFY"), '
                'the pattern wants ["x"]'
            ),
        ),
        (
            {"userIdentity": {"type": ["Service"]}},
            (
                "userIdentity.type is not a leaf of the record "
                '(the record has eventName, dynamodb), the pattern wants ["Service"]'
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_part_that_decided_is_named(pattern: dict[str, Any], reason: str) -> None:
    assert explanation(pattern) == reason


def test_every_part_that_does_not_match_is_named() -> None:
    pattern = {
        "eventName": ["INSERT"],
        **image({"status": {"S": ["new", "open"]}}),
        "awsRegion": [1],
    }

    assert explanation(pattern) == (
        "awsRegion is not a leaf of the record (the record has eventName, dynamodb), "
        'the pattern wants [1]; eventName is "MODIFY", the pattern wants ["INSERT"]'
    )


def test_each_combination_of_or_has_its_reason() -> None:
    pattern = {"$or": [{"eventName": ["INSERT"]}, {"eventName": ["REMOVE"]}]}

    assert explanation(pattern) == (
        "none of the 2 combinations of $or matches: "
        '(1) $or[0].eventName is "MODIFY", the pattern wants ["INSERT"] '
        '(2) $or[1].eventName is "MODIFY", the pattern wants ["REMOVE"]'
    )


def test_fields_that_match_in_different_elements_are_named_together() -> None:
    pattern = image({"lines": {"L": {"M": {"sku": {"S": ["a"]}, "state": {"S": ["new"]}}}}})

    assert explanation(pattern) == (
        "dynamodb.NewImage.lines.L.M.sku.S, dynamodb.NewImage.lines.L.M.state.S "
        "match only in different elements of a list, and must match in one"
    )
