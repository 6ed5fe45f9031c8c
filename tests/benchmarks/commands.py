"""A command of its own process: how long it takes, and how much CPU time with all it starts."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class CommandFailedError(Exception):
    """It ended with an error; says what it printed last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Took:
    """Seconds from its start to its end."""

    wall: float
    cpu: float
    """User and system time, its children's included."""


def run(command: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None) -> Took:
    """Runs it to its end. Raises `CommandFailedError`."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        # What is compiled once stays so, also where the shell says otherwise.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = Took(wall=time.perf_counter() - begun, cpu=usage.ru_utime + usage.ru_stime)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailedError(f"exit code {process.returncode}: {printed[-500:]}")
    return took
