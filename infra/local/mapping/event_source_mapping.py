"""The event source mapping: finds the stream's shards and has each read and delivered.

Which records are invoked together is `batching`'s matter, what becomes of a batch `delivery`'s.
asyncio throughout, on the caller's event loop; time passes only by that loop and by `clock`. Only
its stop ends it: what nobody foresaw is said, and it goes on. Before it has its place it fails.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from infra.config import StartingPosition
from infra.filters.pattern import FilterPattern
from infra.local.function.invocation import Function
from infra.local.mapping.delivery import NOT_PROCESSED, Delivery, DeliveryEvent
from infra.local.mapping.destination import Destination
from infra.local.mapping.persistence import UNFORESEEN, Persistence, is_stop
from infra.local.mapping.progress import Progress, progress
from infra.local.mapping.settings import MappingSettings
from infra.local.mapping.shard import Checkpoint, ShardPoller
from infra.local.mapping.stream_reader import Position, StreamError, StreamSource

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
"""Seconds between looks for new shards."""


def reported_metrics(counted: Mapping[str, int], settings: MappingSettings) -> Counter[str]:
    """Also those that are 0. Without a filter there is no FilteredOutEventCount, as on AWS."""
    left_out = () if settings.patterns else ("FilteredOutEventCount",)
    return Counter({name: counted.get(name, 0) for name in METRICS if name not in left_out})


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
        checkpoints: Mapping[str, Position | Checkpoint] | None = None,
        metrics: Counter[str] | None = None,
        last_processing_result: str = NOT_PROCESSED,
        on_event: Callable[[DeliveryEvent], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`checkpoints`, `metrics` and `last_processing_result`: of the one that this follows."""
        self.settings = settings
        self._source = source
        self._delivery = Delivery(
            settings=settings,
            function=function,
            destination=destination,
            now=clock,
            on_event=on_event,
            metrics=Counter() if metrics is None else metrics,
            last_processing_result=last_processing_result,
        )
        self._patterns = [FilterPattern(pattern) for pattern in settings.patterns]
        self._checkpoints = {
            shard_id: Checkpoint(place) if isinstance(place, str) else place
            for shard_id, place in (checkpoints or {}).items()
        }
        self._shards: dict[str, ShardPoller] = {}
        self._started = asyncio.Event()
        self._looking = Persistence(f"looking for the shards of {source.stream_arn}")

    @property
    def metrics(self) -> Counter[str]:
        """Lambda's metrics of this mapping since it began."""
        return reported_metrics(self._delivery.metrics, self.settings)

    @property
    def last_processing_result(self) -> str:
        """As GetEventSourceMapping answers it."""
        return self._delivery.last_processing_result

    @property
    def trouble(self) -> BaseException | None:
        """What keeps the mapping from reading its stream now."""
        parts = [self._looking, *(shard.reading for shard in self._shards.values())]
        return next((part.last for part in parts if part.last is not None), None)

    @property
    def checkpoints(self) -> dict[str, Position]:
        """Of each shard, the position up to which everything is settled."""
        return {shard_id: place.position for shard_id, place in self.places.items()}

    @property
    def places(self) -> dict[str, Checkpoint]:
        """Of each shard, how far it is settled, for the mapping that goes on here."""
        reached = {shard_id: shard.checkpoint for shard_id, shard in self._shards.items()}
        return {**self._checkpoints, **reached}

    @property
    def progress(self) -> Progress:
        """What of the records that were read is done with, now."""
        counted, in_flight = self._delivery.metrics, self._delivery.in_flight
        return progress(self.settings.function_name, self.places.values(), counted, in_flight)

    async def run(self) -> None:
        """Reads and delivers until cancelled.

        Raises what nobody foresaw before it has its place: then nothing has begun that could go on.
        """
        if not self.settings.enabled:
            self._started.set()
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    await self._find_shards(tasks)
                except UNFORESEEN as error:
                    if not (self._started.is_set() or isinstance(error, StreamError)):
                        raise
                    if not is_stop(error):
                        self._delivery.last_processing_result = str(error)
                    await self._looking.after(error)
                    continue
                self._looking.succeeded()
                self._started.set()
                await asyncio.sleep(DISCOVERY_INTERVAL)

    def retry_now(self) -> None:
        """Ends the wait before every retry: what made the batch fail may be mended."""
        self._delivery.retry_now()

    async def finish(self) -> None:
        """Returns once nothing is being delivered, and nothing will be: it can be stopped.

        Whoever goes on at its `places` then loses nothing and repeats nothing.
        """
        self._delivery.finish()
        for shard in list(self._shards.values()):
            await shard.finished()

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
        for shard_id in await self._shard_ids():
            while shard_id not in self._shards:
                await asyncio.sleep(DISCOVERY_INTERVAL)
            await self._shards[shard_id].settled()

    async def _find_shards(self, tasks: asyncio.TaskGroup) -> None:
        for shard_id in await self._source.shard_ids():
            if shard_id not in self._shards:
                shard = ShardPoller(
                    shard_id,
                    await self._checkpoint(shard_id),
                    source=self._source,
                    delivery=self._delivery,
                    patterns=self._patterns,
                )
                self._shards[shard_id] = shard
                tasks.create_task(shard.run())

    async def _checkpoint(self, shard_id: str) -> Checkpoint:
        """Where to begin: LATEST is for the shards that are there when the mapping is created."""
        if shard_id in self._checkpoints:
            return self._checkpoints[shard_id]
        is_new = bool(self._checkpoints) or self._started.is_set()
        if is_new or self.settings.starting_position is StartingPosition.TRIM_HORIZON:
            return Checkpoint(StartingPosition.TRIM_HORIZON)
        latest = await self._source.latest_sequence_number(shard_id)
        return Checkpoint(latest or StartingPosition.TRIM_HORIZON)

    async def _shard_ids(self) -> list[str]:
        """Asks the stream until it answers."""
        asking = Persistence(f"asking for the shards of {self._source.stream_arn}")
        while True:
            try:
                return await self._source.shard_ids()
            except UNFORESEEN as error:
                await asking.after(error)
