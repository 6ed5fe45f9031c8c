"""The embedded AWS's process, apart from all that speaks to it.

It takes a second to be ready, as what drives it takes to be imported: it is begun before that, and
imports next to nothing.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

LOOPBACK: Final = "127.0.0.1"

_SERVER: Final = "infra.local.aws.emulator_server"

_PROJECT: Final = Path(__file__).parents[3]
"""Where the server's module is found."""


class EmulatorError(Exception):
    """The embedded AWS cannot be started; says why."""


class EmulatorProcess:
    """Begun when it is made. A context manager: on exit it is gone."""

    def __init__(self, *, host: str = LOOPBACK, port: int = 0) -> None:
        """0 takes a free port. Raises `EmulatorError`."""
        if port and not _is_free(host, port):
            raise EmulatorError(f"port {port} of {host} is taken; name another, or none")
        self.host = host
        self._port = ""
        # The command is fixed but for the address.
        self._process = subprocess.Popen(  # noqa: S603
            # -P: nothing of the caller's folder is imported.
            [
                *(*dying_with_parent(), sys.executable, "-P", "-m", _SERVER),
                *("--host", host, "--port", str(port)),
            ],
            # Its end is the end of this process, where nothing else tells of that.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_environment(),
            # Ctrl-C is the caller's, who still needs it to come to an end.
            process_group=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in filter(None, (self._process.stdin, self._process.stdout)):
            pipe.close()

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def endpoint(self) -> str:
        """The URL of every service. Waits for the server. Raises `EmulatorError`."""
        if not self._port and self._process.stdout is not None:
            self._port = self._process.stdout.readline().strip()
        if not self._port:
            raise EmulatorError("the embedded AWS ended before it listened")
        return f"http://{self.host}:{self._port}"


@contextlib.contextmanager
def begun_ahead(arguments: Sequence[str]) -> Iterator[EmulatorProcess | None]:
    """The process for a command line that is not read yet, where it will need one."""
    options = {each.partition("=")[0] for each in arguments}
    if arguments[:1] not in (["up"], ["demo"]) or options & _WITHOUT:
        yield None
        return
    with EmulatorProcess() as process:
        yield process


_WITHOUT: Final = frozenset({"--docker", "--port", "--help", "-h"})
"""With these one is started elsewhere, or none."""


def dying_with_parent() -> list[str]:
    """A command prefix: what it starts is killed when this process dies, however it dies.

    Linux only. Elsewhere nothing is added: a runtime then ends when it next finds its API gone.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _environment() -> Mapping[str, str]:
    """moto reads AWS settings too, and the caller's are for another AWS."""
    kept = {name: each for name, each in os.environ.items() if not name.startswith("AWS_")}
    path = [str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    # New regions come before moto knows them.
    regions = {"MOTO_ALLOW_NONEXISTENT_REGION": "true"}
    return {**kept, **regions, "PYTHONPATH": os.pathsep.join(path)}


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
