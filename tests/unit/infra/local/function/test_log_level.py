"""Which lines reach the log: Lambda's rule, line by line and on a function that prints them."""

import json
from pathlib import Path

import pytest

from infra.local.function.lambda_function import LambdaFunction
from infra.local.function.log_level import log_filter
from tests.unit.infra.local.function.functions import run, settings

NOW = "2026-11-02T16:51:31.587199Z"


def line(**fields: object) -> str:
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("level", "is_kept"),
    [
        ("DEBUG", False),
        ("INFO", False),
        ("WARN", True),
        ("WARNING", True),
        ("error", True),
        ("CRITICAL", True),
        ("LOUD", False),
        (30, False),
    ],
)
def test_a_line_below_the_level_is_dropped(level: object, is_kept: bool) -> None:
    assert log_filter("JSON", "WARN")(line(level=level, timestamp=NOW)) is is_kept


def test_a_line_without_a_level_counts_as_info() -> None:
    metrics = line(_aws={"Timestamp": 1}, Processed=1)

    assert log_filter("JSON", "INFO")(metrics)
    assert not log_filter("JSON", "WARN")(metrics)


@pytest.mark.parametrize(
    ("timestamp", "is_kept"),
    [
        (NOW, True),
        ("2026-11-02T16:51:31Z", True),
        ("2026-11-02T16:51:31.123456789+02:00", True),
        ("2026-11-02 16:51:31,587+0000", False),
        ("2026-11-02T16:51:31", False),
        ("2026-13-02T16:51:31Z", False),
        (1762102291, False),
        (None, False),
    ],
)
def test_an_error_whose_timestamp_is_not_rfc_3339_counts_as_info(
    timestamp: object, is_kept: bool
) -> None:
    assert log_filter("JSON", "ERROR")(line(level="ERROR", timestamp=timestamp)) is is_kept


@pytest.mark.parametrize("text", ["a line", "{not json", '["level", "DEBUG"]', ""])
def test_what_is_no_json_object_is_kept(text: str) -> None:
    assert log_filter("JSON", "FATAL")(text)


@pytest.mark.parametrize(("log_format", "level"), [("Text", "ERROR"), ("JSON", None)])
def test_nothing_is_dropped_without_the_format_or_the_level(
    log_format: str, level: str | None
) -> None:
    assert log_filter(log_format, level)(line(level="DEBUG", timestamp=NOW))


def test_what_a_function_prints_is_filtered_as_its_settings_say(tmp_path: Path) -> None:
    lines: list[str] = []
    own: list[str] = []
    code = """
        def handler(event, context):
            print('{"level": "INFO", "timestamp": "2026-11-02T16:51:31Z", "message": "no"}')
            print('{"level": "ERROR", "timestamp": "2026-11-02T16:51:31Z", "message": "yes"}')
    """

    async def scenario(function: LambdaFunction) -> None:
        await function.invoke({}, on_log=own.append)

    function = settings(tmp_path, code, log_format="JSON", application_log_level="ERROR")
    run(function, scenario, on_log=lines.append)

    assert [json.loads(each)["message"] for each in lines] == ["yes"]
    assert own == lines
