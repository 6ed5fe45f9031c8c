"""When records are written, and how many shards that takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.capacity.workload import Arrivals, Burst
from tests.unit.infra.capacity.scenarios import workload


@given(
    rate=st.floats(0.001, 1000),
    other_rate=st.floats(0.001, 10_000),
    start=st.floats(0, 1000),
    seconds=st.floats(0, 1000),
    index=st.integers(0, 100_000),
)
def test_a_record_is_counted_from_the_moment_it_is_written(
    rate: float, other_rate: float, start: float, seconds: float, index: int
) -> None:
    arrivals = Arrivals(
        rate=rate, other_rate=other_rate, other_from=start, other_to=start + seconds
    )

    written = arrivals.time(index)

    assert arrivals.count(written * (1 + 1e-9) + 1e-6) >= index + 1
    assert arrivals.count(written * (1 - 1e-9) - 1e-6) <= index + 1
    assert arrivals.time(index + 1) > written


def test_a_burst_is_written_while_it_lasts() -> None:
    arrivals = Arrivals(rate=10.0, other_rate=100.0, other_from=60.0, other_to=70.0)

    assert [arrivals.count(time) for time in (60.0, 65.0, 70.0, 80.0)] == [600, 1100, 1600, 1700]


@pytest.mark.parametrize(
    ("writes", "kilobytes", "shards"),
    [(1, 1, 4), (4000, 1, 4), (4001, 1, 5), (2000, 2.5, 6), (1_000_000, 1, 1000)],
)
def test_a_shard_is_assumed_for_each_thousand_write_units(
    writes: float, kilobytes: float, shards: int
) -> None:
    assert workload(writes, record_bytes=int(kilobytes * 1024)).assumed_shards == shards


def test_the_peak_is_what_shards_are_assumed_for() -> None:
    bursting = workload(1000, burst=Burst(writes_per_second=9000, seconds=60))

    assert bursting.peak == 9000
    assert bursting.assumed_shards == 9
