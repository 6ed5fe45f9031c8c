"""An invocation's time, watched so that none is ended by its timeout in the middle of a batch.

An invocation that times out has its whole batch delivered again; one that stops in time does not.
"""

from handler.context import Context


class TimeWatch:
    """Tells whether there is time for another record, by how long those so far have taken.

    `floor`: seconds that must remain in any case.
    """

    def __init__(self, context: Context, *, floor: float) -> None:
        self._context = context
        self._floor = floor
        self._needed = float("-inf")

    def has_time(self) -> bool:
        """Whether another record may be started.

        The first always may: handed back, it would come again to no more time than now.
        """
        return self._context.get_remaining_time_in_millis() / 1000 >= self._needed

    def took(self, seconds: float) -> None:
        """A record took so long, whatever became of it."""
        if seconds > self._needed:
            self._needed = max(self._floor, seconds)
