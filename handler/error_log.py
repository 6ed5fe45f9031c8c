"""What is logged of an exception when its text must not be: a message may hold payload."""

import traceback
from typing import Final

_FRAMES: Final = 20
_CAUSES: Final = 5


def without_texts(error: BaseException) -> dict[str, object]:
    """An exception's type, those of its causes, and the calls that led to it, as log fields."""
    stack = list(traceback.walk_tb(error.__traceback__))
    return {
        "error_type": _type(error),
        "caused_by": [_type(cause) for cause in _causes(error)],
        "stack": [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
            for frame, line in stack[-_FRAMES:]
        ],
    }


def _causes(error: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and len(causes) <= _CAUSES:
        causes.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return causes[1:]


def _type(error: BaseException) -> str:
    """The class; of botocore's errors AWS's code too, for most have the one class ClientError."""
    response = getattr(error, "response", None)
    details = response.get("Error") if isinstance(response, dict) else None
    code = details.get("Code") if isinstance(details, dict) else None
    name = type(error).__name__
    return f"{name} ({code})" if code and code != name else name
