"""What a load takes: each sentence of the report, as data."""

from collections.abc import Sequence

import pytest

from infra.capacity import assessment
from infra.capacity.assessment import OUTAGES, Assessment
from infra.capacity.model import Model
from infra.capacity.settings import Settings
from infra.capacity.workload import Burst, Workload
from infra.config.stack_settings import EventSourceConfig, FunctionConfig, IdempotencyConfig
from tests.unit.infra.capacity.scenarios import settings_of, workload


def assess(
    load: Workload,
    settings: Settings,
    *,
    shards: int | None = None,
    outages: Sequence[float] = (),
) -> Assessment:
    """Without outages that nobody asked about: each takes a while to simulate."""
    return assessment.assess(load, settings, shards=shards, outages=outages)


def test_a_small_load_needs_nothing_to_be_turned() -> None:
    found = assess(workload(10), settings_of())

    assert (found.shards, found.factor, found.needed, found.concurrency) == (4, 1, 1, 4)
    assert found.fits
    assert found.exceeded == []
    assert found.steady_age < 0.3


@pytest.mark.parametrize(("writes", "needed"), [(100, 1), (1000, 2), (3000, 5), (20_000, None)])
def test_the_least_parallelization_factor_is_found(writes: float, needed: int | None) -> None:
    found = assess(workload(writes), settings_of(), shards=4)

    assert found.needed == needed
    assert found.keeps_up is (needed is not None)
    assert found.factor == (needed or 10)


def test_one_less_than_the_least_does_not_keep_up() -> None:
    model = Model(workload(3000), settings_of(), 4)

    assert model.steady(5).greatest_age < 1
    assert model.steady(4).greatest_age > 5


def test_what_the_stack_has_set_is_simulated() -> None:
    eager = settings_of(event_source=EventSourceConfig(parallelization_factor=4))

    assert assess(workload(100), eager).concurrency == 16


def test_a_load_that_the_stack_is_not_set_for_does_not_fit() -> None:
    assert not assess(workload(1000), settings_of(), shards=4).fits
    assert assess(
        workload(1000),
        settings_of(event_source=EventSourceConfig(parallelization_factor=2)),
        shards=4,
    ).fits


def test_a_burst_has_a_parallelization_factor_of_its_own() -> None:
    bursting = workload(1000, burst=Burst(writes_per_second=3000, seconds=300))

    found = assess(bursting, settings_of(), shards=4)

    assert (found.needed, found.for_peak) == (2, 5)
    assert found.eventful is not None
    assert found.eventful.greatest_age > 100
    assert found.caught_up > 100


def test_an_outage_is_followed_until_all_is_caught_up() -> None:
    found = assess(workload(200, outage_seconds=1800), settings_of())

    assert found.eventful is not None
    assert found.eventful.greatest_age == pytest.approx(1800, abs=70)
    assert found.eventful.ended_at > 60 + 1800 + found.caught_up - 1


def test_what_does_not_keep_up_is_never_caught_up() -> None:
    found = assess(workload(20_000, outage_seconds=60), settings_of(), shards=4)

    assert found.eventful is None
    assert found.losses == []
    assert not found.fits


def test_what_an_outage_loses_is_said_of_several() -> None:
    found = assess(workload(200), settings_of(), outages=OUTAGES)

    given_up = {loss.outage: loss.given_up for loss in found.losses}
    # One record of each shard for each 162 seconds of retries, until they are six hours old.
    assert given_up[300] == 4
    assert given_up[1800] == pytest.approx(4 * 1800 / 162, abs=4)
    assert given_up[43_200] - given_up[21_600] == pytest.approx(100 * 21_600)
    assert all(loss.forgotten == 0 for loss in found.losses)


def test_without_a_greatest_age_the_stream_forgets() -> None:
    endless = EventSourceConfig(
        maximum_record_age_in_seconds=-1, maximum_retry_attempts=-1, batch_size=10
    )

    found = assess(workload(200), settings_of(event_source=endless), outages=(172_800,))

    two_days = found.losses[-1]
    assert two_days.given_up == 0
    assert two_days.forgotten == pytest.approx(100 * 86_400)


def exceeded(found: Assessment) -> str:
    return "\n".join(found.exceeded)


def test_the_accounts_concurrency_is_held_against_the_queues() -> None:
    many = settings_of(event_source=EventSourceConfig(parallelization_factor=10))

    assert "1,010 invocations at the same time: an account has 1,000" in exceeded(
        assess(workload(100), many, shards=101)
    )
    assert exceeded(assess(workload(100), many, shards=100)) == ""


def test_a_reserved_concurrency_may_be_too_small() -> None:
    reserved = settings_of(function=FunctionConfig(reserved_concurrency=3))

    small = assess(workload(100), reserved)
    assert "function.reservedConcurrency is 3, and 4 invocations" in exceeded(small)
    assert small.keeps_up
    assert not assess(workload(1000), reserved).keeps_up


@pytest.mark.parametrize(
    ("writes", "shards", "words"),
    [
        (40_001, None, "40,001 write units a second: a table takes 40,000"),
        (4_001, None, "a new on-demand table takes 4,000"),
        (4_001, 4, "4,001 write units a second on 4 shards: a partition takes 1,000"),
    ],
)
def test_the_tables_writes_are_held_against_its_quotas(
    writes: float, shards: int | None, words: str
) -> None:
    assert words in exceeded(assess(workload(writes), settings_of(), shards=shards))


def test_so_are_those_of_the_memory_of_events() -> None:
    words = "50,000 write units a second for the memory of events"
    forgetful = settings_of(idempotency=IdempotencyConfig(enabled=False))

    assert words in exceeded(assess(workload(50_000), settings_of()))
    assert words not in exceeded(assess(workload(50_000), forgetful))


def test_a_batch_may_be_too_large_for_the_timeout_or_the_payload() -> None:
    thousand = EventSourceConfig(batch_size=1000)
    short = settings_of(event_source=thousand, function=FunctionConfig(timeout=5))

    assert "1,000 does not fit function.timeout: " in exceeded(assess(workload(10), short))
    assert "does not fit the 6 MB of an invocation: 15 do" in exceeded(
        assess(workload(10, record_bytes=400 * 1024), settings_of())
    )


def test_a_mapping_that_is_off_reads_nothing() -> None:
    off = settings_of(event_source=EventSourceConfig(enabled=False))

    assert "eventSource.enabled is false" in exceeded(assess(workload(10), off))


def test_the_memory_takes_two_writes_an_event() -> None:
    found = assess(workload(1000), settings_of())

    assert found.usage.memory_units == 1000
    assert found.usage.memory_gb == pytest.approx(500 * 32 * 86_400 * 181 / 1e9)


def test_without_a_filter_each_record_costs_time_of_the_function() -> None:
    found = assess(workload(1000), settings_of(), shards=4)

    with_filter, without = found.cost, found.cost_without_filter
    ratio = without["Lambda, duration"] / with_filter["Lambda, duration"]
    assert 1 < ratio < 1.2
    memory = "DynamoDB, the memory of events"
    assert without[memory] == with_filter[memory]


def test_an_old_image_takes_room() -> None:
    both = settings_of(images=2)

    large = workload(10, record_bytes=100 * 1024)
    assert Model(large, both, 4).fullest < Model(large, settings_of(), 4).fullest
