"""The function and its execution environments: started, used again, replaced and ended."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from infra.local.function.invocation import Invocation, ThrottledError
from infra.local.function.lambda_function import FunctionInitError, LambdaFunction
from tests.processes import PATIENCE
from tests.unit.infra.local.function.functions import (
    BY_COMMAND,
    ECHO,
    RecordingSandbox,
    invoke,
    run,
    settings,
)


def test_a_process_is_used_again(tmp_path: Path) -> None:
    first, second = invoke(tmp_path, BY_COMMAND, {"do": "pid"}, {"do": "pid"})

    assert first.response == second.response


def test_what_the_function_prints_is_handed_on_line_by_line(tmp_path: Path) -> None:
    lines: list[str] = []

    async def scenario(function: LambdaFunction) -> None:
        await function.invoke({"do": "print"})

    run(settings(tmp_path, BY_COMMAND), scenario, on_log=lines.append)

    assert "a line of output" in lines


def test_the_context_and_the_invocation_have_the_request_id_that_the_caller_gives(
    tmp_path: Path,
) -> None:
    async def scenario(function: LambdaFunction) -> list[Invocation]:
        return [
            await function.invoke({"do": "context"}, request_id=request_id)
            for request_id in ("the-same", "the-same", "another")
        ]

    invocations = run(settings(tmp_path, BY_COMMAND), scenario)

    assert [one.request_id for one in invocations] == ["the-same", "the-same", "another"]
    assert [one.response[0] for one in invocations] == [one.request_id for one in invocations]  # type: ignore[index] # a list


def test_an_invocation_that_has_not_answered_after_two_seconds_is_told_before_it_ends(
    tmp_path: Path,
) -> None:
    async def scenario(function: LambdaFunction) -> None:
        slow.clear()
        hanging = asyncio.create_task(function.invoke({"do": "hang"}))
        await asyncio.wait_for(told.wait(), PATIENCE)
        assert not hanging.done()
        hanging.cancel()
        await asyncio.wait({hanging})

    slow: list[float] = []
    told = asyncio.Event()

    def on_slow(seconds: float) -> None:
        slow.append(seconds)
        told.set()

    run(settings(tmp_path, BY_COMMAND), scenario, on_slow=on_slow)

    assert slow == [2]


def test_an_invocation_is_interrupted_only_once_it_is_slow(tmp_path: Path) -> None:
    async def scenario(function: LambdaFunction) -> Invocation:
        told.clear()
        hanging = asyncio.create_task(function.invoke({"do": "hang"}))
        function.interrupt_slow()
        await asyncio.wait_for(told.wait(), PATIENCE)
        assert not hanging.done()
        function.interrupt_slow()
        return await asyncio.wait_for(hanging, PATIENCE)

    told = asyncio.Event()

    interrupted = run(settings(tmp_path, BY_COMMAND), scenario, on_slow=lambda _: told.set())

    assert interrupted.error is not None
    assert interrupted.error["errorMessage"] == "a change was saved"


def test_what_the_log_level_keeps_out_of_the_log_is_told_apart(tmp_path: Path) -> None:
    code = """
        import logging

        def handler(event, context):
            logging.getLogger().debug("of use to a developer")
            print('{"level": "DEBUG", "timestamp": "2025-01-01T00:00:00Z", "message": "detail"}')
    """
    lines: list[str] = []
    hidden: list[str] = []

    async def scenario(function: LambdaFunction) -> None:
        await function.invoke({})

    run(
        settings(tmp_path, code, log_format="JSON", application_log_level="INFO"),
        scenario,
        on_log=lines.append,
        on_hidden=hidden.append,
    )

    assert [line for line in lines if "detail" in line] == []
    assert len([line for line in hidden if "detail" in line]) == 1


def test_a_module_that_cannot_be_imported_is_told_before_any_event(tmp_path: Path) -> None:
    async def scenario(function: LambdaFunction) -> None:
        with pytest.raises(FunctionInitError, match="No module named 'nowhere'"):
            await function.check()

    run(settings(tmp_path, "import nowhere\n"), scenario)


def test_an_error_in_the_module_is_told_with_its_place(tmp_path: Path) -> None:
    async def scenario(function: LambdaFunction) -> None:
        with pytest.raises(FunctionInitError, match=r"ValueError: broken \(File .*, line 2, in"):
            await function.check()

    run(settings(tmp_path, "\nraise ValueError('broken')\n"), scenario)


def test_a_process_that_ends_while_the_module_is_loaded_is_an_init_error(tmp_path: Path) -> None:
    async def scenario(function: LambdaFunction) -> Invocation:
        with pytest.raises(FunctionInitError, match="Runtime exited with error: exit status 7"):
            await function.check()
        return await function.invoke({})

    invocation = run(settings(tmp_path, "import os\nos._exit(7)\n"), scenario)

    assert invocation.error is not None
    assert invocation.error["errorType"] == "Runtime.ExitError"


def test_the_first_event_finds_the_checked_process_warm(tmp_path: Path) -> None:
    async def scenario(function: LambdaFunction) -> list[str]:
        await function.check()
        loaded = list(lines)
        await function.invoke({})
        return loaded

    lines: list[str] = []
    code = "print('loaded')\ndef handler(event, context): pass"

    loaded = run(settings(tmp_path, code), scenario, on_log=lines.append)

    assert loaded == ["loaded"]
    assert lines == ["loaded"]


def test_a_process_that_died_between_two_events_is_replaced(tmp_path: Path) -> None:
    sandbox = RecordingSandbox()

    async def scenario(function: LambdaFunction) -> list[Invocation]:
        before = await function.invoke({"do": "pid"})
        sandbox.processes[0].kill()
        await sandbox.processes[0].wait()
        return [before, await function.invoke({"do": "pid"})]

    before, after = run(settings(tmp_path, BY_COMMAND), scenario, sandbox=sandbox)

    assert isinstance(after.response, int)
    assert after.response != before.response


def test_a_runtime_that_cannot_be_started_leaves_nothing_behind(tmp_path: Path) -> None:
    async def scenario(function: LambdaFunction) -> None:
        with pytest.raises(FileNotFoundError):
            await function.check()

    gone = dataclasses.replace(settings(tmp_path, ECHO), code=tmp_path / "gone")

    run(gone, scenario)


def test_no_event_is_taken_when_no_concurrency_is_reserved(tmp_path: Path) -> None:
    async def scenario(function: LambdaFunction) -> None:
        with pytest.raises(ThrottledError, match="0 of 0"):
            await function.invoke({})

    run(settings(tmp_path, ECHO, reserved_concurrency=0), scenario)


def test_an_invocation_is_given_its_own_lines_and_no_others(tmp_path: Path) -> None:
    code = """
        def handler(event, context):
            for number in range(200):
                print(event["name"], number)
    """

    async def scenario(function: LambdaFunction) -> list[list[str]]:
        logs: list[list[str]] = [[], [], []]
        await asyncio.gather(
            *(function.invoke({"name": str(i)}, on_log=logs[i].append) for i in range(3))
        )
        return logs

    logs = run(settings(tmp_path, code), scenario)

    assert logs == [[f"{i} {number}" for number in range(200)] for i in range(3)]


def test_an_import_error_after_a_reload_is_that_invocations_error(tmp_path: Path) -> None:
    async def scenario(function: LambdaFunction) -> list[Invocation]:
        before = await function.invoke({})
        (tmp_path / "function.py").write_text("import nowhere\n")
        await function.reload()
        broken = await function.invoke({})
        (tmp_path / "function.py").write_text("def handler(event, context): return 'mended'\n")
        await function.reload()
        return [before, broken, await function.invoke({})]

    before, broken, mended = run(settings(tmp_path, ECHO), scenario)

    assert before.response == {}
    assert broken.error is not None
    assert broken.error["errorType"] == "Runtime.ImportModuleError"
    assert mended.response == "mended"


def test_concurrent_events_have_a_process_each_and_no_more_than_are_reserved(
    tmp_path: Path,
) -> None:
    code = """
        import os, pathlib, time

        def handler(event, context):
            pathlib.Path(event["here"], str(os.getpid())).touch()
            while len(os.listdir(event["here"])) < 2:
                time.sleep(0.01)
            return os.getpid()
    """
    here = tmp_path / "here"
    here.mkdir()

    async def scenario(function: LambdaFunction) -> Any:
        event = {"here": str(here)}
        first, second = (asyncio.create_task(function.invoke(event)) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(ThrottledError, match="2 of 2"):
            await function.invoke(event)
        return {(await first).response, (await second).response}

    processes = run(settings(tmp_path, code, reserved_concurrency=2), scenario)

    assert len(processes) == 2


def test_nothing_is_left_running(tmp_path: Path) -> None:
    (invocation,) = invoke(tmp_path, BY_COMMAND, {"do": "pid"})

    assert not Path(f"/proc/{invocation.response}").exists()


def test_an_invocation_goes_on_when_nobody_waits_and_ends_with_the_function(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = f"""
        import os, pathlib, time

        def handler(event, context):
            pathlib.Path({str(started)!r}).write_text(str(os.getpid()))
            time.sleep(60)
    """

    async def scenario(function: LambdaFunction) -> tuple[bool, bool]:
        invocation = asyncio.create_task(function.invoke({}))
        async with asyncio.timeout(PATIENCE):
            while not (started.exists() and started.read_text()):
                await asyncio.sleep(0.01)
        process = Path(f"/proc/{started.read_text()}")
        invocation.cancel()
        await asyncio.wait({invocation})
        goes_on = process.exists()
        await function.close()
        return goes_on, process.exists()

    assert run(settings(tmp_path, code), scenario) == (True, False)
