"""The function's process: what it inherits, what it prints, and that it never outlives anyone."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from infra.local.aws.emulator_process import dying_with_parent
from infra.local.function.lambda_function import LambdaFunction
from infra.local.function.sandbox import LocalProcess
from tests.processes import PATIENCE, is_running
from tests.unit.infra.local.function.functions import invoke, run, settings

HANGING = """
    import os, pathlib, time

    def handler(event, context):
        if "pid_file" not in event:
            return os.getpid()
        pathlib.Path(event["pid_file"]).write_text(f"{os.getpid()}.")
        time.sleep(60)
"""


async def written_pid(file: Path) -> int:
    """The process id in the file, once it is written in full."""
    async with asyncio.timeout(PATIENCE):
        while not file.exists() or not file.read_text().endswith("."):
            await asyncio.sleep(0.01)
    return int(file.read_text().rstrip("."))


async def ended(pid: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while is_running(pid):
            await asyncio.sleep(0.01)


def printed(*chunks: bytes) -> list[str]:
    """The lines that are handed on while a process prints these chunks and ends."""
    lines: list[str] = []
    process = LocalProcess(lines.append)
    for chunk in chunks:
        process.pipe_data_received(1, chunk)
    process.pipe_connection_lost(1, None)
    return lines


def test_a_process_killed_in_the_middle_of_an_event_is_replaced_for_the_next(
    tmp_path: Path,
) -> None:
    async def scenario(function: LambdaFunction) -> Any:
        file = tmp_path / "pid"
        invocation = asyncio.create_task(function.invoke({"pid_file": str(file)}))
        killed = await written_pid(file)
        os.kill(killed, signal.SIGKILL)
        return killed, await invocation, await function.invoke({})

    killed, broken, after = run(settings(tmp_path, HANGING), scenario)

    assert broken.error["errorType"] == "Runtime.ExitError"
    assert broken.error["errorMessage"] == (
        f"RequestId: {broken.request_id} Error: Runtime exited with error: signal: killed"
    )
    assert isinstance(after.response, int)
    assert after.response != killed


def test_a_crash_is_told_at_once_and_ends_what_the_function_had_started(tmp_path: Path) -> None:
    code = """
        import os, pathlib, subprocess

        def handler(event, context):
            child = subprocess.Popen(["sleep", "60"])
            pathlib.Path(event["pid_file"]).write_text(f"{child.pid}.")
            os._exit(3)
    """

    async def scenario(function: LambdaFunction) -> Any:
        invocation = await function.invoke({"pid_file": str(tmp_path / "pid")})
        await ended(await written_pid(tmp_path / "pid"))
        return invocation.error

    error = run(settings(tmp_path, code), scenario)

    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("exit status 3")


@pytest.mark.skipif(not dying_with_parent(), reason="only Linux ends the children of the dead")
def test_a_hanging_function_dies_with_a_caller_that_is_killed(tmp_path: Path) -> None:
    settings(tmp_path, HANGING, timeout=60)
    caller = f"""
        import asyncio
        from pathlib import Path
        from infra.local.function.lambda_function import FunctionSettings, LambdaFunction

        async def main():
            folder = Path({str(tmp_path)!r})
            settings = FunctionSettings(
                name="processor", arn="arn", entry_point="function.handler", code=folder, timeout=60
            )
            async with LambdaFunction(settings) as function:
                await function.invoke({{"pid_file": str(folder / "pid")}})

        asyncio.run(main())
    """

    async def scenario() -> int:
        process = subprocess.Popen([sys.executable, "-c", dedent(caller)])
        pid = await written_pid(tmp_path / "pid")
        process.kill()
        await asyncio.to_thread(process.wait)
        await ended(pid)
        return pid

    assert not is_running(asyncio.run(scenario()))


def test_the_callers_home_is_out_of_reach(tmp_path: Path) -> None:
    code = "import os\ndef handler(event, context): return os.path.expanduser('~/.aws')"

    (invocation,) = invoke(tmp_path, code, {})

    assert not Path(str(invocation.response)).exists()
    assert not Path(str(invocation.response)).is_relative_to(Path.home())


def test_declared_variables_replace_lambdas_defaults_but_no_reserved_one(tmp_path: Path) -> None:
    declared = {"TZ": "Asia/Tokyo", "AWS_REGION": "nowhere", "_HANDLER": "other"}

    environment = settings(tmp_path, "", environment=declared).runtime_environment("host:1")

    assert environment["TZ"] == "Asia/Tokyo"
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["_HANDLER"] == "function.handler"


def test_running_the_function_writes_nothing_into_its_folder(tmp_path: Path) -> None:
    (tmp_path / "imported.py").touch()

    invoke(tmp_path, "import imported\ndef handler(event, context): pass", {})

    assert sorted(path.name for path in tmp_path.iterdir()) == ["function.py", "imported.py"]


def test_an_exceptions_traceback_is_printed_line_by_line(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "def handler(event, context): raise ValueError('not today')"

    async def scenario(function: LambdaFunction) -> None:
        await function.invoke({})

    run(settings(tmp_path, code), scenario, on_log=lines.append)

    assert lines[:2] == ["[ERROR] ValueError: not today", "Traceback (most recent call last):"]


def test_a_line_is_whole_however_it_arrives() -> None:
    assert printed(b"one\ntw", b"o\nthr", b"ee") == ["one", "two", "three"]


def test_bytes_that_are_no_text_do_not_stop_the_log() -> None:
    assert printed(b"\xff\nnext\r\n") == ["\N{REPLACEMENT CHARACTER}", "next"]


def test_output_without_an_end_of_line_is_cut_and_not_gathered_for_ever() -> None:
    chunk = b"x" * 100_000

    assert [len(line) for line in printed(chunk, chunk, chunk, chunk)] == [300_000, 100_000]
