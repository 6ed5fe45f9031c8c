"""YAML as Pulumi reads it. Each value was read by Pulumi's own code too (sdk 3.274.1)."""

from typing import Any

import pytest

from infra.config import pulumi_yaml


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *((word, word) for word in ("yes", "no", "on", "Off", "y", "n")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, None) for word in ("null", "Null", "NULL", "~")),
        ("12:30:45", "12:30:45"),
        ("190:20:30", "190:20:30"),
        ("2024-01-15", "2024-01-15 00:00:00 +0000 UTC"),
        ("2024-1-5", "2024-01-05 00:00:00 +0000 UTC"),
        ("2024-01-15t10:00:00.50Z", "2024-01-15 10:00:00.5 +0000 UTC"),
        ("2024-01-15T10:00:00+02:00", "2024-01-15 10:00:00 +0200 +0200"),
        ("2024-01-15 10:00:00", "2024-01-15 10:00:00 +0000 UTC"),
        ("2024-02-30", "2024-02-30"),
        ('"2024-01-15"', "2024-01-15"),
        ("1_000", 1000),
        ("0777", 511),
        ("0o17", 15),
        ("08", 8),
        ("0xFF", 255),
        ("0b11", 3),
        ("0b102", "0b102"),
        ("+1", 1),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709552000),
        ("1.10", 1.1),
        ("60.0", 60),
        ("1e3", 1000),
        (".5", 0.5),
        ("1e400", "1e400"),
        ("1.2.3", "1.2.3"),
        ("-", [None]),
        ("!!str 12", "12"),
        ("!!binary aGVsbG8=", "hello"),
        ("!theirs word", "word"),
        ("!!set {a, b}", {"a": None, "b": None}),
        (
            "{5: a, true: b, 1.5: c, null: d, yes: e}",
            {"5": "a", "true": "b", "1.5": "c", "<nil>": "d", "yes": "e"},
        ),
        ("{<<: {a: 1}, b: 2}", {"a": 1, "b": 2}),
        ("", None),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 1\n---\nb: 2", {"a": 1}),
    ],
)
def test_a_value_is_what_pulumi_reads(given: str, expected: Any) -> None:
    read = pulumi_yaml.load(given)

    assert read == expected
    assert type(read) is type(expected)


@pytest.mark.parametrize(
    "given", ["{a: 1, a: 2}", "a: {b: 1, b: 2}", ".inf", "[.nan]", '"\\ud83d"', "a:\n\tb: 1", "*a"]
)
def test_what_pulumi_cannot_read_is_refused(given: str) -> None:
    with pytest.raises(pulumi_yaml.INVALID):
        pulumi_yaml.load(given)
