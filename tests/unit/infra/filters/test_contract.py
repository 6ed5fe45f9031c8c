"""What a filter may ask of a record: its keys, its events and its images.

That a refused filter matches nothing on AWS is shown in test_filter_pattern_matching.py.
"""

import json
from typing import Any

import pytest

from infra.filters.criteria import doubtful_filters, filter_patterns
from tests.unit.infra.filters.filter_problems import (
    BY_TTL,
    EVERYTHING,
    INSERTS,
    REMOVALS,
    image,
    problem,
)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("data", "did you mean dynamodb?"),
        ("body", "did you mean dynamodb?"),
        ("event_name", "did you mean eventName?"),
        ("EventName", "did you mean eventName?"),
        ("NewImage", "did you mean dynamodb.NewImage?"),
        ("dynamodb.NewImage", "write its parts as nested objects, dynamodb outermost"),
        (
            "status",
            (
                "it has awsRegion, dynamodb, eventID, eventName, eventSource, eventSourceARN, "
                "eventVersion, userIdentity"
            ),
        ),
    ],
)
def test_a_key_that_no_record_has_is_refused_with_the_right_one(name: str, hint: str) -> None:
    assert problem({name: {"x": ["y"], "z": ["y"]}}) == (
        f"filters[0].{name} is no key of a stream record; {hint}"
    )


def test_a_key_that_dynamodb_does_not_have_is_refused_with_the_right_one() -> None:
    assert problem({"dynamodb": {"newImage": {"a": {"S": ["x"]}}}}) == (
        "filters[0].dynamodb.newImage is no key of dynamodb; did you mean NewImage?"
    )


def test_an_image_that_the_view_type_does_not_carry_is_refused() -> None:
    assert problem({"dynamodb": {"OldImage": {"a": {"S": ["x"]}}}}) == (
        "filters[0].dynamodb.OldImage is not in a stream of view type NEW_IMAGE; "
        "it takes OLD_IMAGE or NEW_AND_OLD_IMAGES"
    )


def test_an_image_that_the_events_do_not_have_is_refused() -> None:
    assert problem(image({"a": {"S": ["x"]}}), REMOVALS) == (
        "filters[0].dynamodb.NewImage is never in REMOVE records, which have the OldImage only"
    )
    assert problem({"eventName": ["REMOVE"], **image({"a": {"S": ["x"]}})}, EVERYTHING) == (
        "filters[0].dynamodb.NewImage is never in REMOVE records, which have the OldImage only"
    )


def test_the_keys_hold_only_the_tables_key() -> None:
    assert problem({"dynamodb": {"Keys": {"id": {"S": ["x"]}}}}) == (
        "filters[0].dynamodb.Keys.id is not a key; the table's only key is request_id"
    )


@pytest.mark.parametrize(
    "filter_",
    [
        {"eventID": ["x"], "awsRegion": [{"prefix": "eu-"}], "eventSourceARN": [{"suffix": "x"}]},
        {"eventSource": ["aws:dynamodb"], "eventVersion": [{"prefix": "1."}]},
        {"dynamodb": {"SizeBytes": [{"numeric": [">", 0]}, 5], "SequenceNumber": ["1"]}},
        {"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 0]}]}},
        {"dynamodb": {"StreamViewType": ["NEW_IMAGE"], "Keys": {"request_id": {"S": ["x"]}}}},
    ],
)
def test_everything_in_a_record_can_be_asked_for(filter_: dict[str, Any]) -> None:
    [pattern] = filter_patterns((filter_,), INSERTS)

    assert json.loads(pattern) == {**filter_, "eventName": ["INSERT"]}


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        (
            {"eventSource": ["aws:sqs"]},
            'eventSource must match "aws:dynamodb", which it always is, got ["aws:sqs"]',
        ),
        (
            {"eventVersion": ["1.0"]},
            'eventVersion must match "1.1", which it always is, got ["1.0"]',
        ),
        (
            {"dynamodb": {"StreamViewType": ["KEYS_ONLY"]}},
            'dynamodb.StreamViewType must match "NEW_IMAGE", which it always is, got ["KEYS_ONLY"]',
        ),
        (
            {"dynamodb": {"SequenceNumber": [{"numeric": [">", 1]}]}},
            'dynamodb.SequenceNumber[0] must compare with a string, got {"numeric":[">",1]}',
        ),
        (
            {"dynamodb": {"ApproximateCreationDateTime": ["1764086173"]}},
            'dynamodb.ApproximateCreationDateTime[0] must compare with a number, got "1764086173"',
        ),
        (
            BY_TTL,
            (
                "userIdentity is only in REMOVE records, of items that TTL removed, "
                "and the events are INSERT"
            ),
        ),
    ],
)
def test_what_a_record_never_holds_is_refused(filter_: dict[str, Any], message: str) -> None:
    assert problem(filter_) == f"filters[0].{message}"


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({"Type": ["Service"]}, "userIdentity.Type is no key of userIdentity; did you mean type?"),
        (
            {"type": ["User"]},
            'userIdentity.type must match "Service", which it always is, got ["User"]',
        ),
    ],
)
def test_a_user_identity_is_the_one_that_ttl_leaves(identity: dict[str, Any], message: str) -> None:
    assert problem({"userIdentity": identity}, REMOVALS) == f"filters[0].{message}"


@pytest.mark.parametrize(
    "values", [["INSERT", "MODIFY"], [{"anything-but": "REMOVE"}], [{"exists": True}]]
)
def test_events_beyond_the_contract_are_refused(values: list[object]) -> None:
    got = json.dumps(values, separators=(",", ":")).replace('","', '","')

    assert problem({"eventName": values}) == (
        f"filters[0].eventName must admit only INSERT (stream.events), got {got}"
    )


def test_an_event_that_does_not_exist_is_refused() -> None:
    assert problem({"eventName": ["insert"]}) == (
        'filters[0].eventName[0] must be INSERT, got "insert"'
    )


def test_a_filter_that_admits_no_event_is_refused() -> None:
    assert problem({"eventName": [{"exists": False}]}) == (
        'filters[0].eventName must admit INSERT, got [{"exists":false}]'
    )


def test_within_or_each_object_is_checked_for_its_own_events() -> None:
    either = {
        "$or": [
            {"eventName": ["INSERT"], **image({"a": {"S": ["x"]}})},
            {"eventName": ["REMOVE"], **image({"a": {"S": ["x"]}})},
        ]
    }

    assert problem(either, EVERYTHING) == (
        "filters[0].$or[1].dynamodb.NewImage is never in REMOVE records, "
        "which have the OldImage only"
    )


def test_an_attribute_that_is_not_declared_is_doubtful_and_no_mistake() -> None:
    filters = [image({"colour": {"S": ["red"]}, "payload": {"M": {"size": {"S": ["big"]}}}})]

    assert filter_patterns(filters, INSERTS)
    assert [*doubtful_filters(filters, INSERTS)] == [
        (
            "filters[0].dynamodb.NewImage.colour",
            "is not declared in the items' type: it matches only if your items have it",
        )
    ]


@pytest.mark.parametrize("near", ["payloads", "Payload", "request-id"])
def test_a_near_miss_of_a_declared_attribute_is_a_mistake(near: str) -> None:
    assert "is no attribute of the items' type; did you mean" in problem(
        image({near: {"S": ["x"]}})
    )
