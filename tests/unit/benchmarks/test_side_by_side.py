"""Medians, spreads and ratios of what was measured in turns."""

from functools import partial

import pytest

from tests.benchmarks.figures import with_spread
from tests.benchmarks.side_by_side import Samples, in_turns, interleaved
from tests.benchmarks.target import at_least, at_most


def test_median_and_spread_are_those_of_the_rounds() -> None:
    samples = Samples((5.0, 1.0, 2.0, 4.0, 3.0))

    assert samples.median == 3
    assert samples.spread == (2, 4)


def test_one_round_has_no_spread() -> None:
    assert Samples((7.0,)).spread == (7, 7)
    assert with_spread(Samples((7.0,))) == "7"


def test_a_ratio_is_taken_round_by_round() -> None:
    """The second round was ten times as slow for both: it says the same as the others."""
    ours, other = Samples((2.0, 20.0, 2.0)), Samples((1.0, 10.0, 1.0))

    assert ours.times(other).values == (2, 2, 2)


def test_a_ratio_of_different_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Samples((1.0, 2.0)).times(Samples((1.0,)))


def test_works_take_turns_and_every_second_round_begins_with_the_last() -> None:
    order: list[str] = []

    def work(name: str) -> int:
        order.append(name)
        return len(order)

    returned = in_turns({name: partial(work, name) for name in "abc"}, rounds=2)

    assert order == ["a", "b", "c", "c", "b", "a"]
    assert returned == {"a": [1, 6], "b": [2, 5], "c": [3, 4]}


def test_interleaved_works_give_samples_of_each() -> None:
    values = iter((1.0, 10.0, 20.0, 2.0))

    measured = interleaved({"ours": lambda: next(values), "other": lambda: next(values)}, rounds=2)

    assert measured == {"ours": Samples((1.0, 2.0)), "other": Samples((10.0, 20.0))}


def test_a_figure_stands_before_its_spread() -> None:
    samples = Samples((0.014, 0.012, 0.0131)).scaled(1000)

    assert with_spread(samples) == "13.1 (12.6–13.6)"
    assert with_spread(samples, "{:.0f}") == "13 (13–14)"


def test_a_target_is_held_against_the_median() -> None:
    samples = Samples((0.5, 1.4, 9.0))

    assert at_most(samples, 1.5) == "at most 1.5: met"
    assert at_most(samples, 1.3) == "at most 1.3: **missed**"
    assert at_least(4.0, 4) == "at least 4: met"
    assert at_least(3.9, 4) == "at least 4: **missed**"
