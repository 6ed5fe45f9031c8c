"""One invocation of the function, as everything around the function sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class ThrottledError(Exception):
    """No concurrency is left: Lambda would answer TooManyRequestsException."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """What was sent to the function, and what came of it."""

    request_id: str
    event: object
    response: object = None
    """The decoded response; None for null and for an empty body."""
    function_error: str | None = None
    """"Unhandled" when the function did not return, as in the header X-Amz-Function-Error."""
    error: Mapping[str, Any] | None = None
    """The error document then: errorType, errorMessage and what else the runtime says."""
    function_name: str = ""
    """Of which function it was."""
    duration: float = 0.0
    """Seconds from handing the event to the runtime until its answer."""


class Function(Protocol):
    """What an event source mapping invokes."""

    async def invoke(self, event: Mapping[str, Any], *, request_id: str) -> Invocation:
        """Returns also when the function fails. Raises `ThrottledError`."""
        ...
