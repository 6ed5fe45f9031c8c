"""`python -m infra.local filter`: what it prints and how it ends."""

import argparse
import io
import json
import sys
from pathlib import Path

import pytest

from infra.filters.command import add_parser

INSERT = {"eventID": "e-1", "eventName": "INSERT"}
MODIFY = {"eventID": "e-2", "eventName": "MODIFY"}
INSERTS = '{"eventName": ["INSERT"]}'


def filter_command(pattern: str, event: Path) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["filter", "--pattern", pattern, "--event", str(event)])
    status: int = arguments.func(arguments)
    return status


@pytest.fixture
def event(tmp_path: Path) -> Path:
    return tmp_path / "event.json"


def test_each_record_of_an_event_is_judged(event: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event.write_text(json.dumps({"Records": [INSERT, MODIFY]}))

    assert filter_command(INSERTS, event) == 1
    assert capsys.readouterr().out.splitlines() == [
        "Records[0] (INSERT e-1) matches",
        (
            'Records[1] (MODIFY e-2) does not match: eventName is "MODIFY", '
            'the pattern wants ["INSERT"]'
        ),
    ]


def test_a_single_record_that_matches_ends_well(
    event: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event.write_text(json.dumps(INSERT))

    assert filter_command(INSERTS, event) == 0
    assert capsys.readouterr().out == "Records[0] (INSERT e-1) matches\n"


def test_the_event_may_come_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = io.BytesIO(b"\xef\xbb\xbf" + json.dumps(INSERT).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))

    assert filter_command(INSERTS, Path("-")) == 0
    assert capsys.readouterr().out == "Records[0] (INSERT e-1) matches\n"


def test_standard_input_is_named_where_it_is_no_event(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))

    assert filter_command(INSERTS, Path("-")) == 2
    assert capsys.readouterr().err == (
        "error: --event: cannot read standard input: it is not UTF-8 text\n"
    )


def test_the_pattern_may_lie_in_a_file(event: Path, tmp_path: Path) -> None:
    event.write_text(json.dumps({"Records": [INSERT]}))
    pattern = tmp_path / "pattern.json"
    pattern.write_text(INSERTS)

    assert filter_command(str(pattern), event) == 0


@pytest.mark.parametrize(
    ("pattern", "content", "message"),
    [
        (
            '{"eventName": "INSERT"}',
            "{}",
            (
                "--pattern: Invalid filter pattern definition. "
                'eventName must be a list, as ["INSERT"], got "INSERT"'
            ),
        ),
        ("no/such/file", "{}", "--pattern: cannot read no/such/file: No such file or directory"),
        (INSERTS, "{", "--event: EVENT must be JSON: Expecting property name"),
        (INSERTS, f"[{'9' * 5_000}]", "--event: EVENT has a number of thousands of digits"),
        (INSERTS, "[" * 99_999, "--event: EVENT must not nest as deep as it does"),
        (INSERTS, "5", '--event: EVENT must hold one record or {"Records": [...]} with records'),
        (INSERTS, '{"Records": [5]}', "--event: EVENT must hold one record or"),
        (INSERTS, '{"Records": []}', "--event: EVENT has no records"),
        (INSERTS, b"\xff", "--event: cannot read EVENT: it is not UTF-8 text"),
        (INSERTS, None, "--event: cannot read EVENT: No such file or directory"),
    ],
)
def test_bad_input_is_one_clear_line(
    pattern: str,
    content: str | bytes | None,
    message: str,
    event: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if content is not None:
        event.write_bytes(content if isinstance(content, bytes) else content.encode())

    assert filter_command(pattern, event) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message.replace('EVENT', str(event))}")
