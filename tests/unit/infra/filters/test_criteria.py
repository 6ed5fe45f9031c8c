"""The event source mapping's filter criteria: what they become, and when they are refused."""

import json

import pytest

from handler.config import EventName, RequestsStream, StreamViewType
from infra.filters.criteria import filter_patterns
from tests.unit.infra.filters.filter_problems import (
    BY_TTL,
    EVERYTHING,
    INSERTS,
    REMOVALS,
    image,
    problem,
    problems,
)


def test_without_filters_the_contracts_events_are_asked_for() -> None:
    assert filter_patterns((), INSERTS) == ('{"eventName":["INSERT"]}',)
    assert filter_patterns((), EVERYTHING) == ('{"eventName":["INSERT","MODIFY","REMOVE"]}',)


def test_the_order_of_the_contracts_events_makes_no_difference() -> None:
    stream = RequestsStream(events=(EventName.MODIFY, EventName.INSERT))

    assert filter_patterns((), stream) == ('{"eventName":["INSERT","MODIFY"]}',)


def test_a_filter_is_for_the_contracts_events() -> None:
    status = image({"status": {"S": ["new"]}})

    assert filter_patterns((status,), INSERTS) == (
        '{"dynamodb":{"NewImage":{"status":{"S":["new"]}}},"eventName":["INSERT"]}',
    )


def test_a_filter_may_narrow_the_contracts_events() -> None:
    filters = ({"eventName": ["REMOVE"]}, {"eventName": [{"prefix": "INS"}]})

    assert filter_patterns(filters, EVERYTHING) == (
        '{"eventName":["REMOVE"]}',
        '{"eventName":[{"prefix":"INS"}]}',
    )


@pytest.mark.parametrize("view_type", [StreamViewType.OLD_IMAGE, StreamViewType.NEW_AND_OLD_IMAGES])
def test_a_backup_of_what_ttl_removes_can_be_expressed(view_type: StreamViewType) -> None:
    stream = RequestsStream(view_type=view_type, events=(EventName.REMOVE,))

    assert filter_patterns((BY_TTL,), stream) == (
        (
            '{"eventName":["REMOVE"],"userIdentity":'
            '{"principalId":["dynamodb.amazonaws.com"],"type":["Service"]}}'
        ),
    )


def test_what_users_remove_can_be_told_from_what_ttl_removes() -> None:
    by_users = {"userIdentity": {"type": [{"exists": False}]}}

    assert filter_patterns((by_users,), REMOVALS) == (
        '{"eventName":["REMOVE"],"userIdentity":{"type":[{"exists":false}]}}',
    )


def test_a_text_and_an_object_in_any_order_have_one_canonical_text() -> None:
    as_object = {"eventName": ["INSERT"], **image({"b": {"S": ["é"]}, "a": {"N": ["1"]}})}
    as_text = json.dumps(as_object, indent=4, sort_keys=True)
    [canonical] = filter_patterns((as_object,), INSERTS)

    assert filter_patterns((as_text,), INSERTS) == (canonical,)
    assert filter_patterns((canonical,), INSERTS) == (canonical,)
    assert canonical == (
        '{"dynamodb":{"NewImage":{"a":{"N":["1"]},"b":{"S":["é"]}}},"eventName":["INSERT"]}'
    )


def test_objects_under_equal_keys_are_merged_in_the_canonical_text() -> None:
    new = '{"NewImage":{"a":{"S":["x"]}}}'
    old = '{"OldImage":{"a":{"S":["y"]}}}'

    assert filter_patterns((f'{{"dynamodb":{new},"dynamodb":{old}}}',), EVERYTHING) == (
        (
            '{"dynamodb":{"NewImage":{"a":{"S":["x"]}},"OldImage":{"a":{"S":["y"]}}},'
            '"eventName":["INSERT","MODIFY","REMOVE"]}'
        ),
    )


def test_two_or_in_one_object_stay_two_in_the_canonical_text() -> None:
    ors = '"$or":[{"a":{"S":["x"]}},{"b":{"S":["x"]}}],"$or":[{"c":{"S":["x"]}},{"d":{"S":["x"]}}]'
    [canonical] = filter_patterns((f'{{"dynamodb":{{"NewImage":{{{ors}}}}}}}',), INSERTS)

    assert canonical == f'{{"dynamodb":{{"NewImage":{{{ors}}}}},"eventName":["INSERT"]}}'


def test_or_names_the_event_in_each_of_its_objects_or_in_none() -> None:
    mixed = {"$or": [image({"a": {"S": ["x"]}}), {"eventName": ["INSERT"]}]}

    assert problem(mixed) == (
        "filters[0].$or must have eventName in each of its objects, or in none"
    )


def test_a_path_given_twice_is_refused_because_aws_heeds_the_last_only() -> None:
    twice = '{"dynamodb":{"NewImage":{"a":{"S":["x"]},"a":{"S":["y"]}}}}'

    assert problem(twice) == (
        "filters[0].dynamodb.NewImage.a.S is given twice, and AWS heeds only the last; "
        "put the values into one list"
    )


def test_more_filters_than_the_quota_are_refused() -> None:
    filters = [image({"a": {"S": [str(number)]}}) for number in range(11)]

    assert problems(*filters[:6]) == [
        ("filters", "must be at most 5 (10 once AWS has raised the quota), got 6")
    ]
    assert problems(*filters, quota=10) == [("filters", "must be at most 10, got 11")]
    assert len(filter_patterns(filters[:10], INSERTS, quota=10)) == 10


def test_more_characters_than_aws_takes_are_refused() -> None:
    longest = 4096 - len('{"dynamodb":{"NewImage":{"a":{"S":[""]}}},"eventName":["INSERT"]}')

    [pattern] = filter_patterns((image({"a": {"S": ["é" * longest]}}),), INSERTS)

    assert len(pattern) == 4096
    assert problem(image({"a": {"S": ["é" * (longest + 1)]}})) == (
        "filters[0] must be at most 4096 characters, got 4097"
    )


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        (5, "must be a pattern, as an object or as JSON text, got 5"),
        ([{"eventName": ["INSERT"]}], ("must be a pattern, as an object or as JSON text, "
         'got [{"eventName": ["INSERT"]}]')),
        ("INSERT", "must be JSON: Expecting value at line 1, column 1"),
        ({}, "must not be an empty object"),
        ({"Pattern": "{}"}, 'must be the pattern itself, without {"Pattern": ...} around it'),
        ({"Filters": [{"Pattern": "{}"}]}, ("must be the pattern itself, "
         'without {"Filters": [...]} around it')),
    ],
)  # fmt: skip
def test_what_is_no_pattern_is_refused(filter_: object, message: str) -> None:
    assert problem(filter_) == f"filters[0] {message}"


def test_every_mistake_of_every_filter_is_named_at_once() -> None:
    found = problems(
        {"data": ["x"], "eventName": ["MODIFY"]},
        image({"a": ["x"], "b": {"N": [1, 2]}}),
        {"eventName": "INSERT", "dynamodb": {}},
    )

    assert [path for path, _ in found] == [
        "filters[0].eventName",
        "filters[0].data",
        "filters[1].dynamodb.NewImage.a",
        "filters[1].dynamodb.NewImage.b.N[0]",
        "filters[1].dynamodb.NewImage.b.N[1]",
        "filters[2].eventName",
        "filters[2].dynamodb",
    ]
