"""One runtime and the Runtime API that serves it: Lambda's execution environment.

It handles one event at a time, within the function's timeout and memory, and says what came of it
in Lambda's words. How many there are, and for how long, `lambda_function` decides.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from infra.local.function.invocation import Invocation
from infra.local.function.log_level import log_filter
from infra.local.function.runtime_api import Answer, RuntimeApi, Work
from infra.local.function.sandbox import FunctionSettings, Sandbox, SandboxProcess

INIT_TIMEOUT: Final = 10.0
"""Seconds for the initialisation. AWS: one that takes longer is begun again by the first invocation
and then has the function's timeout, so that here it may take both.
"""

_MEMORY_CHECK: Final = 0.05
"""Seconds between two looks at the memory in use."""

SLOW: Final = 2.0
"""Seconds after which it is told that an invocation has not answered yet."""

ErrorDocument = Mapping[str, Any]
"""What Lambda answers in place of a response: errorType, errorMessage, stackTrace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listeners:
    """Who is told what a function prints and does. They must not raise, and return at once."""

    on_log: Callable[[str], None] = lambda _: None
    """Each line that reaches its log."""
    on_hidden: Callable[[str], None] = lambda _: None
    """Each line that its log level keeps out of the log."""
    on_slow: Callable[[float], None] = lambda _: None
    """An invocation has not answered for so many seconds."""
    on_invocation: Callable[[Invocation], None] = lambda _: None
    """Each invocation, when it is over."""


class ExecutionEnvironment:
    """A started runtime. `stop` must be called, also when it has ended by itself."""

    def __init__(
        self, settings: FunctionSettings, api: RuntimeApi, process: SandboxProcess, log: "_Log"
    ) -> None:
        self.is_reusable = True
        """Whether it may be given an event: it has none, and has not failed."""
        self.is_slow = False
        """Whether it has not answered for as long as is told."""
        self._settings = settings
        self._api = api
        self._process = process
        self._log = log
        self._exit = asyncio.create_task(process.wait())

    @classmethod
    async def start(
        cls, settings: FunctionSettings, sandbox: Sandbox, listeners: Listeners
    ) -> Self:
        """Starts a runtime; `initialised` tells when it is ready."""
        is_logged = log_filter(settings.log_format, settings.application_log_level)
        api, log = RuntimeApi(sandbox.host), _Log(listeners, is_logged)
        await api.start()
        try:
            process = await sandbox.start(settings, api.address, log.add)
        except BaseException:
            await api.stop()
            raise
        return cls(settings, api, process, log)

    async def stop(self) -> None:
        """Ends the runtime and its API; returns when both are gone."""
        self.is_reusable = False
        self._process.kill()
        await asyncio.wait({self._exit})
        await self._api.stop()

    def interrupt(self) -> None:
        """Ends what the function is doing, by an error that is raised there."""
        self._process.interrupt()

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended, by itself or by somebody's hand."""
        return not self._exit.done()

    async def initialised(self) -> ErrorDocument | None:
        """Waits for the function's module to be loaded; the error when it cannot be."""
        if not self._api.initialised.done():
            waiting_for: set[asyncio.Future[Any]] = {self._api.initialised, self._exit}
            await asyncio.wait(
                waiting_for,
                timeout=INIT_TIMEOUT + self._settings.timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
        if self._api.initialised.done():
            return self._api.initialised.result()
        if self._exit.done():
            return _exit_error(self._exit.result())
        return _timeout_error(INIT_TIMEOUT + self._settings.timeout)

    async def invoke(
        self, event: object, request_id: str, on_log: Callable[[str], None] | None = None
    ) -> Invocation:
        """Hands one event to the runtime and waits for its answer, its end, or its limits.

        What it prints meanwhile goes to `on_log` too, before this returns.
        """
        self.is_reusable = False
        with self._log.also_to(on_log):
            error = await self.initialised()
            if error is not None:
                return self._named(_failed(request_id, event, error))
            work = Work(
                request_id=request_id,
                payload=json.dumps(event).encode(),
                deadline=time.time() + self._settings.timeout,
                function_arn=self._settings.arn,
            )
            started = time.perf_counter()
            self._api.give(work)
            with self._told_when_slow():
                answer = await self._answer(work)
            duration = time.perf_counter() - started
        return self._named(_invocation(request_id, event, answer, duration))

    @contextmanager
    def _told_when_slow(self) -> Iterator[None]:
        slow = asyncio.get_running_loop().call_later(SLOW, self._be_slow)
        try:
            yield
        finally:
            slow.cancel()
            self.is_slow = False

    def _be_slow(self) -> None:
        self.is_slow = True
        self._log.tell_slow()

    def _named(self, invocation: Invocation) -> Invocation:
        return replace(invocation, function_name=self._settings.name)

    async def _answer(self, work: Work) -> Answer:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.timeout
        waiting_for: set[asyncio.Future[Any]] = {work.answer, self._exit}
        while True:
            left = end - loop.time()
            await asyncio.wait(
                waiting_for,
                timeout=max(min(left, _MEMORY_CHECK), 0),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if work.answer.done():
                answer = work.answer.result()
                # The runtime client does not survive that its response was refused.
                self.is_reusable = not answer.is_refused
                return answer
            if self._exit.done():
                return Answer(error=_exit_error(self._exit.result(), work.request_id))
            if (self._process.memory_in_use() or 0) > self._settings.memory_size * 1024 * 1024:
                self._process.kill()
            elif left <= 0:
                self._process.kill()
                return Answer(error=_timeout_error(self._settings.timeout, work.request_id))


class _Log:
    """Where a runtime's lines go: always to the function's log, and to an invocation's own."""

    def __init__(self, listeners: Listeners, is_logged: Callable[[str], bool]) -> None:
        self._listeners = listeners
        self._is_logged = is_logged
        self._of_invocation: Callable[[str], None] | None = None

    def add(self, line: str) -> None:
        if not self._is_logged(line):
            self._listeners.on_hidden(line)
            return
        self._listeners.on_log(line)
        if self._of_invocation is not None:
            self._of_invocation(line)

    @contextmanager
    def also_to(self, on_log: Callable[[str], None] | None) -> Iterator[None]:
        self._of_invocation = on_log
        try:
            yield
        finally:
            self._of_invocation = None

    def tell_slow(self) -> None:
        self._listeners.on_slow(SLOW)


def _exit_error(how: str, request_id: str | None = None) -> ErrorDocument:
    return _error("Runtime.ExitError", f"Error: Runtime exited with error: {how}", request_id)


def _timeout_error(seconds: float, request_id: str | None = None) -> ErrorDocument:
    message = f"Error: Task timed out after {seconds:.2f} seconds"
    return _error("Sandbox.Timedout", message, request_id)


def _error(kind: str, message: str, request_id: str | None) -> ErrorDocument:
    prefix = f"RequestId: {request_id} " if request_id else ""
    return {"errorType": kind, "errorMessage": prefix + message}


def _invocation(request_id: str, event: object, answer: Answer, duration: float) -> Invocation:
    if answer.error is not None:
        return _failed(request_id, event, answer.error, duration)
    try:
        response = json.loads(answer.body) if answer.body else None
    except (ValueError, RecursionError):
        # Lambda hands on any bytes, and no client could read these. The name is ours.
        error = {
            "errorType": "Function.ResponseNotJson",
            "errorMessage": f"The response is not JSON: {answer.body[:100]!r}",
        }
        return _failed(request_id, event, error, duration)
    return Invocation(request_id=request_id, event=event, response=response, duration=duration)


def _failed(
    request_id: str, event: object, error: ErrorDocument, duration: float = 0.0
) -> Invocation:
    return Invocation(
        request_id=request_id,
        event=event,
        function_error="Unhandled",
        error=error,
        duration=duration,
    )
