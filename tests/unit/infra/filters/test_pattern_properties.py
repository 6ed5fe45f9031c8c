"""The matcher against the slow second opinion of `filter_oracle`, on generated cases.

A pattern is made for its record, of few names and values, so that often they meet: lists within
lists, dots, paths given twice, `$or` within `$or`.
"""

import contextlib
import itertools
import json
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from infra.filters.pattern import FilterPattern, InvalidFilterPatternError
from infra.filters.pattern_json import canonical, decode
from tests.unit.infra.filters.event_ruler import leaves_of, oracle_matches

LEAVES: list[Any] = ["x", "xy", "X", "", "1", 0, 1, 1.0, 1.5, -1, True, False, None]
OPERATORS: list[dict[str, Any]] = [
    {"exists": True}, {"exists": False}, {"prefix": "x"}, {"prefix": ""}, {"suffix": "y"},
    {"suffix": ""}, {"equals-ignore-case": "xY"}, {"equals-ignore-case": ""}, {"anything-but": "x"},
    {"anything-but": 1}, {"anything-but": ["x", ""]}, {"anything-but": [0, 1.5]},
    {"numeric": ["=", 1]}, {"numeric": [">", 0]}, {"numeric": ["<=", 0]}, {"numeric": ["<", 1.5]},
    {"numeric": [">=", 0, "<", 1.5]}, {"numeric": [">", 0, "<=", 1.5]},
]  # fmt: skip

NAMES = st.sampled_from(["a", "b"])
LISTS = st.recursive(
    st.dictionaries(NAMES, st.sampled_from(["x", "y"]), min_size=1, max_size=2),
    lambda nodes: (
        st.lists(nodes | st.sampled_from(["x", "y"]), min_size=2, max_size=3)
        | st.dictionaries(NAMES, nodes, min_size=1, max_size=2)
    ),
    max_leaves=5,
)
RECORDS = st.dictionaries(
    NAMES | st.just("a.b"), LISTS | st.sampled_from(LEAVES), min_size=1, max_size=3
)


def as_object(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"


def as_field(path: str, values: list[Any], is_nested: bool) -> tuple[str, str]:
    """A pair of a pattern: `a.b` is nested objects or one key."""
    first, _, rest = path.partition(".")
    if rest and is_nested:
        return first, as_object([as_field(rest, values, is_nested)])
    return path, json.dumps(values)


@st.composite
def fields(draw: st.DrawFn, record: dict[str, Any]) -> tuple[str, str]:
    """A field that has a good chance to meet the record."""
    leaves = leaves_of(record)
    path = draw(st.sampled_from([*(leaf.path for leaf in leaves), "a", "b", "a.a", "a.b"]))
    there = [leaf.value for leaf in leaves if leaf.path == path] or LEAVES
    value = st.sampled_from(there) | st.sampled_from([{"exists": False}, *OPERATORS, *LEAVES])
    return as_field(path, draw(st.lists(value, min_size=1, max_size=2)), draw(st.booleans()))


@st.composite
def objects(draw: st.DrawFn, record: dict[str, Any], depth: int = 2) -> str:
    """A pattern, or an alternative of `$or`, with equal keys, and `$or` anywhere among them."""
    pairs = draw(st.lists(fields(record), min_size=1, max_size=3))
    if depth and draw(st.integers(0, 3)) == 0:
        alternatives = draw(st.lists(objects(record, depth - 1), min_size=2, max_size=3))
        pairs.insert(draw(st.integers(0, len(pairs))), ("$or", "[" + ",".join(alternatives) + "]"))
    return as_object(pairs)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A pattern and a record."""
    record = draw(RECORDS)
    return draw(objects(record)), record


CASES = cases()
PATTERNS = CASES.map(lambda case: case[0])


def cut(text: str, start: int, end: int) -> str:
    """A pattern that has lost some of its characters."""
    return text[:start] + text[end:]


def test_each_value_matches_the_leaves_that_the_rules_say() -> None:
    wrong = [
        (value, leaf)
        for value, leaf in itertools.product(LEAVES + OPERATORS, LEAVES)
        if FilterPattern(json.dumps({"a": [value]})).matches({"a": leaf})
        is not oracle_matches(json.dumps({"a": [value]}), {"a": leaf})
    ]

    assert wrong == []


@given(CASES)
def test_a_record_matches_where_trying_everything_finds_a_way(
    case: tuple[str, dict[str, Any]],
) -> None:
    pattern, record = case

    assert FilterPattern(pattern).matches(record) is oracle_matches(pattern, record)


@given(CASES)
def test_an_explanation_is_given_exactly_where_a_record_does_not_match(
    case: tuple[str, dict[str, Any]],
) -> None:
    pattern, record = case

    explained = FilterPattern(pattern).explain(record)

    assert (explained is None) is oracle_matches(pattern, record)
    assert explained != ""


@given(CASES)
def test_the_canonical_text_matches_the_same_where_no_path_is_given_twice(
    case: tuple[str, dict[str, Any]],
) -> None:
    pattern, record = case
    compiled = FilterPattern(pattern)
    again = FilterPattern(canonical(compiled.definition))

    assert canonical(again.definition) == again.text
    if not compiled.overridden:
        assert again.matches(record) is compiled.matches(record)


@given(st.text(max_size=40) | st.builds(cut, PATTERNS, st.integers(0, 60), st.integers(0, 60)))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidFilterPatternError):
        assert FilterPattern(text).text == text


@pytest.mark.parametrize("outcome", [True, False])
@pytest.mark.parametrize("part", ["$or", '"exists": false', "[{", "a.b"])
def test_the_generated_cases_hold_both_outcomes_of_each_rule(outcome: bool, part: str) -> None:
    """The properties above cannot fail on what is never generated."""

    def is_wanted(case: tuple[str, dict[str, Any]]) -> bool:
        pattern, record = case
        where = json.dumps(record) if part == "[{" else pattern
        return part in where and oracle_matches(pattern, record) is outcome

    assert find(
        CASES,
        is_wanted,
        settings=settings(max_examples=5000, phases=[Phase.generate]),
    )


@given(PATTERNS)
def test_the_order_of_different_keys_makes_no_other_canonical_text(pattern: str) -> None:
    definition = json.loads(pattern)

    assert canonical(decode(json.dumps(definition))) == canonical(
        decode(json.dumps(definition, sort_keys=True))
    )
