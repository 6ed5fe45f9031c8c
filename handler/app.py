"""The Lambda entry point: records in order, one at a time, and the first failure reported.

On a stream the lowest failed sequence number is the checkpoint: everything from it on is delivered
again. So the handler stops at a failure that may pass and names that record, and a record that no
retry can help is parked and passed. What is done with a request is `handler.process`' business.
"""

import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from handler.config import HandlerConfig
from handler.parking import Context, FailureBucket
from handler.process import process
from handler.records import (
    RejectedRequestError,
    Request,
    event_name,
    record_id,
    request_of,
    sequence_number,
)

Response = dict[str, list[dict[str, str]]]
Process = Callable[[Request], None]

logger = Logger()


class InvalidEventError(Exception):
    """The event is no batch of records; failing keeps whatever it is with Lambda."""


class UnreportableRecordError(Exception):
    """A failed record has no sequence number to report: the whole batch must be delivered again."""


class Parking(Protocol):
    """Where rejected records go."""

    def park(self, record: object, reason: str, context: Context) -> str:
        """Keeps the record and returns where. Any exception: it is not kept."""
        ...


class RunsOnce(Protocol):
    """Remembers what was processed."""

    def run(self, process: Process, request: Request, context: Context) -> bool:
        """Returns whether `process` was run; False: it had been before."""
        ...


class EveryTime:
    """Without idempotency: an event that is delivered twice is processed twice."""

    def run(self, process: Process, request: Request, context: Context) -> bool:
        del context
        process(request)
        return True


def handler(event: object, context: Context) -> Response:
    """Processes a batch of stream records; the answer is Lambda's partial batch response.

    Raises `InvalidEventError` and `UnreportableRecordError`, after which Lambda delivers all again.
    """
    return _processor().handle(event, context)


@cache
def _processor() -> "Processor":
    """Made at the first invocation, so that importing this module needs no environment."""
    config = HandlerConfig.from_environ(os.environ)
    once: RunsOnce = EveryTime()
    if config.idempotency_table is not None:
        # It imports boto3, which only a stack with the table needs.
        from handler.once import Once  # noqa: PLC0415

        once = Once(config, config.idempotency_table)
    return Processor(
        config,
        process=process,
        parking=FailureBucket(config.failure_bucket),
        once=once,
        metrics=Metrics(service=config.service, namespace=config.metrics_namespace),
    )


class Processor:
    """Takes batches of stream records through `process`."""

    def __init__(
        self,
        config: HandlerConfig,
        *,
        process: Process,
        parking: Parking,
        once: RunsOnce,
        metrics: Metrics,
    ) -> None:
        self._config = config
        self._process = process
        self._parking = parking
        self._once = once
        self._metrics = metrics

    def handle(self, event: object, context: Context) -> Response:
        """See `handler`."""
        logger.append_keys(function_request_id=context.aws_request_id)
        watch = TimeWatch(context, floor=self._config.minimum_remaining_time / 1000)
        counts = dict.fromkeys(("Processed", "Rejected", "Ignored", "Failed"), 0)
        try:
            for record in _records(event):
                if not watch.has_time():
                    logger.warning("Too little time for another record", extra=_ids(record))
                    return _reporting(record)
                with watch:
                    outcome = self._outcome(record, context)
                counts[outcome] += 1
                if outcome == "Failed":
                    return _reporting(record)
            return {"batchItemFailures": []}
        finally:
            self._count(counts)

    def _outcome(self, record: object, context: Context) -> str:
        """What became of the record: the name of its metric."""
        try:
            if event_name(record) not in self._config.stream.events:
                return "Ignored"
            request = request_of(record, self._config.stream)
            logger.debug("Request", extra={**_ids(record), "payload": request.payload})
            ran = self._once.run(self._process, request, context)
        except RejectedRequestError as error:
            return self._rejected(record, error, context)
        except Exception as error:  # noqa: BLE001 - whatever it is, the record has failed
            _log_failure("Record failed, it will be delivered again", record, error)
            return "Failed"
        if not ran:
            logger.info("Processed before", extra=_ids(record))
        return "Processed" if ran else "Ignored"

    def _rejected(self, record: object, reason: RejectedRequestError, context: Context) -> str:
        try:
            key = self._parking.park(record, f"{type(reason).__name__}: {reason}", context)
        except Exception as error:  # noqa: BLE001 - a record that is not parked must not be passed
            _log_failure("Rejected record cannot be parked", record, error)
            return "Failed"
        error_type = type(reason).__name__
        logger.warning(
            "Record rejected and parked",
            extra={**_ids(record), "error_type": error_type, "key": key},
        )
        logger.debug("The reason", extra={**_ids(record), "reason": str(reason)})
        return "Rejected"

    def _count(self, counts: Mapping[str, int]) -> None:
        for name, count in counts.items():
            if count:
                self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
        if any(counts.values()):
            self._metrics.flush_metrics()


class TimeWatch:
    """Watches an invocation's time, so that it is not killed in the middle of its batch.

    A context manager around each record: what they took so far tells what the next may take.
    """

    def __init__(
        self, context: Context, *, floor: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._floor = floor
        self._clock = clock
        self._longest: float | None = None
        self._started = 0.0

    def has_time(self) -> bool:
        """Whether another record may be started.

        The first always is: its retry would find no more time than there is now.
        """
        if self._longest is None:
            return True
        remaining = self._context.get_remaining_time_in_millis() / 1000
        return remaining >= max(self._floor, self._longest)

    def __enter__(self) -> None:
        self._started = self._clock()

    def __exit__(self, *_: object) -> None:
        self._longest = max(self._longest or 0.0, self._clock() - self._started)


def _records(event: object) -> list[Any]:
    """The batch; none when the event has none, as a test event from the console."""
    if not isinstance(event, Mapping):
        raise InvalidEventError(f"the event must be an object, got {type(event).__name__}")
    records = event.get("Records")
    if records is None:
        return []
    if not isinstance(records, list):
        raise InvalidEventError(f"Records must be a list, got {type(records).__name__}")
    return records


def _reporting(record: object) -> Response:
    number = sequence_number(record)
    if number is None:
        raise UnreportableRecordError(f"record {record_id(record)} has no sequence number")
    return {"batchItemFailures": [{"itemIdentifier": number}]}


def _ids(record: object) -> dict[str, str | None]:
    return {"event_id": record_id(record), "sequence_number": sequence_number(record)}


def _log_failure(message: str, record: object, error: Exception) -> None:
    """An exception's text may hold payload: at the default level its type and place are logged."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "unknown"
    logger.error(
        message, extra={**_ids(record), "error_type": type(error).__name__, "raised_at": where}
    )
    logger.debug("The error", extra=_ids(record), exc_info=error)
