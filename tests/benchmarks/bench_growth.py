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
OURS: Final = "ours"
FLAT: Final = 1.2
"""Times the cheapest before it: up to here it may be the noise of a shared machine."""
UNCOLLECTED: Final = "ours, gc off"
MAPPING: Final = "mapping"
OF_OURS: Final = (OURS, UNCOLLECTED, MAPPING)
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
        "A rise is how many times the cheapest row above a row costs: below 1 it is falling, up to "
        "1.2 it is flat as far as a shared machine tells."
    ),
    (
        "First table, the handler: CPU microseconds a record, JSON in to JSON out. Second table, "
        "the same by a kilobyte of the record's JSON, in batches of up to 100 records that fit into"
        " an invocation's 6 MB; a record of one line is half envelope, whose long strings cost "
        "little, and from 10 KB on it is all payload."
    ),
    (
        "Where these rise at the end, it is Python's garbage collector: while the event is read, "
        "before any handler begins, it walks again and again all that is read already. `gc off` is "
        "the same handler after `gc.disable()`; the bare loop, with the collector, pays for it too."
        " The handler leaves it on, as `process` may make what only it can free."
    ),
    (
        "Third table, the local run: records a second of the whole, from a backlog that waits in "
        "the embedded AWS (up to 10,000 records: to write more takes minutes), and the CPU time of"
        " the event source mapping alone, over a scripted stream; both in batches of 100."
    ),
)


def _times(handlers: Mapping[str, Contender], file: Path, times: int) -> dict[str, Samples]:
    works = {name: partial(each.seconds, file, times) for name, each in handlers.items()}
    return interleaved(works, rounds=ROUNDS)


def _batch_sizes(handlers: Mapping[str, Contender], folder: Path) -> Table:
    growth = Growth()
    for size in BATCH_SIZES:
        file = folder / "batch.json"
        file.write_text(json.dumps(event("small", size)), encoding="utf-8")
        measured = _times(handlers, file, max(200 // size, 1))
        growth.add(f"{size:,}", costs={n: each.scaled(1e6 / size) for n, each in measured.items()})
    return growth.table("batch size", unit="µs a record")


def _record_sizes(handlers: Mapping[str, Contender], folder: Path) -> Table:
    growth = Growth()
    for kilobytes in KILOBYTES:
        count = max(min(100, int(INVOCATION // kilobytes)), 1)
        file = folder / "batch.json"
        records = [record(number, payload=payload(kilobytes)) for number in range(1, count + 1)]
        file.write_text(json.dumps(batch(*records)), encoding="utf-8")
        length = file.stat().st_size / count / 1000
        measured = _times(handlers, file, 1)
        growth.add(
            f"{kilobytes:g} KB",
            f"{length:,.3g} KB",
            with_spread(measured[OURS].scaled(1e6 / count)),
            costs={name: each.scaled(1e6 / count / length) for name, each in measured.items()},
        )
    return growth.table("payload", "its record", f"{OURS}, µs a record", unit="µs a KB")


class Growth:
    """What something costs as it grows; of what is ours, also how much dearer it has become."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, ...]] = []
        self._costs: list[Mapping[str, Samples]] = []

    def add(self, *cells: str, costs: Mapping[str, Samples]) -> None:
        """A row: what has grown, and what it costs each."""
        self._rows.append((*cells, *self._cells(costs)))
        self._costs.append(costs)

    def _cells(self, costs: Mapping[str, Samples]) -> Iterator[str]:
        for name, cost in costs.items():
            yield with_spread(cost)
            if name in OF_OURS:
                before = [each[name].median for each in self._costs]
                yield _rise(cost.median / min(before)) if before else ""

    def table(self, *head: str, unit: str) -> Table:
        names = (
            cell
            for name in self._costs[0]
            for cell in (f"{name}, {unit}", *([f"rise (≤ {FLAT:g})"] if name in OF_OURS else []))
        )
        return Table(head=(*head, *names), rows=tuple(self._rows))


def _rise(ratio: float) -> str:
    return f"{ratio:.2f}{'' if ratio <= FLAT else ' **missed**'}"


def payload(kilobytes: float) -> Mapping[str, Any]:
    """A payload of so many lines, as an order has them, that its JSON is about as long."""
    line = {"M": {"sku": {"S": "sku-0000000000"}, "count": {"N": "3"}, "note": {"S": "x" * 30}}}
    return {"M": {"lines": {"L": [line] * max(round(kilobytes * 1000 / len(json.dumps(line))), 1)}}}


def _backlogs(folder: Path) -> Table:
    growth, rates = Growth(), dict(_emulated(folder))
    for count in BACKLOGS:
        works = {count: partial(_scripted, count)}
        samples = interleaved(works, rounds=ROUNDS if count < BACKLOGS[-1] else 3)[count]
        rate = f"{rates[count]:,.0f}" if count in rates else ""
        growth.add(f"{count:,}", rate, costs={MAPPING: samples.scaled(1e6 / count)})
    return growth.table("backlog", "local run, records a second", unit="CPU µs a record")


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
