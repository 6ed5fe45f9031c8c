"""The command line: what it prints, what it refuses, and its exit codes."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from handler.config import RequestsStream, StreamViewType
from infra.capacity import documentation
from infra.capacity.command import main
from tests import pages
from tests.command_line import Done, call
from tests.project import FROZEN, PROJECT

SMALL = ("--writes-per-second", "10")


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stacks as they came, whatever the user's are."""
    monkeypatch.setattr("infra.capacity.settings.PROJECT", FROZEN)


def capacity(*arguments: str) -> Done:
    return call(partial(main, contract=RequestsStream()), *arguments)


def test_a_table_says_what_the_load_takes() -> None:
    done = capacity("--writes-per-second", "2000", "--record-kb", "2", "--process-ms", "15")

    lines = {line.partition("  ")[0].strip(): line for line in done.stdout.splitlines()}
    assert "4 (assumed: one for each 1,000 write units a second" in lines["shards"]
    assert "not at parallelizationFactor 1: 5 is the least" in lines["keeps up"]
    assert "20: 4 shards x parallelizationFactor 5" in lines["concurrency"]
    assert "2,000 write units a second, 5" in lines["memory of events"]
    assert "in the failure bucket" in done.stdout
    assert "DynamoDB, the table's writes" in done.stdout
    assert "prices of 20" in done.stdout
    assert done.returncode == 1


def test_what_fits_ends_with_0() -> None:
    assert capacity(*SMALL).returncode == 0


def test_a_burst_and_an_outage_have_a_line_each() -> None:
    done = capacity(*SMALL, "--burst", "500/2m", "--outage", "5m")

    assert "a burst of 500 writes a second for 2 min" in done.stdout
    assert "what process calls is down for 5 min" in done.stdout
    assert "at its worst" in done.stdout
    assert "after its end" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("writes", ["1", "1000000"])
def test_it_answers_from_one_write_a_second_to_a_million(writes: str) -> None:
    done = capacity("--writes-per-second", writes, "--outage", "30h")

    assert "at its worst          6 h" in done.stdout
    assert done.stderr == ""


MISTAKES = {
    "--writes-per-second 0": "must be a number of writes between 1 and 1,000,000, got 0",
    "--writes-per-second 1000001": "between 1 and 1,000,000, got 1000001",
    "--writes-per-second nan": "got nan",
    "--writes-per-second many": "got many",
    "--record-kb 401": "--record-kb must be a size in KB between 0.1 and 400, got 401",
    "--process-ms -1": "--process-ms must be a time in milliseconds between 0 and 900,000",
    "--passing 0": "--passing must be a share in percent between 0.1 and 100, got 0",
    "--burst 8000": "--burst must be like 8000/10m, got 8000",
    "--burst 8000/10": "--burst must be like 90s, 30m, 2h or 1d12h, up to 48h, got 10",
    "--burst 5/10m": "--burst must be more than --writes-per-second",
    "--outage 30": "--outage must be like 90s, 30m, 2h or 1d12h, up to 48h, got 30",
    "--outage 30m1d": "got 30m1d",
    "--outage -5m": "got -5m",
    "--passing -1%": "got -1",
    "--writes-per-second 1,00": "got 1,00",
    "--outage 49h": "up to 48h, got 49h",
    "--outage 0m": "got 0m",
    "--shards 1.5": "--shards must be a whole number, got 1.5",
    "--plot age.png": "--plot must name an .svg file, got age.png",
    "--plot /nowhere/age.svg": "--plot must be in a folder that exists",
    "--pipeline payments": "--pipeline is one of a stack: name that too, with --stack",
    "--stack nowhere": "nowhere",
    "--stack=": "--stack must be a name, got nothing",
    "--stack prod --pipeline requets": "there is no pipeline requets; known are requests",
    "--stack prod --config eventSource.batchSize=0": "batchSize must be between 1 and 10000",
    "--config batchSize": "--config must be like eventSource.batchSize=1, got batchSize",
    "--config eventSource.batchSize=0": "eventSource.batchSize must be between 1 and 10000",
}


@pytest.mark.parametrize(("words", "message"), MISTAKES.items(), ids=MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(words: str, message: str) -> None:
    done = capacity(*SMALL, *words.split())

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_all_mistakes_are_said_at_once() -> None:
    done = capacity(
        *("--writes-per-second", "0", "--record-kb", "x", "--burst", "1", "--outage", "2"),
        *("--config", "eventSource.batchSize=0", "--config", "function.timeout=901"),
    )

    assert done.stderr.count(" must be ") == 6
    assert done.stderr.count("\n") == 1


def test_without_a_load_the_question_has_a_mistake_like_any_other() -> None:
    done = capacity("--outage", "2")

    assert done.returncode == 2
    assert "error: --writes-per-second must be given: up to 1,000,000; --outage" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--writes-per-second 1_0", "10 writes a second"),
        ("--writes-per-second 1e3", "1,000 writes a second"),
        ("--writes-per-second 1,000", "1,000 writes a second"),
        ("--writes-per-second 9 --outage 1h30m", "down for 90 min"),
        ("--writes-per-second 9 --outage 1d", "down for 24 h"),
    ],
)
def test_numbers_and_times_are_taken_as_people_write_them(words: str, said: str) -> None:
    assert said in capacity(*words.split()).stdout


@pytest.mark.slow
def test_a_record_carries_what_the_contract_says_unless_the_stack_does() -> None:
    both = RequestsStream(view_type=StreamViewType.NEW_AND_OLD_IMAGES)
    by_setting = capacity(*SMALL, "--config", "stream.viewType=KEYS_ONLY")

    assert "its images (2)" in call(partial(main, contract=both), *SMALL).stdout
    assert "its images (1)" in capacity(*SMALL).stdout
    assert "its images (0)" in by_setting.stdout


def test_a_write_that_fails_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "age.svg").mkdir()

    done = capacity(*SMALL, "--plot", str(tmp_path / "age.svg"))

    assert done.returncode == 2
    assert "error: --plot cannot be written" in done.stderr


def test_the_settings_are_the_stacks_and_the_changes_go_over_them() -> None:
    dev = capacity(*SMALL, "--stack", "dev", "--shards", "4")
    changed = capacity(
        *SMALL, "--stack", "dev", "--shards", "4", "--config", "eventSource.batchSize=7"
    )

    assert "(batchSize 50)" in dev.stdout
    assert "(batchSize 7)" in changed.stdout


def test_the_plot_is_an_svg_with_burst_and_outage(tmp_path: Path) -> None:
    file = tmp_path / "age.svg"

    capacity(*SMALL, "--burst", "500/2m", "--outage", "5m", "--plot", str(file))

    drawing = file.read_text(encoding="utf-8")
    assert ET.fromstring(drawing).tag.endswith("svg")  # noqa: S314 - it is our own
    assert ">burst, 2 min<" in drawing
    assert ">outage, 5 min<" in drawing


@pytest.mark.slow
def test_the_same_question_has_the_same_answer_and_the_same_plot(tmp_path: Path) -> None:
    asked = (*SMALL, "--outage", "30m", "--plot")

    answers = [capacity(*asked, str(tmp_path / name)).stdout for name in ("a.svg", "b.svg")]

    assert answers[0] == answers[1]
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


OUTPUTS = {
    "functionName": "requests-processor-1a2b3c4",
    "functionArn": "arn:aws:lambda:ap-southeast-2:123456789012:function:requests-processor-1a2b3c4",
    "streamArn": "arn:aws:dynamodb:ap-southeast-2:123456789012:table/requests/stream/2026",
}


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    script = tmp_path / "pulumi"
    script.write_text(f"#!/bin/sh\nexec cat {tmp_path}/outputs.json\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


@pytest.mark.usefixtures("pulumi")
def test_a_deployed_stack_says_how_many_shards_its_stream_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = boto3.client(
        "dynamodbstreams", "us-east-1", aws_access_key_id="a", aws_secret_access_key="a"
    )
    stub = Stubber(client)
    closed = {"StartingSequenceNumber": 21 * "1", "EndingSequenceNumber": 21 * "2"}
    pages = [
        {
            "Shards": [_shard("a", closed), _shard("b", {})],
            "LastEvaluatedShardId": "shardId-" + 20 * "b",
        },
        {"Shards": [_shard("c", {"StartingSequenceNumber": 21 * "3"})]},
    ]
    for page in pages:
        stub.add_response("describe_stream", {"StreamDescription": page})
    regions: list[str | None] = []

    def of_region(name: str, region_name: str | None) -> object:
        assert name == "dynamodbstreams"
        regions.append(region_name)
        return client

    monkeypatch.setattr("infra.capacity.deployed.boto3.client", of_region)
    with stub:
        done = capacity(*SMALL, "--stack", "prod")

    assert "2 (open in the stack's stream)" in done.stdout
    assert regions == ["ap-southeast-2"]


def _shard(name: str, numbers: dict[str, str]) -> dict[str, object]:
    return {"ShardId": "shardId-" + 20 * name, "SequenceNumberRange": numbers}


@pytest.mark.slow
def test_a_stack_that_nobody_can_be_asked_about_has_its_shards_assumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    done = capacity(*SMALL, "--stack", "prod")

    assert "note: the stream of stack prod was not asked: the Pulumi CLI" in done.stderr
    assert "4 (assumed" in done.stdout
    assert done.returncode == 0


@pytest.mark.slow
def test_the_documentations_example_is_what_the_command_prints_and_draws() -> None:
    pages.file("scaling.md")  # skipped where docs/ was removed

    done = call(documentation.main, "--check")

    assert (done.returncode, done.stderr) == (0, "")
    assert len(documentation.documents(PROJECT)) == 2


@pytest.mark.slow
def test_the_documentation_is_written_anew_and_a_page_without_its_block_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "scaling.md"
    begin, end = "written by `make docs` from infra/capacity", "end of the capacity"
    page.write_text(f"Mine.\n<!-- capacity: {begin} -->\nold\n<!-- {end} -->\nStays.\n")
    monkeypatch.setattr(documentation, "PROJECT", tmp_path)

    assert call(documentation.main, "--check").returncode == 1
    assert call(documentation.main).returncode == 0

    assert "old" not in page.read_text()
    assert page.read_text().endswith("Stays.\n")
    assert page.with_name("capacity.svg").exists()
    page.write_text("All mine.\n")
    assert documentation.documents(tmp_path) == {}


def test_the_command_helps_without_what_takes_long_to_import() -> None:
    program = (
        "import sys; from infra.capacity.command import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'pulumi', 'boto3', 'asyncio'} & set(sys.modules), sys.modules.keys()"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "--writes-per-second" in done.stdout


@pytest.mark.slow
def test_the_command_runs_from_the_shell() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.capacity", "--writes-per-second", "10"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("10 writes a second of 1 KB, 50% pass the filter")
