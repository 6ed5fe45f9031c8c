"""Remembering effects in groups, beside the processing: a put for each, 25 to a call.

A group is written when 25 effects have ended, or 100 ms after the first of them. Up to four calls
are under way at a time; whoever brings effects faster than they can be written waits.
"""

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final

from handler.idempotency_table import ITEMS_PER_CALL, IdempotencyTable, State
from handler.time_left import TimeLeft

CALLS_AT_ONCE: Final = 4
SECONDS_TO_GATHER: Final = 0.1


class Completions:
    """The effects of one invocation, on their way into the table."""

    def __init__(
        self,
        table: IdempotencyTable,
        executor: Executor,
        time_left: TimeLeft,
        *,
        expires_after: int,
        on_saved: Callable[[list[str]], None],
        seconds_to_gather: float = SECONDS_TO_GATHER,
    ) -> None:
        """With `math.inf` to gather, only full groups are written before the end."""
        self._table = table
        self._executor = executor
        self._time_left = time_left
        self._expires_after = expires_after
        self._on_saved = on_saved
        self._seconds_to_gather = seconds_to_gather
        self._changed = threading.Condition()
        self._gathered: list[str] = []
        self._unsaved: dict[str, None] = {}
        """All that is gathered or on its way, in order."""
        self._calls = 0
        self._due = 0.0
        self._is_ending = False
        self._writes_what_is_due = False
        self.refusal: Exception | None = None
        """Why no further effect can be remembered, when the table said that trying is no use."""

    def add(self, event_id: str) -> None:
        """Returns at once, unless the table is behind."""
        with self._changed:
            if event_id in self._unsaved:
                return
            self._unsaved[event_id] = None
            self._gather(event_id)
            self._write_what_is_full()
            self._wait_for(lambda: len(self._gathered) < ITEMS_PER_CALL)

    def end(self) -> frozenset[str]:
        """Writes all that is left; returns what could not be written in time."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
            while self._gathered and self.refusal is None:
                if not self._wait_for(lambda: self._calls < CALLS_AT_ONCE):
                    break
                self._write()
            self._wait_for(lambda: not self._calls)
            return frozenset(self._unsaved)

    def _wait_for(self, is_true: Callable[[], bool]) -> bool:
        return self._changed.wait_for(is_true, timeout=self._time_left.to_answer())

    def _gather(self, event_id: str) -> None:
        if not self._gathered:
            self._due = time.monotonic() + self._seconds_to_gather
            # The one that waits for the time is woken for the first of a group only.
            self._changed.notify_all()
        self._gathered.append(event_id)
        if not self._writes_what_is_due and self._seconds_to_gather < math.inf:
            self._writes_what_is_due = True
            self._executor.submit(self._write_what_is_due)

    def _write_what_is_due(self) -> None:
        """Runs beside the processing, until the invocation ends."""
        with self._changed:
            while not self._is_ending:
                if not self._gathered or self._calls >= CALLS_AT_ONCE:
                    self._changed.wait()
                elif time.monotonic() < self._due:
                    self._changed.wait(self._due - time.monotonic())
                else:
                    self._write()

    def _write_what_is_full(self) -> None:
        while len(self._gathered) >= ITEMS_PER_CALL and self._calls < CALLS_AT_ONCE:
            self._write()

    def _write(self) -> None:
        """Hands a group to a thread of its own. The condition is held."""
        group = self._gathered[:ITEMS_PER_CALL]
        del self._gathered[:ITEMS_PER_CALL]
        self._due = time.monotonic() + self._seconds_to_gather
        self._calls += 1
        self._executor.submit(self._save, group)

    def _save(self, group: list[str]) -> None:
        """Tries until it is written, refused, or the time is up."""
        left = group
        try:
            for _ in self._time_left.attempts():
                left = self._saved(left)
                if not left or self.refusal is not None:
                    return
        finally:
            with self._changed:
                self._calls -= 1
                if not self._is_ending:
                    self._write_what_is_full()
                self._changed.notify_all()

    def _saved(self, group: list[str]) -> list[str]:
        """One call; returns what is to be tried again."""
        expires_at = int(self._table.clock()) + self._expires_after
        answers = self._table.complete(group, expires_at)
        states = dict(zip(group, answers, strict=True))
        saved = [each for each, answer in states.items() if answer.state is State.COMPLETED]
        refused = [answer.error for answer in answers if answer.state is State.REFUSED]
        self._on_saved(saved)
        with self._changed:
            for event_id in saved:
                self._unsaved.pop(event_id, None)
            if refused:
                self.refusal = refused[0]
            self._changed.notify_all()
        return [each for each, answer in states.items() if answer.state is State.UNAVAILABLE]
