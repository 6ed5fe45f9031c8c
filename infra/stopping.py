"""The end of a command: by itself, by Ctrl-C, SIGTERM or a closed terminal; in order, and once."""

import contextlib
import gc
import importlib
import signal
import sys
from types import FrameType
from typing import Final, NoReturn

STOPPED: Final = 130
"""The exit code of a command that was stopped before its end."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(module: str, **arguments: object) -> NoReturn:
    """Ends the process with the exit code of the `main` of a module, which is imported here.

    It is called with the `arguments`.

    Once that is there, the first of the signals raises KeyboardInterrupt in it, and later ones
    change nothing: it can close what it has open. No traceback is printed at any moment.
    """
    # Importing takes a second or two, and there is nothing to close yet: the process just ends.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Nothing of what is imported is garbage, and to look for some takes a fifth of the time.
    gc.disable()
    main = importlib.import_module(module).main
    gc.freeze()
    gc.enable()
    _handle()
    try:
        code = main(**arguments)
        _ignore()  # Python's own end would print a traceback
    except KeyboardInterrupt:
        code = STOPPED
        with contextlib.suppress(OSError):  # the terminal may be what is gone
            print("stopped", file=sys.stderr)
    sys.exit(code)


def _handle() -> None:
    for number in _SIGNALS:
        # What the caller has ignored, as `nohup` does, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _ignore() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stop(_number: int, _frame: FrameType | None) -> None:
    _ignore()
    raise KeyboardInterrupt
