"""Numbers and lists in messages; that no message makes its own plural."""

import re

import pytest

from infra.wording import counted, listed
from tests.project import PROJECT


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "record", "0 records"),
        (1, "record", "1 record"),
        (1_000, "failed record", "1,000 failed records"),
        (2, "batch", "2 batches"),
        (1, "property", "1 property"),
        (2, "property", "2 properties"),
        (2, "key", "2 keys"),
    ],
)
def test_one_is_in_the_singular(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said


@pytest.mark.parametrize(("length", "end"), [(3, "2"), (10, "9"), (11, "10"), (12, "9 and 2 more")])
def test_of_a_long_list_the_first_names_are_said(length: int, end: str) -> None:
    said = listed([str(number) for number in range(length)])

    assert said.startswith("0, 1, 2")
    assert said.endswith(f", {end}")


COUNTED = re.compile(r"\{[^{}]*(\blen\(|\bsum\(|count\b)[^{}]*\} [a-z]+s\b|%d [a-z ]*s\b")
VERBS = ("is", "has", "was", "does", "as", "us")
ALWAYS_MANY = ("{len(reason):,} characters", "{len(writes.writes)} writes", "60} minutes")
"""Said only beyond a limit, or a number that never changes."""


def test_no_message_makes_a_plural_of_its_own() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{number}: {line.strip()}"
        for folder in ("infra", "handler", ".github")
        for path in sorted((PROJECT / folder).rglob("*.py"))
        if ".venv" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := COUNTED.search(line))
        and not match[0].endswith((*(f" {verb}" for verb in VERBS), *ALWAYS_MANY))
    ]

    assert found == []
