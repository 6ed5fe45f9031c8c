"""The metrics that a pipeline's parts emit, by CloudWatch's names.

A metric is one of a part's; which table or function that is, is known once the part exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from handler.config import METRICS_NAMESPACE, HandlerMetric


class Part(StrEnum):
    """What of a pipeline emits metrics."""

    TABLE = "table"
    MAPPING = "mapping"
    FUNCTION = "function"
    HANDLER = "handler"
    """The function's own, which it prints in CloudWatch's embedded metric format."""
    MEMORY = "memory"
    """The table that remembers events."""


NAMESPACES: Final[Mapping[Part, str]] = {
    Part.TABLE: "AWS/DynamoDB",
    Part.MAPPING: "AWS/Lambda",
    Part.FUNCTION: "AWS/Lambda",
    Part.HANDLER: METRICS_NAMESPACE,
    Part.MEMORY: "AWS/DynamoDB",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A metric of a part."""

    part: Part
    name: str

    @property
    def namespace(self) -> str:
        return NAMESPACES[self.part]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A metric, and what is made of the data points of a period."""

    metric: Metric
    statistic: str = "Sum"


def of_table(name: str, statistic: str = "Sum") -> Reading:
    """DynamoDB Developer Guide, "DynamoDB metrics and dimensions"."""
    return Reading(metric=Metric(part=Part.TABLE, name=name), statistic=statistic)


def of_memory(name: str, statistic: str = "Sum") -> Reading:
    """Likewise, of the table that remembers events."""
    return Reading(metric=Metric(part=Part.MEMORY, name=name), statistic=statistic)


def of_mapping(name: str, statistic: str = "Sum") -> Reading:
    """Lambda Developer Guide, "Event source mapping metrics"; `EventCount` switches them on."""
    return Reading(metric=Metric(part=Part.MAPPING, name=name), statistic=statistic)


def of_function(name: str, statistic: str = "Sum") -> Reading:
    """Lambda Developer Guide, "Types of metrics for Lambda functions"."""
    return Reading(metric=Metric(part=Part.FUNCTION, name=name), statistic=statistic)


def of_handler(metric: HandlerMetric) -> Reading:
    """`handler.counting` prints it."""
    return Reading(metric=Metric(part=Part.HANDLER, name=str(metric)))
