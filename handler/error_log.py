"""What is logged of an exception when its text must not be: a message may hold payload.

The exception is the user's, and so may be all that can be asked of it: nothing here raises.
"""

import sys
import traceback
from typing import Final

_FRAMES: Final = 20
_CAUSES: Final = 5


def without_texts(error: BaseException) -> dict[str, object]:
    """An exception's type, those of its causes, and the calls that led to it, as log fields."""
    try:
        return {
            "error_type": _type(error),
            "caused_by": [_type(cause) for cause in _causes(error)],
            "stack": _stack(error),
        }
    except Exception:  # noqa: BLE001 - a class can redefine even where its traceback stands
        return {"error_type": type(error).__name__, "caused_by": [], "stack": []}


def text_of(error: BaseException) -> str:
    """The exception's text, or the reason why it has none. For where texts may stand."""
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - __str__ is the user's
        return f"its text cannot be told, __str__ raises {type(failure).__name__}"


def _stack(error: BaseException) -> list[str]:
    stack = list(traceback.walk_tb(error.__traceback__))
    return [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
        for frame, line in stack[-_FRAMES:]
    ]


def _causes(error: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and len(causes) <= _CAUSES:
        causes.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return causes[1:]


def _type(error: BaseException) -> str:
    """The class; of botocore's errors AWS's code too, for most have the one class ClientError."""
    name = type(error).__name__
    code = _aws_code(error)
    return f"{name} ({code})" if code and code != name else name


def _aws_code(error: BaseException) -> str | None:
    # Looked up, for importing botocore takes time: an error of its is there only once it is.
    botocore = sys.modules.get("botocore.exceptions")
    if botocore is None or not isinstance(error, botocore.ClientError):
        return None
    try:
        return str(error.response["Error"]["Code"])
    except Exception:  # noqa: BLE001 - a subclass of the user's
        return None
