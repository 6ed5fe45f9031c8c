"""Functions to run: small handlers in a folder of their own, under AWS's own runtime client."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeVar

from infra.local.function.execution_environment import Listeners
from infra.local.function.invocation import Invocation
from infra.local.function.lambda_function import LambdaFunction
from infra.local.function.sandbox import (
    FunctionSettings,
    ProcessSandbox,
    Sandbox,
    SandboxProcess,
)

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
            case "text": return b"plain text"
            case "nothing": return b""
"""


class RecordingSandbox(ProcessSandbox):
    """Remembers the processes that it has started."""

    def __init__(self) -> None:
        self.processes: list[SandboxProcess] = []

    async def start(self, *arguments: Any) -> SandboxProcess:
        self.processes.append(await super().start(*arguments))
        return self.processes[-1]


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
    *,
    sandbox: Sandbox | None = None,
    **listeners: Any,
) -> T:
    async def main() -> T:
        async with LambdaFunction(
            function_settings, sandbox=sandbox, listeners=Listeners(**listeners)
        ) as function:
            return await scenario(function)

    return asyncio.run(main())


def invoke(folder: Path, code: str, *events: Any, **changes: Any) -> list[Invocation]:
    async def scenario(function: LambdaFunction) -> list[Invocation]:
        return [await function.invoke(event) for event in events]

    return run(settings(folder, code, **changes), scenario)
