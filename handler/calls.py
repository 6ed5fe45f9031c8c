"""Calling the user's `process` and `process_batch`, so that done is told apart from failed."""

import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from handler.logs import Keys

if TYPE_CHECKING:
    from handler.outcomes import RequestOutcome
    from handler.writes import Writes

# A user's own takes their own subclass of `Change`.
Process = Callable[[Any], object]
ProcessBatch = Callable[[Sequence[Any]], "Sequence[RequestOutcome]"]


class ProcessExitedError(Exception):
    """`process` asked for the end of the program: it failed."""


class ProcessIsNotAPlainFunctionError(Exception):
    """`process` is asynchronous or a generator: it was called, and nothing was done."""


class WritesNotWrappedError(Exception):
    """`process` returned writes that are not in a `Writes`: nothing of them was done."""


def writes_in(returned: object) -> "Writes | None":
    """The writes that `process` returned; what is none does not matter."""
    # A function that returns no writes pays for the import of none.
    from handler.writes import (  # noqa: PLC0415
        ConditionCheck,
        Delete,
        Put,
        Update,
        Writes,
    )

    if isinstance(returned, Writes):
        return returned
    if isinstance(returned, (Put, Update, Delete, ConditionCheck)):
        return Writes([returned])
    if isinstance(returned, (list, tuple)) and any(
        isinstance(each, (Put, Update, Delete, ConditionCheck, Writes)) for each in returned
    ):
        raise WritesNotWrappedError("process returned a list of writes: return Writes([...])")
    return None


def returns_writes(process: Process) -> bool:
    """Whether `process` is declared to return `Writes`: then the transaction is the lock."""
    from handler.writes import Writes  # noqa: PLC0415 - likewise

    try:
        declared = typing.get_type_hints(process).get("return")
    except Exception:  # noqa: BLE001 - hints may name what is there for a type checker only
        return False
    return declared is Writes or Writes in typing.get_args(declared)


def run(call: Callable[[Any], object], argument: Any, keys: Keys) -> object:
    """Runs it to an end that tells done from failed."""
    try:
        try:
            returned = call(argument)
        finally:
            keys.put_back()
    except Exception:
        raise
    except BaseException as error:
        if type(error) is KeyboardInterrupt and not error.args:
            # Ctrl-C: Python prints it, and nothing of what it interrupted.
            raise KeyboardInterrupt from None
        # sys.exit() or a cancelled task: the runtime would end and leave the event in progress.
        exited = ProcessExitedError(f"process raised {type(error).__name__}")
        raise exited.with_traceback(error.__traceback__) from error
    if returned is not None and isinstance(returned, (Awaitable, Iterator, AsyncIterator)):
        raise ProcessIsNotAPlainFunctionError(f"process returned a {type(returned).__name__}")
    return returned
