"""The function: execution environments, one for each concurrent invocation, with Lambda's limits.

An environment is a runtime process and the Runtime API that serves it. It is started when it is
needed, used again, and thrown away when the function crashed, ran out of time or out of memory.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from infra.local.invocation import Invocation, ThrottledError
from infra.local.runtime_api import Answer, RuntimeApi, Work
from infra.local.sandbox import FunctionSettings, ProcessSandbox, Sandbox, SandboxProcess

UNRESERVED_CONCURRENCY: Final = 10
"""Environments at most without reserved concurrency: ten batches of one shard, as on AWS."""

INIT_TIMEOUT: Final = 10.0
"""Seconds for the initialisation; Lambda's limit."""

_MEMORY_CHECK: Final = 0.05
"""Seconds between two looks at the memory in use."""


class FunctionInitError(Exception):
    """The function's module cannot be loaded; says why."""


class LambdaFunction:
    """A deployed function. An async context manager: on exit nothing of it is left running."""

    def __init__(
        self,
        settings: FunctionSettings,
        *,
        sandbox: Sandbox | None = None,
        on_log: Callable[[str], None] = lambda _: None,
        on_invocation: Callable[[Invocation], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self._sandbox = sandbox or ProcessSandbox()
        self._on_log = on_log
        self._on_invocation = on_invocation
        self._idle: list[ExecutionEnvironment] = []
        self._all: set[ExecutionEnvironment] = set()
        self._in_use = 0
        self._generation = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every environment; what is being invoked fails."""
        await asyncio.gather(*(environment.stop() for environment in list(self._all)))
        self._idle.clear()
        self._all.clear()

    async def check(self) -> None:
        """Initialises an environment, which the first invocation then finds warm.

        Raises `FunctionInitError`.
        """
        environment = await self._environment()
        error = await environment.initialised()
        if error is not None:
            await self._discard(environment)
            raise FunctionInitError(f"{error.get('errorType')}: {error.get('errorMessage')}")
        self._idle.append(environment)

    async def reload(self) -> None:
        """The next invocation runs the code as it is then; running ones end with the old code."""
        self._generation += 1
        idle, self._idle = self._idle, []
        await asyncio.gather(*(self._discard(environment) for environment in idle))

    async def invoke(self, event: Mapping[str, Any]) -> Invocation:
        """Runs the function once. Raises `ThrottledError` when no concurrency is left."""
        return await self.invoke_payload(json.dumps(event).encode(), event)

    async def invoke_payload(self, payload: bytes, event: object) -> Invocation:
        """The same with the event's bytes as they came."""
        limit = self.settings.reserved_concurrency or UNRESERVED_CONCURRENCY
        if self._in_use >= limit:
            raise ThrottledError(f"{self._in_use} of {limit} concurrent executions are in use")
        self._in_use += 1
        environment: ExecutionEnvironment | None = None
        try:
            environment = await self._warm() or await self._environment()
            invocation = await environment.invoke(payload, event)
        except asyncio.CancelledError:
            # The runtime is in the middle of something: it cannot be given another event.
            if environment is not None:
                await self._discard(environment)
            raise
        finally:
            self._in_use -= 1
        if environment.is_usable and environment.generation == self._generation:
            self._idle.append(environment)
        else:
            await self._discard(environment)
        self._on_invocation(invocation)
        return invocation

    async def _warm(self) -> "ExecutionEnvironment | None":
        """An idle environment whose process is still there."""
        while self._idle:
            environment = self._idle.pop()
            if environment.is_running:
                return environment
            await self._discard(environment)
        return None

    async def _environment(self) -> "ExecutionEnvironment":
        environment = ExecutionEnvironment(self.settings, self._generation)
        self._all.add(environment)
        await environment.start(self._sandbox, self._on_log)
        return environment

    async def _discard(self, environment: "ExecutionEnvironment") -> None:
        self._all.discard(environment)
        await environment.stop()


class ExecutionEnvironment:
    """One runtime process, which handles one event at a time."""

    def __init__(self, settings: FunctionSettings, generation: int) -> None:
        self.generation = generation
        self.is_usable = True
        self._settings = settings
        self._api: RuntimeApi | None = None
        self._process: SandboxProcess | None = None
        self._exit: asyncio.Task[str] | None = None

    async def start(self, sandbox: Sandbox, on_log: Callable[[str], None]) -> None:
        """Starts the runtime; `initialised` tells when it is ready."""
        self._api = RuntimeApi(sandbox.host)
        await self._api.start()
        self._process = await sandbox.start(self._settings, self._api.address, on_log)
        self._exit = asyncio.create_task(self._process.wait())

    async def stop(self) -> None:
        """Ends the runtime and its API; returns when both are gone."""
        self.is_usable = False
        if self._process is not None and self._exit is not None:
            self._process.kill()
            await asyncio.wait({self._exit})
        if self._api is not None:
            await self._api.stop()

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended, by itself or by somebody's hand."""
        return self._exit is not None and not self._exit.done()

    async def initialised(self) -> Mapping[str, Any] | None:
        """Waits for the function's module to be loaded; the error document when it cannot be."""
        api, _, exited = self._parts
        if api.ready.is_set():
            return None
        ready = asyncio.create_task(api.ready.wait())
        try:
            await asyncio.wait(
                _futures(ready, exited, api.init_error),
                timeout=INIT_TIMEOUT + self._settings.timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            ready.cancel()
        if api.init_error.done():
            return api.init_error.result()
        if api.ready.is_set():
            return None
        if exited.done():
            return _exit_error(exited.result())
        return {"errorType": "Sandbox.Timedout", "errorMessage": "Error: the init phase timed out"}

    async def invoke(self, payload: bytes, event: object) -> Invocation:
        """Hands one event to the runtime and waits for its answer, its end, or its limits."""
        request_id = str(uuid.uuid4())
        error = await self.initialised()
        if error is not None:
            self.is_usable = False
            return _failed(request_id, event, error, 0.0)
        api, _, _ = self._parts
        work = Work(
            request_id=request_id,
            payload=payload,
            deadline=time.time() + self._settings.timeout,
            function_arn=self._settings.arn,
        )
        started = time.perf_counter()
        api.give(work)
        answer = await self._answer(work)
        duration = time.perf_counter() - started
        if answer.error is not None:
            return _failed(request_id, event, answer.error, duration)
        return _answered(request_id, event, answer.body, duration)

    async def _answer(self, work: Work) -> Answer:
        _, process, exited = self._parts
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.timeout
        while True:
            left = end - loop.time()
            await asyncio.wait(
                _futures(work.answer, exited),
                timeout=max(min(left, _MEMORY_CHECK), 0),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if work.answer.done():
                answer = work.answer.result()
                # The runtime client does not survive that its response was refused.
                self.is_usable = not answer.is_refused
                return answer
            if exited.done():
                return self._broken(_exit_error(exited.result(), work.request_id))
            if (process.memory_in_use() or 0) > self._settings.memory_size * 1024 * 1024:
                process.kill()
                return self._broken(_exit_error("signal: killed", work.request_id))
            if left <= 0:
                process.kill()
                return self._broken(_timeout_error(self._settings.timeout, work.request_id))

    def _broken(self, error: Mapping[str, Any]) -> Answer:
        self.is_usable = False
        return Answer(error=error)

    @property
    def _parts(self) -> "tuple[RuntimeApi, SandboxProcess, asyncio.Task[str]]":
        if self._api is None or self._process is None or self._exit is None:
            raise RuntimeError("the environment has not been started")
        return self._api, self._process, self._exit


def _futures(*futures: "asyncio.Future[Any]") -> "set[asyncio.Future[Any]]":
    return set(futures)


def _exit_error(how: str, request_id: str | None = None) -> dict[str, Any]:
    prefix = f"RequestId: {request_id} " if request_id else ""
    message = f"{prefix}Error: Runtime exited with error: {how}"
    return {"errorType": "Runtime.ExitError", "errorMessage": message}


def _timeout_error(timeout: int, request_id: str) -> dict[str, Any]:
    message = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}


def _failed(
    request_id: str, event: object, error: Mapping[str, Any], duration: float
) -> Invocation:
    return Invocation(
        request_id=request_id,
        event=event,
        function_error="Unhandled",
        error=error,
        duration=duration,
    )


def _answered(request_id: str, event: object, body: bytes, duration: float) -> Invocation:
    try:
        response = json.loads(body) if body else None
    except ValueError:
        error = {
            "errorType": "Function.ResponseNotJson",
            "errorMessage": f"the response is no JSON: {body[:100]!r}",
        }
        return _failed(request_id, event, error, duration)
    return Invocation(request_id=request_id, event=event, response=response, duration=duration)
