"""One delivery of a batch: record by record, until one fails or time runs out.

What became of each record stands in the result: Lambda's answer is made of it, and whatever else
wants to know.
"""

import logging
import time
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, Protocol

from handler.batch import Batch, Ignored
from handler.calls import Process, run, writes_in
from handler.change import AnyChange, Change
from handler.config import HandlerConfig
from handler.context import Context
from handler.error_log import text_of
from handler.idempotency import Idempotency
from handler.logs import Keys, log_detail, log_error, logger
from handler.record_outcomes import Became, RecordOutcome
from handler.records import RejectedRequestError, record_id, sequence_number
from handler.time_left import TimeLeft
from handler.time_watch import TimeWatch

if TYPE_CHECKING:
    from handler.transactions import Transactions
    from handler.writes import Writes

PROCESSED = RecordOutcome(Became.PROCESSED)
PROCESSED_BEFORE = RecordOutcome(Became.PROCESSED_BEFORE)
IGNORED = RecordOutcome(Became.IGNORED)
FAILED = RecordOutcome(Became.FAILED)


class Parking(Protocol):
    """Where rejected records go."""

    def park(self, record: object, reason: str, context: Context) -> str:
        """Keeps the record and returns where. Any exception: it is not kept."""
        ...


class Parts(NamedTuple):
    """What deliveries are done with."""

    config: HandlerConfig
    process: Process
    parking: Parking
    idempotency: Idempotency
    transactions: "Callable[[], Transactions]"
    """Made when the first writes are returned."""
    sleep: Callable[[float], None] = time.sleep


class Delivery:
    """A batch on its way through `process`, one request at a time."""

    def __init__(self, parts: Parts, batch: Batch, context: Context) -> None:
        floor = parts.config.minimum_remaining_time / 1000
        self._parts = parts
        self._process = parts.process
        self._batch = batch
        self._context = context
        self._watch = TimeWatch(context, floor=floor)
        self._time_left = TimeLeft(context, floor=floor, sleep=parts.sleep)
        self._events = parts.idempotency.invocation(context, batch.requests_behind)
        self._keys = Keys()
        self._logs_requests = logger.log_level <= logging.DEBUG
        self.outcomes: dict[int, RecordOutcome] = {}
        """By the record's place in the batch; one that was not reached has none."""

    def run(self) -> int | None:
        """Takes the records in order; whatever was claimed is released when it ends.

        Returns the record from which on all are delivered again; None: none is.
        """
        stopped_at = None
        try:
            stopped_at = self._stop()
        finally:
            unsaved = self._events.end()
        if unsaved:
            stopped_at = self._not_remembered(unsaved, stopped_at)
        return stopped_at

    def _stop(self) -> int | None:
        """The first record that is not done; None: all are."""
        index, count = 0, len(self._batch)
        is_forgetful, has_time, take = self._events.is_forgetful, self._has_time, self._take
        while index < count:
            if is_forgetful():
                return index
            if not has_time():
                logger.warning("Too little time for another record", extra=self._ids(index))
                return index
            index += take(index)
            if self.outcomes.get(index) is FAILED:
                return index
        return None

    def _has_time(self) -> bool:
        return self._watch.has_time()

    def _take(self, index: int) -> int:
        """How many records from this one on are settled; none, when it failed."""
        entry = self._batch.entry(index)
        outcome = (
            self._outcome(index, entry)
            if isinstance(entry, Change)
            else self._no_request(index, entry)
        )
        self.outcomes[index] = outcome
        return 0 if outcome is FAILED else 1

    def _no_request(self, index: int, entry: Ignored | Exception) -> RecordOutcome:
        if isinstance(entry, Ignored):
            return IGNORED
        if isinstance(entry, RejectedRequestError):
            begun = monotonic()
            outcome = self._parked(index, entry)
            self._watch.took(monotonic() - begun)
            return outcome
        return self._failed(index, entry)

    def _outcome(self, index: int, request: AnyChange) -> RecordOutcome:
        """Claims the event and runs it. When that is not possible, the record has failed."""
        try:
            if self._events.was_processed(request, index):
                logger.info("Processed before", extra=self._ids(index))
                return PROCESSED_BEFORE
        except Exception as error:  # noqa: BLE001 - whatever it is, the record has failed
            return self._failed(index, error)
        begun = monotonic()
        outcome = self._processed(index, request)
        self._watch.took(monotonic() - begun)
        return outcome

    def _processed(self, index: int, request: AnyChange) -> RecordOutcome:
        """Runs `process` to its end, and what it returns into the tables."""
        if self._logs_requests:
            self._log_request(index, request)
        try:
            returned = run(self._process, request, self._keys)
            writes = None if returned is None else writes_in(returned)
            if writes is None:
                self._events.processed(request)
                return PROCESSED
            return self._committed(index, request, writes)
        except RejectedRequestError as error:
            self._events.was_not_processed(request)
            return self._parked(index, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the record has failed
            self._events.was_not_processed(request)
            return self._failed(index, error)

    def _committed(self, index: int, request: AnyChange, writes: "Writes") -> RecordOutcome:
        is_committed = self._parts.transactions().commit(
            writes,
            self._events.memory(request),
            source_table=_table_of(self._batch.records[index]),
            time_left=self._time_left,
        )
        self._events.remembered(request)
        if not is_committed:
            logger.info("Processed before", extra=self._ids(index))
        return PROCESSED if is_committed else PROCESSED_BEFORE

    def _parked(self, index: int, reason: RejectedRequestError) -> RecordOutcome:
        record = self._batch.records[index]
        error_type, text = type(reason).__name__, text_of(reason)
        try:
            key = self._parts.parking.park(record, f"{error_type}: {text}", self._context)
        except Exception as error:  # noqa: BLE001 - a record that is not parked must not be passed
            return self._failed(index, error, "Rejected record cannot be parked")
        logger.warning(
            "Record rejected and parked",
            extra={**self._ids(index), "error_type": error_type, "key": key},
        )
        log_detail("The reason", {**self._ids(index), "reason": text})
        return RecordOutcome(Became.REJECTED, key)

    def _failed(
        self,
        index: int,
        error: Exception,
        message: str = "Record failed, it will be delivered again",
    ) -> RecordOutcome:
        log_error(message, error, self._ids(index))
        return FAILED

    def _not_remembered(self, event_ids: frozenset[str], stopped_at: int | None) -> int | None:
        """An effect that is not remembered is not done, for all that anybody else can know."""
        for index in sorted(self.outcomes):
            if record_id(self._batch.records[index]) in event_ids:
                self.outcomes[index] = FAILED
                stopped_at = index if stopped_at is None else min(index, stopped_at)
                logger.error("The effect is not remembered", extra=self._ids(index))
        return stopped_at

    def _log_request(self, index: int, request: AnyChange) -> None:
        logger.debug("Request", extra={**self._ids(index), "item": request.item})

    def _ids(self, index: int) -> dict[str, str | None]:
        record = self._batch.records[index]
        return {"event_id": record_id(record), "sequence_number": sequence_number(record)}


def _table_of(record: object) -> str | None:
    """The name of the table that the record is of: arn:...:table/NAME/stream/LABEL."""
    arn = record.get("eventSourceARN") if isinstance(record, Mapping) else None
    parts = arn.split("/") if isinstance(arn, str) else []
    return parts[1] if len(parts) > 1 else None
