"""What the filter saves, and payloads of a size, as the benchmarks work them out."""

import json
from collections import Counter

import pytest

from tests.benchmarks import bench_growth
from tests.benchmarks.bench_filter_cost import MIXES, cost, shares, writes
from tests.benchmarks.bench_growth import payload
from tests.benchmarks.bench_handler import KINDS, event
from tests.benchmarks.side_by_side import Samples


def test_each_invocation_is_billed_by_the_millisecond_begun() -> None:
    measured = cost(10, [0.0031, 0.004, 1.0])

    assert (measured.writes, measured.invocations, measured.billed) == (10, 3, 4 + 4 + 1000)


def test_dollars_are_requests_and_the_time_of_the_memory() -> None:
    """A million writes, each an invocation of 100 ms: 25,000 GB-seconds at 256 MB."""
    measured = cost(1, [0.1])

    assert measured.dollars == pytest.approx(0.20 + 25_000 * 0.0000166667)


@pytest.mark.parametrize("mix", MIXES)
def test_a_mix_never_changes_what_is_not_there(mix: str) -> None:
    there = set()
    kinds: Counter[str] = Counter()
    for kind, key, _ in writes(mix, 100):
        kinds[kind] += 1
        if kind == "I":
            assert key not in there
            there.add(key)
        assert key in there
        if kind == "R":
            there.remove(key)

    assert kinds == {kind: mix.count(kind) * 10 for kind in set(mix)}


def test_a_mix_is_named_by_its_shares() -> None:
    assert shares("IIIIIIMMMR") == "60/30/10"


@pytest.mark.parametrize("kilobytes", [1, 10, 100, 400])
def test_a_payload_is_about_as_long_as_it_is_to_be(kilobytes: int) -> None:
    assert len(json.dumps(payload(kilobytes))) == pytest.approx(kilobytes * 1000, rel=0.1)


def test_what_is_dearer_than_the_cheapest_before_it_is_not_flat() -> None:
    growth = bench_growth.Growth()
    for size, micros in {"1": 20, "10": 10, "100": 12, "1,000": 13}.items():
        growth.add(size, costs={"ours": Samples((micros,)), "bare loop": Samples((1.0,))})

    table = growth.table("batch size", unit="µs")

    assert table.head == ("batch size", "ours, µs", "rise (≤ 1.2)", "bare loop, µs")
    assert [row[2] for row in table.rows] == ["", "0.50", "1.20", "1.30 **missed**"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_record_of_a_batch_is_of_another_item(kind: str) -> None:
    keys = [json.dumps(each["dynamodb"]["Keys"]) for each in event(kind, 3)["Records"]]

    assert len(set(keys)) == 3
