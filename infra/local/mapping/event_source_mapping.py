"""The event source mapping: finds the stream's shards and has each read and delivered.

Which records are invoked together is `batching`'s matter, what becomes of a batch `delivery`'s.
asyncio throughout, on the caller's event loop; time passes only by that loop and by `clock`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

from infra.config import StartingPosition
from infra.filters.pattern import FilterPattern
from infra.local.function.invocation import Function
from infra.local.mapping.delivery import Delivery
from infra.local.mapping.destination import Destination
from infra.local.mapping.settings import MappingSettings
from infra.local.mapping.shard import ShardPoller
from infra.local.mapping.stream_reader import Position, StreamError, StreamSource

logger = logging.getLogger(__name__)

METRICS: Final = (
    "PolledEventCount",
    "FilteredOutEventCount",
    "InvokedEventCount",
    "FailedInvokeEventCount",
    "DroppedEventCount",
    "OnFailureDestinationDeliveredEventCount",
    "DestinationDeliveryFailures",
)
"""Lambda's names. All but the last count events: an event that is retried is invoked again."""

DISCOVERY_INTERVAL: Final = 1.0
"""Seconds between looks for new shards, and before another attempt when the look failed."""

T = TypeVar("T")


class EventSourceMapping:
    """One event source mapping: `run()` it as a task, cancel the task to stop it.

    What was being delivered when it stopped is delivered again by a mapping that is created with
    its `checkpoints`. A disabled mapping reads nothing.
    """

    def __init__(
        self,
        settings: MappingSettings,
        *,
        source: StreamSource,
        function: Function,
        destination: Destination | None = None,
        checkpoints: Mapping[str, Position] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._source = source
        self._delivery = Delivery(
            settings=settings, function=function, destination=destination, now=clock
        )
        self._patterns = [FilterPattern(pattern) for pattern in settings.patterns]
        self._checkpoints = dict(checkpoints or {})
        self._shards: dict[str, ShardPoller] = {}
        self._started = asyncio.Event()

    @property
    def metrics(self) -> dict[str, int]:
        """Lambda's metrics of this mapping since it began."""
        return {name: self._delivery.metrics[name] for name in METRICS}

    @property
    def checkpoints(self) -> dict[str, Position]:
        """Of each shard, the position up to which everything is settled."""
        reached = {shard_id: shard.checkpoint.position for shard_id, shard in self._shards.items()}
        return {**self._checkpoints, **reached}

    async def run(self) -> None:
        """Reads and delivers until cancelled."""
        if not self.settings.enabled:
            self._started.set()
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._find_shards(tasks)
                self._started.set()
                await asyncio.sleep(DISCOVERY_INTERVAL)

    async def started(self) -> None:
        """Returns once the mapping has its place: what is written from now on will be read."""
        await self._started.wait()

    async def settled(self) -> None:
        """Returns once all that can be read now is processed, filtered out or given up.

        At once if the mapping is disabled: nothing can be read.
        """
        if not self.settings.enabled:
            return
        await self.started()
        for shard_id in await self._patiently(self._source.shard_ids):
            while shard_id not in self._shards:
                await asyncio.sleep(DISCOVERY_INTERVAL)
            await self._shards[shard_id].settled()

    async def _find_shards(self, tasks: asyncio.TaskGroup) -> None:
        for shard_id in await self._patiently(self._source.shard_ids):
            if shard_id not in self._shards:
                position = await self._position(shard_id)
                shard = ShardPoller(
                    shard_id,
                    position,
                    source=self._source,
                    delivery=self._delivery,
                    patterns=self._patterns,
                )
                self._shards[shard_id] = shard
                tasks.create_task(shard.run())

    async def _position(self, shard_id: str) -> Position:
        """Where to begin: LATEST is for the shards that are there when the mapping is created."""
        if shard_id in self._checkpoints:
            return self._checkpoints[shard_id]
        is_new = bool(self._checkpoints) or self._started.is_set()
        if is_new or self.settings.starting_position is StartingPosition.TRIM_HORIZON:
            return StartingPosition.TRIM_HORIZON
        latest = await self._patiently(lambda: self._source.latest_sequence_number(shard_id))
        return latest or StartingPosition.TRIM_HORIZON

    async def _patiently(self, read: Callable[[], Awaitable[T]]) -> T:
        """Asks the stream until it answers."""
        while True:
            try:
                return await read()
            except StreamError as error:
                logger.warning("%s: %s", self._source.stream_arn, error)
                await asyncio.sleep(DISCOVERY_INTERVAL)
