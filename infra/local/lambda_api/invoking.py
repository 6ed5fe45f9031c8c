"""Lambda's Invoke: with an answer, as an event, or dry."""

import asyncio
import base64
import json
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from infra.events.stream_record import INVOCATION_PAYLOAD
from infra.local.function.invocation import Invocation, ThrottledError
from infra.local.function.lambda_function import LambdaFunction
from infra.local.lambda_api.names import LATEST
from infra.local.lambda_api.operations import Parameters
from infra.local.lambda_api.refusals import RefusedError, not_here

logger = logging.getLogger(__name__)

MAXIMUM_PAYLOAD: Final = {"RequestResponse": INVOCATION_PAYLOAD, "Event": 1024 * 1024}
"""Bytes of an event, by invocation type; the quotas are Lambda's."""

_NOT_HERE: Final = ("ClientContext", "DurableExecutionName", "TenantId")
"""Parameters that the function would not be told."""

_THROTTLED_EVENT_WAITS: Final = 0.1
_TAIL: Final = 4096
"""Bytes of the log that LogType=Tail returns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What Lambda's API answers."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Invoking:
    """Invokes functions, and keeps the events that nobody waits for."""

    def __init__(self) -> None:
        self._events: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Ends what was invoked asynchronously."""
        for task in self._events:
            task.cancel()
        await asyncio.gather(*self._events, return_exceptions=True)

    async def invoke(self, function: LambdaFunction, given: Parameters) -> Answer:
        """Raises `RefusedError`."""
        for name in _NOT_HERE:
            if name in given:
                raise not_here(f"{name} of invocations: leave it out")
        kind = given.get("InvocationType", "RequestResponse")
        event = _event(given.get("Payload", b""), kind)
        match kind:
            case "Event":
                self._queue(function, event)
                return Answer(status=202)
            case "DryRun":
                return Answer(status=204)
        return await _answered(function, event, with_tail=given.get("LogType") == "Tail")

    def _queue(self, function: LambdaFunction, event: Any) -> None:
        task = asyncio.create_task(_invoke_event(function, event))
        self._events.add(task)
        task.add_done_callback(self._events.discard)


def _event(payload: bytes, kind: str) -> Any:
    limit = MAXIMUM_PAYLOAD.get(kind)
    if limit is not None and len(payload) > limit:
        raise RefusedError(
            "RequestEntityTooLargeException",
            f"{len(payload)} byte payload is too large for the {kind} invocation type "
            f"(limit {limit} bytes)",
        )
    try:
        return json.loads(payload, parse_constant=_refuse_constant) if payload else {}
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: {error}"
        raise RefusedError("InvalidRequestContentException", message) from error


def _refuse_constant(name: str) -> None:
    """NaN and the infinities, which Python reads and JSON has not."""
    raise ValueError(f"{name} is no JSON")


async def _answered(function: LambdaFunction, event: Any, *, with_tail: bool) -> Answer:
    log: deque[str] = deque(maxlen=_TAIL)
    try:
        invocation = await function.invoke(event, on_log=log.append)
    except ThrottledError as error:
        # Recorded of reserved concurrency; of what is not reserved the model has another word.
        is_reserved = function.settings.reserved_concurrency is not None
        reason = f"{'ReservedFunction' if is_reserved else ''}ConcurrentInvocationLimitExceeded"
        raise RefusedError("TooManyRequestsException", "Rate Exceeded.", reason) from error
    headers = {
        "Content-Type": "application/json",
        "X-Amz-Executed-Version": LATEST,
        "X-Amzn-RequestId": invocation.request_id,
    }
    if invocation.function_error is not None:
        headers["X-Amz-Function-Error"] = invocation.function_error
    if with_tail:
        tail = "\n".join(log).encode()[-_TAIL:]
        headers["X-Amz-Log-Result"] = base64.b64encode(tail).decode()
    return Answer(headers=headers, body=json.dumps(_document(invocation)).encode())


def _document(invocation: Invocation) -> object:
    return invocation.response if invocation.error is None else invocation.error


async def _invoke_event(function: LambdaFunction, event: Any) -> None:
    """Once, when there is room for it. Lambda's retries of a failed event are left out."""
    while True:
        try:
            await function.invoke(event)
        except ThrottledError:
            await asyncio.sleep(_THROTTLED_EVENT_WAITS)
        except Exception:
            logger.exception("an event could not be handed to %s", function.settings.name)
            return
        else:
            return
