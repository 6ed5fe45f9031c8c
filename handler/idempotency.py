"""What the processor asks of idempotency, and the stack without it.

With a table of events it is `handler.claims`, which imports boto3: this module does not.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from handler.change import AnyChange
from handler.context import Context

RequestsBehind = Callable[[int], Iterator[AnyChange]]
"""The requests of a batch behind a place, in order."""


class Invocation(Protocol):
    """The events of one invocation."""

    def was_processed(
        self, request: AnyChange, index: int, *, ahead: int = 1, waits: bool = True
    ) -> bool:
        """Whether the request, at that place of the batch, was processed before; claims it if not.

        Those behind it may be claimed with it; `ahead`: that many are wanted, with the first.
        Raises what says why it cannot be claimed: it has failed then, and is delivered again.
        """
        ...

    def processed(self, request: AnyChange) -> None:
        """Its effect is to be remembered; soon, and at the latest when the invocation ends."""
        ...

    def memory(self, request: AnyChange) -> dict[str, Any] | None:
        """The write that remembers the event in a transaction; None: nothing is remembered."""
        ...

    def remembered(self, request: AnyChange) -> None:
        """A transaction has written the event's memory."""
        ...

    def was_not_processed(self, request: AnyChange) -> None:
        """It failed or was rejected: its next delivery runs it."""
        ...

    def is_forgetful(self) -> bool:
        """Whether an effect could not be remembered: no further one should follow."""
        ...

    def end(self) -> frozenset[str]:
        """The ids of the events whose effect is not remembered; all that is claimed is released."""
        ...


class Idempotency(Protocol):
    """Remembers which events were processed."""

    def invocation(self, context: Context, requests_behind: RequestsBehind) -> Invocation:
        """Begins one; its `end` must be called."""
        ...


class NoIdempotency:
    """An event that is delivered twice is processed twice."""

    def invocation(self, context: Context, requests_behind: RequestsBehind) -> Invocation:
        """One that remembers nothing."""
        del context, requests_behind
        return _NothingRemembered()


class _NothingRemembered:
    def was_processed(
        self, request: AnyChange, index: int, *, ahead: int = 1, waits: bool = True
    ) -> bool:
        del request, index, ahead, waits
        return False

    def processed(self, request: AnyChange) -> None:
        del request

    def memory(self, request: AnyChange) -> dict[str, Any] | None:
        del request
        return None

    def remembered(self, request: AnyChange) -> None:
        del request

    def was_not_processed(self, request: AnyChange) -> None:
        del request

    def is_forgetful(self) -> bool:
        return False

    def end(self) -> frozenset[str]:
        return frozenset()
