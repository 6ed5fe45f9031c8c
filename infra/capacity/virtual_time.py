"""An event loop on which waiting takes no time: when nothing is left to do, the clock jumps on."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

EPOCH: Final = 1_700_000_000.0
"""The epoch second at which every loop begins."""

T = TypeVar("T")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its time is the sum of all that was waited for."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Seconds since the loop began."""
        return self._elapsed

    def jump(self, seconds: float) -> None:
        """Moves the clock on."""
        self._elapsed += seconds


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("something is waited for that will never happen")
        if timeout <= 0:
            return []
        self._loop.jump(timeout)
        return super().select(0)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs to the end, however long that takes on the clock."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def now() -> float:
    """The epoch time of the running loop."""
    return EPOCH + asyncio.get_running_loop().time()
