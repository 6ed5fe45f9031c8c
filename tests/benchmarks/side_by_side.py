"""Measured in turns, so that a noisy machine is noisy for all: medians, ratios, their spread."""

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

_Name = TypeVar("_Name", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Samples:
    """What one work measured, a value a round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """What stands for all of them."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The first and the third quartile: half of the rounds lie between them."""
        if len(self.values) == 1:
            return self.values[0], self.values[0]
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return first, third

    def scaled(self, factor: float) -> Self:
        """In another unit."""
        return type(self)(tuple(value * factor for value in self.values))

    def times(self, other: Self) -> Self:
        """The ratio to another work, of each round: what was slow in a round was so for both."""
        return type(self)(
            tuple(ours / its for ours, its in zip(self.values, other.values, strict=True))
        )


def in_turns(
    works: Mapping[_Name, Callable[[], _Value]], *, rounds: int
) -> dict[_Name, list[_Value]]:
    """Of each work what it returned, one after the other in each round.

    Every second round begins with the last, so that none always comes after the same.
    """
    returned: dict[_Name, list[_Value]] = {name: [] for name in works}
    for number in range(rounds):
        names = list(works)[:: 1 if number % 2 == 0 else -1]
        for name in names:
            returned[name].append(works[name]())
    return returned


def interleaved(works: Mapping[_Name, Callable[[], float]], *, rounds: int) -> dict[_Name, Samples]:
    """Of each work what it measured, in turns."""
    returned = in_turns(works, rounds=rounds)
    return {name: Samples(tuple(values)) for name, values in returned.items()}


def seconds(work: Callable[[], object]) -> float:
    """How long it takes, once."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
