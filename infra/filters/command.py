"""`python -m infra.filters`: does a record match a filter pattern, and if not, why not.

It asks `infra.filters.pattern` alone: any pattern, against any record. Whether a pattern suits the
stack's stream is checked when the stack's configuration is read.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from infra.filters.pattern import FilterPattern, InvalidFilterPatternError

ALL_MATCH: Final = 0
SOME_DO_NOT_MATCH: Final = 1
BAD_INPUT: Final = 2

_STANDARD_INPUT: Final = "-"

_DESCRIPTION: Final = (
    "Says of each record whether Lambda would keep it, and where not, which part of the pattern "
    "decided it. Exit status: 0 all match, 1 some do not, 2 bad input."
)


class _BadInputError(Exception):
    """What the command was given cannot be read; says which argument and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command on its own: python -m infra.filters"""
    parser = argparse.ArgumentParser(prog="python -m infra.filters", description=_DESCRIPTION)
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> argparse.ArgumentParser:
    """Adds the command `filter` to another command line; the parsed `func` runs it."""
    parser = subparsers.add_parser(
        "filter",
        help="say whether stream records match a filter pattern",
        description=_DESCRIPTION,
    )
    add_arguments(parser)
    parser.set_defaults(func=run)
    return parser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `run` reads."""
    parser.add_argument(
        "--pattern",
        metavar="FILE_OR_TEXT",
        help="the filter pattern: a file, or the JSON text itself",
    )
    parser.add_argument(
        "--event",
        required=True,
        metavar="FILE",
        help='a file with one stream record or an event, {"Records": [...]}; -: standard input',
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints a line for each record; returns the exit status."""
    try:
        patterns = [_pattern(arguments.pattern)]
    except _BadInputError as error:
        return _bad_input(error)
    return explain(patterns, arguments.event)


def explain(patterns: Iterable[FilterPattern], event: str) -> int:
    """Prints for each record of a file whether any of the patterns matches; the exit status."""
    asked = list(patterns)
    try:
        records = _records(event)
    except _BadInputError as error:
        return _bad_input(error)
    reasons = [_reason(asked, record) for record in records]
    for position, (record, reason) in enumerate(zip(records, reasons, strict=True)):
        verdict = "matches" if reason is None else f"does not match: {reason}"
        print(f"Records[{position}]{_name(record)} {verdict}")
    return ALL_MATCH if all(reason is None for reason in reasons) else SOME_DO_NOT_MATCH


def _bad_input(error: _BadInputError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return BAD_INPUT


def _reason(patterns: Sequence[FilterPattern], record: Mapping[str, object]) -> str | None:
    """Why none of the patterns matches; None: one of them does."""
    reasons = [pattern.explain(record) for pattern in patterns]
    told = [reason for reason in reasons if reason is not None]
    return None if len(told) < len(reasons) else "; nor: ".join(dict.fromkeys(told))


def _pattern(file_or_text: str | None) -> FilterPattern:
    if file_or_text is None:
        raise _BadInputError("--pattern: it is missing, a file or the JSON text itself")
    is_text = file_or_text.lstrip().startswith(("{", "["))
    text = file_or_text if is_text else _read("--pattern", file_or_text)
    try:
        return FilterPattern(text)
    except InvalidFilterPatternError as error:
        raise _BadInputError(f"--pattern: {error}") from error


def _records(source: str) -> list[Mapping[str, object]]:
    file = "standard input" if source == _STANDARD_INPUT else source
    try:
        event = json.loads(_read("--event", source))
    except RecursionError as error:
        raise _BadInputError(f"--event: {file} must not nest as deep as it does") from error
    except json.JSONDecodeError as error:
        raise _BadInputError(f"--event: {file} must be JSON: {error}") from error
    except ValueError as error:
        raise _BadInputError(f"--event: {file} has a number of thousands of digits") from error
    records = event.get("Records", [event]) if isinstance(event, dict) else event
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise _BadInputError(
            f'--event: {file} must hold one record or {{"Records": [...]}} with records'
        )
    if not records:
        raise _BadInputError(f"--event: {file} has no records")
    return records


def _read(option: str, file: str) -> str:
    is_standard_input = option == "--event" and file == _STANDARD_INPUT
    try:
        content = sys.stdin.buffer.read() if is_standard_input else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        name = "standard input" if is_standard_input else file
        raise _BadInputError(f"{option}: cannot read {name}: {reason}") from error


def _name(record: Mapping[str, object]) -> str:
    names = [str(record[key]) for key in ("eventName", "eventID") if key in record]
    return f" ({' '.join(names)})" if names else ""
