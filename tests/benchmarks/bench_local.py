"""The local run: from `deploy()` to ready, and from a write to its first processing."""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.local import LocalDeployment, deploy
from infra.local.deployment import Watcher
from infra.local.invocation import Invocation

DEPLOYMENTS = 3
WRITES = 30

FUNCTION = "def handler(event, context): return {'batchItemFailures': []}"


class Stopwatch:
    """Remembers when invocations were over."""

    def __init__(self) -> None:
        self.over: list[float] = []

    def stop(self, _: Invocation) -> None:
        self.over.append(time.perf_counter())


def main() -> None:
    ready = []
    for _ in range(DEPLOYMENTS):
        begun = time.perf_counter()
        with deploy():
            ready.append(time.perf_counter() - begun)
    print(f"local run, deploy() to ready: {statistics.median(ready):.1f} s (target: under 3 s)")

    with TemporaryDirectory() as folder:
        (Path(folder) / "function.py").write_text(FUNCTION)
        stopwatch = Stopwatch()
        watcher = Watcher(on_invocation=stopwatch.stop)
        code = Path(folder)
        with deploy(code=code, entry_point="function.handler", watcher=watcher) as deployment:
            latencies = [_latency(deployment, stopwatch, number) for number in range(WRITES)]
    milliseconds = statistics.median(latencies) * 1000
    print(f"local run, write to processed: {milliseconds:.0f} ms (target: under 100 ms)")


def _latency(deployment: LocalDeployment, stopwatch: Stopwatch, number: int) -> float:
    count = len(stopwatch.over)
    deployment.client("dynamodb").put_item(
        TableName=deployment.outputs["tableName"],
        Item={"request_id": {"S": str(number)}, "payload": {"M": {}}},
    )
    written = time.perf_counter()
    deployment.drain()
    return max(stopwatch.over[count] - written, 0.0)


if __name__ == "__main__":
    main()
