"""A command is stopped, at any moment: nothing is left of it, and no traceback is printed.

Each moment is known by what the command prints or takes by then; none is waited for by the clock.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.integration.conftest import item
from tests.processes import PATIENCE, children_of, is_running, wait_until
from tests.project import PROJECT, copy_of_project
from tests.terminal import CTRL_C, on_terminal

SIGNALS: Final = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@dataclass(kw_only=True, slots=True)
class Command:
    """A command that runs, with a temporary folder of its own."""

    process: "subprocess.Popen[bytes]"
    temporary: Path
    children: list[int] = field(default_factory=list)
    """All that it was ever seen to start."""

    def read_until(self, text: str) -> str:
        """What it prints, errors too, up to the line with the text."""
        assert self.process.stdout is not None
        lines: list[str] = []
        while not lines or text not in lines[-1]:
            line = self.process.stdout.readline().decode()
            assert line, lines
            lines.append(line)
        return "".join(lines)

    def stop(self, number: signal.Signals) -> None:
        self.children += children_of(self.process.pid)
        self.process.send_signal(number)

    def end(self) -> str:
        """What else it prints; nothing that it started or made is there any more."""
        rest = self.process.communicate(timeout=PATIENCE)[0].decode()
        assert "Traceback" not in rest, rest
        # The kernel tells a killed process' children right after its death.
        wait_until(lambda: not any(map(is_running, self.children)))
        assert list(self.temporary.iterdir()) == []
        return rest


@contextlib.contextmanager
def begun(*arguments: str, folder: Path, temporary: Path, python: str = "") -> Iterator[Command]:
    """`arguments` begin with the module; `python` is an option of Python's own."""
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, *([python] if python else []), "-m", *arguments],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(temporary)},
    )
    try:
        yield Command(process=process, temporary=temporary)
    finally:
        process.kill()
        if process.stdout is not None and not process.stdout.closed:
            process.communicate()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Its program says that it runs, and then waits for as long as the test wants."""
    folder = copy_of_project(tmp_path / "project")
    program = folder / "__main__.py"
    waiting = "import time\nprint('the program runs', flush=True)\ntime.sleep(600)\n"
    program.write_text(program.read_text(encoding="utf-8") + waiting, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "module", ["capacity", "filters", "image_check", "impact", "local", "replay"]
)
def test_a_command_that_is_being_imported_just_ends(module: str, tmp_path: Path) -> None:
    name = f"infra.{module}"
    with begun(name, folder=PROJECT, temporary=tmp_path / "t", python="-Ximporttime") as command:
        command.read_until(" infra.stopping")
        command.read_until("import time:")  # the first that the command's own module needs
        command.stop(signal.SIGINT)

        command.end()

    # Without arguments it would end by itself with 2, if the signal came too late.
    assert command.process.returncode == -signal.SIGINT


@pytest.mark.parametrize("name", ["up", "demo"])
def test_the_emulator_starts_while_the_command_is_imported(
    name: str, frozen: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "t"
    with begun(
        "infra.local", name, folder=frozen, temporary=folder, python="-Ximporttime"
    ) as command:
        command.read_until(" pulumi.runtime")
        command.stop(signal.SIGINT)

        command.end()

    assert len(command.children) == 1
    assert command.process.returncode == -signal.SIGINT


@pytest.mark.parametrize("name", ["up", "demo"])
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_while_the_emulator_starts(
    name: str, number: signal.Signals, frozen: Path, tmp_path: Path
) -> None:
    with begun("infra.local", name, folder=frozen, temporary=tmp_path / "t") as command:
        command.read_until("Deploying")
        wait_until(lambda: children_of(command.process.pid) != [])
        command.stop(number)

        rest = command.end()

    assert "topped; nothing is left running" in rest
    assert command.process.returncode == (0 if name == "up" else 130)


@pytest.mark.parametrize("name", ["up", "demo"])
def test_while_the_program_runs(name: str, project: Path, tmp_path: Path) -> None:
    with begun("infra.local", name, folder=project, temporary=tmp_path / "t") as command:
        command.read_until("the program runs")
        command.stop(signal.SIGINT)

        rest = command.end()

    assert "topped; nothing is left running" in rest


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_while_the_demo_writes_and_records_flow(
    number: signal.Signals, frozen: Path, tmp_path: Path
) -> None:
    arguments = ("infra.local", "demo", "--count", "100000")
    with begun(*arguments, folder=frozen, temporary=tmp_path / "t") as command:
        command.read_until("Ready in")
        wait_until(lambda: len(children_of(command.process.pid)) > 1)
        command.stop(number)

        rest = command.end()

    assert "stopped; nothing is left running" in rest
    assert command.process.returncode == 130


PUT: Final = f"""
import boto3
for number in range(500):
    boto3.client("dynamodb").put_item(TableName="requests-table", Item={item("a")!r})
"""


def test_ctrl_c_again_and_again_while_records_flow_and_while_it_stops(
    frozen: Path, tmp_path: Path
) -> None:
    with begun("infra.local", "up", folder=frozen, temporary=tmp_path / "t") as command:
        printed = command.read_until("Listening")
        exports = [each for each in printed.splitlines() if each.startswith("export ")]
        environment = dict(each.removeprefix("export ").split("=", 1) for each in exports)
        writing = subprocess.Popen(
            [sys.executable, "-c", PUT],
            env={**os.environ, **environment},
            stderr=subprocess.DEVNULL,
        )
        try:
            command.read_until("processed")
            stop_until_it_ends(command)
            rest = command.end()
        finally:
            writing.kill()
            writing.wait()

    port = int(environment["AWS_ENDPOINT_URL"].rpartition(":")[2])
    with socket.socket() as there:
        assert there.connect_ex(("127.0.0.1", port)) != 0, "the port is still open"
    assert "Stopped; nothing is left running." in rest
    assert command.process.returncode == 0


def stop_until_it_ends(command: Command) -> None:
    """As somebody does who has no patience."""
    end = time.monotonic() + PATIENCE
    while command.process.poll() is None and time.monotonic() < end:
        command.stop(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.process.wait(0.05)


def test_a_terminal_that_is_closed_ends_what_runs_on_it(frozen: Path, tmp_path: Path) -> None:
    with on_terminal("-m", "infra.local", "up", folder=frozen, temporary=tmp_path) as up:
        up.read_until("oldest")
        children = children_of(up.process.pid)
        up.close()
        up.process.wait(PATIENCE)

    assert children
    wait_until(lambda: not any(map(is_running, children)))
    assert list(tmp_path.glob("*-*")) == []


def groups_below(parent: int) -> set[int]:
    """The process groups of what a process has started."""
    groups = set[int]()
    for child in children_of(parent):
        with contextlib.suppress(ProcessLookupError):  # it may have ended meanwhile
            groups.add(os.getpgid(child))
    return groups


def test_ctrl_c_on_a_terminal_leaves_it_as_it_was(frozen: Path, tmp_path: Path) -> None:
    with on_terminal("-m", "infra.local", "demo", folder=frozen, temporary=tmp_path) as demo:
        demo.read_until("Deploying")
        # The terminal interrupts a whole group: what is needed for an end in order is in another.
        wait_until(lambda: groups_below(demo.process.pid) - {os.getpgid(demo.process.pid)} != set())
        demo.press(CTRL_C)
        drawn = demo.read_to_the_end()

    assert "Traceback" not in drawn
    assert demo.process.returncode == 130


@contextlib.contextmanager
def silent_server() -> Iterator[tuple[str, Callable[[], None]]]:
    """An address that takes connections and answers nothing; and a wait for the first of them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        taken: list[socket.socket] = []
        yield f"127.0.0.1:{server.getsockname()[1]}", lambda: taken.append(server.accept()[0])
        for each in taken:
            each.close()


AWS: Final = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_the_replay_while_it_waits_for_aws(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silent_server() as (address, taken):
        for name, value in {**AWS, "AWS_ENDPOINT_URL": f"http://{address}"}.items():
            monkeypatch.setenv(name, value)
        named = ("--bucket", "b", "--function", "f", "--table", "t")
        arguments = ("infra.replay", "list", *named)
        with begun(*arguments, folder=PROJECT, temporary=tmp_path / "t") as command:
            taken()
            command.stop(number)

            rest = command.end()

    assert rest.strip() == "stopped; what was done is put away, the rest stays as it was"
    assert command.process.returncode == 1


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_the_image_check_while_it_waits_for_a_registry(
    number: signal.Signals, tmp_path: Path
) -> None:
    with silent_server() as (address, taken):
        arguments = ("infra.image_check", f"{address}/requests:v1")
        with begun(*arguments, folder=PROJECT, temporary=tmp_path / "t") as command:
            taken()
            command.stop(number)

            rest = command.end()

    assert rest == "stopped\n"
    assert command.process.returncode == 130


PATTERN: Final = '{"eventName":["INSERT"]}'


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("infra.filters", "--pattern", PATTERN, "--event", "-"), id="filters"),
        pytest.param(("infra.impact", "-"), id="impact"),
        pytest.param(("infra.local", "filter", "--pattern", PATTERN, "--event", "-"), id="local"),
        pytest.param(("infra.local", "demo", "--items", "-"), id="demo"),
    ],
)
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_what_reads_standard_input_while_it_waits_for_more(
    arguments: tuple[str, ...], number: signal.Signals, tmp_path: Path
) -> None:
    with begun(*arguments, folder=PROJECT, temporary=tmp_path / "t") as command:
        assert command.process.stdin is not None
        # More than a pipe holds: once all is written, it is being read.
        command.process.stdin.write(b" " * 2_000_000)
        command.process.stdin.flush()
        command.stop(number)

        rest = command.end()

    assert rest.startswith("stopped")
    assert command.process.returncode == 130
