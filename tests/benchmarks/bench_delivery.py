"""Records a CPU second through the poller: a scripted stream, a function that does nothing.

What is measured is the mapping alone: reading, filtering, batching, delivering, checkpointing.
"""

import asyncio
import time
from functools import partial

from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.settings import MappingSettings
from tests.benchmarks.figures import Part, Table, with_spread
from tests.benchmarks.side_by_side import interleaved
from tests.benchmarks.target import at_least
from tests.unit.infra.local.mapping.deliveries import settings, while_running
from tests.unit.infra.local.mapping.scripted import (
    SHARD,
    ScriptedFunction,
    ScriptedStreamSource,
    stream_record,
)

RECORDS = 20_000
BATCH_SIZES = (1, 50, 1000)
TARGET = 20_000
"""Records a second, at the largest batch size."""


ROUNDS = 3


def main() -> Part:
    works = {
        size: partial(_run, settings(batchSize=size, filterCriteria=_INSERTS))
        for size in BATCH_SIZES
    }
    rates = interleaved(works, rounds=ROUNDS)
    rows = [(f"{size:,}", with_spread(rate, "{:,.0f}"), "") for size, rate in rates.items()]
    rows[-1] = (*rows[-1][:2], at_least(rates[BATCH_SIZES[-1]], TARGET))
    table = Table(head=("batch size", "records a CPU second", "target"), rows=tuple(rows))
    return Part(title="Local event source mapping", tables=(table,), notes=NOTES)


NOTES = (
    (
        "The mapping alone: a scripted stream of 20,000 records is read, filtered, batched, "
        "delivered to a function that does nothing, and checkpointed."
    ),
)


def _run(mapping_settings: MappingSettings) -> float:
    return asyncio.run(_rate(mapping_settings))


_INSERTS = {"filters": [{"pattern": '{"eventName":["INSERT"]}'}]}


async def _rate(mapping_settings: MappingSettings) -> float:
    source = ScriptedStreamSource(
        *(stream_record(number, created=time.time()) for number in range(1, RECORDS + 1))
    )
    source.closed.add(SHARD)
    running = EventSourceMapping(mapping_settings, source=source, function=ScriptedFunction())
    begun = time.process_time()
    await while_running(running, running.settled())
    return RECORDS / (time.process_time() - begun)
