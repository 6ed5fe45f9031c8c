"""What is asked on the command line: read from its words, all mistakes at once."""

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from infra.capacity.listed import listed
from infra.capacity.workload import Burst, Workload
from infra.config.argument import setting

T = TypeVar("T")

MOST_WRITES: Final = 1_000_000
LONGEST: Final = 48 * 3600
"""Seconds of a burst or an outage: twice as long as a stream keeps its records."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A load, and whose settings it meets."""

    workload: Workload
    shards: int | None
    stack: str | None
    pipeline: str | None
    changes: tuple[Mapping[str, Any], ...]
    plot: Path | None


class QuestionError(Exception):
    """The question makes no sense; all that is wrong with it."""

    def __init__(self, mistakes: list[str], changes: tuple[Mapping[str, Any], ...]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes
        self.changes = changes
        """Those of the settings that are clear."""


def question(options: argparse.Namespace) -> Question:
    """From the words of each option. Raises `QuestionError`."""
    reader = _Reader()
    writes = reader.read("--writes-per-second", options.writes_per_second, _rate)
    if options.writes_per_second is None:
        reader.mistakes.append(f"--writes-per-second must be given: up to {_plain(MOST_WRITES)}")
    size = reader.read("--record-kb", options.record_kb, _kilobytes)
    process = reader.read("--process-ms", options.process_ms, _milliseconds)
    passing = reader.read("--passing", options.passing, _percent)
    burst = reader.read("--burst", options.burst, _burst)
    outage = reader.read("--outage", options.outage, _seconds)
    shards = reader.read("--shards", options.shards, _shards)
    plot = reader.read("--plot", options.plot, _svg)
    settings = [reader.read("--config", each, setting) for each in options.config]
    changes = tuple(each for each in settings if each is not None)
    if burst and writes and burst.writes_per_second <= writes:
        reader.mistakes.append("--burst must be more than --writes-per-second")
    for option, words in (("--stack", options.stack), ("--pipeline", options.pipeline)):
        if words == "":
            reader.mistakes.append(f"{option} must be a name, got nothing")
    if options.pipeline and options.stack is None:
        reader.mistakes.append("--pipeline is one of a stack: name that too, with --stack")
    if reader.mistakes:
        raise QuestionError(reader.mistakes, changes)
    return Question(
        workload=Workload(
            writes_per_second=writes or 1.0,
            record_bytes=round((size or 1.0) * 1024),
            process_seconds=(process or 0.0) / 1000,
            passing=passing or 1.0,
            burst=burst,
            outage_seconds=outage or 0.0,
        ),
        shards=shards,
        stack=options.stack,
        pipeline=options.pipeline,
        changes=changes,
        plot=plot,
    )


class _Reader:
    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def read(self, option: str, words: str | None, convert: Callable[[str], T]) -> T | None:
        """None: it is not given, or a mistake."""
        if words is None:
            return None
        try:
            return convert(words)
        except (ValueError, argparse.ArgumentTypeError) as error:
            self.mistakes.append(f"{option} {error}")
            return None


def _number(words: str, least: float, most: float, what: str) -> float:
    try:
        number = float(_ungrouped(words))
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise ValueError(f"must be {what} between {least:,g} and {_plain(most)}, got {words}")
    return number


def _ungrouped(words: str) -> str:
    """`1,000,000`, as this command prints it, without the commas."""
    is_grouped = re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", words)
    return words.replace(",", "") if is_grouped else words


def _plain(number: float) -> str:
    return f"{number:,.10g}"


def _rate(words: str) -> float:
    return _number(words, 1, MOST_WRITES, "a number of writes")


def _kilobytes(words: str) -> float:
    return _number(words, 0.1, listed().quotas["item_kb"], "a size in KB")


def _milliseconds(words: str) -> float:
    return _number(words, 0, 900_000, "a time in milliseconds")


def _percent(words: str) -> float:
    return _number(words.removesuffix("%"), 0.1, 100, "a share in percent") / 100


def _shards(words: str) -> int:
    number = _number(words, 1, 100_000, "a number of shards")
    if not number.is_integer():
        raise ValueError(f"must be a whole number, got {words}")
    return int(number)


_UNITS: Final = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_TIME: Final = "".join(rf"(?:([0-9]+(?:\.[0-9]+)?){unit})?" for unit in _UNITS)


def _seconds(words: str) -> float:
    match = re.fullmatch(_TIME, words)
    parts = zip(match.groups("0"), _UNITS.values(), strict=True) if match else []
    seconds = sum(float(number) * unit for number, unit in parts)
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"must be like 90s, 30m, 2h or 1d12h, up to 48h, got {words}")
    return seconds


def _burst(words: str) -> Burst:
    rate, slash, time = words.partition("/")
    if not slash:
        raise ValueError(f"must be like 8000/10m, got {words}")
    return Burst(writes_per_second=_rate(rate), seconds=_seconds(time))


def _svg(words: str) -> Path:
    if not words.endswith(".svg"):
        raise ValueError(f"must name an .svg file, got {words}")
    if not Path(words).parent.is_dir():
        raise ValueError(f"must be in a folder that exists, got {words}")
    return Path(words)
