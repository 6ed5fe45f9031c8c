"""Lambda's Invoke API for the deployed functions, so that its usual clients work on the local run.

`aws lambda invoke` and boto3 reach it by AWS_ENDPOINT_URL_LAMBDA. Of Lambda's API there is beside
it the list of the event source mappings, which a backfill asks for. Signatures are not checked, but
a request of a page in a browser is refused.
"""

import asyncio
import base64
import json
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from aiohttp import web
from aiohttp.typedefs import Handler

from infra.events.stream_record import INVOCATION_PAYLOAD
from infra.local import callers
from infra.local.function.invocation import Invocation, ThrottledError
from infra.local.function.lambda_function import LambdaFunction

logger = logging.getLogger(__name__)

MAXIMUM_PAYLOAD: Final = {"RequestResponse": INVOCATION_PAYLOAD, "Event": 1024 * 1024}
"""Bytes of an event, by invocation type; the quotas are Lambda's."""

_ANY_PAYLOAD: Final = 256 * 1024 * 1024
_SHUTDOWN_TIMEOUT: Final = 0.01
_THROTTLED_EVENT_WAITS: Final = 0.1
_TAIL: Final = 4096
"""Bytes of the log that LogType=Tail returns."""


@web.middleware
async def _of_this_machine(request: web.Request, handler: Handler) -> web.StreamResponse:
    refused = callers.refusal(request.headers.get("Host"), request.headers.get("Origin"))
    if refused is not None:
        return _refusal(403, "AccessDeniedException", refused)
    return await handler(request)


class InvokeApi:
    """Listens on 127.0.0.1 and invokes functions by name, as an async context manager."""

    def __init__(
        self, *functions: LambdaFunction, mappings: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """`mappings`: those of the functions, as ListEventSourceMappings describes them."""
        self._functions = functions
        self._mappings = mappings
        self._events: set[asyncio.Task[None]] = set()
        application = web.Application(client_max_size=_ANY_PAYLOAD, middlewares=[_of_this_machine])
        application.router.add_post("/2015-03-31/functions/{name}/invocations", self._invoke)
        application.router.add_get("/2015-03-31/event-source-mappings", self._list_mappings)
        application.router.add_get("/2015-03-31/event-source-mappings/", self._list_mappings)
        application.router.add_route("*", "/{tail:.*}", self._unknown)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT
        )
        self.endpoint = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Begins to listen; 0 takes a free port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.endpoint = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Ends every connection and what was invoked asynchronously."""
        for task in self._events:
            task.cancel()
        await asyncio.gather(*self._events, return_exceptions=True)
        await self._runner.cleanup()

    async def _list_mappings(self, request: web.Request) -> web.Response:
        arn, name = request.query.get("EventSourceArn"), request.query.get("FunctionName")
        listed = [
            each
            for each in self._mappings
            if arn in (None, each["EventSourceArn"])
            and (name is None or name in _names_of(each["FunctionArn"]))
        ]
        return web.json_response({"EventSourceMappings": listed})

    async def _invoke(self, request: web.Request) -> web.Response:
        function = self._invoked(request)
        if function is None:
            return self._unknown_function(request)
        return await self._invoked_with(function, request)

    async def _invoked_with(self, function: LambdaFunction, request: web.Request) -> web.Response:
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        payload = await request.read()
        refusal = _refused_payload(payload, kind)
        if refusal is not None:
            return refusal
        try:
            event = json.loads(payload) if payload else {}
        except (ValueError, RecursionError) as error:
            message = f"Could not parse request body into json: {error}"
            return _refusal(400, "InvalidRequestContentException", message)
        match kind:
            case "RequestResponse":
                return await self._answer(function, request, event)
            case "Event":
                self._queue(function, event)
                return web.Response(status=202)
            case "DryRun":
                return web.Response(status=204)
            case _:
                message = f"InvocationType must be RequestResponse, Event or DryRun, got {kind}"
                return _refusal(400, "InvalidParameterValueException", message)

    def _invoked(self, request: web.Request) -> LambdaFunction | None:
        name = request.match_info["name"].removesuffix(":$LATEST")
        if request.query.get("Qualifier", "$LATEST") != "$LATEST":
            return None
        return next(
            (each for each in self._functions if name in _names_of(each.settings.arn)), None
        )

    def _unknown_function(self, request: web.Request) -> web.Response:
        name, qualifier = request.match_info["name"], request.query.get("Qualifier", "$LATEST")
        prefix = self._functions[0].settings.arn.rpartition(":")[0]
        asked_for = name if ":" in name else f"{prefix}:{name}"
        if qualifier != "$LATEST":
            asked_for += f":{qualifier}"
        return _refusal(404, "ResourceNotFoundException", f"Function not found: {asked_for}")

    async def _answer(
        self, function: LambdaFunction, request: web.Request, event: Any
    ) -> web.Response:
        log: deque[str] = deque(maxlen=_TAIL)
        try:
            invocation = await function.invoke(event, on_log=log.append)
        except ThrottledError:
            return _refusal(429, "TooManyRequestsException", "Rate Exceeded.")
        headers = {
            "X-Amz-Executed-Version": "$LATEST",
            "X-Amzn-RequestId": invocation.request_id,
        }
        if invocation.function_error is not None:
            headers["X-Amz-Function-Error"] = invocation.function_error
        if request.headers.get("X-Amz-Log-Type") == "Tail":
            tail = "\n".join(log).encode()[-_TAIL:]
            headers["X-Amz-Log-Result"] = base64.b64encode(tail).decode()
        return web.json_response(_body(invocation), headers=headers)

    def _queue(self, function: LambdaFunction, event: Any) -> None:
        task = asyncio.create_task(self._invoke_event(function, event))
        self._events.add(task)
        task.add_done_callback(self._events.discard)

    async def _invoke_event(self, function: LambdaFunction, event: Any) -> None:
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

    async def _unknown(self, request: web.Request) -> web.Response:
        message = f"the local run answers Lambda's Invoke only, not {request.method} {request.path}"
        return _refusal(501, "NotImplemented", message)


def _names_of(arn: str) -> set[str]:
    """The forms in which the Invoke API takes a function: ARN, partial ARN and name."""
    parts = arn.split(":")
    return {":".join(parts[start:]) for start in (0, 3, 4, 5, 6)}


def _refused_payload(payload: bytes, kind: str) -> web.Response | None:
    limit = MAXIMUM_PAYLOAD.get(kind)
    if limit is None or len(payload) <= limit:
        return None
    message = (
        f"{len(payload)} byte payload is too large for the {kind} invocation type "
        f"(limit {limit} bytes)"
    )
    return _refusal(413, "RequestEntityTooLargeException", message)


def _body(invocation: Invocation) -> object:
    return invocation.response if invocation.error is None else invocation.error


def _refusal(status: int, kind: str, message: str) -> web.Response:
    return web.json_response(
        {"Type": "User", "Message": message}, status=status, headers={"X-Amzn-ErrorType": kind}
    )
