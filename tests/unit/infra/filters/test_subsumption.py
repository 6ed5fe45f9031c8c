"""When one filter pattern makes another needless: whenever that is said, it is true."""

import json
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from infra.filters.criteria import doubtful_filters, filter_patterns
from infra.filters.pattern import FilterPattern
from infra.filters.subsumption import matches_all_of
from tests.unit.infra.filters.filter_problems import BY_TTL, INSERTS, REMOVALS, image, problems


def says_needless(narrow: dict[str, Any], wide: dict[str, Any]) -> bool:
    return matches_all_of(FilterPattern(json.dumps(wide)), FilterPattern(json.dumps(narrow)))


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({"a": ["x"]}, {"a": ["x"]}),
        ({"a": ["x"], "b": ["y"]}, {"a": ["x"]}),
        ({"a": ["x"]}, {"a": ["y", "x"]}),
        ({"a": ["x"]}, {"a": [{"exists": True}]}),
        ({"a": ["xy", {"prefix": "xyz"}]}, {"a": [{"prefix": "x"}]}),
        ({"a": [{"suffix": "xy"}]}, {"a": [{"suffix": "y"}]}),
        ({"a": ["X"]}, {"a": [{"equals-ignore-case": "x"}]}),
        ({"a": [5]}, {"a": [{"numeric": [">", 0]}]}),
        ({"a": [True]}, {"a": [{"anything-but": "x"}]}),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": [{"anything-but": "x"}]}),
        ({"a": [{"anything-but": [1, 2]}]}, {"a": [{"anything-but": 1}]}),
        ({"a": ["x"]}, {"$or": [{"a": ["x"]}, {"b": ["y"]}]}),
        ({"$or": [{"a": ["x"]}, {"a": ["y"]}]}, {"a": ["x", "y"]}),
        ({"a": [{"exists": False}], "b": ["x"]}, {"a": [{"exists": False}]}),
    ],
)
def test_a_filter_that_asks_for_more_is_needless(
    narrow: dict[str, Any], wide: dict[str, Any]
) -> None:
    assert says_needless(narrow, wide)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({"a": ["x"]}, {"a": ["y"]}),
        ({"a": ["x"]}, {"b": ["x"]}),
        ({"a": ["x"]}, {"a": ["x"], "b": ["y"]}),
        ({"a": [{"exists": False}]}, {"a": [{"exists": True}]}),
        ({"a": [{"prefix": "x"}]}, {"a": [{"prefix": "xy"}]}),
        ({"a": [{"prefix": "x"}]}, {"a": [{"suffix": "x"}]}),
        ({"a": [{"anything-but": "x"}]}, {"a": [{"anything-but": ["x", "y"]}]}),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": ["x"]}),
    ],
)
def test_a_filter_that_asks_for_something_else_is_not_needless(
    narrow: dict[str, Any], wide: dict[str, Any]
) -> None:
    assert not says_needless(narrow, wide)


def test_within_a_list_a_field_more_can_make_an_absence() -> None:
    wide = {"l": {"L": {"b": [{"exists": False}]}}}
    narrow = {"l": {"L": {"a": ["x"], "b": [{"exists": False}]}}}
    record = {"l": {"L": [{"a": "x"}, {"b": "y"}]}}

    assert FilterPattern(json.dumps(narrow)).matches(record)
    assert not FilterPattern(json.dumps(wide)).matches(record)
    assert not says_needless(narrow, wide)


def test_of_two_equal_filters_the_later_is_needless() -> None:
    status = image({"payload": {"M": {"status": {"S": ["new"]}}}})

    filters = (status, {"eventName": ["INSERT"], **status})

    assert [*doubtful_filters(filters, INSERTS)] == [
        ("filters[1]", "is needless: filters[0] matches all it matches")
    ]
    # Equal patterns are one to AWS.
    assert len(filter_patterns(filters, INSERTS)) == 1


def test_the_narrower_filter_is_needless_wherever_it_stands() -> None:
    filters = (BY_TTL, {"eventName": ["REMOVE"]})

    assert [*doubtful_filters(filters, REMOVALS)] == [
        ("filters[0]", "is needless: filters[1] matches all it matches")
    ]
    assert len(filter_patterns(filters, REMOVALS)) == 2


def test_a_filter_with_mistakes_makes_no_other_needless() -> None:
    assert problems({"eventName": "INSERT"}, {"eventName": ["INSERT"]}, stream=INSERTS) == [
        ("filters[0].eventName", 'must be a list, as ["INSERT"], got "INSERT"')
    ]


VALUES = st.sampled_from([
    "x", "xy", {"prefix": "x"}, {"exists": True}, {"exists": False}, {"anything-but": "x"},
    {"anything-but": ["x", "xy"]}, {"suffix": "y"},
])  # fmt: skip
FIELDS = st.dictionaries(
    st.sampled_from(["a.S", "b.S", "l.L.M.a.S", "l.L.M.b.S"]),
    st.lists(VALUES, min_size=1, max_size=2),
    min_size=1,
    max_size=3,
)
PATTERNS = FIELDS | st.lists(FIELDS, min_size=2, max_size=2).map(lambda both: {"$or": both})
TEXTS = st.fixed_dictionaries({"S": st.sampled_from(["x", "y", "xy"])})
ITEMS = st.dictionaries(st.sampled_from(["a", "b"]), TEXTS, max_size=2)
RECORDS = st.builds(
    lambda item, lines: {**item, "l": {"L": [{"M": line} for line in lines]}},
    ITEMS,
    st.lists(ITEMS, max_size=3),
)


def has_needless(case: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> bool:
    narrow, wide, record = case
    return (
        narrow != wide
        and FilterPattern(json.dumps(narrow)).matches(record)
        and says_needless(narrow, wide)
    )


@given(PATTERNS, PATTERNS, RECORDS)
def test_what_a_needless_filter_matches_the_other_one_matches(
    narrow: dict[str, Any], wide: dict[str, Any], record: dict[str, Any]
) -> None:
    if has_needless((narrow, wide, record)):
        assert FilterPattern(json.dumps(wide)).matches(record)


def test_the_generated_patterns_hold_needless_ones() -> None:
    """The property above cannot fail on what is never generated."""
    assert find(
        st.tuples(PATTERNS, PATTERNS, RECORDS),
        has_needless,
        settings=settings(max_examples=5000, phases=[Phase.generate]),
    )
