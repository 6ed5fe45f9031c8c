"""The time that is left of an invocation, shared out: for processing, for calls, for the answer."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Final

from handler.context import Context

TO_ANSWER: Final = 0.2
"""Seconds kept for the answer itself: logs, metrics and the way to Lambda."""

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


class TimeLeft:
    """Seconds until the invocation must have answered, and pauses that fit them.

    `floor`: seconds that stay free for what comes after the processing.
    """

    def __init__(
        self, context: Context, *, floor: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._context = context
        self._floor = floor
        self._sleep = sleep

    def remaining(self) -> float:
        """Seconds until Lambda ends the invocation."""
        return self._context.get_remaining_time_in_millis() / 1000

    def to_answer(self) -> float:
        """Seconds that calls may still take."""
        return max(0.0, self.remaining() - TO_ANSWER)

    def to_process(self, longest: float = 0.0) -> float:
        """Seconds until no further record should be started that takes so long."""
        return self.remaining() - max(self._floor, longest)

    def to_wait(self) -> float:
        """Seconds that a record may be waited for before it is started; never quite none.

        The first record is tried however little time there is: it would come again to no more.
        """
        return max(self.to_process(), self.to_answer() / 2)

    def attempts(self) -> Iterator[int]:
        """One now, and more after pauses that grow, while there is time to answer."""
        attempt = 0
        while True:
            yield attempt
            if not self.pause(attempt, self.to_answer()):
                return
            attempt += 1

    def pause(self, attempt: int, at_most: float) -> bool:
        """Waits before the next attempt; False, at once, when the time does not allow it."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt, 10))
        # Not all at the same time: whoever throttles gets them one after the other.
        seconds = longest * random.uniform(0.5, 1)  # noqa: S311 - no secret
        if seconds >= at_most:
            return False
        self._sleep(seconds)
        return True
