"""Sending records through the deployed function as Lambda would, in order per item.

One attempt for each record: what fails here stays where it is, and whatever comes later for the
same item is held back behind it. What became of a record is what the function says, not what its
silence may mean.
"""

import hashlib
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from handler.outcome_report import asking, outcomes_in
from handler.record_outcomes import Became, RecordOutcome
from infra.events.batch_item_failures import first_failure, sequence_number
from infra.events.stream_record import INVOCATION_PAYLOAD, item_key
from infra.replay.printing import capped, harmless
from infra.replay.stream_record import Record
from infra.replay.target import ReplayError, said

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

"""Bytes of a synchronous invocation's event; the quota is Lambda's."""

_ENVELOPE: Final = len(json.dumps(asking([])))
_REFUSALS: Final = ("AccessDenied", "ResourceNotFound", "UnrecognizedClient", "InvalidSignature")
_BUSY: Final = ("TooManyRequestsException", "EC2ThrottledException", "SnapStartNotReadyException")
"""The function was not run, and will be once there is room for it (API Reference, Invoke)."""

_WAITS: Final = (1, 2, 4, 8, 15, 30, *[60] * 14)
"""Seconds before each further attempt at a function that has no room: a quarter of an hour."""


class Fate(StrEnum):
    """What became of a record that was to be sent."""

    PROCESSED = "processed"
    PROCESSED_BEFORE = "processed before"
    REJECTED = "rejected"
    IGNORED = "ignored"
    FAILED = "failed"
    HELD_BACK = "held back"
    """Not sent, because an earlier record of the same item failed."""
    UNTOLD = "untold"
    """The function reports no failure of it, and does not say what became of it."""

    @property
    def is_done(self) -> bool:
        """Whether it took effect, now or before."""
        return self in (Fate.PROCESSED, Fate.PROCESSED_BEFORE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """One record, what became of it, and why or where."""

    record: Record
    fate: Fate
    detail: str = ""


@dataclass(kw_only=True, slots=True)
class Counts:
    """How many records came to what."""

    by_fate: Counter[Fate] = field(default_factory=Counter)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return all(fate.is_done for fate, count in self.by_fate.items() if count)

    def __str__(self) -> str:
        words = [f"{self.by_fate[fate]} {fate}" for fate in Fate if fate is not Fate.UNTOLD]
        if untold := self.by_fate[Fate.UNTOLD]:
            words.append(f"{untold} untold")
        return ", ".join(words)


class InvocationError(Exception):
    """The invocation did not come to an answer."""


class Sender:
    """Invokes a function with stream records, batch by batch."""

    def __init__(
        self,
        client: "LambdaClient",
        function: str,
        *,
        batch_size: int,
        say: Callable[[str], None],
        trusts_silence: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`trusts_silence`: what the function does not report as failed counts as processed."""
        self._client = client
        self._function = function
        self._batch_size = batch_size
        self._say = say
        self._trusts_silence = trusts_silence
        self._sleep = sleep

    def send(self, records: Iterable[Record]) -> Iterator[Settled]:
        """Sends the records in their order, and tells what became of each as soon as it is known.

        Raises `ReplayError` when the function cannot be invoked at all.
        """
        waiting = _Waiting(records)
        batch_size = self._batch_size
        while True:
            batch = waiting.batch(batch_size)
            yield from waiting.held_back()
            if not batch:
                return
            try:
                answer = self._answer(batch)
            except InvocationError as error:
                if len(batch) > 1:
                    # Which record it was is unknown: ask with fewer of them.
                    batch_size = len(batch) // 2
                    waiting.put_back(batch)
                    continue
                settled = [Settled(record=batch[0], fate=Fate.FAILED, detail=str(error))]
            else:
                settled = self._settled(batch, answer)
            batch_size = self._batch_size
            waiting.settle(batch, settled)
            yield from settled

    def _settled(self, batch: Sequence[Record], answer: object) -> list[Settled]:
        """What became of the batch's records; those that were not reached are left out."""
        outcomes = outcomes_in(answer, len(batch))
        reported = outcomes or {}
        failed_from = first_failure(batch, answer)
        settled = [
            Settled(
                record=record, fate=Fate(reported[place].became), detail=_detail(reported[place])
            )
            if place in reported
            else Settled(record=record, fate=self._silence)
            for place, record in enumerate(batch)
            if place in reported or place < failed_from
        ]
        if settled and (outcomes is not None or failed_from):
            return settled
        # The first was reported, or would never be reached: it is not tried for ever.
        return [Settled(record=batch[0], fate=Fate.FAILED, detail=_IN_LOG)]

    @property
    def _silence(self) -> Fate:
        return Fate.PROCESSED if self._trusts_silence else Fate.UNTOLD

    def _answer(self, batch: Sequence[Record]) -> object:
        """Raises `InvocationError` and `ReplayError`."""
        answer = self._invoked(json.dumps(asking(batch)).encode())
        body = answer["Payload"].read()
        if "FunctionError" in answer:
            raise InvocationError(_error_in(body))
        try:
            return json.loads(body) if body else None
        except (ValueError, RecursionError) as error:
            raise InvocationError("the function's answer is no JSON") from error

    def _invoked(self, payload: bytes) -> Mapping[str, Any]:
        for wait in _WAITS:
            try:
                return self._invoked_once(payload)
            except _BusyError as error:
                self._say(f"the function is throttled ({error}); trying again in {wait} s")
                self._sleep(wait)
        try:
            return self._invoked_once(payload)
        except _BusyError as error:
            raise ReplayError(
                f"function {self._function} is throttled after {sum(_WAITS) // 60} minutes still: "
                f"{error}"
            ) from error

    def _invoked_once(self, payload: bytes) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = self._client.invoke(
                FunctionName=self._function, Payload=payload
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _BUSY:
                raise _BusyError(harmless(said(error))) from error
            if code.startswith(_REFUSALS):
                raise ReplayError(
                    f"function {self._function} cannot be invoked: {said(error)}"
                ) from error
            raise InvocationError(harmless(said(error))) from error
        except BotoCoreError as error:
            raise ReplayError(f"function {self._function} cannot be reached: {error}") from error
        return answer


_IN_LOG: Final = "reported as failed; its reason is in the function's log"


class _BusyError(Exception):
    """There is no room for an invocation."""


class _Waiting:
    """The records that are still to be sent, and the items that are blocked by a failed one."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._rest = iter(records)
        self._next = deque[Record]()
        self._blocked: set[bytes] = set()
        self._held_back: list[Settled] = []

    def batch(self, most: int) -> list[Record]:
        """The next records that fit an invocation; one without a place in the stream goes alone."""
        batch: list[Record] = []
        size = _ENVELOPE
        for record in self._unblocked():
            size += len(json.dumps(record)) + len(", ")
            alone = sequence_number(record) is None
            if batch and (size > INVOCATION_PAYLOAD or alone):
                self._next.appendleft(record)
                break
            batch.append(record)
            if alone or len(batch) == most:
                break
        return batch

    def held_back(self) -> Iterator[Settled]:
        """Those that `batch` has passed over since."""
        while self._held_back:
            yield self._held_back.pop(0)

    def put_back(self, records: Sequence[Record]) -> None:
        """To the front, in their order."""
        self._next.extendleft(reversed(records))

    def settle(self, batch: Sequence[Record], settled: Sequence[Settled]) -> None:
        """Whatever of the batch has no outcome comes again."""
        self._blocked |= {_item(one.record) for one in settled if one.fate is Fate.FAILED}
        known = {id(one.record) for one in settled}
        self.put_back([record for record in batch if id(record) not in known])

    def _unblocked(self) -> Iterator[Record]:
        while True:
            record = self._next.popleft() if self._next else next(self._rest, _END)
            if record is _END:
                return
            if self._blocked and _item(record) in self._blocked:
                self._held_back.append(Settled(record=record, fate=Fate.HELD_BACK))
            else:
                yield record


_END: Final = object()


def _item(record: Record) -> bytes:
    return hashlib.sha256(item_key(record).encode()).digest()


def _detail(outcome: RecordOutcome) -> str:
    if outcome.became is Became.REJECTED:
        return f"parked as {outcome.key}"
    return _IN_LOG if outcome.became is Became.FAILED else ""


def _error_in(body: bytes) -> str:
    try:
        error = json.loads(body)
        return capped(harmless(f"{error['errorType']}: {error['errorMessage']}"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return "the function failed without an error document"
