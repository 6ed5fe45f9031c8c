"""One shard of the stream: reads it, filters it, spreads it over batches, keeps its place.

Resharding is left out on purpose: a shard is read from its beginning to its end whether or not its
parent has been, so order across a split is not kept.
"""

import asyncio
import json
import logging
import math
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from infra.config import StartingPosition
from infra.filters.pattern import FilterPattern
from infra.local.mapping.batching import BatchQueue
from infra.local.mapping.delivery import Batch, Delivery
from infra.local.mapping.stream_reader import (
    Position,
    Record,
    StreamError,
    StreamSource,
    TrimmedDataError,
)

logger = logging.getLogger(__name__)

IDLE_WAIT: Final = 0.05
"""Seconds between polls that find nothing: what is written here is to be processed within 100 ms.

Lambda polls a shard four times a second.
"""

READ_LIMIT: Final = 1000
"""Records of one poll: GetRecords' greatest limit."""

FIRST_BACK_OFF: Final = 0.1
LONGEST_BACK_OFF: Final = 5.0
"""Seconds between attempts to read a stream that cannot be read."""


class Checkpoint:
    """How far a shard is settled: everything up to `position`, and of what follows some."""

    def __init__(self, position: Position) -> None:
        self.position = position
        self.read = 0
        self.settled = 0
        """Records read, and how many of them from the front are settled."""
        self._unsettled: deque[str] = deque()
        self._settled_early: set[str] = set()

    def add(self, records: Sequence[Record]) -> None:
        self._unsettled.extend(record["dynamodb"]["SequenceNumber"] for record in records)
        self.read += len(records)

    def settle(self, records: Sequence[Record]) -> None:
        """Moves up to the lowest record that is not settled."""
        early = self._settled_early
        early.update(record["dynamodb"]["SequenceNumber"] for record in records)
        while self._unsettled and self._unsettled[0] in early:
            self.position = self._unsettled.popleft()
            early.remove(self.position)
            self.settled += 1


class ShardPoller:
    """Reads a shard from a position on and has every matching record delivered."""

    def __init__(
        self,
        shard_id: str,
        position: Position,
        *,
        source: StreamSource,
        delivery: Delivery,
        patterns: Sequence[FilterPattern],
    ) -> None:
        self.checkpoint = Checkpoint(position)
        self._shard_id = shard_id
        self._source = source
        self._delivery = delivery
        self._patterns = patterns
        settings = delivery.settings
        self._queues = [BatchQueue(settings) for _ in range(settings.parallelization_factor)]
        self._room = max(READ_LIMIT, settings.batch_size) * len(self._queues)
        self._polls = 0
        self._last_empty_poll: float = 0
        self._progress = asyncio.Event()

    async def run(self) -> None:
        """Returns when the shard is closed and all of it is settled."""
        async with asyncio.TaskGroup() as tasks:
            deliveries = [tasks.create_task(self._deliver(queue)) for queue in self._queues]
            await self._read()
            await self._until(lambda: self.checkpoint.settled == self.checkpoint.read)
            for task in deliveries:
                task.cancel()

    async def settled(self) -> None:
        """Returns once all that is in the shard now is read and settled."""
        polls = self._polls
        await self._until(lambda: self._last_empty_poll > polls)
        read = self.checkpoint.read
        await self._until(lambda: self.checkpoint.settled >= read)

    async def _read(self) -> None:
        """Polls until the shard is closed; a stream that cannot be read now is read later."""
        position = self.checkpoint.position
        iterator: str | None = None
        failures = 0
        while True:
            await self._until(self._has_room)
            self._polls += 1
            try:
                iterator = iterator or await self._source.iterator(self._shard_id, position)
                records, iterator = await self._source.records(iterator, READ_LIMIT)
            except StreamError as error:
                logger.warning("%s of %s: %s", self._shard_id, self._source.stream_arn, error)
                if isinstance(error, TrimmedDataError):
                    position = StartingPosition.TRIM_HORIZON
                iterator = None
                await asyncio.sleep(min(FIRST_BACK_OFF * 2.0**failures, LONGEST_BACK_OFF))
                failures = min(failures + 1, 10)
                continue
            failures = 0
            if records:
                position = records[-1]["dynamodb"]["SequenceNumber"]
                self._accept(records)
            if iterator is None:
                self._last_empty_poll = math.inf
                self._notify()
                return
            if not records:
                self._last_empty_poll = self._polls
                self._notify()
                await asyncio.sleep(IDLE_WAIT)

    def _accept(self, records: Sequence[Record]) -> None:
        self.checkpoint.add(records)
        filtered_out = []
        for record in records:
            if self._matches(record):
                self._queue_of(record).add(record)
            else:
                filtered_out.append(record)
        metrics = self._delivery.metrics
        metrics["PolledEventCount"] += len(records)
        metrics["FilteredOutEventCount"] += len(filtered_out)
        self._settle(filtered_out)

    def _matches(self, record: Record) -> bool:
        return not self._patterns or any(pattern.matches(record) for pattern in self._patterns)

    def _queue_of(self, record: Record) -> BatchQueue:
        """An item's records are always in the same queue: that keeps their order."""
        if len(self._queues) == 1:
            return self._queues[0]
        key = json.dumps(record["dynamodb"]["Keys"], sort_keys=True).encode()
        return self._queues[zlib.crc32(key) % len(self._queues)]

    def _has_room(self) -> bool:
        return sum(map(len, self._queues)) < self._room

    async def _deliver(self, queue: BatchQueue) -> None:
        while True:
            batch = Batch(shard_id=self._shard_id, records=await queue.batch())
            self._notify()
            await self._delivery.deliver(batch, self._settle)

    def _settle(self, records: Sequence[Record]) -> None:
        self.checkpoint.settle(records)
        self._notify()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._progress.wait()

    def _notify(self) -> None:
        """Wakes whoever waits for a condition, to look again."""
        self._progress.set()
        self._progress.clear()
