"""Processes of this machine, as tests look for them, and the waiting for what they do."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

PATIENCE: Final = 180.0
"""Seconds until what does not happen fails a test; what happens is not waited for any longer."""


def is_running(process_id: int) -> bool:
    """Whether it is there and no zombie, which only waits for its parent to look."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def processes_of(parent: int) -> list[int]:
    """The processes below one, without itself."""
    ps = ["ps", "-eo", "pid=,ppid="]
    table = subprocess.run(ps, capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in table.splitlines()]
    found: list[int] = []
    parents = {parent}
    while below := {pid for pid, of in pairs if of in parents and pid not in found}:
        found.extend(below)
        parents = below
    return found


def wait_until(has_happened: Callable[[], bool]) -> None:
    """Looks again and again: of what another process does there is no event."""
    end = time.monotonic() + PATIENCE
    while not has_happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def children_of(process_id: int) -> list[int]:
    """All that it has started, and what that has."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process_id:
            child = int(stat.parent.name)
            found += [child, *children_of(child)]
    return found
