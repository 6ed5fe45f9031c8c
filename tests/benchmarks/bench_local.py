"""The local run: from `deploy()` to ready, from a write to its processing, and the program alone.

A first deployment is measured in a process of its own, since it imports Pulumi's AWS provider; the
next ones in a test session find it imported.
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.local import LocalDeployment, deploy
from infra.local.function.invocation import Invocation
from infra.local.program.run import PROJECT
from infra.local.watching import Watcher
from tests.benchmarks.figures import Part, Table, with_spread
from tests.benchmarks.side_by_side import Samples, interleaved
from tests.benchmarks.target import at_most

DEPLOYMENTS = 3
READY = 3.0
"""Seconds, also for the first deployment of a process."""
WRITES = 30
PROCESSED = 100
"""Milliseconds."""

FIRST = """
import time
from infra.local import deploy
begun = time.perf_counter()
with deploy():
    print(time.perf_counter() - begun)
"""
FUNCTION = "def handler(event, context): return {'batchItemFailures': []}"


class Stopwatch:
    """Remembers when invocations were over."""

    def __init__(self) -> None:
        self.over: list[float] = []

    def stop(self, _: Invocation) -> None:
        self.over.append(time.perf_counter())


def main() -> Part:
    starts = interleaved(
        {
            "deploy() to ready, first in a process": lambda: float(_python(FIRST)),
            "deploy() to ready, again": _ready,
        },
        rounds=DEPLOYMENTS,
    )
    latency = _latencies().scaled(1000)
    rows = [
        (f"{name}, s", with_spread(samples), at_most(samples, READY))
        for name, samples in starts.items()
    ]
    rows.append(("write to processed, ms", with_spread(latency), at_most(latency, PROCESSED)))
    table = Table(head=("local run", "ours", "target"), rows=tuple(rows))
    return Part(title="Local run", tables=(table,))


def _python(program: str) -> str:
    """What a Python process of its own prints."""
    # The programs are the constants above.
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _ready() -> float:
    begun = time.perf_counter()
    with deploy():
        return time.perf_counter() - begun


def _latencies() -> Samples:
    """Seconds from a write to the end of its invocation."""
    with TemporaryDirectory() as folder:
        code = Path(folder)
        (code / "function.py").write_text(FUNCTION)
        stopwatch = Stopwatch()
        watcher = Watcher(on_invocation=stopwatch.stop)
        with deploy(code=code, entry_point="function.handler", watcher=watcher) as deployment:
            return Samples(
                tuple(_latency(deployment, stopwatch, number) for number in range(WRITES))
            )


def _latency(deployment: LocalDeployment, stopwatch: Stopwatch, number: int) -> float:
    count = len(stopwatch.over)
    deployment.client("dynamodb").put_item(
        TableName=deployment.outputs["tableName"],
        Item={"request_id": {"S": str(number)}, "payload": {"M": {}}},
    )
    written = time.perf_counter()
    deployment.drain()
    return max(stopwatch.over[count] - written, 0.0)
