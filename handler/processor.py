"""A batch of stream records: in order, one at a time, and the first failure reported.

On a stream the lowest failed sequence number is the checkpoint: everything from it on is delivered
again. So the processor stops at a failure that may pass and names that record, and a record that no
retry can help is parked and passed.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol

from handler.config import HandlerConfig
from handler.context import Context
from handler.counting import Counting
from handler.error_log import text_of
from handler.logs import keys_put_back, log_error, logger
from handler.outcome_report import Response, with_outcomes
from handler.outcomes import Became, RecordOutcome
from handler.records import (
    RejectedRequestError,
    Request,
    event_name,
    record_id,
    request_of,
    sequence_number,
)
from handler.time_watch import TimeWatch

Process = Callable[[Request], object]

_METRICS = {
    Became.PROCESSED: "Processed",
    Became.PROCESSED_BEFORE: "Ignored",
    Became.REJECTED: "Rejected",
    Became.IGNORED: "Ignored",
    Became.FAILED: "Failed",
}


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
        counting: Counting,
    ) -> None:
        self._config = config
        self._process = process
        self._parking = parking
        self._once = once
        self._counting = counting

    def handle(self, event: object, context: Context) -> Response:
        """Processes the event's records; the answer is Lambda's partial batch response.

        Raises `InvalidEventError` and `UnreportableRecordError`, after which Lambda delivers the
        whole batch again.
        """
        logger.append_keys(function_request_id=context.aws_request_id)
        watch = TimeWatch(context, floor=self._config.minimum_remaining_time / 1000)
        counts = dict.fromkeys(("Processed", "Rejected", "Ignored", "Failed"), 0)
        outcomes: dict[int, RecordOutcome] = {}
        try:
            for place, record in enumerate(_records(event)):
                if not watch.has_time():
                    logger.warning("Too little time for another record", extra=_ids(record))
                    return with_outcomes(_reporting(record), event, outcomes)
                with watch:
                    outcomes[place] = self._outcome(record, context)
                counts[_METRICS[outcomes[place].became]] += 1
                if outcomes[place].became is Became.FAILED:
                    return with_outcomes(_reporting(record), event, outcomes)
            return with_outcomes({"batchItemFailures": []}, event, outcomes)
        finally:
            self._counting.publish(counts, function_name=context.function_name)

    def _outcome(self, record: object, context: Context) -> RecordOutcome:
        """What became of the record."""
        try:
            if event_name(record) not in self._config.stream.events:
                return RecordOutcome(Became.IGNORED)
            request = request_of(record, self._config.stream)
            if logger.log_level <= logging.DEBUG:
                logger.debug("Request", extra={**_ids(record), "payload": request.payload})
            ran = self._once.run(self._run, request, context)
        except RejectedRequestError as error:
            return self._rejected(record, error, context)
        except Exception as error:  # noqa: BLE001 - whatever it is, the record has failed
            log_error("Record failed, it will be delivered again", error, _ids(record))
            return RecordOutcome(Became.FAILED)
        if not ran:
            logger.info("Processed before", extra=_ids(record))
        return RecordOutcome(Became.PROCESSED if ran else Became.PROCESSED_BEFORE)

    def _run(self, request: Request) -> None:
        """Runs `process` to an end that tells done from failed."""
        try:
            with keys_put_back():
                returned = self._process(request)
            self._counting.make_room()
        except Exception:
            raise
        except BaseException as error:
            if type(error) is KeyboardInterrupt and not error.args:
                # Ctrl-C: Python prints it, and nothing of what it interrupted.
                raise KeyboardInterrupt from None
            # sys.exit() or a cancelled task: the runtime would end and leave the event in progress.
            exited = ProcessExitedError(f"process raised {type(error).__name__}")
            raise exited.with_traceback(error.__traceback__) from error
        if isinstance(returned, (Awaitable, Iterator, AsyncIterator)):
            raise ProcessIsNotAPlainFunctionError(f"process returned a {type(returned).__name__}")

    def _rejected(
        self, record: object, reason: RejectedRequestError, context: Context
    ) -> RecordOutcome:
        error_type, text = type(reason).__name__, text_of(reason)
        try:
            key = self._parking.park(record, f"{error_type}: {text}", context)
        except Exception as error:  # noqa: BLE001 - a record that is not parked must not be passed
            log_error("Rejected record cannot be parked", error, _ids(record))
            return RecordOutcome(Became.FAILED)
        logger.warning(
            "Record rejected and parked",
            extra={**_ids(record), "error_type": error_type, "key": key},
        )
        logger.debug("The reason", extra={**_ids(record), "reason": text})
        return RecordOutcome(Became.REJECTED, key)


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
