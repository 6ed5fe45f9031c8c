"""What a load does not fit: AWS's quotas, and the stack's own settings."""

from collections.abc import Iterator

from infra.capacity.cost import WRITES_A_MEMORY
from infra.capacity.listed import listed
from infra.capacity.model import Model
from infra.capacity.settings import Settings
from infra.capacity.workload import Workload


def exceeded(
    workload: Workload, settings: Settings, model: Model, *, shards: int | None, factor: int
) -> Iterator[str]:
    """Each in one sentence; no shards: a new table's are assumed."""
    if not settings.event_source.enabled:
        yield "eventSource.enabled is false: nothing is read, and what is older than 24 h is gone"
    yield from _concurrency(settings, (shards or workload.assumed_shards) * factor)
    yield from _writes(workload, shards)
    if settings.idempotency.enabled:
        yield from _memory(workload)
    yield from _batches(settings, model)


def _concurrency(settings: Settings, concurrency: int) -> Iterator[str]:
    reserved, quota = settings.function.reserved_concurrency, _quota("concurrent_executions")
    if reserved is not None and reserved < concurrency:
        yield (
            f"function.reservedConcurrency is {reserved:,}, and {concurrency:,} invocations may "
            "want to run: the others are throttled, and their records wait"
        )
    elif concurrency > quota:
        yield f"{concurrency:,} invocations at the same time: an account has {quota:,}{_MORE}"


def _writes(workload: Workload, shards: int | None) -> Iterator[str]:
    units = workload.peak * workload.write_units
    quota, of_partition = _quota("table_write_units"), _quota("partition_write_units")
    new = _quota("new_table_write_units")
    if units > quota:
        yield f"{units:,.0f} write units a second: a table takes {quota:,}{_MORE}"
    elif shards is None and units > new:
        yield (
            f"{units:,.0f} write units a second: a new on-demand table takes {new:,}, and any "
            "other twice its former peak"
        )
    if shards is not None and units > shards * of_partition:
        yield (
            f"{units:,.0f} write units a second on {shards:,} shards: a partition takes "
            f"{of_partition:,}, and writes are throttled until the table has split"
        )


def _memory(workload: Workload) -> Iterator[str]:
    units = WRITES_A_MEMORY * workload.peak * workload.passing
    quota = _quota("table_write_units")
    if units > quota:
        yield (
            f"{units:,.0f} write units a second for the memory of events: a table takes "
            f"{quota:,}{_MORE}"
        )


def _batches(settings: Settings, model: Model) -> Iterator[str]:
    size = settings.event_source.batch_size
    if size <= model.fullest:
        return
    if model.fitting <= model.fullest:
        yield (
            f"a batch of {size:,} does not fit function.timeout: {model.fitting:,} records do, "
            "and the rest is delivered once more"
        )
    else:
        yield f"a batch of {size:,} does not fit the 6 MB of an invocation: {model.fullest:,} do"


_MORE = " until more are asked for"


def _quota(name: str) -> int:
    return listed().quotas[name]
