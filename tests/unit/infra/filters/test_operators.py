"""What each value of a filter pattern's list matches.

The tag in a docstring is the evidence: [V] recorded on Lambda, [VE] recorded on EventBridge, [R]
what AWS's library aws/event-ruler does.
"""

import json

import pytest

from infra.filters.pattern import FilterPattern


def matches(values: list[object], record: dict[str, object]) -> bool:
    return FilterPattern(json.dumps({"a": values})).matches(record)


def leaf_matches(value: object, leaf: object) -> bool:
    return matches([value], {"a": leaf})


@pytest.mark.parametrize(
    ("literal", "leaf", "expected"),
    [
        ("x", "x", True),
        ("x", "X", False),
        ("1", 1, False),
        (1, "1", False),
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (False, 0, False),
        (0, False, False),
        (None, None, True),
        (None, "null", False),
        (None, False, False),
        ("", "", True),
    ],
)
def test_a_literal_matches_its_own_type_and_value(
    literal: object, leaf: object, expected: bool
) -> None:
    """[VE, R]"""
    assert leaf_matches(literal, leaf) is expected


def test_numbers_compare_by_value() -> None:
    """[VE number_comparison_float, R] The documentation says by text."""
    assert leaf_matches(300, 300.0)
    assert FilterPattern('{"a":[3.0e2]}').matches({"a": 300})


def test_a_number_beyond_a_double_matches_itself_alone() -> None:
    """[R]"""
    assert leaf_matches(9007199254740993, 9007199254740993)
    assert not leaf_matches(9007199254740993, 9007199254740992)
    assert not leaf_matches({"numeric": [">", 0]}, 9007199254740993)
    assert not leaf_matches({"numeric": [">", 0]}, 10**400)


@pytest.mark.parametrize("there", ["x", "", 0, False, None])
def test_exists_is_about_a_leaf_of_any_value(there: object) -> None:
    """[V exists_filter_type, R]"""
    assert leaf_matches({"exists": True}, there)
    assert not leaf_matches({"exists": False}, there)


@pytest.mark.parametrize("not_a_leaf", [{"S": "x"}, {}, []])
def test_what_is_not_a_leaf_does_not_exist(not_a_leaf: object) -> None:
    """[V exists_false_filter: it matches although the attribute is there; VE, R]"""
    assert not leaf_matches({"exists": True}, not_a_leaf)
    assert leaf_matches({"exists": False}, not_a_leaf)


@pytest.mark.parametrize(
    ("excluded", "leaf", "expected"),
    [
        ("x", "y", True),
        ("x", "x", False),
        (["x", "y"], "y", False),
        (1, 2, True),
        (1, 1.0, False),
        ([1, 2], 2, False),
        (1, "1", True),
        ("1", 1, True),
        (1, True, True),
        ("x", None, True),
        ("x", [], False),
        ("x", {"b": "y"}, False),
    ],
)
def test_anything_but_matches_any_other_leaf(
    excluded: object, leaf: object, expected: bool
) -> None:
    """[VE, R] Null is a leaf; an object and an empty list are none."""
    assert leaf_matches({"anything-but": excluded}, leaf) is expected


def test_anything_but_takes_absence_only_with_exists_false() -> None:
    """[VE or-exists]"""
    assert not matches([{"anything-but": "x"}], {"b": "y"})
    assert matches([{"anything-but": "x"}, {"exists": False}], {"b": "y"})
    assert not matches([{"anything-but": "x"}, {"exists": False}], {"a": "x"})


@pytest.mark.parametrize(
    ("operator", "leaf", "expected"),
    [
        ({"prefix": "ab"}, "abc", True),
        ({"prefix": "AB"}, "abc", False),
        ({"prefix": ""}, "", True),
        ({"prefix": ""}, None, False),
        ({"prefix": "1"}, 12, False),
        ({"suffix": "bc"}, "abc", True),
        ({"suffix": "BC"}, "abc", False),
        ({"suffix": ""}, "abc", True),
        ({"suffix": "2"}, 12, False),
        ({"equals-ignore-case": "aBc"}, "AbC", True),
        ({"equals-ignore-case": "abc"}, "abcd", False),
        ({"equals-ignore-case": "a.c"}, "abc", False),
        ({"equals-ignore-case": "straße"}, "STRASSE", True),
        ({"equals-ignore-case": "Σ"}, "ς", False),
        ({"equals-ignore-case": "true"}, True, False),
        ({"equals-ignore-case": "a\nb"}, "A\nB", True),
    ],
)
def test_prefix_suffix_and_equals_ignore_case_compare_text(
    operator: object, leaf: object, expected: bool
) -> None:
    """[VE, R]"""
    assert leaf_matches(operator, leaf) is expected


@pytest.mark.parametrize(
    ("comparison", "matching", "other"),
    [
        (["=", 5], [5, 5.0], [4, 6, "5", True]),
        (["<", 1], [0, -1.5], [1, 2, False]),
        (["<=", 1], [1, 0], [1.5, True, None]),
        ([">", 0], [1, 0.5], [0, -1, True, "1"]),
        ([">=", 0], [0, -0.0, 1], [-1, False]),
        ([">", 0, "<=", 5], [1, 5], [0, 6]),
        ([">=", 0, "<", 5], [0, 4.9], [-1, 5]),
    ],
)
def test_numeric_compares_json_numbers_only(
    comparison: list[object], matching: list[object], other: list[object]
) -> None:
    """[V numeric_filter, VE, R] Neither text nor true and false are numbers."""
    operator = {"numeric": comparison}

    assert [leaf_matches(operator, leaf) for leaf in matching] == [True] * len(matching)
    assert [leaf_matches(operator, leaf) for leaf in other] == [False] * len(other)


def test_the_values_of_a_list_are_alternatives() -> None:
    """[V content_or_filter]"""
    assert matches([{"prefix": "x"}, 5], {"a": 5})
    assert not matches([{"prefix": "x"}, 5], {"a": 6})
