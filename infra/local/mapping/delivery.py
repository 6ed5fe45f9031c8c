"""What becomes of a batch: Lambda's rules of delivery, all of them, in the order they apply.

A batch is delivered until each of its records is settled: processed, or given up. From AWS's
guides ("Process DynamoDB records with Lambda", "Configuring partial batch response with DynamoDB
and Lambda", "Retain discarded records for a DynamoDB event source"):

1. Records older than the maximum record age are given up before anything else happens to them.
2. The function is invoked with the batch. A throttle is waited out and is no attempt.
3. Without an error, and without reported failures where these are on, the batch is done.
4. Reported failures: the lowest is the checkpoint. What is before it is done; what begins with it
   is a new batch, whose attempts count from zero.
5. Nothing of the batch done: with bisect on it is halved, as long as it has two records. "Splitting
   batches doesn't consume the retry quota": each half starts from zero.
6. Otherwise it is retried, later each time, and given up after the maximum retry attempts.

What is given up goes to the on-failure destination. Which batch a record comes in, and where the
shard is read from, is the poller's matter. Tumbling windows are left out on purpose.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Final, TypeAlias

from infra.events.batch_item_failures import first_failure
from infra.local.function.invocation import Function, Invocation, ThrottledError
from infra.local.mapping.destination import (
    Condition,
    Destination,
    DestinationError,
    arrival,
    failure_document,
)
from infra.local.mapping.settings import MappingSettings
from infra.local.mapping.stream_reader import Record

logger = logging.getLogger(__name__)

FIRST_BACK_OFF: Final = 0.5
"""Seconds before the first retry, doubled for each further one.

AWS does not document it. Recorded there: a record that always failed had been attempted eight times
when it was 60 seconds old; doubling from half a second gives just that.
"""
LONGEST_BACK_OFF: Final = 60.0


Settle: TypeAlias = Callable[[Sequence[Record]], None]
"""Told of records that are done with: processed, or given up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Consecutive records of a shard that are invoked together."""

    shard_id: str
    records: Sequence[Record]
    invocations: int = 0
    throttles: int = 0

    def part(self, start: int, stop: int | None = None) -> "Batch":
        """Some of the records as a batch of their own, never invoked yet."""
        return Batch(shard_id=self.shard_id, records=self.records[start:stop])

    @property
    def back_off(self) -> float:
        """Seconds to wait before the next attempt."""
        attempts = self.invocations + self.throttles
        # Bounded before it is raised to a power: a float overflows at the 1025th attempt.
        return min(FIRST_BACK_OFF * 2.0 ** min(attempts - 1, 30), LONGEST_BACK_OFF)


@dataclass(kw_only=True, slots=True)
class Delivery:
    """Delivers batches to a mapping's function, and counts what happens to them."""

    settings: MappingSettings
    function: Function
    destination: Destination | None
    now: Callable[[], float]
    """Epoch seconds."""
    metrics: Counter[str] = field(default_factory=Counter)

    async def deliver(self, batch: Batch, settle: Settle) -> None:
        """Returns once all of the batch is settled; `settle` is told of each part as it happens."""
        remaining = [batch]
        while remaining:
            remaining[:1] = await self._attempt(remaining[0], settle)

    async def _attempt(self, batch: Batch, settle: Settle) -> list[Batch]:
        """Tries once; returns the batches that are left, in order."""
        expired = sum(1 for _ in takewhile(self._is_expired, batch.records))
        if expired:
            # The attempt that finds the record too old counts, as recorded on AWS.
            attempts = batch.invocations + 1
            await self._give_up(batch.part(0, expired), Condition.RECORD_AGE_EXCEEDED, attempts)
            settle(batch.records[:expired])
            return [replace(batch, records=rest)] if (rest := batch.records[expired:]) else []

        self.metrics["InvokedEventCount"] += len(batch.records)
        try:
            invocation = await self.function.invoke({"Records": list(batch.records)})
        except ThrottledError:
            self.metrics["FailedInvokeEventCount"] += len(batch.records)
            return [await self._backed_off(replace(batch, throttles=batch.throttles + 1))]

        return await self._remaining(
            replace(batch, invocations=batch.invocations + 1), invocation, settle
        )

    async def _remaining(self, batch: Batch, invocation: Invocation, settle: Settle) -> list[Batch]:
        """What an invocation leaves of its batch."""
        done = self._done(batch, invocation)
        self.metrics["FailedInvokeEventCount"] += len(batch.records) - done
        settle(batch.records[:done])
        if done == len(batch.records):
            return []
        if done > 0:
            return [batch.part(done)]
        if self.settings.bisect_batch_on_function_error and len(batch.records) > 1:
            middle = len(batch.records) // 2
            return [batch.part(0, middle), batch.part(middle)]
        if self._is_exhausted(batch):
            attempts = batch.invocations
            await self._give_up(batch, Condition.RETRY_ATTEMPTS_EXHAUSTED, attempts, invocation)
            settle(batch.records)
            return []
        return [await self._backed_off(batch)]

    def _done(self, batch: Batch, invocation: Invocation) -> int:
        """How many records, from the front, need no further delivery."""
        if invocation.function_error is not None:
            return 0
        if not self.settings.report_batch_item_failures:
            return len(batch.records)
        return first_failure(batch.records, invocation.response)

    def _is_expired(self, record: Record) -> bool:
        return self.now() - arrival(record) > self.settings.record_age_limit

    def _is_exhausted(self, batch: Batch) -> bool:
        """n retries are n + 1 invocations; -1 is no limit but the record's age."""
        retries = self.settings.maximum_retry_attempts
        return retries != -1 and batch.invocations > retries

    async def _backed_off(self, batch: Batch) -> Batch:
        await asyncio.sleep(batch.back_off)
        return batch

    async def _give_up(
        self,
        batch: Batch,
        condition: Condition,
        invoke_count: int,
        invocation: Invocation | None = None,
    ) -> None:
        """Sends the batch to the destination; without one it is dropped.

        When the destination refuses, the records are dropped too and the shard moves on, as AWS
        has it ("Types of metrics for Lambda functions": a DestinationDeliveryFailures of 1, and a
        DroppedEventCount of as many events). AWS does not count as dropped what outlived the
        stream's retention; here that is counted, since nothing is to be lost unseen.
        """
        metric = "DroppedEventCount"
        if self.destination is not None:
            document = failure_document(
                self.settings,
                shard_id=batch.shard_id,
                records=batch.records,
                condition=condition,
                invoke_count=invoke_count,
                invocation=invocation,
                now=self.now(),
            )
            try:
                await self.destination.send(document)
                metric = "OnFailureDestinationDeliveredEventCount"
            except DestinationError as error:
                logger.warning("%d records are lost: %s", len(batch.records), error)
                self.metrics["DestinationDeliveryFailures"] += 1
        self.metrics[metric] += len(batch.records)
