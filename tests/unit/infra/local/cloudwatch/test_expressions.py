"""Metric math, as far as alarms here use it."""

import pytest

from infra.local.cloudwatch.expressions import UnsupportedAlarmError, Value, read_expression


def value_of(text: str, **values: Value) -> Value:
    return read_expression(text, frozenset(values))(values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * 2", 7),
        ("(a + b) * 2", 8),
        ("a - b - 1", -3),
        ("-a + b", 2),
        ("b / a", 3),
        ("a >= 1", 1),
        ("a > 1 OR b > 1 AND a > 5", 0),
        ("a > 0 OR b > 5 AND a > 5", 1),
        ("a == 1 && b != 3", 0),
        ("IF(b > a, 10, 20)", 10),
        ("IF(b < a, 10, 20)", 20),
        ("FILL(missing, 7)", 7),
        ("FILL(a, 7)", 1),
        ("missing + 1", None),
        ("IF(missing > 1, 1, 0)", None),
        ("IF(a > 0, 1, missing)", 1),
        ("IF(a > 0 AND FILL(missing, 0) < b, 1, 0)", 1),
    ],
)
def test_an_expression_has_the_value_that_cloudwatch_gives_it(text: str, expected: Value) -> None:
    assert value_of(text, a=1, b=3, missing=None) == expected


@pytest.mark.parametrize(
    "text",
    ["RATE(a)", "FILL(a, REPEAT)", "unknown + 1", "a +", "(a", "a b", "IF(a, 1)", "a ^ 2", ""],
)
def test_what_is_not_evaluated_here_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(UnsupportedAlarmError):
        read_expression(text, frozenset({"a"}))
