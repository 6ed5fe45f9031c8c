"""The one backend that our providers work for: the folder that the run itself has made.

Pulumi's engine tells a provider nothing of its backend. What it tells is enough to know one's own:
the provider's state carries the run's mark, and an update holds a lock in the backend's folder
(pulumi's backend/diy/lock.go).
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

MARK: Final = "localRun"
"""The provider's input that says of which run a state is."""
_LOOK: Final = 0.05
"""Seconds between looks whether an update is over."""


class ForeignBackendError(Exception):
    """The engine works on another backend than the run's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A folder with the state of this run's stacks, and of no others."""

    folder: Path
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    def marked(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
        """The provider's configuration with the mark. Raises `ForeignBackendError`."""
        if old:
            self.ensure_own(old)
        return {**new, MARK: self.mark}

    def ensure_own(self, configuration: Mapping[str, Any]) -> None:
        """Raises `ForeignBackendError` for the state of another run, or of a real stack."""
        if configuration.get(MARK) != self.mark:
            raise ForeignBackendError(
                "this stack's state is not the local run's; nothing was read or changed. For the "
                "local run paste what it printed into this terminal; for any other stack unset "
                "PULUMI_DEBUG_PROVIDERS, PULUMI_BACKEND_URL and PULUMI_OPTION_CONFIG_FILE"
            )

    def ensure_locked(self) -> None:
        """Raises `ForeignBackendError` when nobody updates a stack in the folder."""
        if not any(self._locks()):
            raise ForeignBackendError(
                f"the update is of another backend than the local run's, file://{self.folder}; "
                "nothing was changed"
            )

    def interrupt(self, patience: float) -> None:
        """Cancels the updates of other processes, as Ctrl-C does, and waits until they are over.

        What they would write after that would be left behind. It takes `patience` seconds at most.
        """
        for process in self._updating():
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGINT)
        end = time.monotonic() + patience
        while self._updating() and time.monotonic() < end:
            time.sleep(_LOOK)

    def _locks(self) -> Iterator[Path]:
        return (self.folder / ".pulumi" / "locks").rglob("*.json")

    def _updating(self) -> list[int]:
        """The processes that hold a lock, and are there."""
        found = []
        for lock in self._locks():
            # It may be gone meanwhile, or half written.
            with contextlib.suppress(OSError, ValueError):
                found.append(int(json.loads(lock.read_text(encoding="utf-8"))["pid"]))
        return [each for each in found if _is_pulumi(each)]


def _is_pulumi(process: int) -> bool:
    """Whether it is there, and still who it was: numbers are given to others later."""
    ps = ["ps", "-o", "comm=", "-p", str(process)]
    said = subprocess.run(ps, capture_output=True, text=True, check=False)  # noqa: S603 - POSIX's
    return said.stdout.strip().rpartition("/")[2].startswith("pulumi")
