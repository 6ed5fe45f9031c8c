"""Where the function's code runs: here, a process of this machine under AWS's runtime client.

The process gets what Lambda would give it, and nothing of the caller's environment. What it is
sent, and when it must end, `execution_environment` decides.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, cast

from infra.config import Architecture
from infra.local.aws.emulator_process import dying_with_parent
from infra.local.function.image_contents import packages, task_root

_LONGEST_LINE: Final = 256 * 1024
"""Bytes after which a line of output is cut; a log event of CloudWatch Logs is no longer."""

_LAST_OUTPUT: Final = 1.0
"""Seconds for the output of a process that has ended to arrive."""


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
    ephemeral_storage: int = 512
    """MB of /tmp."""
    architecture: Architecture = Architecture.X86_64
    region: str = "us-east-1"
    log_group: str = ""
    log_format: str = "Text"
    application_log_level: str | None = None
    reserved_concurrency: int | None = None
    """Invocations at the same time; 0 switches the function off, as on AWS."""
    image_build: Mapping[str, Any] | None = None
    """How the function's image is built, as the program registered it; None: it exists."""

    def runtime_environment(self, runtime_api: str) -> dict[str, str]:
        """The declared variables, and around them those that Lambda sets; not the image's own.

        AWS: Lambda Developer Guide, "Defined runtime environment variables". A function may
        declare some of them itself, but none of the reserved ones.
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
        }
        if self.application_log_level is not None:
            reserved["AWS_LAMBDA_LOG_LEVEL"] = self.application_log_level
        return {"TZ": ":UTC", **self.environment, **reserved, **self.platform_environment}


class SandboxProcess(Protocol):
    """A running runtime."""

    async def wait(self) -> str:
        """Returns when it has ended, and how: "exit status 1", "signal: killed"."""
        ...

    def kill(self) -> None:
        """Ends it at once; no error when it has ended already."""
        ...

    def interrupt(self) -> None:
        """Has an error raised where it is, if it can be; no error when it has ended already."""
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
    """Runs the function as a process, with the code and the packages that its image has."""

    host = "127.0.0.1"

    async def start(
        self, settings: FunctionSettings, runtime_api: str, on_log: Callable[[str], None]
    ) -> SandboxProcess:
        code, packages = await asyncio.to_thread(_contents, settings.code)
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: LocalProcess(on_log),
            *dying_with_parent(),
            sys.executable,
            "-S",  # without this machine's packages
            # A copy may get compiled code, as the image has it; a test's own folder stays as it is.
            *(["-B"] if code == settings.code else []),
            *("-c", _RUNTIME, str(code), str(packages), settings.entry_point),
            cwd=code,
            env={
                **_OF_THE_IMAGE,
                "LAMBDA_TASK_ROOT": str(code),
                **settings.runtime_environment(runtime_api),
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Ctrl-C is the caller's; and all that the function starts can be ended with it.
            start_new_session=True,
        )
        return process


def _contents(code: Path) -> tuple[Path, Path]:
    return task_root(code), packages(code)


_INTERRUPT: Final = signal.SIGUSR1

_RUNTIME: Final = f"""
import runpy, signal, site, sys
def interrupt(*_):
    raise InterruptedError("a change was saved")
signal.signal({_INTERRUPT:d}, interrupt)
sys.path[:1] = [sys.argv.pop(1), sys.argv.pop(1)]
site.setquit(), site.setcopyright(), site.sethelper()
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
"""
"""`python -m awslambdaric ENTRY_POINT`, with the code and the packages that are named before it."""

_OF_THE_IMAGE: Final = {
    "LANG": "en_US.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
    # Lambda's user has no such folder either; the caller's ~/.aws must not be read.
    "HOME": "/home/sbx_user1051",
}


class LocalProcess(asyncio.SubprocessProtocol):
    """A process of this machine with all that it started, and its output in lines."""

    def __init__(self, on_log: Callable[[str], None]) -> None:
        self._on_log = on_log
        self._unfinished_line = b""
        self._has_ended = asyncio.Event()
        self._has_printed_all = asyncio.Event()

    async def wait(self) -> str:
        await self._has_ended.wait()
        # A process that left the group on purpose may hold the output open.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._has_printed_all.wait(), _LAST_OUTPUT)
        self._transport.close()
        code = self._transport.get_returncode() or 0
        return f"signal: {_signal_in_words(-code)}" if code < 0 else f"exit status {code}"

    def kill(self) -> None:
        if not self._has_ended.is_set():
            self._kill_group()

    def interrupt(self) -> None:
        if not self._has_ended.is_set():
            self._transport.send_signal(_INTERRUPT)

    def memory_in_use(self) -> int | None:
        statm = Path(f"/proc/{self._transport.get_pid()}/statm")
        try:
            resident_pages = int(statm.read_text(encoding="ascii").split()[1])
        except OSError:
            return None
        return resident_pages * os.sysconf("SC_PAGE_SIZE")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        del fd
        *lines, rest = (self._unfinished_line + data).split(b"\n")
        self._unfinished_line = rest
        for line in lines:
            self._log(line)
        if len(rest) > _LONGEST_LINE:
            self._flush()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del fd, exc
        self._flush()
        self._has_printed_all.set()

    def process_exited(self) -> None:
        self._kill_group()
        self._has_ended.set()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._transport.get_pid(), signal.SIGKILL)

    def _flush(self) -> None:
        line, self._unfinished_line = self._unfinished_line, b""
        if line:
            self._log(line)

    def _log(self, line: bytes) -> None:
        # The runtime client writes an error with its traceback as one line, parted by \r.
        for part in line.decode(errors="replace").rstrip("\r").split("\r"):
            self._on_log(part)


def _signal_in_words(number: int) -> str:
    """As Lambda prints it: killed, terminated, segmentation fault."""
    words = signal.strsignal(number) or str(number)
    return words.split(":")[0].lower()
