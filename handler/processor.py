"""A batch of stream records: in order, one at a time, and the first failure reported.

On a stream the lowest failed sequence number is the checkpoint: everything from it on is delivered
again. So the processor stops at a failure that may pass and names that record, and a record that no
retry can help is parked and passed.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from handler.config import HandlerConfig
from handler.context import Context
from handler.error_log import without_texts
from handler.records import (
    RejectedRequestError,
    Request,
    event_name,
    record_id,
    request_of,
    sequence_number,
)
from handler.time_watch import TimeWatch

Response = dict[str, list[dict[str, str]]]
Process = Callable[[Request], object]

logger = Logger()


class InvalidEventError(Exception):
    """The event is no batch of records; failing keeps whatever it is with Lambda."""


class UnreportableRecordError(Exception):
    """A failed record has no sequence number to report: the whole batch must be delivered again."""


class ProcessExitedError(Exception):
    """`process` asked for the end of the program: it failed."""


class ProcessIsNotAPlainFunctionError(Exception):
    """`process` is asynchronous or a generator: it was called, and nothing was done."""


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
        """Runs `process`."""
        del context
        process(request)
        return True


class Processor:
    """Takes batches of stream records through `process`.

    The metrics count what became of each record: Processed, Rejected (and parked), Ignored (no
    event of the contract, or processed before) and Failed (it will be delivered again).
    """

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
        """Processes the event's records; the answer is Lambda's partial batch response.

        Raises `InvalidEventError` and `UnreportableRecordError`, after which Lambda delivers the
        whole batch again.
        """
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
            if logger.log_level <= logging.DEBUG:
                logger.debug("Request", extra={**_ids(record), "payload": request.payload})
            ran = self._once.run(self._run, request, context)
        except RejectedRequestError as error:
            return self._rejected(record, error, context)
        except Exception as error:  # noqa: BLE001 - whatever it is, the record has failed
            _log_failure("Record failed, it will be delivered again", record, error)
            return "Failed"
        if not ran:
            logger.info("Processed before", extra=_ids(record))
        return "Processed" if ran else "Ignored"

    def _run(self, request: Request) -> None:
        """Runs `process` to an end that tells done from failed."""
        try:
            returned = self._process(request)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:
            # sys.exit() or a cancelled task: the runtime would end and leave the event in progress.
            exited = ProcessExitedError(f"process raised {type(error).__name__}")
            raise exited.with_traceback(error.__traceback__) from error
        if isinstance(returned, (Awaitable, Iterator, AsyncIterator)):
            raise ProcessIsNotAPlainFunctionError(f"process returned a {type(returned).__name__}")

    def _rejected(self, record: object, reason: RejectedRequestError, context: Context) -> str:
        error_type = type(reason).__name__
        try:
            key = self._parking.park(record, f"{error_type}: {reason}", context)
        except Exception as error:  # noqa: BLE001 - a record that is not parked must not be passed
            _log_failure("Rejected record cannot be parked", record, error)
            return "Failed"
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
    logger.error(message, extra={**_ids(record), **without_texts(error)})
    logger.debug("The error", extra=_ids(record), exc_info=error)
