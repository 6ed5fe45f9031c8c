"""A command on a terminal of its own: what it draws there, and the keys that reach it."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.processes import PATIENCE

CTRL_C: Final = "\x03"

_ON_ITS_TERMINAL: Final = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
_CONTROLS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(kw_only=True, slots=True)
class Terminal:
    """What a process draws; `raw` is all of it so far, with what moves the cursor."""

    process: "subprocess.Popen[bytes]"
    raw: str = ""
    _fd: int
    _undecoded: bytes = field(default=b"")

    @property
    def text(self) -> str:
        """Without colours and the cursor's moves: each drawing of a line below the one before."""
        return _CONTROLS.sub("", self.raw).replace("\r", "")

    def close(self) -> None:
        """As a window is closed: what runs in it is told by SIGHUP."""
        os.close(self._fd)

    def press(self, key: str) -> None:
        os.write(self._fd, key.encode())

    def read_until(self, text: str) -> str:
        """All that was drawn so far, once the text is in it."""
        end = time.monotonic() + PATIENCE
        while text not in self.text:
            assert time.monotonic() < end, self.text
            assert self._read(), self.text
        return self.text

    def read_to_the_end(self) -> str:
        """All that was drawn, once the process has ended."""
        while self._read():
            pass
        self.process.wait(PATIENCE)
        return self.text

    def _read(self) -> bool:
        """Whether anything may follow."""
        if not select.select([self._fd], [], [], 1)[0]:
            return True
        try:
            read = os.read(self._fd, 65_536)
        except OSError:  # EIO: nobody has the other end open any more
            return False
        self._undecoded += read
        self.raw = self._undecoded.decode(errors="replace")
        return bool(read)


@contextlib.contextmanager
def on_terminal(
    *command: str, folder: Path, columns: int = 100, temporary: Path | None = None
) -> Iterator[Terminal]:
    """Runs a Python command on a terminal of its own, of which Ctrl-C stops it."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    # A width that the tests' own caller has set would win over the terminal's.
    plain = {key: each for key, each in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", _ON_ITS_TERMINAL, sys.executable, *command],
        cwd=folder,
        stdin=its,
        stdout=its,
        stderr=its,
        env={
            **plain,
            "TERM": "xterm-256color",
            **({} if temporary is None else {"TMPDIR": str(temporary)}),
        },
    )
    os.close(its)
    try:
        yield Terminal(process=process, _fd=ours)
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):  # it may be closed
            os.close(ours)
