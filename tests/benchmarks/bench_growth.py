"""What a record costs as batches, records and the backlog grow: flat or falling, or else why."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from infra.local import deploy
from infra.local.aws.emulator import Emulator
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.program.run import region_of
from tests.benchmarks.bench_filter_cost import update_mapping
from tests.benchmarks.bench_handler import Contender, contender, event
from tests.benchmarks.figures import Part, Table, with_spread
from tests.benchmarks.peers import POWERTOOLS, set_up
from tests.benchmarks.side_by_side import Samples, interleaved
from tests.project import copy_of_project
from tests.unit.handler.events import batch, record
from tests.unit.infra.local.mapping.deliveries import settings, while_running
from tests.unit.infra.local.mapping.scripted import (
    SHARD,
    ScriptedFunction,
    ScriptedStreamSource,
    stream_record,
)

ROUNDS: Final = 5
BATCH_SIZES: Final = (1, 10, 100, 1_000, 10_000)
KILOBYTES: Final = (0.1, 1, 10, 100, 400)
INVOCATION: Final = 6_000
"""Kilobytes that one invocation carries at most."""
BACKLOGS: Final = (100, 1_000, 10_000, 100_000)
EMULATED: Final = 10_000
"""The longest backlog that is written to the embedded AWS too."""


def main() -> Part:
    set_up(POWERTOOLS)
    with (
        TemporaryDirectory() as folder,
        contender("ours") as ours,
        contender("bare loop") as loop,
    ):
        handlers = {"ours": ours, "bare loop": loop}
        tables = (
            _batch_sizes(handlers, Path(folder)),
            _record_sizes(handlers, Path(folder)),
            _backlogs(Path(folder)),
        )
    return Part(title="Growth", tables=tables, notes=NOTES)


NOTES: Final = (
    (
        "Handler: CPU microseconds a record, and a kilobyte of a record, in batches of up to 100 "
        "records that fit into an invocation's 6 MB."
    ),
    (
        "At 10,000 records Python's garbage collector walks the whole event again and again while"
        " it is read; the bare loop pays for it just as much."
    ),
    (
        "Mapping: CPU microseconds a record of the poller alone, over a scripted stream, and the "
        "whole local run's records a second, from a backlog in the embedded AWS, in batches of "
        "100."
    ),
)


def _times(handlers: Mapping[str, Contender], file: Path, times: int) -> dict[str, Samples]:
    works = {name: partial(each.seconds, file, times) for name, each in handlers.items()}
    return interleaved(works, rounds=ROUNDS)


def _batch_sizes(handlers: Mapping[str, Contender], folder: Path) -> Table:
    rows = []
    for size in BATCH_SIZES:
        file = folder / "batch.json"
        file.write_text(json.dumps(event("small", size)), encoding="utf-8")
        measured = _times(handlers, file, max(200 // size, 1))
        cells = (with_spread(samples.scaled(1e6 / size)) for samples in measured.values())
        rows.append((f"{size:,}", *cells))
    return Table(head=("batch size: µs a record", *handlers), rows=tuple(rows))


def _record_sizes(handlers: Mapping[str, Contender], folder: Path) -> Table:
    rows = []
    for kilobytes in KILOBYTES:
        count = max(min(100, int(INVOCATION // kilobytes)), 1)
        file = folder / "batch.json"
        records = [record(number, payload=payload(kilobytes)) for number in range(1, count + 1)]
        file.write_text(json.dumps(batch(*records)), encoding="utf-8")
        measured = _times(handlers, file, 1)
        cells = (
            with_spread(samples.scaled(1e6 / count / divisor))
            for samples in measured.values()
            for divisor in (1, kilobytes)
        )
        rows.append((f"{kilobytes:g} KB", *cells))
    head = (f"{name}, µs a {what}" for name in handlers for what in ("record", "KB"))
    return Table(head=("record size", *head), rows=tuple(rows))


def payload(kilobytes: float) -> Mapping[str, Any]:
    """A payload of so many lines, as an order has them, that its JSON is about as long."""
    line = {"M": {"sku": {"S": "sku-0000000000"}, "count": {"N": "3"}, "note": {"S": "x" * 30}}}
    return {"M": {"lines": {"L": [line] * max(round(kilobytes * 1000 / len(json.dumps(line))), 1)}}}


def _backlogs(folder: Path) -> Table:
    rates = dict(_emulated(folder))
    rows = []
    for count in BACKLOGS:
        works = {count: partial(_scripted, count)}
        samples = interleaved(works, rounds=ROUNDS if count < BACKLOGS[-1] else 1)[count]
        rate = f"{rates[count]:,.0f}" if count in rates else ""
        rows.append((f"{count:,}", with_spread(samples.scaled(1e6 / count)), rate))
    head = ("backlog", "mapping, CPU µs a record", "local run, records a second")
    return Table(head=head, rows=tuple(rows))


def _scripted(count: int) -> float:
    return asyncio.run(_scripted_seconds(count))


async def _scripted_seconds(count: int) -> float:
    source = ScriptedStreamSource(
        *(stream_record(number, created=time.time()) for number in range(1, count + 1))
    )
    source.closed.add(SHARD)
    inputs = {"batchSize": 100, "filterCriteria": {"filters": [{"pattern": _INSERTS}]}}
    running = EventSourceMapping(settings(**inputs), source=source, function=ScriptedFunction())
    begun = time.process_time()
    await while_running(running, running.settled())
    return time.process_time() - begun


_INSERTS: Final = '{"eventName":["INSERT"]}'
FUNCTION: Final = "def handler(event, context): return {'batchItemFailures': []}"


def _emulated(folder: Path) -> Iterator[tuple[int, float]]:
    """Records a second of each backlog, from when the mapping is enabled."""
    project = copy_of_project(folder / "project")
    code = folder / "code"
    code.mkdir()
    (code / "function.py").write_text(FUNCTION, encoding="utf-8")
    config = {"eventSource": {"batchSize": 100, "enabled": False}}
    with Emulator(region=region_of("dev", project)) as emulator:
        for count in BACKLOGS:
            if count > EMULATED:
                return
            with deploy(
                config=config,
                code=code,
                entry_point="function.handler",
                emulator=emulator,
                project=project,
            ) as deployment:
                _fill(deployment.client("dynamodb"), deployment.outputs["tableName"], count)
                begun = time.perf_counter()
                update_mapping(deployment, Enabled=True)
                deployment.drain(timeout=600)
                yield count, count / (time.perf_counter() - begun)


def _fill(client: Any, table: str, count: int) -> None:
    for begin in range(0, count, 25):
        puts = [
            {"PutRequest": {"Item": {"request_id": {"S": str(number)}, "payload": {"M": {}}}}}
            for number in range(begin, min(begin + 25, count))
        ]
        client.batch_write_item(RequestItems={table: puts})
