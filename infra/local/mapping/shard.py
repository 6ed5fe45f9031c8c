"""One shard of the stream: reads it, filters it, spreads it over batches, keeps its place.

Resharding is left out on purpose: a shard is read from its beginning to its end whether or not its
parent has been, so order across a split is not kept.
"""

import asyncio
import contextlib
import logging
import math
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from infra.config import StartingPosition
from infra.events.stream_record import item_key
from infra.filters.pattern import FilterPattern
from infra.local.mapping.batching import BatchQueue
from infra.local.mapping.delivery import Batch, Delivery
from infra.local.mapping.persistence import UNFORESEEN, Persistence, is_stop
from infra.local.mapping.stream_reader import (
    Position,
    Record,
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


class Checkpoint:
    """How far a shard is settled: everything up to `position`, and of what follows some.

    Records are told apart by themselves and not by their numbers: should a stream ever repeat one,
    no record counts as settled because another is. A poller that goes on with another's checkpoint
    begins with what is read and not settled, and repeats nothing of what is.
    """

    def __init__(self, position: Position) -> None:
        self.position = position
        self.read_up_to = position
        """Where the shard is to be read on."""
        self.read = 0
        self.settled = 0
        """Records read, and how many of them from the front are settled."""
        self._newest = -1
        self._is_in_order = True
        self._from_the_front: deque[Record] = deque()
        self._unsettled: Counter[int] = Counter()

    def add(self, records: Sequence[Record]) -> None:
        for record in records:
            self._is_in_order = self._is_in_order and _number(record) > self._newest
            self._newest = max(self._newest, _number(record))
            self._unsettled[id(record)] += 1
        self._from_the_front.extend(records)
        self.read += len(records)
        if records:
            self.read_up_to = records[-1]["dynamodb"]["SequenceNumber"]

    @property
    def unsettled(self) -> list[Record]:
        """What was read and is neither processed nor given up, in order."""
        return [each for each in self._from_the_front if self._unsettled[id(each)]]

    def settle(self, records: Sequence[Record]) -> None:
        """Moves up to the lowest record that is not settled."""
        for record in records:
            if self._unsettled[id(record)]:
                self._unsettled[id(record)] -= 1
        reached = None
        while self._from_the_front and not self._unsettled[id(self._from_the_front[0])]:
            reached = self._from_the_front.popleft()
            del self._unsettled[id(reached)]
            self.settled += 1
        if reached is not None and self._is_safe_behind(reached):
            self.position = reached["dynamodb"]["SequenceNumber"]

    def begin_again(self) -> None:
        """What was read and is not settled is read again."""
        self._from_the_front.clear()
        self._unsettled.clear()
        self.read = self.settled
        self.read_up_to = self.position

    def _is_safe_behind(self, record: Record) -> bool:
        """Whether reading on behind it would miss nothing: numbers may be repeated."""
        return self._is_in_order or all(
            _number(record) < _number(unsettled) for unsettled in self._from_the_front
        )


def _number(record: Record) -> int:
    return int(record["dynamodb"]["SequenceNumber"])


class ShardPoller:
    """Reads a shard from a position on and has every matching record delivered."""

    def __init__(
        self,
        shard_id: str,
        checkpoint: Checkpoint,
        *,
        source: StreamSource,
        delivery: Delivery,
        patterns: Sequence[FilterPattern],
    ) -> None:
        self.checkpoint = checkpoint
        self._shard_id = shard_id
        self._source = source
        self._delivery = delivery
        self._patterns = patterns
        self._queues = self._new_queues()
        self._room = max(READ_LIMIT, delivery.settings.batch_size) * len(self._queues)
        self._polls = 0
        self._last_empty_poll: float = 0
        self._in_delivery = 0
        self._progress = asyncio.Event()
        self.reading = Persistence(f"reading {shard_id} of {source.stream_arn}")

    async def run(self) -> None:
        """Returns when the shard is closed and all of it is settled; only its stop ends it before.

        After what nobody foresaw it begins again behind its checkpoint: what was on its way then is
        delivered again, which the stream's "at least once" allows.
        """
        trouble = Persistence(f"the poller of {self._shard_id}")
        self._judge(self.checkpoint.unsettled)
        while True:
            try:
                return await self._run()
            except UNFORESEEN as error:
                await trouble.after(error)
                self._begin_again()

    def _begin_again(self) -> None:
        self.checkpoint.begin_again()
        self._queues = self._new_queues()
        self._last_empty_poll = 0

    def _new_queues(self) -> list[BatchQueue]:
        settings = self._delivery.settings
        return [BatchQueue(settings) for _ in range(settings.parallelization_factor)]

    async def _run(self) -> None:
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
        position = self.checkpoint.read_up_to
        iterator: str | None = None
        while True:
            await self._until(self._has_room)
            self._polls += 1
            try:
                iterator = iterator or await self._source.iterator(self._shard_id, position)
                records, iterator = await self._source.records(iterator, READ_LIMIT)
            except UNFORESEEN as error:
                if isinstance(error, TrimmedDataError):
                    position = StartingPosition.TRIM_HORIZON
                iterator = None
                if not is_stop(error):
                    self._delivery.last_processing_result = str(error)
                await self.reading.after(error)
                continue
            self.reading.succeeded()
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
        self._delivery.metrics["PolledEventCount"] += len(records)
        self._judge(records)

    def _judge(self, records: Sequence[Record]) -> None:
        """Queues what the filter lets through, and settles the rest."""
        filtered_out = []
        for record in records:
            if self._matches(record):
                self._queue_of(record).add(record)
            else:
                filtered_out.append(record)
        self._delivery.metrics["FilteredOutEventCount"] += len(filtered_out)
        self._settle(filtered_out)

    def _matches(self, record: Record) -> bool:
        """A record that cannot be judged is delivered: nothing is to be lost."""
        try:
            return not self._patterns or any(pattern.matches(record) for pattern in self._patterns)
        except Exception:
            number = record["dynamodb"]["SequenceNumber"]
            logger.exception("no filter can be applied to record %s: it is delivered", number)
            return True

    def _queue_of(self, record: Record) -> BatchQueue:
        """An item's records are always in the same queue: that keeps their order."""
        if len(self._queues) == 1:
            return self._queues[0]
        return self._queues[zlib.crc32(item_key(record).encode()) % len(self._queues)]

    def _has_room(self) -> bool:
        return sum(map(len, self._queues)) < self._room

    async def _deliver(self, queue: BatchQueue) -> None:
        while True:
            batch = Batch(shard_id=self._shard_id, records=await queue.batch())
            self._notify()
            with self._delivering():
                await self._delivery.deliver(batch, self._settle)

    @contextlib.contextmanager
    def _delivering(self) -> Iterator[None]:
        self._in_delivery += 1
        try:
            yield
        finally:
            self._in_delivery -= 1
            self._notify()

    async def finished(self) -> None:
        """Returns once nothing is being delivered, after the delivery was asked to finish."""
        await self._until(lambda: not self._in_delivery)

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
