"""The Lambda Runtime API (2018-06-01) for one execution environment, over HTTP.

It hands events to the runtime client and takes its answers. `execution_environment` starts the
runtime, stops it and watches its time.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

MAXIMUM_RESPONSE: Final = 6_291_556
"""Bytes of a response; the quota is Lambda's."""

_ANY_BODY: Final = 256 * 1024 * 1024
_PREFIX: Final = "/2018-06-01/runtime"
_SHUTDOWN_TIMEOUT: Final = 0.01
"""Seconds for open requests to end, such as one for the next event; 0 would wait for ever."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the runtime posted: a response, or the error document of a failure."""

    body: bytes = b""
    error: Mapping[str, Any] | None = None
    is_refused: bool = False
    """Whether the runtime was told that its response could not be taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """An event on its way to the runtime."""

    request_id: str
    payload: bytes
    deadline: float
    """Epoch seconds."""
    function_arn: str
    answer: "asyncio.Future[Answer]" = field(default_factory=asyncio.Future)


class RuntimeApi:
    """Serves one runtime, which asks for one event at a time."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._work: asyncio.Queue[Work] = asyncio.Queue()
        self._current: Work | None = None
        self.initialised: asyncio.Future[Mapping[str, Any] | None] = asyncio.Future()
        """None once the runtime asks for its first event; or the error document of its failure."""
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            shutdown_timeout=_SHUTDOWN_TIMEOUT,
            handler_cancellation=True,  # a runtime that is gone waits for no event
        )
        self.address = ""
        """host:port, for AWS_LAMBDA_RUNTIME_API."""

    async def start(self) -> None:
        """Begins to listen, on a free port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, 0).start()
        port = self._runner.addresses[0][1]
        self.address = f"{self._host}:{port}"

    async def stop(self) -> None:
        """Ends every connection."""
        await self._runner.cleanup()

    def give(self, work: Work) -> None:
        """Hands an event to the runtime as soon as it asks for one."""
        self._work.put_nowait(work)

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=_ANY_BODY)
        application.add_routes(
            [
                web.get(f"{_PREFIX}/invocation/next", self._next),
                web.post(f"{_PREFIX}/invocation/{{request_id}}/response", self._response),
                web.post(f"{_PREFIX}/invocation/{{request_id}}/error", self._error),
                web.post(f"{_PREFIX}/init/error", self._init_error),
            ]
        )
        return application

    async def _next(self, request: web.Request) -> web.Response:
        del request
        if self._current is not None and not self._current.answer.done():
            return _refusal(403, "InvalidStateTransition", "The last event is not answered yet.")
        if not self.initialised.done():
            self.initialised.set_result(None)
        self._current = work = await self._work.get()
        return web.Response(
            body=work.payload,
            content_type="application/json",
            headers={
                "Lambda-Runtime-Aws-Request-Id": work.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(work.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": work.function_arn,
                "Lambda-Runtime-Trace-Id": _trace_id(work.request_id),
            },
        )

    async def _response(self, request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) > MAXIMUM_RESPONSE:
            error = {
                "errorType": "Function.ResponseSizeTooLarge",
                "errorMessage": "Response payload size exceeded maximum allowed payload size "
                f"({MAXIMUM_RESPONSE} bytes).",
            }
            self._settle(request, Answer(error=error, is_refused=True))
            return _refusal(413, "RequestEntityTooLarge", error["errorMessage"])
        return self._settle(request, Answer(body=body))

    async def _error(self, request: web.Request) -> web.Response:
        return self._settle(request, Answer(error=_error_document(await request.read())))

    async def _init_error(self, request: web.Request) -> web.Response:
        error = _error_document(await request.read())
        if self.initialised.done():
            return _refusal(403, "InvalidStateTransition", "The initialisation is over.")
        self.initialised.set_result(error)
        return _accepted()

    def _settle(self, request: web.Request, answer: Answer) -> web.Response:
        work, request_id = self._current, request.match_info["request_id"]
        if work is None or work.request_id != request_id:
            return _refusal(400, "InvalidRequestID", f"Invalid request ID: {request_id}")
        if work.answer.done():
            return _refusal(403, "InvalidStateTransition", "The request is answered already.")
        work.answer.set_result(answer)
        return _accepted()


def _accepted() -> web.Response:
    return web.json_response({"status": "OK"}, status=202)


def _refusal(status: int, kind: str, message: str) -> web.Response:
    return web.json_response({"errorType": kind, "errorMessage": message}, status=status)


def _error_document(body: bytes) -> Mapping[str, Any]:
    """The runtime's error, also when what it posted is no JSON object."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if isinstance(document, dict):
        return document
    return {"errorType": "Runtime.Unknown", "errorMessage": body.decode(errors="replace")}


def _trace_id(request_id: str) -> str:
    root = f"1-{int(time.time()):08x}-{request_id.replace('-', '')[:24]}"
    return f"Root={root};Parent={request_id.replace('-', '')[:16]};Sampled=0"
