"""The demo: deploys the program here, sends requests through it, and says what became of them."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from handler.config import EventName, RequestsStream
from infra.local import report
from infra.local.aws.resources import EVENT_SOURCE_MAPPING
from infra.local.deployment import LocalDeployment, deploy
from infra.local.function.invocation import Invocation
from infra.local.function.sandbox import Sandbox
from infra.local.requests_file import Write, built_in_mix, count_of, inserts_of, read_items
from infra.local.watching import Watcher

_DRAIN_TIMEOUT_BASE = 60.0


@dataclass(kw_only=True, slots=True)
class _Stopwatch:
    """When the first record was handed to the function and done."""

    first: float | None = field(default=None)

    def stop(self, _: Invocation) -> None:
        self.first = self.first or time.perf_counter()


def run_demo(
    *,
    stack: str,
    items: Path | None,
    count: int | None,
    port: int = 0,
    config: Mapping[str, Any] | None = None,
    sandbox: Sandbox | None = None,
) -> int:
    """Returns the exit code: 0 when every insert was processed, else 1.

    Raises what `deploy` raises, and `ItemsError`.
    """
    stream = RequestsStream()
    if items is not None:
        writes = read_items(items, stream)
    else:
        writes = built_in_mix(stream) if count is None else inserts_of(stream, count)
    console, stopwatch, began = report.console(), _Stopwatch(), time.perf_counter()
    console.print(f"Deploying stack {stack} to an embedded AWS on this machine ...")
    watcher = Watcher(on_invocation=stopwatch.stop)
    with deploy(stack, config, sandbox=sandbox, watcher=watcher, port=port) as deployment:
        console.print(report.resource_tree(deployment.resources, f"stack {stack}"))
        console.print(f"Ready in {time.perf_counter() - began:.1f} s at {deployment.endpoint}\n")
        wrote_first = time.perf_counter()
        _write(deployment, writes)
        console.print(_written(writes, deployment.outputs["tableName"]))
        try:
            deployment.drain(_DRAIN_TIMEOUT_BASE + len(writes) / 50)
        except TimeoutError as error:
            console.print(f"Not everything was processed: {error}")
        settled = time.perf_counter() - wrote_first
        first = (stopwatch.first or time.perf_counter()) - wrote_first
        return _say(console, deployment, writes, first=first, settled=settled)


def _write(deployment: LocalDeployment, writes: list[Write]) -> None:
    client, table = deployment.client("dynamodb"), deployment.outputs["tableName"]
    for write in writes:
        write.put_into(client, table)


def _written(writes: list[Write], table: str) -> str:
    inserts, updates, removals = (count_of(writes, [event]) for event in EventName)
    return f"Wrote to {table}: {inserts} inserts, {updates} updates, {removals} removals"


def _say(
    console: Console,
    deployment: LocalDeployment,
    writes: list[Write],
    *,
    first: float,
    settled: float,
) -> int:
    metrics, counts = deployment.metrics, report.handled(deployment.log)
    given_up = metrics["OnFailureDestinationDeliveredEventCount"] + metrics["DroppedEventCount"]
    console.print(
        report.figures(
            [
                ("records read from the stream", str(metrics["PolledEventCount"])),
                *_filtered_out(deployment),
                ("invocations of the handler", str(len(deployment.invocations))),
                ("requests processed", str(counts["Processed"])),
                ("requests rejected and parked", str(counts["Rejected"])),
                ("failed attempts", str(counts["Failed"])),
                ("records given up", str(given_up)),
                ("first request processed after", f"{first * 1000:.0f} ms"),
                ("all settled after", f"{settled * 1000:.0f} ms"),
            ]
        )
    )
    expected = count_of(writes, RequestsStream().events)
    done = counts["Processed"]
    if done == expected:
        console.print(f"\nEvery insert was processed: {done} of {expected}.")
        return 0
    console.print(f"\nNot every insert was processed: {done} of {expected}.")
    for line in [line for line in deployment.log if '"error_type"' in line][:5]:
        console.print(f"  {line}")
    return 1


def _filtered_out(deployment: LocalDeployment) -> Iterator[tuple[str, str]]:
    """What each mapping's filter kept away."""
    for mapping in deployment.deployed.of_type(EVENT_SOURCE_MAPPING):
        filters = mapping.inputs.get("filterCriteria", {}).get("filters", [])
        patterns = " or ".join(each["pattern"] for each in filters)
        metrics = deployment.metrics_by_mapping[mapping.outputs["uuid"]]
        yield f"kept away by the filter {patterns}", str(metrics["FilteredOutEventCount"])
