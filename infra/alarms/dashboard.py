"""The dashboard: the way of a record from its write until it is done, on one page, in order.

The body is CloudWatch's ("Dashboard body structure and syntax"): 24 columns, rows of our own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handler.config import HandlerMetric
from infra.alarms.metrics import (
    Part,
    Reading,
    of_function,
    of_handler,
    of_mapping,
    of_memory,
    of_table,
)

_COLUMNS: Final = 24
_HEIGHT: Final = 6
_PERIOD: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class _Graph:
    title: str
    readings: Sequence[Reading]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Step:
    """A part of the way: what happens there, and the graphs that show it."""

    text: str
    graphs: Sequence[_Graph]


_WAY: Final = (
    _Step(
        text="## 1 Written\nYour application writes items to the table.",
        graphs=[
            _Graph(
                title="Write units of the table",
                readings=[of_table("ConsumedWriteCapacityUnits")],
            ),
            _Graph(title="Writes refused", readings=[of_table("WriteThrottleEvents")]),
        ],
    ),
    _Step(
        text="## 2 Read from the stream\nThe mapping polls, and its filter keeps away the rest.",
        graphs=[
            _Graph(
                title="Records read, and kept away by the filter",
                readings=[of_mapping("PolledEventCount"), of_mapping("FilteredOutEventCount")],
            ),
            _Graph(
                title="How far the function is behind (ms)",
                readings=[of_function("IteratorAge", "Maximum")],
            ),
        ],
    ),
    _Step(
        text="## 3 Delivered\nBatches go to the function; what fails is delivered again.",
        graphs=[
            _Graph(
                title="Records delivered, and those that failed",
                readings=[of_mapping("InvokedEventCount"), of_mapping("FailedInvokeEventCount")],
            ),
            _Graph(
                title="Invocations, errors, throttles",
                readings=[
                    of_function("Invocations"),
                    of_function("Errors"),
                    of_function("Throttles"),
                ],
            ),
            _Graph(
                title="How long a batch takes (ms)",
                readings=[of_function("Duration", "Average"), of_function("Duration", "Maximum")],
            ),
            _Graph(
                title="Batches at the same time",
                readings=[of_function("ConcurrentExecutions", "Maximum")],
            ),
        ],
    ),
    _Step(
        text="## 4 Done\nWhat the handler made of each record.",
        graphs=[
            _Graph(
                title="What became of the records",
                readings=[of_handler(metric) for metric in HandlerMetric],
            ),
            _Graph(
                title="Memory of events: write units, and writes refused",
                readings=[
                    of_memory("ConsumedWriteCapacityUnits"),
                    of_memory("WriteThrottleEvents"),
                ],
            ),
        ],
    ),
    _Step(
        text="## 5 Not done\nIn the failure bucket (replay them), or lost.",
        graphs=[
            _Graph(
                title="Into the failure bucket",
                readings=[
                    of_mapping("OnFailureDestinationDeliveredEventCount"),
                    of_handler(HandlerMetric.REJECTED),
                ],
            ),
            _Graph(
                title="Lost",
                readings=[
                    of_mapping("DroppedEventCount"),
                    of_function("DestinationDeliveryFailures"),
                ],
            ),
        ],
    ),
)


def dashboard_body(
    *,
    region: str,
    dimensions: Mapping[Part, Mapping[str, str]],
    alarm_arns: Sequence[str],
) -> str:
    """The body as JSON. A part without dimensions is not there, and not shown."""
    widgets, row = [_alarms(alarm_arns)], _HEIGHT
    for step in _WAY:
        graphs = [
            (graph.title, readings)
            for graph in step.graphs
            if (readings := [each for each in graph.readings if each.metric.part in dimensions])
        ]
        widgets.append(_text(step.text, row))
        width = _COLUMNS // len(graphs)
        for place, (title, readings) in enumerate(graphs):
            widgets.append(
                {
                    "type": "metric",
                    **_at(place * width, row + 2, width, _HEIGHT),
                    "properties": {
                        "title": title,
                        "region": region,
                        "view": "timeSeries",
                        "period": _PERIOD,
                        "metrics": [_line(each, dimensions[each.metric.part]) for each in readings],
                    },
                }
            )
        row += 2 + _HEIGHT
    return json.dumps({"widgets": widgets}, separators=(",", ":"))


def _alarms(arns: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "alarm",
        **_at(0, 0, _COLUMNS, _HEIGHT),
        "properties": {"title": "Alarms", "alarms": list(arns)},
    }


def _text(markdown: str, row: int) -> dict[str, Any]:
    return {"type": "text", **_at(0, row, _COLUMNS, 2), "properties": {"markdown": markdown}}


def _at(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "width": width, "height": height}


def _line(reading: Reading, dimensions: Mapping[str, str]) -> list[Any]:
    """Namespace, name, then each dimension's name and value, then how it is drawn."""
    named = [part for pair in dimensions.items() for part in pair]
    return [
        reading.metric.namespace,
        reading.metric.name,
        *named,
        {"stat": reading.statistic, "label": f"{reading.metric.name} ({reading.statistic})"},
    ]
