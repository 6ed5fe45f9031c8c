"""At least once, made once: an event is claimed, run, and remembered, each in groups.

What is sure, whatever fails (the numbers are those of the tests):
1. An event whose effect is remembered never runs again until the memory expires.
2. Two invocations never both run an event: one that is in progress elsewhere is waited for while
   there is time, then reported, and nothing behind it runs.
3. A process that is killed forgets at most the effects whose write was not answered, and its claims
   end with its own deadline.
4. What was claimed and not run is released, so that its next delivery runs it.
5. A table that throttles, times out or refuses costs time or a retry: nothing is lost, and nothing
   is reported as done that is not remembered. What this process has done it knows by itself.
6. A reply that is lost does not lock the process out: it recognises its own claims.

A claim names the process and the invocation that made it. A process runs one invocation at a time,
so that a claim of an earlier one of its own is not being run. The request id would tell that of a
killed process too, for Lambda retries an unchanged batch under the same one; but nothing that AWS
documents says that the first attempt has ended when a second one comes, so that is not relied on.

Importing this module imports boto3.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTimeError
from itertools import islice
from typing import Any, Final

from handler.change import AnyChange
from handler.completions import CALLS_AT_ONCE, SECONDS_TO_GATHER, Completions
from handler.config import HandlerConfig
from handler.context import Context
from handler.idempotency import RequestsBehind
from handler.idempotency_table import ITEMS_PER_CALL, Answer, Claim, IdempotencyTable, State
from handler.time_left import TimeLeft

SECONDS_AHEAD: Final = 1.0
"""No more is claimed ahead than runs in about that time."""

_MOST_UNSAVED: Final = 10_000
"""Events that a process knows by itself to be done: as many as a batch can hold."""

_CLOCKS_APART: Final = 0.2
"""Seconds by which the clocks of two of Lambda's machines may differ, and more."""

_STALE_AFTER: Final = 24 * 3600
"""Seconds after which DynamoDB may delete a claim that nobody completed."""


_SETTLED: Final = frozenset({State.CLAIMED, State.COMPLETED})


class EventInProgressError(Exception):
    """Another invocation is running the event; it is delivered again."""


class EventNotClaimedError(Exception):
    """The idempotency table did not take the claim: the event is not run, and delivered again."""


class Claims:
    """What a process knows of its events, from one invocation to the next."""

    def __init__(
        self,
        config: HandlerConfig,
        table: IdempotencyTable,
        *,
        claims_beforehand: bool = True,
        seconds_to_gather: float = SECONDS_TO_GATHER,
        executor: Executor | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`claims_beforehand` is off where a transaction is the lock."""
        self.seconds_to_gather = seconds_to_gather
        self.config = config
        self.table = table
        self.claims_beforehand = claims_beforehand
        self.process_id = uuid.uuid4().hex
        self.pace = Pace()
        self.done: dict[str, None] = {}
        """Effects of this process whose memory is not written yet, or could not be."""
        # A claim's calls, the completions' and whoever waits for their time; and as many again for
        # calls of an earlier invocation that still hang.
        threads = 2 * (2 * CALLS_AT_ONCE + 1)
        self.executor: Executor = executor or ThreadPoolExecutor(threads, "idempotency")
        self._sleep = sleep
        self._invocations = 0

    def invocation(self, context: Context, requests_behind: RequestsBehind) -> "ClaimedEvents":
        """Begins one; its `end` must be called."""
        self._invocations += 1
        floor = self.config.minimum_remaining_time / 1000
        return ClaimedEvents(
            self,
            requests_behind,
            TimeLeft(context, floor=floor, sleep=self._sleep),
            owner=f"{self.process_id}/{self._invocations}",
        )

    def add_done(self, event_id: str) -> None:
        """Remembered here until the table does."""
        self.done[event_id] = None
        if len(self.done) > _MOST_UNSAVED:
            del self.done[next(iter(self.done))]

    def saved(self, event_ids: Sequence[str]) -> None:
        """The table remembers them."""
        for event_id in event_ids:
            self.done.pop(event_id, None)


class Pace:
    """How many events are claimed together: few until it is known how long they take."""

    def __init__(self) -> None:
        self._seconds: float | None = None
        self._is_failing = False

    def steps(self) -> Iterator[int]:
        """A head that failed is tried alone first: what is claimed behind it would be released."""
        if self._seconds is None or self._is_failing:
            yield 1
        yield self._at_most(ITEMS_PER_CALL)
        while True:
            yield self._at_most(ITEMS_PER_CALL * CALLS_AT_ONCE)

    def _at_most(self, events: int) -> int:
        if self._seconds is None:
            return 1
        return max(1, min(events, int(SECONDS_AHEAD / max(self._seconds, 1e-6))))

    @property
    def seconds(self) -> float:
        """How long an event takes, lately."""
        return self._seconds or 0.0

    def ran(self, seconds: float, *, failed: bool) -> None:
        """An event took so long."""
        self._is_failing = failed
        self._seconds = seconds if self._seconds is None else 0.7 * self._seconds + 0.3 * seconds


class ClaimedEvents:
    """The events of one invocation, as `handler.idempotency.Invocation` has them."""

    def __init__(
        self, claims: Claims, requests_behind: RequestsBehind, time_left: TimeLeft, *, owner: str
    ) -> None:
        self._claims = claims
        self._requests_behind = requests_behind
        self._table = claims.table
        self._time_left = time_left
        self._owner = owner
        deadline = self._table.clock() + time_left.remaining() + _CLOCKS_APART
        self._claim = Claim(
            owner=owner,
            locked_until=int(deadline * 1000),
            expires_at=int(deadline) + _STALE_AFTER,
        )
        self._steps = claims.pace.steps()
        self._answers: dict[str, Answer] = {}
        """What the table last said of each event."""
        self._held: dict[str, None] = {}
        """What is claimed, or may be: a reply can be lost."""
        self._started: float | None = None
        self._completions = Completions(
            self._table,
            claims.executor,
            time_left,
            expires_after=claims.config.idempotency_expires_after,
            on_saved=claims.saved,
            seconds_to_gather=claims.seconds_to_gather,
        )

    def was_processed(
        self, request: AnyChange, index: int, *, ahead: int = 1, waits: bool = True
    ) -> bool:
        """Whether the request, at that place of the batch, was processed before; claims it if not.

        Raises `EventInProgressError` and `EventNotClaimedError`.
        """
        head = request.event_id
        if head in self._claims.done:
            # Done by this process, and the table did not take it: it is asked again.
            self._completions.add(head)
            return True
        if self._claims.claims_beforehand:
            known = self._answers.get(head)
            if known is None or known.state not in _SETTLED:
                behind = (each.event_id for each in self._requests_behind(index))
                wanted = max(next(self._steps), ahead)
                self._claim_all([head, *islice(behind, wanted - 1)])
            if self._settle(head, waits=waits) is State.COMPLETED:
                return True
        self._started = time.monotonic()
        return False

    def processed(self, request: AnyChange) -> None:
        """Its effect is to be remembered; waits when the table is behind."""
        self._is_over(request, failed=False)
        self._answers[request.event_id] = Answer(state=State.COMPLETED)
        self._claims.add_done(request.event_id)
        self._completions.add(request.event_id)

    def memory(self, request: AnyChange) -> dict[str, Any]:
        """The write that remembers the event in a transaction."""
        expires_at = int(self._table.clock()) + self._claims.config.idempotency_expires_after
        return self._table.memory(request.event_id, expires_at, self._owner, self._owner)

    def remembered(self, request: AnyChange) -> None:
        """A transaction has written the event's memory."""
        self._is_over(request, failed=False)
        self._answers[request.event_id] = Answer(state=State.COMPLETED)

    def was_not_processed(self, request: AnyChange) -> None:
        """It failed or was rejected: its next delivery runs it."""
        self._is_over(request, failed=True)
        if self._answers.pop(request.event_id, None):
            self._held[request.event_id] = None

    def is_forgetful(self) -> bool:
        """Whether an effect could not be remembered: no further one should follow."""
        return self._completions.refusal is not None

    def end(self) -> frozenset[str]:
        """The ids of the events whose effect is not remembered; all that is claimed is released."""
        releases = self._submit_releases(list(self._held))
        unsaved = self._completions.end()
        self._wait_for(releases)
        return unsaved

    def _is_over(self, request: AnyChange, *, failed: bool) -> None:
        self._held.pop(request.event_id, None)
        if self._started is not None:
            self._claims.pace.ran(time.monotonic() - self._started, failed=failed)
            self._started = None

    def _settle(self, head: str, *, waits: bool) -> State:
        """CLAIMED or COMPLETED, after as many attempts as there is time for."""
        attempt = 0
        while True:
            answer = self._answers[head]
            if answer.state in _SETTLED:
                return answer.state
            if answer.state is State.REFUSED:
                raise EventNotClaimedError("the idempotency table refuses") from answer.error
            if not waits:
                raise EventInProgressError("the event is not claimed yet")
            if attempt == 0 and answer.state is State.HELD:
                # Nothing behind it runs before it: let others have it meanwhile.
                self._release_all_behind(head)
            self._pause(answer, attempt)
            attempt += 1
            if answer.state is State.HELD:
                self._take([head])
            else:
                self._claim_all([head])

    def _pause(self, answer: Answer, attempt: int) -> None:
        """Waits; raises what stands in the way when there is no time for that."""
        at_most = self._time_left.to_process(self._claims.pace.seconds)
        if answer.state is State.GONE or self._is_own(answer):
            at_most = max(at_most, self._time_left.to_wait())
        if self._time_left.pause(attempt, at_most):
            return
        if answer.state is State.HELD:
            raise EventInProgressError("another invocation is running the event")
        raise EventNotClaimedError("the idempotency table does not answer") from answer.error

    def _is_own(self, answer: Answer) -> bool:
        return answer.owner.startswith(f"{self._claims.process_id}/")

    def _claim_all(self, event_ids: Sequence[str]) -> None:
        """One attempt for each; none undoes another."""
        unique = list(dict.fromkeys(event_ids))
        wanted = [each for each in unique if each not in self._answers or each == event_ids[0]]
        self._held.update(dict.fromkeys(wanted))
        self._ask(wanted, lambda group: self._table.insert(group, self._claim))
        self._take([each for each in wanted if self._answers[each].state is State.EXISTS])
        # What this process claimed in vain before, or without knowing, nobody runs now.
        self._take([each for each in wanted if self._is_own_but_held(each)])

    def _is_own_but_held(self, event_id: str) -> bool:
        answer = self._answers[event_id]
        return answer.state is State.HELD and self._is_own(answer)

    def _take(self, event_ids: Sequence[str]) -> None:
        """Of its own claims whose they are; of all others, those that nobody holds any more."""
        owners = {
            each: self._answers[each].owner if self._is_own_but_held(each) else ""
            for each in event_ids
        }
        self._held.update(dict.fromkeys(event_ids))

        def take(group: Sequence[str]) -> list[Answer]:
            return self._table.take({each: owners[each] for each in group}, self._claim)

        self._ask(event_ids, take)

    def _ask(self, event_ids: Sequence[str], call: Callable[[Sequence[str]], list[Answer]]) -> None:
        """Up to four calls at once; what is not answered in time is not known."""
        groups = _groups(event_ids)
        futures = [self._claims.executor.submit(call, group) for group in groups]
        for group, future in zip(groups, futures, strict=True):
            try:
                answers = future.result(timeout=self._time_left.to_wait())
            except NotInTimeError as error:
                answers = [Answer(state=State.UNAVAILABLE, error=error)] * len(group)
            for event_id, answer in zip(group, answers, strict=True):
                before = self._answers.get(event_id)
                self._answers[event_id] = answer
                if before is not None and before.state is State.UNAVAILABLE:
                    continue  # that attempt may have claimed it
                if answer.state in {State.COMPLETED, State.HELD, State.REFUSED}:
                    self._held.pop(event_id, None)

    def _release_all_behind(self, head: str) -> None:
        behind = [each for each in self._held if each != head]
        for event_id in behind:
            del self._held[event_id]
            self._answers.pop(event_id, None)
        self._steps = self._claims.pace.steps()
        self._wait_for(self._submit_releases(behind))

    def _submit_releases(self, event_ids: Sequence[str]) -> list[Future[None]]:
        return [self._claims.executor.submit(self._release, group) for group in _groups(event_ids)]

    def _release(self, group: Sequence[str]) -> None:
        """Tries while there is time: what stays claimed is waited for until our deadline."""
        left = list(group)
        for _ in self._time_left.attempts():
            answers = zip(left, self._table.release(left, self._owner), strict=True)
            left = [each for each, answer in answers if answer.state is State.UNAVAILABLE]
            if not left:
                return

    def _wait_for(self, releases: Sequence[Future[None]]) -> None:
        for release in releases:
            try:
                release.result(timeout=self._time_left.to_answer())
            except NotInTimeError:
                return


def _groups(event_ids: Sequence[str]) -> list[Sequence[str]]:
    return [
        event_ids[first : first + ITEMS_PER_CALL]
        for first in range(0, len(event_ids), ITEMS_PER_CALL)
    ]
