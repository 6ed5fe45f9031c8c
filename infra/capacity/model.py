"""A load on a stack's queues: each shard has as many as the parallelization factor, all alike."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from infra.capacity.cost import Usage, monthly
from infra.capacity.function_time import FunctionTime
from infra.capacity.listed import listed
from infra.capacity.scenario import Outcome, Scenario, mapping_settings
from infra.capacity.settings import Settings
from infra.capacity.simulation import simulate
from infra.capacity.workload import Arrivals, Burst, Workload
from infra.config.stack_settings import STREAM_RETENTION_HOURS

WARM_UP: Final = 60.0
"""Seconds at the load itself, before anything happens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """What an outage costs in records, of all shards together."""

    outage: float
    """Seconds."""
    given_up: float
    """To the on-failure destination, from where they can be replayed."""
    forgotten: float
    """Gone: the stream had forgotten them before Lambda came to them."""


class Model:
    """Asks the simulation about one queue, and says what it means for all."""

    def __init__(
        self, workload: Workload, settings: Settings, shards: int, *, filtered: bool = True
    ) -> None:
        """Without the filter the handler passes over what is no request."""
        self._workload = workload
        self._settings = settings
        self._shards = shards
        self._delivered = workload.passing if filtered else 1.0
        source, function = settings.event_source, settings.function
        self._mapping = mapping_settings(
            batch_size=source.batch_size,
            window=source.maximum_batching_window_in_seconds,
            retries=source.maximum_retry_attempts,
            record_age=source.maximum_record_age_in_seconds,
            bisect=source.bisect_batch_on_function_error,
        )
        self._time = FunctionTime(
            process_seconds=workload.process_seconds,
            passing=1.0 if filtered else workload.passing,
            remembers=settings.idempotency.enabled,
            memory_size=function.memory_size,
            timeout=function.timeout,
            minimum_remaining=function.minimum_remaining_time_in_millis / 1000,
        )

    @property
    def fitting(self) -> int:
        """Records that one invocation processes before it stops in time."""
        return self._time.fitting()

    @property
    def fullest(self) -> int:
        """Records of the largest batch that is processed in one invocation."""
        return min(self._scenario(1, until=0).fullest, self.fitting)

    @property
    def throughput(self) -> float:
        """Records a second of one queue, in full batches."""
        return self.fullest / self._time.seconds(self.fullest)

    def delivered(self, writes_per_second: float) -> float:
        """Records a second, of all shards."""
        return writes_per_second * self._delivered

    def least(self, writes_per_second: float) -> int | None:
        """The least parallelization factor that keeps up with so much; None: none does."""
        delivered = self.delivered(writes_per_second)
        reserved = self._settings.function.reserved_concurrency
        if reserved is not None and delivered > reserved * self.throughput:
            return None
        needed = math.ceil(delivered / self._shards / self.throughput * (1 + 1e-9))
        return max(needed, 1) if needed <= listed().quotas["parallelization_factor"] else None

    def factor(self) -> int:
        """The stack's, or the least that keeps up with the load."""
        least = self.least(self._workload.writes_per_second)
        most = listed().quotas["parallelization_factor"]
        return max(self._settings.event_source.parallelization_factor, least or most)

    def steady(self, factor: int) -> Outcome:
        """At the load itself, for as long as some ten batches take at least."""
        rate = self._rate(self._workload.writes_per_second, factor)
        window = self._mapping.maximum_batching_window_in_seconds
        until = max(WARM_UP, 10 * window, min(10 / rate, 86_400))
        return simulate(self._scenario(factor, until=until))

    def eventful(self, factor: int) -> Outcome:
        """With the burst and the outage, both from the same moment on, until all is caught up."""
        outage = self._workload.outage_seconds
        scenario = self._scenario(factor, until=WARM_UP + self.eventful_for + WARM_UP)
        return simulate(
            replace(
                scenario,
                arrivals=self._bursting(scenario.arrivals, self._workload.burst, factor),
                outage_from=WARM_UP,
                outage_to=WARM_UP + outage,
                goes_on=True,
            )
        )

    @property
    def eventful_for(self) -> float:
        """Seconds that burst and outage last."""
        burst = self._workload.burst
        return max(burst.seconds if burst else 0.0, self._workload.outage_seconds)

    def caught_up(self, outcome: Outcome, *, calm: float) -> float:
        """Seconds after burst and outage until the age is a steady load's again."""
        late = [time for time, age in outcome.ages if age > 2 * calm + 1]
        return max(0.0, late[-1] - WARM_UP - self.eventful_for) if late else 0.0

    def losses(self, outages: Sequence[float], factor: int) -> list[Loss]:
        """Of each outage alone, while it lasts: retries that run out, and records that grow old.

        Beyond the greatest age all that is older goes, as the simulation has it too.
        """
        limit = self._mapping.record_age_limit
        tried = {
            seconds: self._tried(seconds, factor) for seconds in {min(o, limit) for o in outages}
        }
        return [self._loss(outage, tried[min(outage, limit)], factor) for outage in outages]

    def _loss(self, outage: float, tried: float, factor: int) -> Loss:
        limit, retention = self._mapping.record_age_limit, STREAM_RETENTION_HOURS * 3600
        too_old = max(0.0, outage - limit) * self.delivered(self._workload.writes_per_second)
        given_up = tried * self._shards * factor
        if limit < retention:
            return Loss(outage=outage, given_up=given_up + too_old, forgotten=0.0)
        return Loss(outage=outage, given_up=given_up, forgotten=too_old)

    def _tried(self, outage: float, factor: int) -> float:
        """Records of one queue whose retries an outage exhausts."""
        scenario = self._scenario(factor, until=WARM_UP + outage)
        failing = replace(scenario, outage_from=WARM_UP, outage_to=scenario.until)
        return simulate(failing).given_up

    def usage(self, steady: Outcome, factor: int) -> Usage:
        """Of all shards, at the load."""
        queues, function = self._shards * factor, self._settings.function
        monitoring, requests = self._settings.monitoring, self._workload.passing
        processed = self._workload.writes_per_second * requests
        return Usage(
            writes=self._workload.writes_per_second,
            write_units=self._workload.write_units,
            remembered=processed if self._settings.idempotency.enabled else 0.0,
            remembered_for=self._settings.remembered_for,
            processed=processed,
            invocations=steady.invocations / steady.ended_at * queues,
            busy=min(steady.busy / steady.ended_at, 1.0) * queues,
            memory_size=function.memory_size,
            architecture=function.architecture,
            traced=function.tracing,
            is_monitored=monitoring.enabled,
            has_topic=monitoring.enabled and monitoring.topic_arn is None,
        )

    def cost(self) -> dict[str, float]:
        """A month's, in dollars, by service."""
        factor = self.factor()
        return monthly(self.usage(self.steady(factor), factor))

    def _rate(self, writes_per_second: float, factor: int) -> float:
        return self.delivered(writes_per_second) / self._shards / factor

    def _scenario(self, factor: int, *, until: float) -> Scenario:
        rate = self._rate(self._workload.writes_per_second, factor)
        return Scenario(
            arrivals=Arrivals(rate=rate),
            settings=self._mapping,
            function=self._time,
            record_bytes=self._workload.record_bytes * self._settings.images,
            until=until,
        )

    def _bursting(self, arrivals: Arrivals, burst: Burst | None, factor: int) -> Arrivals:
        if burst is None:
            return arrivals
        return replace(
            arrivals,
            other_rate=self._rate(burst.writes_per_second, factor),
            other_from=WARM_UP,
            other_to=WARM_UP + burst.seconds,
        )
