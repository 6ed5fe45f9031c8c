"""Where the function's code runs: here, a process of this machine under AWS's runtime client.

The process gets what Lambda would give it, and nothing of the caller's environment.
"""

import asyncio
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.config import Architecture


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionSettings:
    """What is known of a function once it is deployed."""

    name: str
    arn: str
    entry_point: str
    code: Path
    """The folder that is /var/task in the image: the one that holds the package `handler`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """As declared on the function."""
    platform_environment: Mapping[str, str] = field(default_factory=dict)
    """What stands in for the platform: the role's credentials and the embedded AWS's endpoint."""
    timeout: int = 3
    """Seconds."""
    memory_size: int = 128
    """MB."""
    architecture: Architecture = Architecture.X86_64
    region: str = "us-east-1"
    log_group: str = ""
    log_format: str = "Text"
    application_log_level: str | None = None
    reserved_concurrency: int | None = None

    def runtime_environment(self, runtime_api: str) -> dict[str, str]:
        """The variables that Lambda sets, under the declared ones, which cannot replace them.

        AWS: Lambda Developer Guide, "Defined runtime environment variables".
        """
        reserved = {
            "_HANDLER": self.entry_point,
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_size),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "AWS_LAMBDA_LOG_FORMAT": self.log_format,
            "LAMBDA_TASK_ROOT": str(self.code),
            "TZ": ":UTC",
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }
        if self.application_log_level is not None:
            reserved["AWS_LAMBDA_LOG_LEVEL"] = self.application_log_level
        return {**self.environment, **reserved, **self.platform_environment}


class SandboxProcess(Protocol):
    """A running runtime."""

    async def wait(self) -> str:
        """Returns when it has ended, and how: "exit status 1", "signal: killed"."""
        ...

    def kill(self) -> None:
        """Ends it at once; no error when it has ended already."""
        ...

    def memory_in_use(self) -> int | None:
        """Bytes; None where it cannot be told."""
        ...


class Sandbox(Protocol):
    """Starts runtimes."""

    host: str
    """The address on which the Runtime API must listen for the runtime to reach it."""

    async def start(
        self, settings: FunctionSettings, runtime_api: str, on_log: Callable[[str], None]
    ) -> SandboxProcess:
        """Starts one; every line it prints goes to `on_log`."""
        ...


class ProcessSandbox:
    """Runs the function as a process: `python -m awslambdaric ENTRY_POINT`."""

    host = "127.0.0.1"

    async def start(
        self, settings: FunctionSettings, runtime_api: str, on_log: Callable[[str], None]
    ) -> SandboxProcess:
        environment = settings.runtime_environment(runtime_api)
        process = await asyncio.create_subprocess_exec(
            *dying_with_parent(),
            sys.executable,
            "-m",
            "awslambdaric",
            settings.entry_point,
            cwd=settings.code,
            # The image holds compiled code; here the user's folder stays as it is.
            env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=16 * 1024 * 1024,
        )
        return LocalProcess(process, on_log)


class LocalProcess:
    """A process of this machine, with its output."""

    def __init__(self, process: asyncio.subprocess.Process, on_log: Callable[[str], None]) -> None:
        self._process = process
        self._output = asyncio.create_task(self._read_output(on_log))

    async def wait(self) -> str:
        code = await self._process.wait()
        await self._output
        if code < 0:
            return f"signal: {_signal_in_words(-code)}"
        return f"exit status {code}"

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    def memory_in_use(self) -> int | None:
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        except OSError:
            return None
        return int(pages) * 4096

    async def _read_output(self, on_log: Callable[[str], None]) -> None:
        assert self._process.stdout is not None  # noqa: S101 - asked for when it was started
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:
                continue  # a line over the limit is left out, as Lambda cuts it
            if not line:
                return
            on_log(line.decode(errors="replace").rstrip("\n"))


def dying_with_parent() -> list[str]:
    """A command prefix: what it starts is killed when this process dies, however it dies.

    Linux only; elsewhere nothing is added, and a killed parent leaves its children.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _signal_in_words(number: int) -> str:
    """As Lambda, which is written in Go, prints it."""
    return {signal.SIGKILL: "killed", signal.SIGTERM: "terminated"}.get(
        signal.Signals(number), signal.Signals(number).name
    )
