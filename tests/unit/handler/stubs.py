"""What stands in for Lambda and for the processor's dependencies."""

from collections.abc import Callable
from typing import Any

from handler.calls import Process
from handler.config import HandlerConfig
from handler.context import Context
from handler.counting import Counting
from handler.delivery import Parking
from handler.idempotency import Idempotency, NoIdempotency
from handler.processor import Processor
from handler.records import Request

MARKER = "do-not-log-me"
"""Stands in payloads and in the texts of exceptions: tests look for it where it must not be."""


class FakeContext:
    """Lambda's context object, with a clock that the test sets."""

    aws_request_id = "request-id"
    function_name = "processor"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:1:function:processor"

    def __init__(self, remaining: Callable[[], int] = lambda: 60_000) -> None:
        self._remaining = remaining

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining()


class Parked:
    """A failure bucket in memory; `fails` makes it refuse."""

    def __init__(self, *, fails: bool = False) -> None:
        self.records: list[tuple[Any, str]] = []
        self._fails = fails

    def park(self, record: object, reason: str, context: Context) -> str:
        del context
        if self._fails:
            raise ConnectionError(MARKER)
        self.records.append((record, reason))
        return "rejected/key"


def no_transactions() -> Any:
    raise AssertionError("nothing is to be written")


def processor(
    process: Process,
    *,
    parking: Parking,
    idempotency: Idempotency | None = None,
    config: HandlerConfig | None = None,
) -> Processor:
    return Processor(
        config or HandlerConfig(failure_bucket="failures"),
        process=process,
        parking=parking,
        idempotency=idempotency or NoIdempotency(),
        transactions=no_transactions,
        counting=Counting(service="test", namespace="Test"),
    )


def run(
    event: Any, process: Process, *, context: FakeContext | None = None, **parts: Any
) -> tuple[Any, Parked]:
    """The response, and what was parked."""
    parking = parts.pop("parking", None) or Parked()
    handled = processor(process, parking=parking, **parts).handle(event, context or FakeContext())
    return handled, parking


def failing_on(*request_ids: str) -> tuple[Process, list[str]]:
    """A process that takes notes of what it was called with, and what it noted."""
    seen: list[str] = []

    def work(request: Request) -> None:
        seen.append(request.request_id)
        if request.request_id in request_ids:
            raise TimeoutError(MARKER)

    return work, seen


def reported(response: Any) -> list[str]:
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]
