"""One queue of a shard, batch by batch, on virtual time: what is delivered when, and how old it is.

What becomes of a batch is decided by `infra.local.mapping.delivery`, as in the local run. Here are
only the records, which are alike, and their batches. Where nothing changes any more but the time,
`infra.capacity.steadiness` jumps ahead.
"""

import asyncio
import math
from collections.abc import Sequence
from typing import Final

from infra.capacity.scenario import POLL_INTERVAL, Outcome, Scenario
from infra.capacity.simulated_function import SimulatedFunction
from infra.capacity.steadiness import Jump, State, Steadiness
from infra.capacity.uniform_records import UniformRecords
from infra.capacity.virtual_time import VirtualTimeLoop, now, run
from infra.config.stack_settings import STREAM_RETENTION_HOURS
from infra.local.mapping.delivery import Batch, Delivery, DeliveryEvent, GivenUp
from infra.local.mapping.destination import Condition
from infra.local.mapping.stream_reader import Record

_ROUNDING: Final = 1e-6
"""Sums of waits differ by less. More than asyncio's clock resolution, or no time would pass."""

_LATELY: Final = 4 * POLL_INTERVAL
"""Seconds: a queue that was empty within them keeps up."""


def simulate(scenario: Scenario) -> Outcome:
    """Runs to the end of the scenario."""
    return run(_Queue(scenario).run())


class _Queue:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._outcome = Outcome()
        self._taken = 0
        self._drained_at = -math.inf
        self._expired_at = -math.inf
        settings = scenario.settings
        self._steadiness = Steadiness(
            scenario.arrivals,
            changes=(scenario.outage_from, scenario.outage_to, scenario.until),
            limit=settings.record_age_limit,
        )
        self._delivery = Delivery(
            settings=settings,
            function=SimulatedFunction(scenario, self._outcome),
            # Nobody reads what is given up: it is counted.
            destination=None,
            now=now,
            on_event=self._on_event,
        )

    async def run(self) -> Outcome:
        loop, outcome = asyncio.get_running_loop(), self._outcome
        while (size := await self._next()) is not None:
            if self._scenario.jumps and self._passes_over_expired(loop.time()):
                continue
            records = UniformRecords(self._scenario.arrivals, self._taken, self._taken + size)
            self._taken += size
            await self._delivery.deliver(Batch(shard_id="shard", records=records), self._settle)
            if self._scenario.jumps:
                self._jump(self._steadiness.seen(self._state()))
        outcome.ended_at = loop.time()
        return outcome

    def _passes_over_expired(self, time: float) -> bool:
        """Gives up the batches of which every record is too old, as the delivery would."""
        scenario = self._scenario
        limit, fullest = scenario.settings.record_age_limit, scenario.fullest
        expired = scenario.arrivals.count(time - limit) - 1 - self._taken
        expired -= expired % fullest
        if expired <= 0:
            return False
        self._taken += expired
        self._expired_at = time
        self._outcome.settled += expired
        self._give_up(expired, at_the_limit=True)
        return True

    def _state(self) -> State:
        time, outcome = asyncio.get_running_loop().time(), self._outcome
        return State(
            time=time,
            settled=outcome.settled,
            invocations=outcome.invocations,
            busy=outcome.busy,
            given_up=outcome.given_up + outcome.forgotten,
            expired_at=self._expired_at,
            is_calm=self._is_calm(time),
        )

    def _is_calm(self, time: float) -> bool:
        """Less than a batch waits, or nothing did lately: one poll may bring several batches."""
        waiting = self._scenario.arrivals.count(time) - self._taken
        return waiting < self._scenario.fullest or time - self._drained_at <= _LATELY

    def _jump(self, jump: Jump | None) -> None:
        """As if all that repeats itself until then had been simulated."""
        if jump is None:
            return
        loop, outcome = asyncio.get_running_loop(), self._outcome
        assert isinstance(loop, VirtualTimeLoop)  # noqa: S101 - `run` made it
        loop.jump(jump.seconds)
        outcome.settled += jump.settled
        self._taken += jump.settled
        outcome.invocations += jump.invocations
        outcome.busy += jump.busy
        self._give_up(jump.given_up, at_the_limit=jump.at_the_limit)

    def _give_up(self, count: float, *, at_the_limit: bool) -> None:
        """What is as old as the stream keeps it does not reach the bucket: it is gone."""
        limit = self._scenario.settings.record_age_limit
        if at_the_limit and limit >= STREAM_RETENTION_HOURS * 3600:
            self._outcome.forgotten += count
        else:
            self._outcome.given_up += count

    async def _next(self) -> int | None:
        """The next batch's size, once there is one; None: the simulation is over."""
        loop, scenario = asyncio.get_running_loop(), self._scenario
        window = scenario.settings.maximum_batching_window_in_seconds
        window_end = loop.time() + window
        while self._visible() <= 0:
            self._drained_at = loop.time()
            if loop.time() >= scenario.until:
                return None
            await self._poll()
        is_backlog = scenario.goes_on and self._visible() >= scenario.fullest
        if loop.time() >= scenario.until and not is_backlog:
            return None
        if window:
            if loop.time() > window_end:
                window_end = loop.time() + window
            while self._visible() < scenario.fullest and loop.time() < window_end - _ROUNDING:
                await self._poll(at_latest=window_end)
        return min(self._visible(), scenario.fullest)

    def _visible(self) -> int:
        """Records that a poll has seen, and that are in no batch yet."""
        interval = self._scenario.poll_interval
        polled = math.floor(asyncio.get_running_loop().time() / interval + _ROUNDING) * interval
        return self._scenario.arrivals.count(polled) - self._taken

    async def _poll(self, *, at_latest: float = math.inf) -> None:
        """Waits for the poll that may see something."""
        loop, interval = asyncio.get_running_loop(), self._scenario.poll_interval
        following = math.floor(loop.time() / interval + _ROUNDING) + 1
        if self._visible() <= 0:
            seen = self._scenario.arrivals.time(self._taken)
            following = max(following, math.ceil(seen / interval - _ROUNDING))
        target = min(following * interval, at_latest)
        if self._visible() <= 0:
            target = min(target, max(self._scenario.until, loop.time() + interval))
        await asyncio.sleep(max(target - loop.time(), 0))

    def _settle(self, records: Sequence[Record]) -> None:
        self._outcome.settled += len(records)

    def _on_event(self, event: DeliveryEvent) -> None:
        if not isinstance(event, GivenUp):
            return
        is_expired = event.failure.condition is Condition.RECORD_AGE_EXCEEDED
        if is_expired:
            self._expired_at = asyncio.get_running_loop().time()
        self._give_up(len(event.failure.batch.records), at_the_limit=is_expired)
