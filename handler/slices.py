"""One delivery of a batch to a `process_batch`: in slices, which take one call each.

A slice is as long as the setting says, and no longer than what fits the time that is left. What is
done of it is remembered, also behind the first failure. A process that is killed in the middle of a
slice forgets the slice.
"""

import time
from collections.abc import Mapping, Sequence

from handler.batch import Batch, Ignored
from handler.calls import ProcessBatch, run
from handler.change import AnyChange, Change
from handler.context import Context
from handler.delivery import FAILED, IGNORED, PROCESSED, PROCESSED_BEFORE, Delivery, Parts
from handler.logs import Keys
from handler.outcomes import Done, Failed, Rejected, RequestOutcome
from handler.records import RejectedRequestError
from handler.time_left import TimeLeft


class RequestFailedError(Exception):
    """`process_batch` returned `Failed` for the request, with this reason."""


class WrongOutcomesError(Exception):
    """`process_batch` did not return one outcome for each of its requests."""


class SlicePace:
    """How many requests fit the time that is left, by how long those before have taken."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seconds: float | None = None

    @property
    def seconds(self) -> float:
        """How long a request takes, lately."""
        return self._seconds or 0.0

    def fitting(self, time_left: TimeLeft) -> int:
        """At least one: handed back, it would come again to no more time than now."""
        if not self._seconds:
            return self._size
        return max(1, min(self._size, int(time_left.to_process() / self._seconds)))

    def took(self, seconds: float, requests: int) -> None:
        """A slice took so long. The slowest of late counts."""
        each = seconds / requests
        self._seconds = max(each, 0.7 * (self._seconds or 0.0) + 0.3 * each)


class SlicedDelivery(Delivery):
    """A batch on its way through `process_batch`, one slice at a time."""

    def __init__(
        self,
        parts: Parts,
        batch: Batch,
        context: Context,
        *,
        process_batch: ProcessBatch,
        pace: SlicePace,
    ) -> None:
        super().__init__(parts, batch, context)
        self._process_batch = process_batch
        self._pace = pace

    def _has_time(self) -> bool:
        """The first slice always has; handed back, it would come again to no more time than now."""
        return not self.outcomes or self._time_left.to_process() >= self._pace.seconds

    def _take(self, index: int) -> int:
        """How many records from this one on are settled, before the first that failed."""
        requests: dict[int, AnyChange] = {}
        end = self._gather(index, requests)
        if end == index:
            return super()._take(index) if index not in self.outcomes else 0
        if requests:
            self._run(requests)
        failed = (each for each in range(index, end) if self.outcomes.get(each) is FAILED)
        return next(failed, end) - index

    def _gather(self, first: int, requests: dict[int, AnyChange]) -> int:
        """Claims what fits into a slice; returns the first record that is not of it."""
        size = self._pace.fitting(self._time_left)
        for index in range(first, len(self._batch)):
            entry = self._batch.entry(index)
            if len(requests) == size or not isinstance(entry, (Change, Ignored)):
                return index
            if isinstance(entry, Ignored):
                self.outcomes[index] = IGNORED
                continue
            # What is in progress elsewhere is waited for when it is first, not by those before it.
            if not self._claims(entry, index, size - len(requests), is_first=index == first):
                return index
            if index not in self.outcomes:
                requests[index] = entry
        return len(self._batch)

    def _claims(self, request: AnyChange, index: int, ahead: int, *, is_first: bool) -> bool:
        """Whether the event is of the slice, to be run or processed before."""
        try:
            if self._events.was_processed(request, index, ahead=ahead, waits=is_first):
                self.outcomes[index] = PROCESSED_BEFORE
        except Exception as error:  # noqa: BLE001 - whatever it is, the record has failed
            if is_first:
                self.outcomes[index] = self._failed(index, error)
            return False
        return True

    def _run(self, requests: Mapping[int, AnyChange]) -> None:
        if self._logs_requests:
            for index, request in requests.items():
                self._log_request(index, request)
        begun = time.monotonic()
        try:
            outcomes = outcomes_of(self._process_batch, list(requests.values()), self._keys)
        except Exception as error:  # noqa: BLE001 - whatever it is, the whole slice has failed
            for request in requests.values():
                self._events.was_not_processed(request)
            first = next(iter(requests))
            self.outcomes[first] = self._failed(first, error)
            return
        self._pace.took(time.monotonic() - begun, len(requests))
        self._settle(requests, outcomes)

    def _settle(
        self, requests: Mapping[int, AnyChange], outcomes: Sequence[RequestOutcome]
    ) -> None:
        has_failed = False
        for (index, request), outcome in zip(requests.items(), outcomes, strict=True):
            if isinstance(outcome, Done):
                self._events.processed(request)
                self.outcomes[index] = PROCESSED
                continue
            self._events.was_not_processed(request)
            if has_failed:
                continue  # it comes again, behind the first that failed
            if isinstance(outcome, Rejected):
                self.outcomes[index] = self._parked(index, RejectedRequestError(outcome.reason))
            else:
                self.outcomes[index] = self._failed(index, RequestFailedError(outcome.reason))
            has_failed = self.outcomes[index] is FAILED


def outcomes_of(
    process_batch: ProcessBatch, requests: Sequence[AnyChange], keys: Keys
) -> Sequence[RequestOutcome]:
    """Runs `process_batch`; an outcome for each request, in order. `keys` are put back."""
    returned = run(process_batch, requests, keys)
    if not isinstance(returned, Sequence) or not all(
        isinstance(each, (Done, Rejected, Failed)) for each in returned
    ):
        raise WrongOutcomesError(
            "process_batch must return a list of Done(), Rejected(reason) and Failed(), "
            f"got {type(returned).__name__}"
        )
    if len(returned) != len(requests):
        raise WrongOutcomesError(
            "process_batch must return one outcome for each request, "
            f"got {len(returned)} for {len(requests)}"
        )
    return returned
