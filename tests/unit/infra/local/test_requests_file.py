"""The demo's file of items: what it may hold, and all that is wrong in it, each by its line."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from handler.change import Change
from handler.config import EventName, RequestsStream
from handler.item_types import Key, SortKey
from infra.local.plain_items import item_size
from infra.local.requests_file import ItemsError, read_items


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    sensor: Key[str]
    at: SortKey[str]
    labels: set[str] | None = None
    raw: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    number: Key[int]


STREAM = RequestsStream()
READINGS = RequestsStream(request=Change[Reading])


def written(folder: Path, content: str | bytes, stream: RequestsStream = STREAM) -> list[Any]:
    """The typed items."""
    file = folder / "items.jsonl"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [write.item for write in read_items(file, stream)]


def problems(folder: Path, content: str | bytes, stream: RequestsStream = STREAM) -> list[str]:
    """What is wrong, line by line, after the file's name."""
    with pytest.raises(ItemsError) as refused:
        written(folder, content, stream)
    lines = str(refused.value).splitlines()
    return [line.removeprefix(f"{folder}/items.jsonl:") for line in lines]


def item(**attributes: Any) -> str:
    return json.dumps({"request_id": "a", "payload": {}, **attributes}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (item(note="x" * 410_000), "must be at most 409,600 bytes (400 KB), has 410,025"),
        (
            item(request_id="ä" * 1025),
            "request_id must be at most 2,048 bytes, being the partition key, has 2,050",
        ),
        (item(request_id=""), "request_id must not be empty, being the partition key"),
        (item(request_id=7), "must have request_id, a string"),
        (
            '{"request_id": "a", "payload": {"b": ["\\ud83d"]}}',
            "payload.b[0] must have no half of a surrogate pair, got '\\ud83d'",
        ),
        (
            '{"request_id": "a", "\\ud83d": 1}',
            "the name '\\ud83d' must have no half of a surrogate pair",
        ),
        (item(**{"": 1}), "the name of an attribute must not be empty"),
        (item(payload={"": 1}), "the name of an attribute of payload must not be empty"),
        (item(**{"x" * 65_536: 1}), f"the name {'x' * 20}... must be at most 65,535 bytes"),
        (item(n=int("1" * 39)), "n must have at most 38 digits, has 39"),
        (
            item(payload={"n": 0.1}).replace("0.1", f"0.{'1' * 39}"),
            "payload.n must have at most 38 digits, has 39",
        ),
        (
            '{"request_id": "a", "n": ' + "1" * 5000 + "}",
            (
                "n must have at most 38 digits, has 5000\n"
                "n must be 0 or of a magnitude between 1E-130 and 9.99...E+125"
            ),
        ),
        (
            '{"request_id": "a", "n": 1e126}',
            "n must be 0 or of a magnitude between 1E-130 and 9.99...E+125",
        ),
        (
            '{"request_id": "a", "n": -1e-131}',
            "n must be 0 or of a magnitude between 1E-130 and 9.99...E+125",
        ),
        (
            '{"request_id": "a", "n": 1e9999999999999999999}',
            "n must be 0 or of a magnitude between 1E-130 and 9.99...E+125",
        ),
        (item() + "\u2028", "must be one JSON object; more begins in column 35 (U+2028)"),
        ("\x85" + item(), "is not JSON: expecting value in column 1 (U+0085)"),
        ('{"request_id": "a", "n": NaN}', "is not JSON: NaN is none of its numbers"),
        ('{"request_id": "a", "n": -Infinity}', "is not JSON: -Infinity is none of its numbers"),
        (
            '{"request_id": "a", "l": ' + "[" * 33 + "]" * 33 + "}",
            "l must nest at most 32 levels of lists and objects",
        ),
        (
            '{"request_id": "a", "l": ' + "[" * 99_999 + "]" * 99_999 + "}",
            "must nest at most 32 levels of lists and objects",
        ),
        ('{"request_id": "a", "request_id": "b"}', "request_id must be there once"),
        ('{"request_id": "a", "m": {"x": 1, "x": 2}}', "m.x must be there once"),
        ("[]", "must be a JSON object, one to a line, got a list"),
        ("7", "must be a JSON object, one to a line, got a number"),
        ("null", "must be a JSON object, one to a line, got null"),
        (item() + item(), "must be one JSON object; another begins in column 35"),
        ('{"request_id": "a"', "is not JSON: expecting ',' delimiter in column 19"),
        ('{"request_id":\u2028"a"}', "is not JSON: expecting value in column 15 (U+2028)"),
        ('{"request_id":\x85"a"}', "is not JSON: expecting value in column 15 (U+0085)"),
        ('{"request_id":\ufeff"a"}', "is not JSON: expecting value in column 15 (U+FEFF)"),
        (
            '{"request_id": "a\tb"}',
            "is not JSON: invalid control character in column 18 (U+0009)",
        ),
    ],
)
def test_what_dynamodb_would_refuse_is_named_with_its_line(
    tmp_path: Path, line: str, problem: str
) -> None:
    assert problems(tmp_path, f"{item()}\n{line}\n") == [
        f"2: {each}" for each in problem.split("\n")
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("\ufeff" + item(), "begins with a byte order mark: save the file as UTF-8 without one"),
        (item().encode("utf-16"), "begins with a byte order mark: save the file as UTF-8 without"),
        (b'{"request_id": "\xe4"}', "is not UTF-8: byte 17 of the line is 0xE4"),
    ],
)
def test_a_file_in_another_encoding_is_refused(
    tmp_path: Path, content: str | bytes, problem: str
) -> None:
    assert problems(tmp_path, content)[0].startswith(f"1: {problem}")


@pytest.mark.parametrize("content", ["", "\n\r\n  \n"])
def test_a_file_without_items_is_refused(tmp_path: Path, content: str) -> None:
    (problem,) = problems(tmp_path, content)

    assert problem.endswith("items.jsonl holds no items; it takes one JSON object a line")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ItemsError, match=r"none\.jsonl cannot be read: No such file or directory"):
        read_items(tmp_path / "none.jsonl", STREAM)


def test_all_mistakes_are_named_at_once_and_no_more_than_one_can_read(tmp_path: Path) -> None:
    assert problems(tmp_path, f"{item(request_id='')}\n{item(n=10**38 + 1, m=10**38 + 1)}\n") == [
        "1: request_id must not be empty, being the partition key",
        "2: n must have at most 38 digits, has 39",
        "2: m must have at most 38 digits, has 39",
    ]
    found = problems(tmp_path, "[]\n" * 1_020)
    assert len(found) == 21
    assert found[-1] == "... and 1,000 more"


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\x85", "\x0b", "\ufeff", "\U0001f600"])
def test_characters_that_are_no_end_of_a_line_of_json_may_stand_in_a_string(
    tmp_path: Path, char: str
) -> None:
    line = json.dumps({"request_id": f"a{char}b"}, ensure_ascii=char == "\x0b")

    assert written(tmp_path, line) == [{"request_id": {"S": f"a{char}b"}}]


def test_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    assert len(written(tmp_path, f"{item()}\r\n\r\n{item()}\r\n")) == 2


def test_values_have_their_own_types(tmp_path: Path) -> None:
    (found,) = written(
        tmp_path, '{"request_id": "a", "x": [1, 1.50, true, null, "s", {"y": 1e2}], "z": 0e500}'
    )

    assert found["x"] == {
        "L": [
            {"N": "1"},
            {"N": "1.50"},
            {"BOOL": True},
            {"NULL": True},
            {"S": "s"},
            {"M": {"y": {"N": "1E+2"}}},
        ]
    }


def test_38_digits_and_the_ends_of_the_range_are_numbers(tmp_path: Path) -> None:
    numbers = f"[{'9' * 38}, {'9' * 38}00, 1e-130, 9.99e125, -0.{'1' * 38}]"

    assert len(written(tmp_path, f'{{"request_id": "a", "n": {numbers}}}')) == 1


def test_sets_and_binary_are_written_where_the_contract_has_them(tmp_path: Path) -> None:
    line = '{"sensor": "a", "at": "1", "labels": ["x", "y"], "raw": "aGVsbG8="}'

    (found,) = written(tmp_path, line, READINGS)

    assert found["labels"] == {"SS": ["x", "y"]}
    assert found["raw"] == {"B": b"hello"}


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ('"labels": ["x", "x"]', "labels must have no member twice: it is a set"),
        ('"labels": []', "labels must be a list of at least one, all strings: it is a set"),
        ('"labels": ["x", 1]', "labels must be a list of at least one, all strings: it is a set"),
        ('"raw": "%"', "raw must be binary as a string of base64"),
        (
            f'"at": "{"x" * 1025}"',
            "at must be at most 1,024 bytes, being the sort key, has 1,025",
        ),
    ],
)
def test_what_the_contract_does_not_take_is_named(
    tmp_path: Path, attributes: str, problem: str
) -> None:
    line = f'{{"sensor": "a", "at": "1", {attributes}}}'.replace('"at": "1", "at"', '"at"')

    assert problems(tmp_path, line, READINGS) == [f"1: {problem}"]


def test_the_same_key_again_is_an_update_however_its_number_is_written(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text('{"number": 1}\n{"number": 1.0}\n{"number": 2}\n')

    writes = read_items(file, RequestsStream(request=Change[Counted]))

    assert [write.event for write in writes] == [
        EventName.INSERT,
        EventName.MODIFY,
        EventName.INSERT,
    ]


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"request_id": ""}\n')))

    with pytest.raises(ItemsError, match=r"^standard input:1: request_id must not be empty"):
        read_items(Path("-"), STREAM)


@pytest.mark.parametrize(
    ("typed", "size"),
    [
        ({"ab": {"S": "ä"}}, 4),
        ({"n": {"N": "12345"}}, 5),
        ({"n": {"N": "-1200.00"}}, 3),
        ({"b": {"BOOL": True}, "z": {"NULL": True}}, 4),
        ({"b": {"B": b"123"}}, 4),
        ({"l": {"L": [{"S": "a"}, {"NULL": True}]}}, 8),
        ({"m": {"M": {"ab": {"S": "c"}}}}, 8),
        ({"s": {"SS": ["a", "bc"]}, "t": {"NS": ["1"]}, "u": {"BS": [b"1"]}}, 9),
    ],
)
def test_an_items_size_is_counted_as_dynamodb_does(typed: Any, size: int) -> None:
    assert item_size(typed) == size
