"""What the capacity's tests try a queue with: small, and clear of chance."""

from dataclasses import replace
from typing import Any

from infra.capacity.function_time import FunctionTime
from infra.capacity.scenario import Scenario, mapping_settings
from infra.capacity.settings import Settings
from infra.capacity.workload import Arrivals, Workload
from infra.config.stack_settings import (
    EventSourceConfig,
    FunctionConfig,
    IdempotencyConfig,
    MonitoringConfig,
)

TEN_MILLISECONDS = FunctionTime(
    process_seconds=0.01, remembers=False, memory_size=1769, timeout=60, minimum_remaining=1
)


def scenario(
    rate: float = 50.0, *, function: FunctionTime = TEN_MILLISECONDS, **changes: Any
) -> Scenario:
    """A minute at a rate; `changes` are of the scenario or of the mapping's settings."""
    mapping = {"batch_size": 100, "window": 0, "retries": 10, "record_age": 21600, "bisect": True}
    settings = {name: changes.pop(name, value) for name, value in mapping.items()}
    plain = Scenario(
        arrivals=Arrivals(rate=rate),
        settings=mapping_settings(**settings),
        function=function,
        record_bytes=1024,
        until=60.0,
    )
    return replace(plain, **changes)


def settings_of(
    *,
    event_source: EventSourceConfig | None = None,
    function: FunctionConfig | None = None,
    **changes: Any,
) -> Settings:
    """The defaults, but for what is named."""
    defaults = Settings(
        event_source=event_source or EventSourceConfig(),
        function=function or FunctionConfig(),
        idempotency=IdempotencyConfig(),
        monitoring=MonitoringConfig(),
        images=1,
        remembered_for=32 * 24 * 3600,
    )
    return replace(defaults, **changes)


def workload(writes_per_second: float = 1000.0, **changes: Any) -> Workload:
    """One KB, ten milliseconds, half of it passes."""
    plain = Workload(writes_per_second=writes_per_second, process_seconds=0.01, passing=0.5)
    return replace(plain, **changes)
