"""Patterns of CloudWatch Logs for JSON, by the examples of its user guide."""

import json
import time
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from infra.local.aws.emulator import Emulator

DOCUMENT: Final[dict[str, Any]] = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "ThisFlag": True,
    "latency": 500.5,
    "errorCode": "400",
}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{$.eventType=UpdateTrail}", True),
        ("{ $.eventType = updatetrail }", False),
        ('{ $.eventType = "Update*" }', True),
        ("{ $.eventType = *Trail }", True),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ("{ $.sourceIPAddress != 111.111.* }", False),
        ('{ $.arrayKey[0] = "value" }', True),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[5].id = 2 }", False),
        ("{ $.objectList = 2 }", False),
        ("{ $.objectList != 2 }", False),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.SomeOtherObject IS NULL }", False),
        ("{ $.SomeOtherObject NOT EXISTS }", True),
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.ThisFlag IS FALSE }", False),
        ("{ $.latency >= 500 }", True),
        ("{ $.latency < 10e-3 }", False),
        ("{ $.latency = * }", True),
        ("{ $.nothing = * }", False),
        ("{ $.errorCode = 400 }", True),
        ("{ $.errorCode != 400 }", False),
        ("{ $.nothing = 1 || $.latency > 1 && $.eventType = no }", False),
        ("{ ($.latency > 1 || $.nothing = 1) && $.eventType = U* }", True),
        ('{ $.level = "ERROR" || $.eventType = "UpdateTrail" }', True),
        ("", True),
        ("UpdateTrail", True),
        ('"another value"', True),
        ("nowhere", False),
    ],
)
def test_a_pattern_lets_through_what_it_describes(
    aws: Emulator, pattern: str, *, matches: bool
) -> None:
    assert found(aws, pattern) == ([json.dumps(DOCUMENT)] if matches else [])


def test_a_line_that_is_no_json_matches_no_pattern_for_json(aws: Emulator) -> None:
    assert found(aws, "{ $.a NOT EXISTS }", "plain", "1", '{"b": 1}') == ['{"b": 1}']


@pytest.mark.parametrize(
    "pattern",
    ["{ $.a", "{ $.a }", "{ a = 1 }", "{ ($.a = 1 }", "{ $.a < b }", "{ $.a IS 1 }", "{}"],
)
def test_a_pattern_that_cannot_be_read_is_refused(aws: Emulator, pattern: str) -> None:
    with pytest.raises(ClientError) as refused:
        found(aws, pattern)

    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def found(aws: Emulator, pattern: str, *lines: str) -> list[str]:
    """Those log events that a pattern lets through."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    now = int(time.time() * 1000)  # events of long ago are refused
    events = [{"timestamp": now, "message": line} for line in lines or [json.dumps(DOCUMENT)]]
    logs.put_log_events(logGroupName="group", logStreamName="stream", logEvents=events)
    answer = logs.filter_log_events(logGroupName="group", filterPattern=pattern)
    return [each["message"] for each in answer["events"]]
