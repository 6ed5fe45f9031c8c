"""What a load takes of a stack: everything that the report says, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from infra.capacity.cost import Usage, monthly
from infra.capacity.model import Loss, Model
from infra.capacity.quotas import exceeded
from infra.capacity.scenario import POLL_INTERVAL, Outcome
from infra.capacity.settings import Settings
from infra.capacity.workload import Workload

ASSUMED: Final = "assumed: one for each 1,000 write units a second, and four of a new table"

OUTAGES: Final = (300.0, 1800.0, 7200.0, 21600.0, 43200.0, 86400.0, 172800.0)
"""Seconds: of which outages it is said what is lost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """What a load takes."""

    workload: Workload
    settings: Settings
    shards: int
    shards_from: str
    factor: int
    """The parallelization factor that was simulated: the stack's, or the least that keeps up."""
    needed: int | None
    """The least that keeps up with the load; None: not even ten does."""
    for_peak: int | None
    """The least that keeps up with the burst."""
    batch: float
    """Records of an invocation, on average, at the load."""
    steady_age: float
    """Seconds: the iterator's greatest age at the load."""
    eventful: Outcome | None
    """What the burst and the outage do; None: there are none, or nothing keeps up."""
    caught_up: float
    """Seconds after the end of burst and outage."""
    losses: Sequence[Loss]
    exceeded: Sequence[str]
    """Quotas and settings, each in one sentence."""
    usage: Usage
    cost: Mapping[str, float]
    """Dollars a month, by service."""
    cost_without_filter: Mapping[str, float]

    @property
    def concurrency(self) -> int:
        """Most invocations at the same time."""
        return self.shards * self.factor

    @property
    def busy(self) -> float:
        """The share of its time in which a queue's function runs, at the load."""
        return self.usage.busy / self.concurrency

    @property
    def keeps_up(self) -> bool:
        """Whether some parallelization factor does."""
        return self.needed is not None

    @property
    def fits(self) -> bool:
        """Whether it keeps up, with the stack's own factor, and nothing is exceeded."""
        configured = self.settings.event_source.parallelization_factor
        return self.needed is not None and self.needed <= configured and not self.exceeded


def assess(
    workload: Workload,
    settings: Settings,
    *,
    shards: int | None = None,
    shards_from: str = ASSUMED,
    outages: Sequence[float] = OUTAGES,
) -> Assessment:
    """Simulates the load, what goes wrong, and the load without a filter; no shards: assumed."""
    of_stream, shards = shards, shards or workload.assumed_shards
    model = Model(workload, settings, shards)
    factor, needed = model.factor(), model.least(workload.writes_per_second)
    steady = model.steady(factor)
    age = max(steady.greatest_age, POLL_INTERVAL)
    happens = needed is not None and model.eventful_for > 0
    eventful = model.eventful(factor) if happens else None
    usage = model.usage(steady, factor)
    return Assessment(
        workload=workload,
        settings=settings,
        shards=shards,
        shards_from=shards_from,
        factor=factor,
        needed=needed,
        for_peak=model.least(workload.peak),
        batch=steady.records_a_batch,
        steady_age=age,
        eventful=eventful,
        caught_up=model.caught_up(eventful, calm=age) if eventful else 0.0,
        losses=model.losses(outages, factor) if needed is not None else [],
        exceeded=list(exceeded(workload, settings, model, shards=of_stream, factor=factor)),
        usage=usage,
        cost=monthly(usage),
        cost_without_filter=Model(workload, settings, shards, filtered=False).cost(),
    )
