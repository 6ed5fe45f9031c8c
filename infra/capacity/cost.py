"""What a load costs a month, by service, at the prices of `listed.json`."""

from dataclasses import dataclass
from typing import Final

from infra.capacity.listed import listed
from infra.config.stack_settings import Architecture

MONTH: Final = 730 * 3600
"""Seconds, as AWS's own calculator has them."""

LOG_BYTES_A_RECORD: Final = 240
"""The line of the default `process`, at INFO: tests/unit/infra/capacity/test_measured.py."""
LOG_BYTES_AN_INVOCATION: Final = 720
"""The handler's metrics, 250 (measured there), and Lambda's own two lines, platform.start and
platform.report, as long as the Developer Guide's examples."""

MEMORY_BYTES: Final = 181
"""Of one remembered event: its item, 81 (measured there), and the 100 that DynamoDB adds."""
WRITES_A_MEMORY: Final = 2
"""The claim and the completion."""

HANDLER_METRICS: Final = 4
"""docs/operations.md, "What it costs"; the alarms' metrics too."""
ALARM_METRICS: Final = 13

_TRACED: Final = 0.05
"""Of the invocations beyond one a second, the share that Lambda traces (X-Ray's default rule)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What is used, each second."""

    writes: float
    write_units: int
    """Of one write."""
    remembered: float
    """Events; 0 where idempotency is off."""
    remembered_for: float
    """Seconds."""
    processed: float
    """Records that `process` takes."""
    invocations: float
    busy: float
    """Seconds of the function."""
    memory_size: int
    architecture: Architecture
    traced: bool
    is_monitored: bool
    has_topic: bool
    """A topic of the stack's own, with a key."""

    @property
    def memory_units(self) -> float:
        """Write units of the memory of events."""
        return WRITES_A_MEMORY * self.remembered

    @property
    def memory_gb(self) -> float:
        """What it holds, once the first events are forgotten as fast as new ones come."""
        return self.remembered * self.remembered_for * MEMORY_BYTES / 1e9


def monthly(usage: Usage) -> dict[str, float]:
    """Dollars, by service."""
    price = listed().prices
    a_million_units = price["dynamodb_million_write_units"] * MONTH / 1e6
    a_million_requests = price["lambda_million_requests"] * MONTH / 1e6
    return {
        "DynamoDB, the table's writes": usage.writes * usage.write_units * a_million_units,
        "DynamoDB, the memory of events": usage.memory_units * a_million_units
        + usage.memory_gb * price["dynamodb_gb_month"],
        "Lambda, requests": usage.invocations * a_million_requests,
        "Lambda, duration": _gb_seconds(usage) * price[f"lambda_gb_second_{usage.architecture}"],
        "CloudWatch, logs": _log_gb(usage) * price["logs_gb_ingested"],
        "CloudWatch, metrics and alarms": _watching(usage),
        "X-Ray": _traces(usage) * price["xray_million_traces"] / 1e6,
        "KMS, the topic's key": price["kms_key_month"] if usage.has_topic else 0.0,
    }


def _gb_seconds(usage: Usage) -> float:
    return usage.busy * usage.memory_size / 1024 * MONTH


def _log_gb(usage: Usage) -> float:
    of_records = usage.processed * LOG_BYTES_A_RECORD
    return (of_records + usage.invocations * LOG_BYTES_AN_INVOCATION) * MONTH / 1e9


def _watching(usage: Usage) -> float:
    price = listed().prices
    metrics = HANDLER_METRICS * price["metric_month"]
    if not usage.is_monitored:
        return metrics
    alarms = ALARM_METRICS * price["alarm_metric_month"] + price["composite_alarm_month"]
    return metrics + alarms + price["dashboard_month"]


def _traces(usage: Usage) -> float:
    if not usage.traced:
        return 0.0
    return (min(usage.invocations, 1.0) + max(usage.invocations - 1, 0.0) * _TRACED) * MONTH
