"""What a record costs as batches, records and the backlog grow: flat or falling, or else why."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
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
OURS: Final = "ours"
FLAT: Final = 1.2
"""Times the least of all smaller ones: what is noise on a shared machine."""
UNCOLLECTED: Final = "ours, without the garbage collector"
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
        contender(OURS) as ours,
        contender(UNCOLLECTED) as uncollected,
        contender("bare loop") as loop,
    ):
        handlers = {OURS: ours, UNCOLLECTED: uncollected, "bare loop": loop}
        tables = (
            _batch_sizes(handlers, Path(folder)),
            _record_sizes(handlers, Path(folder)),
            _backlogs(Path(folder)),
        )
    return Part(title="Growth", tables=tables, notes=NOTES)


NOTES: Final = (
    (
        "First table, the handler: CPU microseconds a record, JSON in to JSON out, as the batch "
        "grows. Falling up to 100 records, as a batch has a price of its own."
    ),
    (
        "Second table, the handler: a record, and a kilobyte of its JSON, as records grow, in "
        "batches of up to 100 that fit into an invocation's 6 MB. A record of one line is half "
        "envelope, whose long strings cost little; from 10 KB on a record is all payload."
    ),
    (
        "Where these rise at the end, it is Python's garbage collector: while the event is read, "
        "before any handler begins, it walks again and again all that is read already. The column"
        " without it shows the same work with `gc.disable()`; the bare loop pays for it too. The "
        "handler leaves the collector on, as `process` may make cycles."
    ),
    (
        "Third table, the local run: CPU microseconds a record of the event source mapping alone,"
        " over a scripted stream, and records a second of the whole, from a backlog that waits in"
        " the embedded AWS (up to 10,000 records: to write more takes minutes), in batches of 100."
    ),
)


def _times(handlers: Mapping[str, Contender], file: Path, times: int) -> dict[str, Samples]:
    works = {name: partial(each.seconds, file, times) for name, each in handlers.items()}
    return interleaved(works, rounds=ROUNDS)


def _batch_sizes(handlers: Mapping[str, Contender], folder: Path) -> Table:
    rows, costs = [], []
    for size in BATCH_SIZES:
        file = folder / "batch.json"
        file.write_text(json.dumps(event("small", size)), encoding="utf-8")
        measured = _times(handlers, file, max(200 // size, 1))
        scaled = {name: samples.scaled(1e6 / size) for name, samples in measured.items()}
        costs.append(scaled)
        rows.append((f"{size:,}", *map(with_spread, scaled.values())))
    head = ("batch size", *(f"{name}, µs a record" for name in handlers))
    return _with_growth(Table(head=head, rows=tuple(rows)), costs)


def _record_sizes(handlers: Mapping[str, Contender], folder: Path) -> Table:
    rows, costs = [], []
    for kilobytes in KILOBYTES:
        count = max(min(100, int(INVOCATION // kilobytes)), 1)
        file = folder / "batch.json"
        records = [record(number, payload=payload(kilobytes)) for number in range(1, count + 1)]
        file.write_text(json.dumps(batch(*records)), encoding="utf-8")
        length = file.stat().st_size / count / 1000
        measured = _times(handlers, file, 1)
        a_record = with_spread(measured[OURS].scaled(1e6 / count))
        scaled = {name: each.scaled(1e6 / count / length) for name, each in measured.items()}
        costs.append(scaled)
        a_kilobyte = map(with_spread, scaled.values())
        rows.append((f"{kilobytes:g} KB", f"{length:,.3g} KB", a_record, *a_kilobyte))
    a_kilobyte_of = (f"{name}, µs a KB" for name in handlers)
    head = ("payload", "its record's JSON", f"{OURS}, µs a record", *a_kilobyte_of)
    return _with_growth(Table(head=head, rows=tuple(rows)), costs)


def _with_growth(table: Table, costs: Sequence[Mapping[str, Samples]]) -> Table:
    """With a column that says of each row how much dearer it is than the cheapest one before it."""
    names = [name for name in costs[0] if name != "bare loop"]
    rows = []
    for number, (row, cost) in enumerate(zip(table.rows, costs, strict=True)):
        before = costs[:number]
        cells = (_growth(name, cost, before) if before else "" for name in names)
        rows.append((*row, *cells))
    head = (f"{name}, times the least above ({FLAT:g} is flat)" for name in names)
    return Table(head=(*table.head, *head), rows=tuple(rows))


def _growth(name: str, cost: Mapping[str, Samples], before: Sequence[Mapping[str, Samples]]) -> str:
    ratio = cost[name].median / min(each[name].median for each in before)
    return f"{ratio:.2f}{'' if ratio <= FLAT else ' **missed**'}"


def payload(kilobytes: float) -> Mapping[str, Any]:
    """A payload of so many lines, as an order has them, that its JSON is about as long."""
    line = {"M": {"sku": {"S": "sku-0000000000"}, "count": {"N": "3"}, "note": {"S": "x" * 30}}}
    return {"M": {"lines": {"L": [line] * max(round(kilobytes * 1000 / len(json.dumps(line))), 1)}}}


def _backlogs(folder: Path) -> Table:
    rates = dict(_emulated(folder))
    rows, costs = [], []
    for count in BACKLOGS:
        works = {count: partial(_scripted, count)}
        samples = interleaved(works, rounds=ROUNDS if count < BACKLOGS[-1] else 3)[count]
        costs.append({OURS: samples.scaled(1e6 / count)})
        rate = f"{rates[count]:,.0f}" if count in rates else ""
        rows.append((f"{count:,}", with_spread(samples.scaled(1e6 / count)), rate))
    head = ("backlog", "mapping, CPU µs a record", "local run, records a second")
    return _with_growth(Table(head=head, rows=tuple(rows)), costs)


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
