"""Lambda's Invoke API for the deployed function, so that its usual clients work on the local run.

`aws lambda invoke` and boto3 reach it by AWS_ENDPOINT_URL_LAMBDA. Everything else of Lambda's API
is left out: the function is what the program deployed.
"""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web

from infra.local.invocation import Invocation, ThrottledError
from infra.local.lambda_runtime import LambdaFunction

MAXIMUM_PAYLOAD: Final = 6 * 1024 * 1024
"""Bytes of a synchronous invocation's event; the quota is Lambda's."""

_SHUTDOWN_TIMEOUT: Final = 0.01
_TAIL: Final = 4096
"""Bytes of the log that LogType=Tail returns."""


class InvokeApi:
    """Listens on 127.0.0.1 and invokes one function."""

    def __init__(self, function: LambdaFunction) -> None:
        self._function = function
        self._log: deque[str] = deque(maxlen=200)
        self._background: set[asyncio.Task[Invocation]] = set()
        application = web.Application(client_max_size=2 * MAXIMUM_PAYLOAD)
        application.router.add_post("/2015-03-31/functions/{name}/invocations", self._invoke)
        application.router.add_route("*", "/{tail:.*}", self._unknown)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT
        )
        self.endpoint = ""

    async def start(self, port: int = 0) -> None:
        """Begins to listen; 0 takes a free port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.endpoint = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Ends every connection and what was invoked asynchronously."""
        for task in self._background:
            task.cancel()
        await self._runner.cleanup()

    def add_log(self, line: str) -> None:
        """Remembers a line of the function's output, for LogType=Tail."""
        self._log.append(line)

    async def _invoke(self, request: web.Request) -> web.Response:
        name = unquote(request.match_info["name"])
        settings = self._function.settings
        if name not in _names_of(settings.name, settings.arn):
            message = f"Function not found: {name}"
            return _refusal(404, "ResourceNotFoundException", message)
        payload = await request.read()
        if len(payload) > MAXIMUM_PAYLOAD:
            message = (
                f"{len(payload)} byte payload is too large for the RequestResponse invocation "
                f"type (limit {MAXIMUM_PAYLOAD} bytes)"
            )
            return _refusal(413, "RequestTooLargeException", message)
        try:
            event = json.loads(payload) if payload else {}
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return _refusal(400, "InvalidRequestContentException", message)
        match request.headers.get("X-Amz-Invocation-Type", "RequestResponse"):
            case "DryRun":
                return web.Response(status=204)
            case "Event":
                self._in_background(event)
                return web.Response(status=202)
            case _:
                return await self._answer(request, event)

    async def _answer(self, request: web.Request, event: Any) -> web.Response:
        try:
            invocation = await self._function.invoke(event)
        except ThrottledError:
            return _refusal(429, "TooManyRequestsException", "Rate Exceeded.")
        headers = {"X-Amz-Executed-Version": "$LATEST"}
        if invocation.function_error is not None:
            headers["X-Amz-Function-Error"] = invocation.function_error
        if request.headers.get("X-Amz-Log-Type") == "Tail":
            headers["X-Amz-Log-Result"] = self._log_tail()
        return web.json_response(_body(invocation), headers=headers)

    def _in_background(self, event: Mapping[str, Any]) -> None:
        task = asyncio.create_task(self._function.invoke(event))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _log_tail(self) -> str:
        return base64.b64encode("\n".join(self._log).encode()[-_TAIL:]).decode()

    async def _unknown(self, request: web.Request) -> web.Response:
        message = f"the local run answers Lambda's Invoke only, not {request.method} {request.path}"
        return _refusal(501, "NotImplemented", message)


def _names_of(name: str, arn: str) -> set[str]:
    """The forms in which the Invoke API takes a function: name, partial ARN and ARN."""
    account = arn.split(":")[4]
    return {name, arn, f"{account}:function:{name}", f"{arn}:$LATEST", f"{name}:$LATEST"}


def _body(invocation: Invocation) -> object:
    return invocation.response if invocation.error is None else invocation.error


def _refusal(status: int, kind: str, message: str) -> web.Response:
    return web.json_response(
        {"Type": "User", "Message": message}, status=status, headers={"x-amzn-ErrorType": kind}
    )
