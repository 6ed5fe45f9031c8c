"""The end of a command by Ctrl-C, SIGTERM or a closed terminal: in order, and once."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Within it the first such signal raises KeyboardInterrupt; later ones change nothing.

    What the caller has ignored, as `nohup` does, stays ignored. In another thread than the main one
    nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handled = [each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, _stop) for each in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
