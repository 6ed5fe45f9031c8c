"""Reading of what the local loops print, and of what their functions write."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.bench_local import FIGURES, OTHER, OURS, _table
from tests.benchmarks.local_loops import Line, LoopError, Output, Recorded, exported, table_name

PRINTED = """\
For another terminal:

unset AWS_PROFILE
export AWS_ENDPOINT_URL=http://127.0.0.1:37679
export AWS_SECRET_ACCESS_KEY=aZ/b=U0

Then, for example:

aws dynamodb put-item --region eu-west-1 --table-name requests-table --item '{"id": {"S": "1"}}'
aws logs tail --region eu-west-1 --follow requests-processor-log-group
""".splitlines()


def started(program: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def test_variables_are_those_that_are_exported() -> None:
    assert exported(PRINTED) == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:37679",
        "AWS_SECRET_ACCESS_KEY": "aZ/b=U0",
    }


def test_the_table_is_that_of_the_command() -> None:
    assert table_name(PRINTED) == "requests-table"


def test_lines_are_read_as_they_come_and_whole(tmp_path: Path) -> None:
    recorded = Recorded(file=tmp_path / "recorded")
    nothing = list(recorded.look())
    recorded.file.write_text("1.5 v1 request-0\n2.5 v1 requ", encoding="utf-8")
    one = list(recorded.look())
    with recorded.file.open("a", encoding="utf-8") as file:
        file.write("est-1\n3.5 v2 request-0\n")

    assert nothing == []
    assert one == [Line(time=1.5, version="v1", key="request-0")]
    assert recorded.look()[1:] == [
        Line(time=2.5, version="v1", key="request-1"),
        Line(time=3.5, version="v2", key="request-0"),
    ]
    assert recorded.times() == {"request-0": 1.5, "request-1": 2.5}


def test_a_process_is_ready_when_it_says_so() -> None:
    with started("print('Deploying'); print('Listening. Ctrl-C stops.')") as process:
        output = Output(process, "Listening.")
        output.wait()

    assert output.lines[:2] == ["Deploying", "Listening. Ctrl-C stops."]


def test_a_process_that_ends_before_it_is_ready_is_an_error_with_what_it_printed() -> None:
    with started("print('no such table')") as process:
        output = Output(process, "Listening.")

        with pytest.raises(LoopError, match="not ready; it printed last: no such table"):
            output.wait()


def test_the_other_loop_is_held_against_ours() -> None:
    figures = {
        "nothing": [4.0],
        "ready": [2.0, 4.0, 3.0],
        "first": [100.0],
        "single": [float(number) for number in range(1, 101)],
        "200": [1.0],
        "5,000": [10.0],
        "changed": [1.0],
    }
    other = {**figures, "ready": [15.0], "5,000": [9.0], "first": [600.0]}

    rows = {row[0]: row[1:] for row in _table({OURS: figures, OTHER: other}).rows}

    assert rows[FIGURES["ready"]] == ("3 (2.5–3.5)", "15", "5", "at least 4: met")
    assert rows[FIGURES["nothing"]] == ("4", "4", "1", "")
    assert rows["drain of 5,000 inserts, s"] == ("10", "9", "0.9", "at least 1: **missed**")
    assert rows["the same, p99, ms"][:2] == ("100", "100")
    assert rows["code change to the next record processed, s"] == ("1", "1", "1", "")


def test_without_the_other_loop_ours_is_held_to_its_own_target() -> None:
    figures = {name: [2.0] for name in ("single", *FIGURES)}

    rows = {row[0]: row[1:] for row in _table({OURS: figures}).rows}

    assert rows[FIGURES["nothing"]] == ("2", "", "at most 3 s: met")
    assert rows[FIGURES["ready"]] == ("2", "", "")
    assert rows["drain of 200 inserts, s"] == ("2", "", "")
