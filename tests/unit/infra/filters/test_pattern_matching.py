"""What a filter pattern matches, rule by rule.

The tag in a docstring is the evidence: [V] recorded on Lambda, [VE] recorded on EventBridge, [R]
what AWS's library aws/event-ruler does, [D] AWS's documentation.
"""

import json
from typing import Any

import pytest

from infra.filters.pattern import FilterPattern


def matches(pattern: object, record: dict[str, Any]) -> bool:
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    return FilterPattern(text).matches(record)


def attribute_matches(values: object, attribute: object) -> bool:
    """Whether a pattern on the attribute `a` of the new image matches a record that has it."""
    pattern = {"dynamodb": {"NewImage": {"a": values}}}
    return matches(pattern, {"dynamodb": {"NewImage": {"a": attribute}}})


def test_the_event_name_and_source_can_be_asked_for() -> None:
    """[V] dynamodb is not the only key, whatever the documentation says."""
    pattern = {"eventName": ["INSERT"], "eventSource": ["aws:dynamodb"]}

    assert matches(pattern, {"eventName": "INSERT", "eventSource": "aws:dynamodb"})
    assert not matches(pattern, {"eventName": "MODIFY", "eventSource": "aws:dynamodb"})


def test_a_removal_by_ttl_is_told_from_one_by_a_user() -> None:
    """[D, R]"""
    by_ttl = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    pattern = {
        "eventName": ["REMOVE"],
        "userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]},
    }

    assert matches(pattern, {"eventName": "REMOVE", "userIdentity": by_ttl})
    assert not matches(pattern, {"eventName": "REMOVE"})


def test_an_attribute_matches_only_under_its_type() -> None:
    """[R]"""
    assert attribute_matches({"S": ["x"]}, {"S": "x"})
    assert not attribute_matches(["x"], {"S": "x"})


def test_a_number_attribute_is_text() -> None:
    """[V numeric_filter, D, R]"""
    assert attribute_matches({"N": ["101"]}, {"N": "101"})
    assert not attribute_matches({"N": [101]}, {"N": "101"})
    assert not attribute_matches({"N": [{"numeric": [">", 100]}]}, {"N": "101"})


def test_the_creation_time_is_a_number() -> None:
    """[V date_time_conversion]"""
    pattern = {"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 0]}]}}

    assert matches(pattern, {"dynamodb": {"ApproximateCreationDateTime": 1764086173.0}})


def test_the_sequence_number_is_text() -> None:
    """[R]"""
    pattern = {"dynamodb": {"SequenceNumber": [{"numeric": [">", 0]}]}}

    assert not matches(pattern, {"dynamodb": {"SequenceNumber": "100000000000000000002"}})


def test_a_boolean_attribute_matches_true_and_not_its_text() -> None:
    """[R]"""
    assert attribute_matches({"BOOL": [True]}, {"BOOL": True})
    assert not attribute_matches({"BOOL": ["true"]}, {"BOOL": True})


def test_a_null_attribute_holds_true() -> None:
    """[R]"""
    assert attribute_matches({"NULL": [True]}, {"NULL": True})
    assert not attribute_matches({"NULL": [None]}, {"NULL": True})


def test_any_member_of_a_set_may_match() -> None:
    """[R] x is not a, so a set that also holds a matches."""
    assert attribute_matches({"SS": [{"anything-but": "a"}]}, {"SS": ["x", "a"]})
    assert not attribute_matches({"SS": [{"anything-but": "a"}]}, {"SS": ["a"]})


def test_a_path_leads_straight_through_a_list() -> None:
    """[D, R]"""
    organizations = {"L": [{"S": "AWS"}, {"N": "1"}]}

    assert attribute_matches({"L": {"S": [{"exists": True}]}}, organizations)
    assert not attribute_matches({"L": {"BOOL": [{"exists": True}]}}, organizations)


def test_fields_must_match_in_the_same_element_of_a_list() -> None:
    """[R]"""
    lines = [{"M": {"sku": {"S": "a"}, "state": {"S": "new"}}}, {"M": {"sku": {"S": "b"}}}]
    of_a = {"L": {"M": {"sku": {"S": ["a"]}, "state": {"S": ["new"]}}}}
    of_b = {"L": {"M": {"sku": {"S": ["b"]}, "state": {"S": ["new"]}}}}

    assert attribute_matches(of_a, {"L": lines})
    assert not attribute_matches(of_b, {"L": lines})


def test_fields_in_different_lists_need_no_common_position() -> None:
    """[R]"""
    record = {"l": [{"a": 1}, {"a": 2}], "m": [{"a": 3}, {"a": 4}]}

    assert matches({"l": {"a": [1]}, "m": {"a": [4]}}, record)


def test_a_plain_element_of_a_list_goes_with_every_other_element() -> None:
    """[R]"""
    assert matches({"l": ["x"], "l.a": [1]}, {"l": ["x", {"a": 1}]})


def test_lists_within_lists_are_consistent_at_every_depth() -> None:
    """[R]"""
    record = {"l": [{"id": 1, "m": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]}, {"id": 2}]}

    assert matches({"l": {"id": [1], "m": {"a": [2], "b": [2]}}}, record)
    assert not matches({"l": {"id": [1], "m": {"a": [1], "b": [2]}}}, record)
    assert not matches({"l": {"id": [2], "m": {"a": [2]}}}, record)
    assert matches({"l": {"a": [1], "b": [2]}}, {"l": [[], [{"a": 1, "b": 2}]]})
    assert not matches({"l": {"a": [1], "b": [2]}}, {"l": [[], [{"a": 1}, {"b": 2}]]})


def test_a_field_may_be_absent_from_the_element_that_the_others_match_in() -> None:
    """[R] The fields are looked at in the order of their paths."""
    record = {"l": [{"a": 1}, {"b": 2}]}

    assert matches({"l": {"a": [1], "b": [{"exists": False}]}}, record)
    assert matches({"l": {"b": [{"exists": False}], "a": [1]}}, record)
    assert not matches({"l": {"a": [{"exists": False}], "b": [2]}}, record)


@pytest.mark.parametrize("record", [{"a": {"b": "x"}}, {"a.b": "x"}])
@pytest.mark.parametrize("pattern", [{"a": {"b": ["x"]}}, {"a.b": ["x"]}])
def test_a_dot_in_a_name_is_the_same_as_nesting(
    pattern: dict[str, Any], record: dict[str, Any]
) -> None:
    """[VE dot_joining, R]"""
    assert matches(pattern, record)


def test_fields_are_all_required() -> None:
    """[V content_multiple_filters]"""
    assert not matches({"a": [1], "b": [2]}, {"a": 1, "b": 3})


def test_or_takes_one_of_its_objects_with_what_stands_beside_it() -> None:
    """[VE complex_or, R]"""
    pattern = {"a": [1], "$or": [{"b": [1]}, {"c": {"d": [1]}}]}

    assert matches(pattern, {"a": 1, "b": 1})
    assert matches(pattern, {"a": 1, "c": {"d": 1}})
    assert not matches(pattern, {"a": 1, "b": 2})
    assert not matches(pattern, {"a": 2, "b": 1})


def test_two_or_in_one_object_are_both_required() -> None:
    """[R]"""
    pattern = '{"$or":[{"a":[1]},{"b":[1]}],"$or":[{"c":[1]},{"d":[1]}]}'

    assert matches(pattern, {"b": 1, "c": 1})
    assert not matches(pattern, {"a": 1, "b": 1})


def test_objects_under_equal_keys_are_all_required() -> None:
    """[D, R] The documentation's own example of AND; json.loads would drop the first."""
    pattern = '{"dynamodb":{"NewImage":{"S":["x"]}},"dynamodb":{"OldImage":{"S":["y"]}}}'

    assert matches(pattern, {"dynamodb": {"NewImage": {"S": "x"}, "OldImage": {"S": "y"}}})
    assert not matches(pattern, {"dynamodb": {"OldImage": {"S": "y"}}})


def test_of_a_path_given_twice_the_last_counts() -> None:
    """[VE complex_multi_key_event, R]"""
    twice = '{"a":[{"prefix":"us-"}],"a":[{"anything-but":"us-east"}]}'
    within_or = '{"a":["x"],"$or":[{"a":["y"]},{"b":["z"]}]}'

    assert matches(twice, {"a": "eu-central-1"})
    assert not matches(twice, {"a": "us-east"})
    assert matches(within_or, {"a": "y"})
    assert matches(within_or, {"a": "x", "b": "z"})
    assert not matches(within_or, {"a": "x"})
