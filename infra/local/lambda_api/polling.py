"""A mapping that is being polled for: the task, and whoever waits for it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from infra.local.mapping.event_source_mapping import EventSourceMapping

logger = logging.getLogger(__name__)


class Polled:
    """Polls until it is stopped."""

    def __init__(self, mapping: EventSourceMapping) -> None:
        self.mapping = mapping
        self._polling = asyncio.create_task(mapping.run())
        self._polling.add_done_callback(_say_end)

    async def started(self) -> BaseException | None:
        """Returns once the mapping has its place; or what it ended with before."""
        await self._unless_it_ends(self.mapping.started())
        is_over = self._polling.done() and not self._polling.cancelled()
        return self._polling.exception() if is_over else None

    async def settled(self) -> bool:
        """Waits for the mapping; False: it was stopped. Raises what ended the polling."""
        is_settled = await self._unless_it_ends(self.mapping.settled())
        if not is_settled and not self._polling.cancelled():
            self._polling.result()
        return is_settled

    async def stop(self) -> None:
        """Ends it at once; what is being invoked goes on."""
        self._polling.cancel()
        await asyncio.wait({self._polling})

    async def _unless_it_ends(self, waiting: Coroutine[Any, Any, None]) -> bool:
        """Waits for the mapping, which would never get there if polling came to an end."""
        task = asyncio.create_task(waiting)
        try:
            await asyncio.wait({task, self._polling}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            return task.done()
        finally:
            task.cancel()
            await asyncio.wait({task})


def _say_end(polling: "asyncio.Task[None]") -> None:
    """Nothing but its stop should end the polling; should anything else, it is not silent."""
    if not polling.cancelled() and (error := polling.exception()) is not None:
        logger.critical("an event source mapping has ended: %s", error, exc_info=error)
