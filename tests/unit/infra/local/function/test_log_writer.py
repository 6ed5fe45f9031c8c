"""The log writer: lines in order into one stream, whoever asks for them to be written."""

import asyncio
import logging
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.function.log_writer import LogWriter


class Logs:
    """CloudWatch Logs, as far as it is used: a stream is created once, and everything is slow."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.streams: list[str] = []
        self.lines: list[str] = []
        self._refuses = refuses

    def create_log_stream(self, *, logGroupName: str, logStreamName: str) -> None:  # noqa: N803 - AWS's names
        time.sleep(0.05)
        self.streams.append(f"{logGroupName}/{logStreamName}")

    def put_log_events(self, *, logEvents: list[dict[str, Any]], **_: str) -> None:  # noqa: N803 - AWS's names
        if self._refuses:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutLogEvents")
        self.lines += [event["message"] for event in logEvents]


def test_lines_are_written_in_order_into_a_stream_that_is_created_once() -> None:
    logs = Logs()

    async def scenario() -> None:
        writer = LogWriter(logs, "group")
        writer.add("first")
        first = asyncio.create_task(writer.flush())
        await asyncio.sleep(0)  # it is under way
        writer.add("second")
        await asyncio.gather(first, writer.flush())

    asyncio.run(scenario())

    assert logs.streams == ["group/local"]
    assert logs.lines == ["first", "second"]


def test_lines_that_cannot_be_written_are_counted_in_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = LogWriter(Logs(refuses=True), "group")
    writer.add("lost")
    writer.add("")

    with caplog.at_level(logging.WARNING):
        asyncio.run(writer.flush())

    (message,) = caplog.messages
    assert message.startswith("1 log line lost: An error occurred (AccessDenied)")
