"""A batch of stream records: in order, and the first failure reported.

On a stream the lowest failed sequence number is the checkpoint: everything from it on is delivered
again. So the processor stops at a failure that may pass and names that record, and a record that no
retry can help is parked and passed.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from handler.batch import Batch, InvalidEventError
from handler.calls import Process, ProcessBatch
from handler.config import HandlerConfig, HandlerMetric
from handler.context import Context
from handler.counting import Counting
from handler.delivery import Delivery, Parking, Parts
from handler.idempotency import Idempotency
from handler.logs import logger
from handler.outcome_report import Response, with_outcomes
from handler.record_outcomes import Became, RecordOutcome
from handler.records import RequestReader, record_id, sequence_number

if TYPE_CHECKING:
    from handler.transactions import Transactions

__all__ = ["InvalidEventError", "Process", "Processor", "UnreportableRecordError"]

_METRICS: Final = {
    Became.PROCESSED: HandlerMetric.PROCESSED,
    Became.PROCESSED_BEFORE: HandlerMetric.IGNORED,
    Became.REJECTED: HandlerMetric.REJECTED,
    Became.IGNORED: HandlerMetric.IGNORED,
    Became.FAILED: HandlerMetric.FAILED,
}


class UnreportableRecordError(Exception):
    """A failed record has no sequence number to report: the whole batch must be delivered again."""


class Processor:
    """Takes batches of stream records through `process`, or `process_batch` where there is one.

    The metrics, `HandlerMetric`, count what became of each record.
    """

    def __init__(
        self,
        config: HandlerConfig,
        *,
        process: Process,
        parking: Parking,
        idempotency: Idempotency,
        counting: Counting,
        transactions: "Callable[[], Transactions]",
        process_batch: ProcessBatch | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = Parts(
            config=config,
            process=process,
            parking=parking,
            idempotency=idempotency,
            transactions=transactions,
            sleep=sleep,
        )
        self._reader = RequestReader(config.stream)
        self._counting = counting
        self._new_delivery: Callable[[Batch, Context], Delivery] = partial(Delivery, parts)
        if process_batch is not None:
            self._new_delivery = _in_slices(parts, process_batch)

    def handle(self, event: object, context: Context) -> Response:
        """Processes the event's records; the answer is Lambda's partial batch response.

        Raises `InvalidEventError` and `UnreportableRecordError`, after which Lambda delivers the
        whole batch again.
        """
        logger.append_keys(function_request_id=context.aws_request_id)
        batch = Batch(event, self._reader)
        delivery = self._new_delivery(batch, context)
        try:
            reported = delivery.run()
        finally:
            counts = _counts(delivery.outcomes.values())
            self._counting.publish(counts, function_name=context.function_name)
        return with_outcomes(_response(batch, reported), event, delivery.outcomes)


def _in_slices(parts: Parts, process_batch: ProcessBatch) -> Callable[[Batch, Context], Delivery]:
    from handler.slices import SlicedDelivery, SlicePace  # noqa: PLC0415 - few functions need it

    pace = SlicePace(parts.config.process_batch_size)
    return partial(SlicedDelivery, parts, process_batch=process_batch, pace=pace)


def _counts(outcomes: Iterable[RecordOutcome]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for became, count in Counter(map(attrgetter("became"), outcomes)).items():
        counts[_METRICS[became]] += count
    return counts


def _response(batch: Batch, reported: int | None) -> Response:
    if reported is None:
        return {"batchItemFailures": []}
    record = batch.records[reported]
    number = sequence_number(record)
    if number is None:
        raise UnreportableRecordError(f"record {record_id(record)} has no sequence number")
    return {"batchItemFailures": [{"itemIdentifier": number}]}
