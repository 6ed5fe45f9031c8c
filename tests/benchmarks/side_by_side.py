"""Measured in turns, so that a noisy machine is noisy for all: medians, and their ratios."""

import statistics
import time
from collections.abc import Callable, Mapping


def medians(works: Mapping[str, Callable[[], float]], *, rounds: int) -> dict[str, float]:
    """Of each, the median of what it measured; one round of each after the other."""
    measured: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            measured[name].append(work())
    return {name: statistics.median(values) for name, values in measured.items()}


def seconds(work: Callable[[], object]) -> float:
    """How long it takes, once."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
