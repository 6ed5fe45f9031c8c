"""When the watch lets another record start."""

import pytest

from handler.time_watch import TimeWatch
from tests.unit.handler.stubs import FakeContext


def watch_after(*durations: float, remaining: int, floor: float = 1.0) -> TimeWatch:
    """A watch that has seen records of these durations, in seconds; `remaining` milliseconds."""
    watch = TimeWatch(FakeContext(lambda: remaining), floor=floor)
    for duration in durations:
        watch.took(duration)
    return watch


def test_the_first_record_may_start_however_little_time_is_left() -> None:
    assert watch_after(remaining=0).has_time()


@pytest.mark.parametrize(("remaining", "starts"), [(7_999, False), (8_000, True)])
def test_another_needs_as_much_time_as_the_longest_so_far(remaining: int, starts: bool) -> None:
    assert watch_after(2.0, 8.0, 1.0, remaining=remaining).has_time() is starts


@pytest.mark.parametrize("duration", [0.0, 0.001])
@pytest.mark.parametrize(("remaining", "starts"), [(999, False), (1_000, True)])
def test_another_needs_the_floor_however_fast_the_others_were(
    duration: float, remaining: int, starts: bool
) -> None:
    assert watch_after(duration, remaining=remaining, floor=1.0).has_time() is starts
