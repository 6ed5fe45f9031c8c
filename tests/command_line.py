"""A command line, called in this process: what it printed, and its exit code.

A few tests run the real command, which takes a second or more to start; the others call `main`.
"""

import contextlib
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from unittest import mock


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """As `subprocess.CompletedProcess` has it."""

    returncode: int
    stdout: str
    stderr: str


def call(
    main: Callable[[Sequence[str]], int],
    *arguments: str,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Calls it with a command line, and with an environment over this one."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment or {}),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            code = main(arguments)
        except SystemExit as error:  # argparse ends so
            code = error.code if isinstance(error.code, int) else 1
    return Done(returncode=code, stdout=stdout.getvalue(), stderr=stderr.getvalue())
