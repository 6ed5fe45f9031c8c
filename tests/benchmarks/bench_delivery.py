"""Records a second through the poller: a scripted stream, a function that does nothing.

What is measured is the mapping alone: reading, filtering, batching, delivering, checkpointing.
"""

import asyncio
import time

from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.settings import MappingSettings
from tests.benchmarks.target import at_least
from tests.unit.infra.local.mapping.deliveries import settings, while_running
from tests.unit.infra.local.mapping.scripted import (
    SHARD,
    ScriptedFunction,
    ScriptedStreamSource,
    stream_record,
)

RECORDS = 50_000
BATCH_SIZES = (1, 50, 1000)
TARGET = 20_000
"""Records a second, at the largest batch size."""


def main() -> None:
    for batch_size in BATCH_SIZES:
        rate = asyncio.run(_rate(settings(batchSize=batch_size, filterCriteria=_INSERTS)))
        verdict = at_least(rate, TARGET) if batch_size == max(BATCH_SIZES) else ""
        print(f"poller, batch size {batch_size:>5}: {rate:>9,.0f} records/s {verdict}".rstrip())


_INSERTS = {"filters": [{"pattern": '{"eventName":["INSERT"]}'}]}


async def _rate(mapping_settings: MappingSettings) -> float:
    source = ScriptedStreamSource(
        *(stream_record(number, created=time.time()) for number in range(1, RECORDS + 1))
    )
    source.closed.add(SHARD)
    running = EventSourceMapping(mapping_settings, source=source, function=ScriptedFunction())
    begun = time.perf_counter()
    await while_running(running, running.settled())
    return RECORDS / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
