"""The function under AWS's own runtime client, with small functions written for each test."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeVar

import aiohttp
import pytest

from infra.local.invocation import Invocation, ThrottledError
from infra.local.lambda_runtime import FunctionInitError, LambdaFunction
from infra.local.runtime_api import MAXIMUM_RESPONSE, RuntimeApi, Work
from infra.local.sandbox import FunctionSettings

T = TypeVar("T")
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:processor"

ECHO = "def handler(event, context): return event"
BY_COMMAND = """
    import os, time

    def handler(event, context):
        match event["do"]:
            case "raise": raise ValueError("not today")
            case "exit": os._exit(3)
            case "hang": time.sleep(60)
            case "memory":
                kept = bytearray(200 * 1024 * 1024)
                time.sleep(60)
            case "big": return "x" * 7_000_000
            case "environment": return dict(os.environ)
            case "context": return [context.aws_request_id, context.invoked_function_arn,
                                    context.memory_limit_in_mb, context.function_version,
                                    context.get_remaining_time_in_millis()]
            case "print": print("a line of output")
            case "pid": return os.getpid()
            case "object": return object()
"""


def settings(folder: Path, code: str, **changes: Any) -> FunctionSettings:
    (folder / "function.py").write_text(dedent(code))
    return FunctionSettings(
        name="processor",
        arn=ARN,
        entry_point="function.handler",
        code=folder,
        **{
            "environment": {"DECLARED": "yes"},
            "timeout": 20,
            "memory_size": 128,
            **changes,
        },
    )


def run(
    function_settings: FunctionSettings,
    scenario: Callable[[LambdaFunction], Awaitable[T]],
    **options: Any,
) -> T:
    async def main() -> T:
        async with LambdaFunction(function_settings, **options) as function:
            return await scenario(function)

    return asyncio.run(main())


def invoke(folder: Path, code: str, *events: Any, **changes: Any) -> list[Invocation]:
    async def scenario(function: LambdaFunction) -> list[Invocation]:
        return [await function.invoke(event) for event in events]

    return run(settings(folder, code, **changes), scenario)


def test_an_event_comes_back_as_the_function_returns_it(tmp_path: Path) -> None:
    (invocation,) = invoke(tmp_path, ECHO, {"Records": [1, "ü"]})

    assert invocation.response == {"Records": [1, "ü"]}
    assert invocation.function_error is None
    assert invocation.error is None


def test_a_process_is_used_again(tmp_path: Path) -> None:
    first, second = invoke(tmp_path, BY_COMMAND, {"do": "pid"}, {"do": "pid"})

    assert first.response == second.response


def test_an_exception_is_an_unhandled_function_error_with_the_runtimes_document(
    tmp_path: Path,
) -> None:
    failed, after = invoke(tmp_path, BY_COMMAND, {"do": "raise"}, {"do": "pid"})

    assert failed.function_error == "Unhandled"
    assert failed.error is not None
    assert failed.error["errorType"] == "ValueError"
    assert failed.error["errorMessage"] == "not today"
    assert after.function_error is None


@pytest.mark.parametrize(
    ("do", "kind", "message"),
    [
        ("exit", "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"),
        ("memory", "Runtime.ExitError", "Error: Runtime exited with error: signal: killed"),
        ("big", "Function.ResponseSizeTooLarge", f"({MAXIMUM_RESPONSE} bytes)"),
    ],
)
def test_a_function_that_breaks_is_replaced_for_the_next_event(
    tmp_path: Path, do: str, kind: str, message: str
) -> None:
    broken, after = invoke(tmp_path, BY_COMMAND, {"do": do}, {"do": "pid"})

    assert broken.function_error == "Unhandled"
    assert broken.error is not None
    assert broken.error["errorType"] == kind
    assert message in broken.error["errorMessage"]
    assert isinstance(after.response, int)


def test_a_function_that_hangs_is_killed_at_its_timeout(tmp_path: Path) -> None:
    hung, after = invoke(tmp_path, BY_COMMAND, {"do": "hang"}, {"do": "pid"}, timeout=1)

    assert hung.error is not None
    assert hung.error["errorType"] == "Sandbox.Timedout"
    assert hung.error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert isinstance(after.response, int)


def test_a_response_that_is_no_json_is_a_function_error(tmp_path: Path) -> None:
    (invocation,) = invoke(tmp_path, BY_COMMAND, {"do": "object"})

    assert invocation.error is not None
    assert invocation.error["errorType"] == "Runtime.MarshalError"


def test_the_process_has_the_declared_environment_and_nothing_of_the_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")

    (invocation,) = invoke(tmp_path, BY_COMMAND, {"do": "environment"})

    environment: Any = invocation.response
    assert environment["DECLARED"] == "yes"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "processor"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "128"
    assert environment["LAMBDA_TASK_ROOT"] == str(tmp_path)
    assert "somebody" not in environment.values()
    assert "PYTHONPATH" not in environment


def test_the_context_tells_what_lambdas_tells(tmp_path: Path) -> None:
    (invocation,) = invoke(tmp_path, BY_COMMAND, {"do": "context"})

    response: Any = invocation.response
    request_id, arn, memory, version, remaining = response
    assert request_id == invocation.request_id
    assert arn == ARN
    assert memory == "128"
    assert version == "$LATEST"
    assert 0 < remaining <= 20_000


def test_what_the_function_prints_is_handed_on_line_by_line(tmp_path: Path) -> None:
    lines: list[str] = []

    async def scenario(function: LambdaFunction) -> None:
        await function.invoke({"do": "print"})

    run(settings(tmp_path, BY_COMMAND), scenario, on_log=lines.append)

    assert "a line of output" in lines


def test_a_module_that_cannot_be_imported_is_told_before_any_event(tmp_path: Path) -> None:
    async def scenario(function: LambdaFunction) -> None:
        with pytest.raises(FunctionInitError, match="No module named 'nowhere'"):
            await function.check()

    run(settings(tmp_path, "import nowhere\n"), scenario)


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


def test_an_invocation_that_is_cancelled_takes_its_process_with_it(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = f"""
        import os, pathlib, time

        def handler(event, context):
            pathlib.Path({str(started)!r}).write_text(str(os.getpid()))
            time.sleep(60)
    """

    async def scenario(function: LambdaFunction) -> bool:
        invocation = asyncio.create_task(function.invoke({}))
        while not (started.exists() and started.read_text()):
            await asyncio.sleep(0.01)
        invocation.cancel()
        await asyncio.wait({invocation})
        return Path(f"/proc/{started.read_text()}").exists()

    assert run(settings(tmp_path, code), scenario) is False


def test_the_runtime_api_refuses_answers_to_what_was_not_asked() -> None:
    async def scenario() -> list[int]:
        api = RuntimeApi("127.0.0.1")
        await api.start()
        url = f"http://{api.address}/2018-06-01/runtime/invocation"
        work = Work(request_id="a", payload=b"{}", deadline=0.0, function_arn=ARN)
        api.give(work)
        statuses = []
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/next") as answer:
                statuses.append(answer.status)
            for request_id in ("b", "a", "a"):
                async with session.post(f"{url}/{request_id}/response", data=b"1") as answer:
                    statuses.append(answer.status)
        await api.stop()
        return statuses

    assert asyncio.run(scenario()) == [200, 400, 202, 403]
