"""Filter patterns compiled and records matched a second, beside two matchers that know fewer rules.

moto's EventPattern is what moto filters EventBridge events with. The naive matcher is what one
would write first: json.loads, then dictionary look-ups. Neither heeds equal keys nor list elements.
"""

import json
import timeit
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from moto.events.models import EventPattern

from infra.filters.pattern import FilterPattern

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


def main() -> None:
    """Prints each rate, and what the others reach in the same run."""
    for name, text in PATTERNS.items():
        compiled = {
            "ours": _rate(partial(FilterPattern, text)),
            "naive": _rate(partial(json.loads, text)),
            "moto": _rate(partial(EventPattern.load, text)),
        }
        print(f"filters, {name}: patterns compiled {_side_by_side(compiled)}")
        matched = {
            "ours": _rate(partial(FilterPattern(text).matches, RECORD)),
            "naive": _rate(partial(naive_matches, json.loads(text), RECORD)),
            "moto": _rate(partial(EventPattern.load(text).matches_event, RECORD)),
        }
        print(f"filters, {name}: records matched   {_side_by_side(matched)}")


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


def _rate(work: Callable[[], object]) -> float:
    """How often a second, the best of five."""
    timer = timeit.Timer(work)
    times, seconds = timer.autorange()
    return times / min(seconds, *timer.repeat(repeat=4, number=times))


def _side_by_side(rates: Mapping[str, float]) -> str:
    others = ", ".join(
        f"{rates['ours'] / rate:.2g} times {matcher}'s ({rate:,.0f})"
        for matcher, rate in rates.items()
        if matcher != "ours"
    )
    return f"{rates['ours']:>11,.0f}/s, {others}"


if __name__ == "__main__":
    main()
