"""Telling those who watch a deployment, so that nothing they do can stop or change it.

They are told in a thread of their own, in order: one that raises or takes its time, as a terminal
that is held, keeps no record waiting.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.local.function.invocation import Invocation
from infra.local.mapping.delivery import DeliveryEvent
from infra.local.mapping.progress import Progress

logger = logging.getLogger(__name__)

_PATIENCE: Final = 2.0
"""Seconds for those who watch to take what they were told, before the deployment ends."""


@dataclass(kw_only=True, slots=True)
class Watcher:
    """Who wants to be told while things happen."""

    on_invocation: Callable[[Invocation], None] = lambda _: None
    on_log: Callable[[str], object] = lambda _: None
    """Each line of the function's log."""
    on_hidden: Callable[[str], object] = lambda _: None
    """Each line that the function's log level keeps out of its log."""
    on_delivery: Callable[[DeliveryEvent], None] = lambda _: None
    """What happens between invocations."""
    on_slow: Callable[[float], None] = lambda _: None
    """An invocation has been running for so many seconds."""
    on_progress: Callable[[Mapping[str, Progress]], None] | None = None
    """How far each mapping has come, by its UUID, several times a second while that changes.

    What `on_delivery` was told before is in it, and nothing of what it is told later.
    """


class Telling:
    """Tells those who watch; what they raise is said, and that is all."""

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()

    def tell(self, listener: Callable[..., object], *what: Any) -> None:
        """Returns at once."""
        self._told.put(lambda: listener(*what))

    def catch_up(self) -> None:
        """Returns once they were told everything so far, or are too slow to wait for."""
        caught_up = threading.Event()
        self._told.put(caught_up.set)
        caught_up.wait(_PATIENCE)

    @contextlib.contextmanager
    def begun(self) -> Iterator[None]:
        """Tells until the block ends."""
        # A daemon: one that never returns is not waited for when the program ends.
        thread = threading.Thread(target=self._run, name="watching", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._told.put(None)
            thread.join(_PATIENCE)

    def _run(self) -> None:
        while (call := self._told.get()) is not None:
            try:
                call()
            except BaseException:  # SystemExit too: it would end the telling without a word
                logger.exception("what watches the local run failed; the run goes on")
