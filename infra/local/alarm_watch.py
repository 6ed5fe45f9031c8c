"""Says of a run that stays what CloudWatch would have of it: each minute's numbers, and alarms."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from rich.console import Console

from infra.local import numbers, report
from infra.local.cloudwatch.alarms import Transition

_MINUTE: Final = 60


class Watched(numbers.Counted, Protocol):
    """What runs."""

    def look_at_alarms(self) -> Sequence[Transition]: ...


class AlarmWatch:
    """Looks whenever it is called."""

    def __init__(
        self, console: Console, watched: Watched, now: Callable[[], float] = time.time
    ) -> None:
        self._console = console
        self._watched = watched
        self._now = now
        self._minute = self._begun()

    def look(self) -> None:
        """Says what is new: of a minute once it is over, of an alarm at once."""
        changed = self._watched.look_at_alarms()
        self._say(report.alarm_line(each) for each in changed if each.is_told)
        if (begun := self._begun()) > self._minute:
            of_minute = numbers.of_minute(self._watched, self._minute)
            self._say(report.minute_lines(self._minute, of_minute))
            self._minute = begun

    def _begun(self) -> float:
        """When the minute that runs began."""
        return self._now() // _MINUTE * _MINUTE

    def _say(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._console.print(line, soft_wrap=True)
