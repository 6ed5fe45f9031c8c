"""Filter patterns compiled and records matched a second, beside two matchers that know fewer rules.

moto's EventPattern is what moto filters EventBridge events with. The naive matcher is what one
would write first: json.loads, then dictionary look-ups. Neither heeds equal keys nor list elements.
"""

import json
import time
import timeit
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from moto.events.models import EventPattern

from infra.filters.pattern import FilterPattern
from tests.benchmarks.figures import Part, Table, with_spread
from tests.benchmarks.side_by_side import interleaved

PATTERNS = {
    "the contract's events": '{"eventName":["INSERT"]}',
    "three attributes": """{
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {
            "status": {"S": ["new", {"prefix": "re"}]},
            "payload": {"M": {"amount": {"N": [{"anything-but": "0"}]}, "urgent": {"BOOL": [true]}}}
        }}
    }""",
}
RECORD: Any = {
    "eventID": "c4ca4238a0b923820dcc509a6f75849b",
    "eventName": "INSERT",
    "eventVersion": "1.1",
    "eventSource": "aws:dynamodb",
    "awsRegion": "eu-central-1",
    "dynamodb": {
        "ApproximateCreationDateTime": 1764086173.0,
        "Keys": {"request_id": {"S": "01hw2ebjb940aqbejqcb42z7cg"}},
        "NewImage": {
            "request_id": {"S": "01hw2ebjb940aqbejqcb42z7cg"},
            "status": {"S": "new"},
            "payload": {"M": {"amount": {"N": "101"}, "urgent": {"BOOL": True}}},
        },
        "SequenceNumber": "32028700000000016141821660",
        "SizeBytes": 248,
        "StreamViewType": "NEW_IMAGE",
    },
    "eventSourceARN": "arn:aws:dynamodb:eu-central-1:000000000000:table/requests/stream/x",
}


ROUNDS = 7


def main() -> Part:
    rows = []
    for name, text in PATTERNS.items():
        compiled = {
            "ours": partial(FilterPattern, text),
            "naive": partial(json.loads, text),
            "moto": partial(EventPattern.load, text),
        }
        rows.append(_row(f"compiled, {name}", compiled))
        matched = {
            "ours": partial(FilterPattern(text).matches, RECORD),
            "naive": partial(naive_matches, json.loads(text), RECORD),
            "moto": partial(EventPattern.load(text).matches_event, RECORD),
        }
        rows.append(_row(f"matched, {name}", matched))
    head = ("a CPU second", "ours", "naive", "ours, times it", "moto", "ours, times it")
    return Part(title="Filter patterns", tables=(Table(head=head, rows=tuple(rows)),), notes=NOTES)


NOTES = (
    (
        "Patterns compiled and records matched a CPU second. Naive is the matcher that one would "
        "write first, moto what it filters EventBridge events with; neither knows all rules of a "
        "stream's filters."
    ),
)


def _row(name: str, works: Mapping[str, Callable[[], object]]) -> tuple[str, ...]:
    timers = {
        matcher: timeit.Timer(work, timer=time.process_time) for matcher, work in works.items()
    }
    counts = {matcher: timer.autorange()[0] for matcher, timer in timers.items()}
    rates = interleaved(
        {matcher: partial(_rate, timer, counts[matcher]) for matcher, timer in timers.items()},
        rounds=ROUNDS,
    )
    cells = [name, f"{rates['ours'].median:,.0f}"]
    for other in ("naive", "moto"):
        ratio = rates["ours"].times(rates[other])
        cells += [f"{rates[other].median:,.0f}", with_spread(ratio, "{:.2g}")]
    return tuple(cells)


def _rate(timer: timeit.Timer, times: int) -> float:
    return times / timer.timeit(times)


def naive_matches(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """The matcher that one would write first."""
    for name, wanted in pattern.items():
        there = record.get(name)
        if isinstance(wanted, dict):
            if not isinstance(there, dict) or not naive_matches(wanted, there):
                return False
        elif not any(_naive_value_matches(value, there) for value in wanted):
            return False
    return True


def _naive_value_matches(value: Any, there: Any) -> bool:
    if not isinstance(value, dict):
        return bool(value == there)
    if "prefix" in value:
        return isinstance(there, str) and there.startswith(value["prefix"])
    return bool(there != value["anything-but"])
