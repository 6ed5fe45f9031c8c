"""The model against the local run's own mapping, on the same clock: same batches, same age.

The mapping reads a stream into which records are written at the model's rate, and invokes a
function that takes the model's time. Batches are the same, record for record; the iterator's age,
as the local run's CloudWatch counts it, differs by less than a millisecond. Where more than a
thousand records wait, the local run reads on when there is room: by one interval of its polls.
"""

import asyncio
from dataclasses import replace

import pytest

from infra.capacity.scenario import Outcome, Scenario
from infra.capacity.simulated_function import SimulatedFunction
from infra.capacity.simulation import simulate
from infra.capacity.virtual_time import EPOCH, now, run
from infra.capacity.workload import Arrivals
from infra.local.cloudwatch.meters import MeteredFunction, of_function
from infra.local.cloudwatch.metric_store import MetricStore
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.shard import IDLE_WAIT
from infra.local.mapping.stream_reader import Position, Record
from tests.unit.infra.capacity.scenarios import TEN_MILLISECONDS, scenario
from tests.unit.infra.local.mapping.scripted import STREAM_ARN, stream_record

# No record is written in the very moment of a poll: whether that sees it, rounding would say.
BURST = Arrivals(rate=19.0, other_rate=151.0, other_from=20.01, other_to=30.02)

SCENARIOS = {
    "a steady load": scenario(50.0),
    "one that is more than a batch takes": scenario(150.0),
    "a batching window": scenario(30.0, window=5),
    "a burst": scenario(arrivals=BURST),
    "an outage": scenario(20.0, outage_from=10.0, outage_to=25.0),
    "an outage without bisecting": scenario(20.0, outage_from=10.0, outage_to=25.0, bisect=False),
    "an outage that no retry outlasts": scenario(5.0, outage_from=10.0, outage_to=40.0, retries=2),
    "records that grow too old": scenario(20.0, outage_from=5.0, outage_to=50.0, record_age=20),
    "a burst and an outage": scenario(arrivals=BURST, outage_from=20.0, outage_to=35.0),
    "a batch that does not fit the timeout": scenario(
        200.0, function=replace(TEN_MILLISECONDS, timeout=1.5)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("tried", SCENARIOS.values(), ids=SCENARIOS)
def test_the_model_delivers_what_the_local_run_delivers(tried: Scenario) -> None:
    tried = replace(tried, poll_interval=IDLE_WAIT, jumps=False)

    model, local = simulate(tried), _LocalRun(tried)

    assert len(model.batches) > 10
    assert model.batches == local.batches[: len(model.batches)]
    differences = [
        max(abs(here[0] - there[0]), abs(here[1] - there[1]))
        for here, there in zip(model.ages, local.ages, strict=False)
    ]
    assert max(differences) < 0.001


def test_behind_a_long_backlog_it_differs_by_one_poll() -> None:
    burst = replace(BURST, other_rate=307.0)
    tried = replace(scenario(arrivals=burst), poll_interval=IDLE_WAIT, jumps=False)

    model, local = simulate(tried), _LocalRun(tried)

    caught_up = [[time for time, age in ages if age > 1][-1] for ages in (model.ages, local.ages)]
    assert caught_up[0] == pytest.approx(caught_up[1], abs=IDLE_WAIT)
    assert model.greatest_age == pytest.approx(local.greatest_metric, abs=IDLE_WAIT)
    assert sum(model.batches) == pytest.approx(sum(local.batches[: len(model.batches)]), abs=100)


def test_the_age_is_that_of_the_local_runs_metric() -> None:
    tried = replace(SCENARIOS["a burst"], poll_interval=IDLE_WAIT, jumps=False)

    local = _LocalRun(tried)

    assert local.greatest_metric == pytest.approx(simulate(tried).greatest_age, abs=0.001)


class _LocalRun:
    """The mapping of the local run over a stream that is written at the scenario's rate."""

    def __init__(self, tried: Scenario) -> None:
        self._tried = tried
        outcome = Outcome()
        self._store = MetricStore()
        self._function = MeteredFunction(SimulatedFunction(tried, outcome), "f", self._store, now)
        run(self._main())
        self.batches, self.ages = outcome.batches, outcome.ages
        age = self._store.data_point(
            of_function("f", "IteratorAge"), "Maximum", start=EPOCH, end=EPOCH + 100
        )
        self.greatest_metric = (age or 0.0) / 1000

    async def _main(self) -> None:
        mapping = EventSourceMapping(
            self._tried.settings,
            source=_Stream(self._tried),
            function=self._function,
            clock=now,
        )
        task = asyncio.create_task(mapping.run())
        # The model ends with the batch that it has begun.
        await asyncio.sleep(self._tried.until + 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _Stream:
    stream_arn = STREAM_ARN

    def __init__(self, tried: Scenario) -> None:
        self._arrivals = tried.arrivals
        self._records: list[Record] = []

    async def shard_ids(self) -> list[str]:
        return ["shard"]

    async def latest_sequence_number(self, shard_id: str) -> str | None:
        raise NotImplementedError(shard_id)

    async def iterator(self, shard_id: str, position: Position) -> str:
        del shard_id, position
        return "0"

    async def records(self, iterator: str, limit: int = 1000) -> tuple[list[Record], str | None]:
        written = self._arrivals.count(asyncio.get_running_loop().time())
        for index in range(len(self._records), written):
            created = EPOCH + self._arrivals.time(index)
            self._records.append(stream_record(index + 1, created=created))
        end = min(written, int(iterator) + limit)
        return self._records[int(iterator) : end], str(end)
