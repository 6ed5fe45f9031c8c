"""When a queue only repeats itself, and how far it does: hours of an outage need no hours.

The age of the oldest record that waits is followed over hundreds of invocations in which nothing
changes: no burst or outage begins or ends, for what is written or for what is being delivered. It
then stands still (all that comes is taken, or all that comes is given up for its age) or it grows
or falls evenly, and so it goes on until the next change, until the backlog is gone, or until
records grow too old.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from infra.capacity.workload import Arrivals

INVOCATIONS: Final = 200
"""So many are watched before it is said how the queue goes on."""
_INVOCATIONS_AT_THE_LIMIT: Final = 300
"""The same where records are given up for their age: there batches are of many sizes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How far a queue is, between two batches."""

    time: float
    settled: int
    invocations: float
    busy: float
    given_up: float
    expired_at: float
    """When a record was last given up for its age."""
    is_calm: bool
    """Less than a full batch waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Jump:
    """What happens in the seconds that are left out."""

    seconds: float
    settled: int
    invocations: float
    busy: float
    given_up: float
    at_the_limit: bool
    """Whether it is for their age that records are given up."""


class Steadiness:
    """Watches a queue; told of its state after each batch."""

    def __init__(self, arrivals: Arrivals, *, changes: Iterable[float], limit: float) -> None:
        """`changes`: when something begins or ends; `limit`: the age at which records go."""
        self._arrivals = arrivals
        self._written = sorted({arrivals.other_from, arrivals.other_to})
        self._changes = sorted({*changes, *self._written})
        self._limit = limit
        self._since: State | None = None

    def seen(self, state: State) -> Jump | None:
        """How the queue goes on, once that is clear; None: it is not, or it does not for long."""
        since = self._since
        if since is None or self._phase(since) != self._phase(state):
            self._since = state
            return None
        if state.invocations - since.invocations < INVOCATIONS or state.time <= since.time:
            return None
        watched = state.time - since.time
        is_at_the_limit = state.time - state.expired_at < watched / 4
        if is_at_the_limit and state.invocations - since.invocations < _INVOCATIONS_AT_THE_LIMIT:
            return None
        self._since = None
        return self._jump(since, state)

    def _phase(self, state: State) -> tuple[int, int, bool]:
        """What is the same as long as nothing changes."""
        return (
            bisect_right(self._changes, state.time),
            bisect_right(self._written, state.time - self._age(state)),
            state.is_calm,
        )

    def _age(self, state: State) -> float:
        """Of the oldest record that is not settled; less than 0: it is yet to be written."""
        return state.time - self._arrivals.time(state.settled)

    def _jump(self, since: State, state: State) -> Jump | None:
        watched = state.time - since.time
        expired_before, at_the_limit = (
            each.time - each.expired_at < watched / 4 for each in (since, state)
        )
        if at_the_limit and not expired_before:
            return None
        stands_still = state.is_calm or at_the_limit
        age = self._age(state)
        slope = 0.0 if stands_still else (age - self._age(since)) / watched
        seconds = min(self._ends(state, slope)) - watched
        if seconds < watched or not math.isfinite(seconds):
            return None
        until = state.time + seconds
        settled = self._arrivals.count(until - age - slope * seconds) - 1 - state.settled
        if settled <= 0:
            return None
        share = seconds / watched
        given_up = (state.given_up - since.given_up) / max(state.settled - since.settled, 1)
        return Jump(
            seconds=seconds,
            settled=settled,
            invocations=(state.invocations - since.invocations) * share,
            busy=(state.busy - since.busy) * share,
            given_up=settled * given_up,
            at_the_limit=at_the_limit,
        )

    def _ends(self, state: State, slope: float) -> Iterator[float]:
        """In how many seconds something else may begin."""
        age = self._age(state)
        yield from (change - state.time for change in self._changes if change > state.time)
        rises = 1 - slope
        if rises > 0:
            head = state.time - age
            yield from ((change - head) / rises for change in self._written if change > head)
        if slope > 0:
            yield (self._limit - age) / slope
        elif slope < 0:
            yield age / -slope
        yield math.inf
