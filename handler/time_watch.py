"""An invocation's time, watched so that none is ended by its timeout in the middle of a batch.

An invocation that times out has its whole batch delivered again; one that stops in time does not.
"""

import time
from collections.abc import Callable

from handler.context import Context


class TimeWatch:
    """Tells whether there is time for another record, by how long those so far have taken.

    It is a context manager around each record. `floor`: seconds that must remain in any case.
    """

    def __init__(
        self, context: Context, *, floor: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._clock = clock
        self._needed = floor
        self._has_seen_one = False
        self._started = 0.0

    def has_time(self) -> bool:
        """Whether another record may be started.

        The first always may: handed back, it would come again to no more time than now.
        """
        if not self._has_seen_one:
            return True
        return self._context.get_remaining_time_in_millis() / 1000 >= self._needed

    def __enter__(self) -> None:
        self._started = self._clock()

    def __exit__(self, *_: object) -> None:
        self._has_seen_one = True
        seconds = self._clock() - self._started
        self._needed = max(self._needed, seconds)
