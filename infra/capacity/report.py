"""The assessment in words: a table for the terminal."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from infra.capacity.assessment import Assessment
from infra.capacity.function_time import (
    CALL_SECONDS,
    CPU_SECONDS,
    CPU_SECONDS_REMEMBERING,
    WHOLE_CORE,
)
from infra.capacity.listed import listed
from infra.capacity.model import Loss
from infra.capacity.scenario import ENVELOPE_BYTES
from infra.config.stack_settings import STREAM_RETENTION_HOURS, seconds_until_given_up
from infra.wording import counted

_WIDTH: Final = 22


def report(found: Assessment) -> str:
    """Lines, each a name and what is to be known of it."""
    return "\n".join(
        [
            *_load(found),
            "",
            *_rows(_delivery(found)),
            *_part("quotas and settings that it does not fit", found.exceeded),
            *_part("lost in an outage of what process calls", _table(map(_loss, found.losses))),
            "",
            *_cost(found),
            *_part("assumed", list(_assumed(found))),
        ]
    )


def duration(seconds: float) -> str:
    """As people say it: 250 ms, 4.2 s, 31 min, 7.5 h."""
    if seconds == 0:
        return "0"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def _load(found: Assessment) -> Iterator[str]:
    load = found.workload
    yield (
        f"{load.writes_per_second:,.10g} writes a second of {load.record_bytes / 1024:g} KB, "
        f"{load.passing:.0%} pass the filter; process takes {duration(load.process_seconds)}"
    )
    if load.burst is not None:
        yield (
            f"a burst of {load.burst.writes_per_second:,.10g} writes a second for "
            f"{duration(load.burst.seconds)}"
        )
    if load.outage_seconds:
        yield f"what process calls is down for {duration(load.outage_seconds)}"


def _delivery(found: Assessment) -> Iterator[tuple[str, str]]:
    source = found.settings.event_source
    yield "shards", f"{found.shards:,} ({found.shards_from})"
    shards = counted(found.shards, "shard")
    yield "keeps up", _keeps_up(found)
    yield (
        "concurrency",
        f"{found.concurrency:,}: {shards} x parallelizationFactor {found.factor}",
    )
    yield "a function is busy", f"{found.busy:.0%} of the time"
    records = f"{found.batch:.3g} {'record' if found.batch == 1 else 'records'}"
    size = f"{records} (batchSize {source.batch_size})"
    yield "invocations", f"{_number(found.usage.invocations)} a second, of {size}"
    yield "iterator's age", _age(found)
    if found.eventful is not None:
        yield "at its worst", _worst(found)
    usage = found.usage
    if usage.remembered:
        yield (
            "memory of events",
            f"{_number(usage.memory_units)} write units a second, {_number(usage.memory_gb)} GB",
        )
    else:
        yield "memory of events", "none (idempotency.enabled: false)"


def _keeps_up(found: Assessment) -> str:
    configured = found.settings.event_source.parallelization_factor
    if found.needed is None:
        return (
            "no, at no parallelizationFactor: make process faster, or write process_batch; take "
            "more memory, or more shards"
        )
    words = f"yes, from parallelizationFactor {found.needed} on (set is {configured})"
    if found.needed > configured:
        words = f"not at parallelizationFactor {configured}: {found.needed} is the least"
    if found.workload.burst is not None and found.for_peak != found.needed:
        peak = f"from {found.for_peak} on" if found.for_peak else "at none"
        return f"{words}; with the burst {peak}"
    return words


def _age(found: Assessment) -> str:
    configured = found.settings.event_source.parallelization_factor
    endless = f"grows without end, and after {_end_of_records(found)}"
    if found.needed is None:
        return endless
    age = f"at most {duration(found.steady_age)}"
    if found.needed > configured:
        return f"{age} at {found.factor}; at {configured} it {endless}"
    return age


def _end_of_records(found: Assessment) -> str:
    age = seconds_until_given_up(found.settings.event_source.maximum_record_age_in_seconds)
    if age < STREAM_RETENTION_HOURS * 3600:
        return f"{duration(age)} records go to the failure bucket"
    return f"{duration(age)} records are gone"


def _worst(found: Assessment) -> str:
    if found.eventful is None:
        return ""
    worst = found.eventful
    words = f"{duration(worst.greatest_age)}, caught up {duration(found.caught_up)} after its end"
    lost = _lost(worst.given_up * found.concurrency, worst.forgotten * found.concurrency)
    return f"{words}; {lost}" if lost else words


def _loss(loss: Loss) -> tuple[str, str]:
    return duration(loss.outage), _lost(loss.given_up, loss.forgotten) or "nothing"


def _lost(given_up: float, forgotten: float) -> str:
    outcome = [
        f"{_number(given_up)} records in the failure bucket" if given_up else "",
        f"{_number(forgotten)} gone" if forgotten else "",
    ]
    return " and ".join(filter(None, outcome))


def _number(number: float) -> str:
    """Three digits: more of them no model knows."""
    rounded = float(f"{number:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def _cost(found: Assessment) -> Iterator[str]:
    with_it, without = found.cost, found.cost_without_filter
    yield f"{'dollars a month':{_WIDTH + 14}}{'filtered':>14}{'unfiltered':>14}"
    for service in with_it:
        yield f"  {service:{_WIDTH + 12}}{with_it[service]:>14,.2f}{without[service]:>14,.2f}"
    total, total_without = sum(with_it.values()), sum(without.values())
    yield f"  {'together':{_WIDTH + 12}}{total:>14,.2f}{total_without:>14,.2f}"
    of = listed()
    yield f"  prices of {of.date}, {of.region}; without {of.left_out}"


def _assumed(found: Assessment) -> Iterator[str]:
    function = found.settings.function
    share = min(1.0, function.memory_size / WHOLE_CORE)
    cpu = CPU_SECONDS_REMEMBERING if found.usage.remembered else CPU_SECONDS
    readers = listed().quotas["readers_of_a_shard"]
    yield "writes are spread evenly over the shards, and over the items of each"
    yield f"one function reads the stream: a shard should have no more than {readers} readers"
    yield (
        f"the handler takes {cpu * 1e6:.0f} \N{MICRO SIGN}s a record of a whole core, and has "
        f"{share:.2g}; a call to its memory {CALL_SECONDS * 1000:.3g} ms"
    )
    yield f"a record's event is its images ({found.settings.images}) and {ENVELOPE_BYTES} bytes"
    yield "burst and outage begin together; in an outage each record fails, in process-ms"
    yield "Lambda polls four times a second, and waits 0.2 s before a retry, then twice as long"


def _part(heading: str, lines: Sequence[str]) -> list[str]:
    return ["", heading, *(f"  {each}" for each in lines)] if lines else []


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{name:{_WIDTH - 2}}{words}" for name, words in rows]


def _rows(rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    return (f"{name:{_WIDTH}}{words}" for name, words in rows)
