"""One queue: what it delivers when, and what it leaves out where nothing changes."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from infra.capacity.scenario import Outcome, Scenario
from infra.capacity.simulated_function import SimulatedFunction
from infra.capacity.simulation import simulate
from infra.capacity.uniform_records import UniformRecords
from infra.capacity.virtual_time import run
from infra.capacity.workload import Arrivals
from tests.unit.infra.capacity.scenarios import TEN_MILLISECONDS, scenario


def through(outage: float, rate: float = 50.0, **changes: Any) -> Scenario:
    """An outage that begins after a minute, and what comes after it."""
    return scenario(
        rate,
        **{
            "outage_from": 60.0,
            "outage_to": 60.0 + outage,
            "until": 120.0 + outage,
            "goes_on": True,
            **changes,
        },
    )


FAST = replace(TEN_MILLISECONDS, process_seconds=0.001, remembers=True)

LONG = {
    "a steady load": scenario(10.0, until=200.0),
    "an outage": through(1200),
    "an outage in which records grow too old": through(600, rate=20.0, record_age=120),
    "an outage in which retries run out at once": through(150, rate=20.0, retries=0),
    "a burst": through(
        0,
        arrivals=Arrivals(rate=50.0, other_rate=150.0, other_from=60.0, other_to=1260.0),
        until=1320.0,
    ),
    "a burst in which records grow too old": through(
        0,
        arrivals=Arrivals(rate=50.0, other_rate=300.0, other_from=60.0, other_to=1260.0),
        record_age=120,
        until=1320.0,
    ),
    "a load that the function hardly keeps up with": through(300, rate=95.0),
    "a load of which each poll brings several batches": scenario(
        250.0, batch_size=10, function=FAST
    ),
    "a load far beyond the function, of which most grows too old": scenario(
        400.0, batch_size=20, record_age=60, until=300.0
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("tried", LONG.values(), ids=LONG)
def test_what_is_left_out_changes_nothing_by_more_than_three_hundredths(tried: Scenario) -> None:
    whole, jumping = simulate(replace(tried, jumps=False)), simulate(tried)

    assert len(jumping.batches) < 0.8 * len(whole.batches)
    tolerances = {
        **dict.fromkeys(("invocations", "busy"), 0.03),
        **dict.fromkeys(("given_up", "settled", "ended_at", "greatest_age"), 0.01),
    }
    for measure, tolerance in tolerances.items():
        expected = pytest.approx(getattr(whole, measure), rel=tolerance, abs=2)
        assert getattr(jumping, measure) == expected, measure


def test_at_a_load_that_it_keeps_up_with_a_record_waits_for_a_poll_at_most() -> None:
    outcome = simulate(scenario(50.0))

    assert outcome.greatest_age <= 0.26
    assert outcome.settled >= 50 * 59


def test_what_the_function_cannot_take_grows_older_second_by_second() -> None:
    outcome = simulate(scenario(200.0))

    (early, young), (late, old) = outcome.ages[20], outcome.ages[-1]
    assert (old - young) / (late - early) == pytest.approx(0.5, abs=0.02)


def test_in_an_outage_the_age_grows_with_it_and_falls_once_it_is_over() -> None:
    outcome = simulate(through(600))

    at_its_end = max(age for time, age in outcome.ages if time <= 661)
    # It goes on after the last wait before a retry, up to a minute later. A half of what the
    # function can take is new, so that the backlog takes as long again.
    assert at_its_end == pytest.approx(600, rel=0.15)
    assert outcome.ended_at == pytest.approx(660 + 600, abs=121)
    assert outcome.ages[-1][1] < 2


def test_the_first_record_is_given_up_after_its_retries() -> None:
    waits = sum(min(0.2 * 2**retry, 60) for retry in range(10))

    assert simulate(through(waits - 10)).given_up == 0
    assert simulate(through(waits + 10)).given_up == 1


def test_records_older_than_the_greatest_age_are_given_up_as_fast_as_they_come() -> None:
    outcome = simulate(through(3600, record_age=600))

    assert outcome.given_up == pytest.approx(50 * 3000, rel=0.01)
    assert outcome.greatest_age == pytest.approx(600, abs=61)
    assert outcome.forgotten == 0


def test_records_that_the_stream_forgets_are_gone() -> None:
    outcome = simulate(through(26 * 3600, record_age=-1, retries=-1))

    assert outcome.forgotten == pytest.approx(50 * 2 * 3600, rel=0.01)
    assert outcome.given_up == 0


def test_a_batch_carries_no_more_than_six_megabytes() -> None:
    outcome = simulate(scenario(50.0, record_bytes=400 * 1024, outage_to=30.0))

    assert max(outcome.batches) == 6 * 1024 * 1024 // (400 * 1024 + 440)


def test_a_window_gathers_a_batch() -> None:
    outcome = simulate(scenario(10.0, window=5))

    assert set(outcome.batches[1:-1]) <= set(range(50, 60))
    assert outcome.greatest_age < 5


def test_what_does_not_fit_the_timeout_is_delivered_once_more() -> None:
    short = replace(TEN_MILLISECONDS, timeout=1.5)

    outcome = simulate(scenario(90.0, function=short, until=120.0, outage_to=10.0))

    after_full = [after for before, after in pairwise(outcome.batches) if before == 100]
    assert after_full[-3:] == [51, 51, 51]


def test_an_outage_fails_from_the_record_on_in_which_it_begins() -> None:
    tried = scenario(outage_from=0.505, outage_to=60.0)
    records = UniformRecords(tried.arrivals, 0, 100)

    invocation = run(
        SimulatedFunction(tried, Outcome()).invoke({"Records": records}, request_id="")
    )

    assert invocation.response == {"batchItemFailures": [{"itemIdentifier": "51"}]}
    assert invocation.duration == pytest.approx(0.51, abs=0.01)


def test_time_never_goes_back() -> None:
    outcome: Outcome = simulate(through(7200))

    assert all(before <= after for (before, _), (after, _) in pairwise(outcome.ages))
