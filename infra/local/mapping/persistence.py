"""Going on after a failure: nothing but its stop ends the mapping, and no failure is silent."""

import asyncio
import logging
from typing import Final

from infra.local.mapping.stream_reader import StreamError

logger = logging.getLogger(__name__)

UNFORESEEN: Final = (Exception, asyncio.CancelledError)
"""What a step may raise. A cancellation that nobody asked for is a failure like any other."""

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 5.0
"""Seconds between attempts at a step that fails, doubled for each further one."""


class Persistence:
    """Says each failure of one part of the mapping, and waits before its next attempt."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._failures = 0
        self.last: BaseException | None = None
        """The failure that the last attempt ended with; None: it did not fail."""

    def succeeded(self) -> None:
        self._failures = 0
        self.last = None

    async def after(self, error: BaseException) -> None:
        """Returns when it is time to try again. The stop of the mapping is raised again."""
        if is_stop(error):
            raise error
        self.last = error
        wait = min(_FIRST_WAIT * 2.0**self._failures, _LONGEST_WAIT)
        self._say(error, wait)
        self._failures = min(self._failures + 1, 10)
        await asyncio.sleep(wait)

    def _say(self, error: BaseException, wait: float) -> None:
        """In one line what a stream may answer; what nobody foresaw with its traceback, once."""
        if isinstance(error, StreamError):
            logger.warning("%s: %s; tried again in %.1f s", self._part, error, wait)
        else:
            logger.error(
                "%s failed, which nobody foresaw: %s: %s; the mapping goes on in %.1f s",
                self._part,
                type(error).__name__,
                error,
                wait,
                exc_info=None if self._failures else error,
            )


def is_stop(error: BaseException) -> bool:
    """Whether the running task was asked to end."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
