"""`python -m infra.local` as a user runs it: exit codes, messages, and nothing left running."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local import deploy
from infra.local.aws.emulator import Emulator
from infra.local.command import main
from infra.local.program.run import declared_by_program
from tests import pages, picture
from tests.command_line import Done, call
from tests.integration.conftest import Deploy, item
from tests.processes import PATIENCE, children_of, is_running, wait_until
from tests.project import FROZEN, copy_of_project
from tests.terminal import CTRL_C, on_terminal

COMMAND = [sys.executable, "-m", "infra.local"]


def run(*arguments: str) -> Done:
    return call(main, *arguments)


def command(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """The real one."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(autouse=True)
def of_the_frozen_project(frozen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the demo is called in this process."""
    deployed = partial(deploy, project=FROZEN, code=frozen)
    declared = partial(declared_by_program, project=FROZEN)
    monkeypatch.setattr("infra.local.demo.PROJECT", frozen)
    monkeypatch.setattr("infra.local.demo.deploy", deployed)
    monkeypatch.setattr("infra.local.demo.declared_by_program", declared)
    monkeypatch.setattr("infra.local.command.default_stack", lambda: "dev")


@pytest.fixture
def running_aws(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo deploys to it in place of starting one."""
    monkeypatch.setattr("infra.local.demo.deploy", deploy)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the program that a test may spoil."""
    return copy_of_project(tmp_path / "project")


def test_the_demo_processes_every_insert_and_says_so(frozen: Path) -> None:
    result = command("demo", folder=frozen)

    assert result.returncode == 0, result.stderr
    assert "Every record that the filter let through was processed: 12 of 12." in result.stdout
    assert re.search(r"\nPolledEventCount +18  records read from the stream\n", result.stdout)
    assert re.search(
        r'\nFilteredOutEventCount +6  kept away by the filter \{"eventName":\["INSERT"\]\}\n',
        result.stdout,
    )
    assert "This stack has no alarms" in result.stdout
    assert "\x1b" not in result.stdout
    assert f"$ make demo\n{picture.settled(result.stdout)}```" in pages.text("local-run.md")
    # `make picture` draws it anew.
    assert picture.drawn(result.stdout) == picture.FILE.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.usefixtures("running_aws")
def test_the_demo_of_the_production_stack_works_too() -> None:
    result = run("demo", "--stack", "prod", "--count", "3")

    assert result.returncode == 0, result.stderr
    assert "Every record that the filter let through was processed: 3 of 3." in result.stdout
    assert "None of 13 alarms would fire." in result.stdout


@pytest.mark.usefixtures("running_aws")
def test_the_demo_says_which_alarm_would_fire(tmp_path: Path) -> None:
    items = tmp_path / "items.jsonl"
    items.write_text('{"request_id": "a"}\n')

    result = run("demo", "--items", str(items), "--config", "monitoring.enabled=true")

    assert "\nALARM Rejected 1 (requests-processor-rejected): The handler parked" in result.stdout
    assert "would fire" not in result.stdout


@pytest.mark.usefixtures("running_aws")
def test_the_demo_writes_a_file_of_items(tmp_path: Path) -> None:
    items = tmp_path / "items.jsonl"
    items.write_text('{"request_id": "a", "payload": {"n": 1.5}}\n\n{"request_id": "b"}\n')

    result = run("demo", "--items", str(items))

    assert result.returncode == 1
    assert "Not every record that the filter let through was processed: 1 of 2." in result.stdout
    assert re.search(r"\nRejected +1  records rejected and parked\n", result.stdout)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("", "holds no items"),
        ('{"request_id": "a"}\n{"id": "b"}\n[]\n{\n', ":2: must have request_id, a string"),
        ('{"request_id": "a"}\n[]\n', ":2: must be a JSON object"),
        ("{\n", ":1: is not JSON"),
        ('{"request_id": "a", "n": 1e500}', ":1: n must be 0 or of a magnitude between 1E-130"),
    ],
)
def test_a_bad_file_of_items_is_refused_before_anything_is_deployed(
    tmp_path: Path, content: str | None, message: str
) -> None:
    items = tmp_path / "items.jsonl"
    if content is not None:
        items.write_text(content)

    result = run("demo", "--items", str(items))

    assert result.returncode == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_what_the_image_would_lack_is_missed_here_too(project: Path) -> None:
    process = project / "handler/process.py"
    process.write_text("import yaml\n" + process.read_text(encoding="utf-8"), encoding="utf-8")

    result = command("demo", folder=project)

    assert result.returncode == 2
    assert "No module named 'yaml'" in result.stderr
    assert "handler/requirements.txt: add one to the group `handler`" in result.stderr


@pytest.mark.usefixtures("running_aws")
def test_with_an_existing_image_the_demo_says_which_code_runs() -> None:
    result = run(
        "demo", "--count", "1", "--config", "image.repository=orders", "--config", "image.tag=v1"
    )

    assert result.returncode == 0, result.stderr
    assert re.search(
        r"requests-processor has the existing image \S+orders@\S+; what runs here is handler/\n",
        result.stdout,
    )


@pytest.mark.usefixtures("running_aws")
def test_a_filter_that_lets_nothing_through_is_no_success_in_disguise() -> None:
    nothing = "eventSource.filters=[{dynamodb: {Keys: {request_id: {S: [nobody]}}}}]"

    result = run("demo", "--count", "1", "--config", nothing)

    assert "The filter let none of 1 record through: nothing was processed." in result.stdout
    assert "First record processed after" not in result.stdout


def test_items_of_the_users_own_take_the_place_of_those_made_up(project: Path) -> None:
    yours = project / "tests/yours/items.jsonl"
    yours.parent.mkdir(parents=True)
    yours.write_text('{"request_id": "mine", "payload": {"a": 1}}\n', encoding="utf-8")

    result = command("demo", folder=project)

    assert result.returncode == 0, result.stderr
    assert "Wrote to requests-table: 1 insert, 0 updates, 0 removals\n" in result.stdout


def test_a_file_that_the_image_would_lack_is_named(project: Path) -> None:
    (project / "handler/prices.json").write_text("{}", encoding="utf-8")

    result = command("demo", "--count", "1", folder=project)

    assert result.returncode == 0, result.stderr
    assert "Not in the image, and so not here: prices.json. handler/.dockerignore" in result.stdout


def test_a_stack_that_is_not_there_is_refused_with_those_that_are() -> None:
    result = run("demo", "--stack", "staging")

    assert result.returncode == 2
    assert result.stderr == (
        "error: there is no stack staging: Pulumi.staging.yaml is missing; known: dev, prod\n"
    )


def test_a_port_that_is_taken_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = run("demo", "--port", str(port))

    assert result.returncode == 2
    assert result.stderr == f"error: port {port} of 127.0.0.1 is taken; name another, or none\n"


@pytest.mark.usefixtures("running_aws")
def test_a_value_on_the_command_line_goes_over_the_stack_files() -> None:
    result = run("demo", "--config", "eventSource.batchSize=1", "--count", "3")

    assert re.search(r"\nInvocations +3  of the handler\n", result.stdout)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("eventSource", "must be like eventSource.batchSize=1, got eventSource"),
        ("eventSource..batchSize=1", "must be like eventSource.batchSize=1"),
        ("eventSource.filters=[", "the value must be YAML, got eventSource.filters=["),
    ],
)
def test_a_value_in_no_form_is_refused(setting: str, message: str) -> None:
    result = run("demo", "--config", setting)

    assert result.returncode == 2
    assert message in result.stderr


@pytest.mark.each_commit
def test_a_key_that_does_not_exist_is_answered_with_the_nearest() -> None:
    result = run("demo", "--config", "evntSource.batchSize=1")

    assert result.returncode == 2
    assert "requests-processor:evntSource is unknown; did you mean eventSource?" in result.stderr


@pytest.mark.slow  # a copy of the project
def test_a_handler_that_cannot_be_imported_is_one_line(project: Path) -> None:
    process = project / "handler" / "process.py"
    process.write_text("import nowhere\n" + process.read_text())

    result = command("demo", folder=project)

    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: the handler cannot be imported: Runtime.ImportModuleError: ")
    assert "No module named 'nowhere'" in line


@pytest.mark.slow  # a copy of the project
def test_a_mistake_in_the_stack_file_is_the_programs_own_message(project: Path) -> None:
    stack = project / "Pulumi.dev.yaml"
    stack.write_text(stack.read_text().replace("batchSize: 50", "batchSize: 0"))

    result = command("demo", folder=project)

    assert result.returncode == 2
    assert "requests-processor:eventSource.batchSize must be between 1 and 10000" in result.stderr
    assert "Traceback" not in result.stderr


def replace_process(project: Path, body: str) -> Path:
    """Gives the project another `process`."""
    process = project / "handler" / "process.py"
    process.write_text(
        "from handler.records import RejectedRequestError, Request\n\n\n"
        f"def process(request: Request) -> None:\n    {body}\n"
    )
    return process


def test_a_demo_with_a_failing_handler_ends_at_the_first_repeating_error_and_says_what_to_do(
    project: Path,
) -> None:
    replace_process(project, 'raise KeyError("order " + request.request_id)')

    result = command("demo", "--count", "3", folder=project)

    assert result.returncode == 1, result.stderr
    assert "Not every record that the filter let through was processed: 0 of 3." in result.stdout
    error = "The handler fails again and again: KeyError: 'order request-0001'"
    assert f"{error} (handler/process.py:5)\n" in result.stdout
    assert result.stdout.count("Traceback (most recent call last)") == 1
    assert "Mend it and run the demo again." in result.stdout
    assert "Traceback" not in result.stderr
    assert not re.search("processed after|settled after", result.stdout), "nothing was"


@pytest.mark.slow
def test_a_demo_whose_handler_raises_beside_the_batch_shows_that_error(project: Path) -> None:
    (project / "handler" / "app.py").write_text(
        "def handler(event, context):\n    raise OSError('the whole batch')\n"
    )

    result = command("demo", "--count", "3", folder=project)

    assert result.returncode == 1
    assert "fails again and again: OSError: the whole batch (handler/app.py:2)" in result.stdout


@pytest.mark.slow
def test_a_demo_whose_handler_reports_without_a_word_says_what_it_answered(project: Path) -> None:
    (project / "handler" / "app.py").write_text(
        "def handler(event, context):\n    return {'batchItemFailures': [7]}\n"
    )

    result = command("demo", "--count", "3", folder=project)

    assert result.returncode == 1
    answer = '{"batchItemFailures": [7]}'
    assert f"again and again: the answer does not name it, {answer}\n" in result.stdout


@pytest.mark.slow
def test_the_demo_says_of_a_handler_that_hangs_before_its_timeout(project: Path) -> None:
    replace_process(project, "import time; time.sleep(60)")

    result = command("demo", "--count", "1", "--config", "function.timeout=5", folder=project)

    assert result.returncode == 1
    assert "no answer from the handler for 2 s; it is given until its timeout" in result.stderr
    assert "Task timed out after 5.00 seconds" in result.stdout


@pytest.mark.slow
def test_the_demo_says_why_an_item_was_rejected(project: Path) -> None:
    replace_process(project, 'raise RejectedRequestError("this shop is closed")')

    result = command("demo", "--count", "1", folder=project)

    assert result.returncode == 1
    assert "rejected: RejectedRequestError: this shop is closed; kept as rejected/" in result.stdout


@pytest.mark.usefixtures("running_aws")
def test_the_demo_judges_by_what_the_filter_lets_through() -> None:
    result = run("demo", "--config", "stream.events=[INSERT,MODIFY]")

    assert result.returncode == 0, result.stderr
    assert "Every record that the filter let through was processed: 16 of 16." in result.stdout


@pytest.mark.usefixtures("running_aws")
def test_one_of_anything_is_in_the_singular() -> None:
    assert "Wrote to requests-table: 1 insert, 0 updates, 0 removals" in (
        run("demo", "--count", "1").stdout
    )


@pytest.fixture
def up(request: pytest.FixtureRequest, frozen: Path) -> Iterator["subprocess.Popen[str]"]:
    with started("up", *getattr(request, "param", ()), folder=frozen) as process:
        yield process


@contextlib.contextmanager
def started(
    *arguments: str, folder: Path, python: tuple[str, ...] = ()
) -> Iterator["subprocess.Popen[str]"]:
    """A command in a process; `python` are options of Python's own."""
    process = subprocess.Popen(
        [sys.executable, *python, "-m", "infra.local", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        if not all(stream is None or stream.closed for stream in (process.stdout, process.stderr)):
            process.communicate()


def read_until(process: "subprocess.Popen[str]", text: str) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or text not in lines[-1]:
        line = process.stdout.readline()
        assert line, lines
        lines.append(line)
    return lines


@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(signal.SIGINT, id="SIGINT"),
        pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, id="SIGHUP", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, id="SIGKILL", marks=pytest.mark.slow),
    ],
)
def test_up_shows_records_and_leaves_nothing_running_however_it_is_stopped(
    up: "subprocess.Popen[str]", stop: signal.Signals
) -> None:
    put_into(read_until(up, "Listening"))
    shown = read_until(up, "INSERT")
    children = children_of(up.pid)

    up.send_signal(stop)
    rest, errors = up.communicate(timeout=PATIENCE)

    assert "Traceback" not in errors
    assert 'INSERT {"request_id": {"S": "from-another-terminal"}}' in shown[-1]
    assert children
    # The kernel tells a killed process' children right after its death.
    wait_until(lambda: not any(map(is_running, children)))
    if stop is not signal.SIGKILL:
        assert up.returncode == 0
        assert "Stopped; nothing is left running." in rest


def environment_in(introduction: list[str]) -> dict[str, str]:
    """What `up` prints for another terminal."""
    return dict(
        line.removeprefix("export ").rstrip("\n").split("=", 1)
        for line in introduction
        if line.startswith("export ")
    )


def put_into(introduction: list[str], written: Mapping[str, Any] | None = None) -> None:
    """Writes an item as from another terminal."""
    put = subprocess.run(
        [sys.executable, "-c", PUT, json.dumps(written or item("from-another-terminal"))],
        env={**os.environ, **environment_in(introduction)},
        check=False,
    )
    assert put.returncode == 0


def test_on_a_terminal_the_flow_is_a_live_table_below_what_is_printed(frozen: Path) -> None:
    with on_terminal("-m", "infra.local", "up", folder=frozen) as up:
        introduction = up.read_until("oldest")
        put_into(introduction.splitlines(keepends=True))
        up.read_until("processed\n")
        up.read_until(" 1             0        0          0          1         0         0       -")
        up.press(CTRL_C)
        drawn = up.read_to_the_end()

    assert up.process.returncode == 0
    # The line of the record stands where the table was, and the table is drawn anew below it.
    assert re.search(r"\x1b\[1A\x1b\[2K *INSERT .+ processed\r\n.*─", up.raw)
    assert drawn.rstrip().endswith("Stopped; nothing is left running.")
    assert "settled" not in drawn
    assert up.raw.rindex("\x1b[?25h") > up.raw.rindex("\x1b[?25l"), "the cursor is hidden"


def test_elsewhere_the_flow_is_a_line_each_time_that_all_is_settled(
    up: "subprocess.Popen[str]",
) -> None:
    put_into(read_until(up, "Listening"))

    assert read_until(up, "has settled")[-1] == (
        "requests-processor has settled all: 1 written, 0 filtered out, 1 processed, "
        "0 rejected, 0 given up\n"
    )


def test_the_demo_shows_the_flow_while_it_lasts_and_leaves_the_figures(frozen: Path) -> None:
    with on_terminal("-m", "infra.local", "demo", folder=frozen) as demo:
        drawn = demo.read_to_the_end()

    assert demo.process.returncode == 0
    assert "in flight" in drawn
    assert re.search(r"in flight.+\n.+\x1b\[1A\x1b\[2K", demo.raw, re.DOTALL)
    assert demo.raw.rindex("in flight") < demo.raw.rindex("\x1b[1A\x1b[2KPolledEventCount")


@pytest.mark.slow
@pytest.mark.parametrize("up", [("--config", "monitoring.enabled=true")], indirect=True)
def test_up_says_of_an_alarm_that_it_would_fire(up: "subprocess.Popen[str]") -> None:
    introduction = read_until(up, "Listening")
    put_into(introduction, {"request_id": {"S": "poison"}})
    shown = read_until(up, "ALARM")
    up.send_signal(signal.SIGINT)
    _, errors = up.communicate(timeout=PATIENCE)

    assert "None of 13 alarms would fire.\n" in introduction
    assert "export FUNCTION_NAME=requests-processor MAPPING_UUID=" in "".join(introduction)
    assert shown[-1].startswith("ALARM Rejected 1 (requests-processor-rejected): ")
    assert errors.replace("monitoring.subscriptions is empty", "").count("\n") <= 1
    assert up.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("up", [("--config", "table.ttlEnabled=true")], indirect=True)
def test_up_removes_by_itself_what_is_past_its_time_to_live(up: "subprocess.Popen[str]") -> None:
    environment = environment_in(read_until(up, "Listening"))
    past = {"N": str(int(time.time()) - 10)}
    dynamodb: Any = boto3.client(
        "dynamodb",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    name = "requests-table"
    dynamodb.put_item(TableName=name, Item={**item("past"), "expires_at": past})

    wait_until(lambda: dynamodb.scan(TableName=name)["Count"] == 0)


def test_expire_removes_from_a_running_aws_and_counts(aws: Emulator) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="mine",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.update_time_to_live(
        TableName="mine", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    past = {"N": str(int(time.time()) - 10)}
    dynamodb.put_item(TableName="mine", Item={"id": {"S": "a"}, "until": past})

    first = run("expire", "--endpoint", aws.endpoint)
    second = run("expire", "--endpoint", aws.endpoint)

    assert (first.returncode, first.stdout) == (0, "1 item removed\n")
    assert (second.returncode, second.stdout) == (0, "0 items removed\n")


def test_expire_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    nowhere = run("expire")
    gone = run("expire", "--endpoint", "http://127.0.0.1:1")

    assert nowhere.returncode == gone.returncode == 2
    assert "name the embedded AWS: by AWS_ENDPOINT_URL" in nowhere.stderr
    assert "no embedded AWS answers at http://127.0.0.1:1" in gone.stderr


def test_up_shows_what_the_handler_prints_and_tries_a_saved_fix_at_once(project: Path) -> None:
    process = replace_process(project, 'print("at it"); raise ValueError("not yet")')
    with started("up", folder=project) as up:
        introduction = read_until(up, "Listening")
        put_into(introduction)
        failing = read_until(up, "next attempt")
        replace_process(project, 'print("mended")')
        mended = read_until(up, "processed")
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=PATIENCE)

    shown = "".join(introduction)
    (unset,) = re.findall(r"^unset (.+)$", shown, re.MULTILINE)
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_DYNAMODB"} <= {*unset.split()}
    assert not {*unset.split()} & {*re.findall(r"^export (\w+)=", shown, re.MULTILINE)}
    assert "aws logs tail " in shown
    assert "The log group is requests-processor-log-group, the failure bucket requests-" in shown
    assert "  | at it\n" in failing
    assert any("failed: ValueError: not yet (handler/process.py:5)" in line for line in failing)
    assert failing[-1].startswith("next attempt with 1 record in 0.")
    assert any(line.startswith(process.name) and "changed" in line for line in mended)
    assert "  | mended\n" in mended


def test_saving_a_fix_ends_an_invocation_that_hangs(project: Path) -> None:
    replace_process(project, "import time; time.sleep(600)")
    with started("up", "--config", "function.timeout=600", folder=project) as up:
        put_into(read_until(up, "Listening"))
        read_until(up, "no answer from the handler for 2 s")
        replace_process(project, 'print("mended")')
        mended = read_until(up, "processed")
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=PATIENCE)

    hung = "failed: InterruptedError: a change was saved (handler/process.py:5)\n"
    assert any(line.endswith(hung) for line in mended)
    assert "next attempt with 1 record at once\n" in mended
    assert "  | mended\n" in mended


PUT = """
import json, sys
import boto3
boto3.client("dynamodb").put_item(TableName="requests-table", Item=json.loads(sys.argv[1]))
"""


def test_filter_says_which_part_decided(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"eventName": "MODIFY", "eventID": "1"}')

    result = run("filter", "--pattern", '{"eventName":["INSERT"]}', "--event", str(event))

    assert result.returncode == 1
    assert "eventName" in result.stdout
