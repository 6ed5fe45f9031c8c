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
        self._floor = floor
        self._clock = clock
        self._longest: float | None = None
        self._started = 0.0

    def has_time(self) -> bool:
        """Whether another record may be started.

        The first always may: handed back, it would come again to no more time than now.
        """
        if self._longest is None:
            return True
        remaining = self._context.get_remaining_time_in_millis() / 1000
        return remaining >= max(self._floor, self._longest)

    def __enter__(self) -> None:
        self._started = self._clock()

    def __exit__(self, *_: object) -> None:
        self._longest = max(self._longest or 0.0, self._clock() - self._started)
