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
7. What is given up goes to the on-failure destination: at once, or with bisect on when the rest of
   the batch has run.

An unchanged batch is invoked again under the same request id; a changed one has a new one, and goes
at once. What nobody foresaw is said, and what was being done is done again.

Which batch a record comes in, and where the shard is read from, is the poller's matter. Tumbling
windows are left out on purpose.
"""

import asyncio
import contextlib
import logging
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
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
from infra.local.mapping.persistence import UNFORESEEN, Persistence, is_stop
from infra.local.mapping.settings import MappingSettings
from infra.local.mapping.stream_reader import Record
from infra.wording import counted

logger = logging.getLogger(__name__)

FIRST_BACK_OFF: Final = 0.2
"""Seconds before the first retry, doubled for each further one.

AWS does not document it. Recorded there: 0.20 to 0.28 s before the first, 0.39 s before the second.
"""
LONGEST_BACK_OFF: Final = 60.0
"""The cap is ours: nothing is known beyond the second retry."""

NOT_PROCESSED: Final = "No records processed"
PROCESSED: Final = "OK"
FUNCTION_FAILED: Final = "PROBLEM: Function call failed"
"""LastProcessingResult, in Lambda's words."""


Settle: TypeAlias = Callable[[Sequence[Record]], None]
"""Told of records that are done with: processed, or given up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Consecutive records of a shard that are invoked together."""

    shard_id: str
    records: Sequence[Record]
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Every invocation of these very records has it."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A batch that is given up, and what the destination is told of it."""

    batch: Batch
    condition: Condition
    invoke_count: int
    invocation: Invocation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """A batch is tried again, unchanged, after so many seconds."""

    batch: Batch
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenUp:
    """A batch was given up; `kept_as` is where the destination keeps it, None: nowhere."""

    failure: Failure
    kept_as: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """Records need no further delivery, by what the function answered."""

    mapping: str
    """The mapping's UUID."""
    request_id: str
    """Of the invocation."""
    count: int


DeliveryEvent: TypeAlias = Retry | GivenUp | Done


@dataclass(frozen=True, kw_only=True, slots=True)
class _Result:
    """What an attempt leaves of its batch, in order: records done, given up, and batches left."""

    done: Sequence[Record] = ()
    failure: Failure | None = None
    left: Sequence[Batch] = ()


@dataclass(kw_only=True, slots=True)
class Delivery:
    """Delivers batches to a mapping's function, and counts what happens to them."""

    settings: MappingSettings
    function: Function
    destination: Destination | None
    now: Callable[[], float]
    """Epoch seconds."""
    on_event: Callable[[DeliveryEvent], None] = lambda _: None
    """Told of what happens between invocations; what it raises is said, and changes nothing."""
    metrics: Counter[str] = field(default_factory=Counter)
    last_processing_result: str = NOT_PROCESSED
    in_flight: int = 0
    """Records that the function is being invoked with."""
    _hurried: asyncio.Event = field(default_factory=asyncio.Event)
    _hurries: int = 0
    _finishing: bool = False

    async def deliver(self, batch: Batch, settle: Settle) -> None:
        """Returns once all of the batch is settled; `settle` is told of each part as it happens.

        After `finish` it returns as soon as what is being done is done: the rest is not settled.
        """
        waits_for_the_rest = self.settings.bisect_batch_on_function_error
        remaining, given_up = deque([batch]), deque[Failure]()
        trouble = Persistence(f"delivering from {batch.shard_id}")
        while given_up or (remaining and not self._finishing):
            try:
                if given_up and (self._finishing or not (remaining and waits_for_the_rest)):
                    await self._keep(given_up[0])
                    settle(given_up.popleft().batch.records)
                else:
                    result = await self._attempt(remaining[0])
                    attempted = remaining.popleft()
                    remaining.extendleft(reversed(result.left))
                    if result.failure is not None:
                        given_up.append(result.failure)
                    settle(result.done)
                    self._tell_done(attempted, len(result.done))
            except UNFORESEEN as error:
                await trouble.after(error)
            else:
                trouble.succeeded()

    def retry_now(self) -> None:
        """No retry waits: what made the batch fail, or is making it fail now, may be mended."""
        self._hurries += 1
        self._hurried.set()
        self._hurried.clear()

    def finish(self) -> None:
        """From now on nothing is begun: what is being invoked is waited for, and no retry is."""
        self._finishing = True
        self.retry_now()

    async def _attempt(self, batch: Batch) -> _Result:
        expired = sum(1 for _ in takewhile(self._is_expired, batch.records))
        if expired:
            return self._without_expired(batch, expired)
        self.metrics["InvokedEventCount"] += len(batch.records)
        hurries = self._hurries
        try:
            with self._flight(len(batch.records)):
                invocation = await self.function.invoke(
                    {"Records": batch.records}, request_id=batch.request_id
                )
        except UNFORESEEN as error:
            # AWS: a throttle or an error before the invocation is waited out and is no attempt.
            if is_stop(error):
                raise
            self._say_not_invoked(batch, error)
            return await self._backed_off(replace(batch, throttles=batch.throttles + 1), hurries)
        batch = replace(batch, invocations=batch.invocations + 1)
        return self._result(batch, invocation) or await self._backed_off(batch, hurries)

    @contextlib.contextmanager
    def _flight(self, count: int) -> Iterator[None]:
        self.in_flight += count
        try:
            yield
        finally:
            self.in_flight -= count

    def _without_expired(self, batch: Batch, expired: int) -> _Result:
        """The attempt that finds the record too old counts, as recorded on AWS."""
        failure = Failure(
            batch=replace(batch, records=batch.records[:expired]),
            condition=Condition.RECORD_AGE_EXCEEDED,
            invoke_count=batch.invocations + 1,
        )
        left = [batch.part(expired)] if batch.records[expired:] else []
        return _Result(failure=failure, left=left)

    def _say_not_invoked(self, batch: Batch, error: BaseException) -> None:
        self.metrics["FailedInvokeEventCount"] += len(batch.records)
        self.last_processing_result = FUNCTION_FAILED
        if not isinstance(error, ThrottledError):
            logger.error(
                "the function could not be invoked: %s: %s; it is tried again",
                type(error).__name__,
                error,
                exc_info=None if batch.throttles else error,
            )

    def _result(self, batch: Batch, invocation: Invocation) -> _Result | None:
        """What an invocation leaves of its batch; None: it is tried again, unchanged."""
        done = self._done(batch, invocation)
        self.metrics["FailedInvokeEventCount"] += len(batch.records) - done
        self.last_processing_result = FUNCTION_FAILED if invocation.function_error else PROCESSED
        if done == len(batch.records):
            return _Result(done=batch.records)
        if done > 0:
            return _Result(done=batch.records[:done], left=[batch.part(done)])
        if self.settings.bisect_batch_on_function_error and len(batch.records) > 1:
            middle = len(batch.records) // 2
            return _Result(left=[batch.part(0, middle), batch.part(middle)])
        if self._is_exhausted(batch):
            return _Result(
                failure=Failure(
                    batch=batch,
                    condition=Condition.RETRY_ATTEMPTS_EXHAUSTED,
                    invoke_count=batch.invocations,
                    invocation=invocation,
                )
            )
        return None

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

    async def _backed_off(self, batch: Batch, hurries: int) -> _Result:
        """`hurries`: how often retries had been hurried when the batch was invoked."""
        seconds = batch.back_off if hurries == self._hurries else 0.0
        self._tell(Retry(batch=batch, seconds=seconds))
        if self._finishing or not seconds:
            return _Result(left=[batch])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
        return _Result(left=[batch])

    async def _keep(self, failure: Failure) -> None:
        """Sends the batch to the destination; without one it is dropped.

        When the destination refuses, the records are dropped too and the shard moves on, as AWS
        has it ("Types of metrics for Lambda functions": a DestinationDeliveryFailures of 1, and a
        DroppedEventCount of as many events). AWS does not count as dropped what outlived the
        stream's retention; here that is counted, since nothing is to be lost unseen.
        """
        count, kept_as = len(failure.batch.records), None
        if self.destination is not None:
            document = failure_document(
                self.settings,
                shard_id=failure.batch.shard_id,
                records=failure.batch.records,
                condition=failure.condition,
                invoke_count=failure.invoke_count,
                request_id=failure.batch.request_id,
                invocation=failure.invocation,
                now=self.now(),
            )
            try:
                kept_as = await self.destination.send(document)
            except DestinationError as error:
                logger.warning("%s lost: %s", counted(count, "record"), error)
                self.metrics["DestinationDeliveryFailures"] += 1
        kept = "OnFailureDestinationDeliveredEventCount"
        self.metrics["DroppedEventCount" if kept_as is None else kept] += count
        self._tell(GivenUp(failure=failure, kept_as=kept_as))

    def _tell_done(self, batch: Batch, count: int) -> None:
        if count:
            uuid = self.settings.uuid
            self._tell(Done(mapping=uuid, request_id=batch.request_id, count=count))

    def _tell(self, event: DeliveryEvent) -> None:
        try:
            self.on_event(event)
        except Exception:
            logger.exception("what watches the delivery failed; the delivery goes on")
