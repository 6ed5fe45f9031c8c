"""The deployed function: it is invoked, and has an execution environment for each invocation.

An environment is started when it is needed, used again, and thrown away when the function crashed,
ran out of time or out of memory, or when its code has changed. What happens inside of one stands
in `execution_environment`.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Self

from infra.local.function.execution_environment import (
    ErrorDocument,
    ExecutionEnvironment,
    Listeners,
)
from infra.local.function.invocation import Invocation, ThrottledError
from infra.local.function.sandbox import FunctionSettings, ProcessSandbox, Sandbox

__all__ = ["FunctionInitError", "FunctionSettings", "LambdaFunction"]

UNRESERVED_CONCURRENCY: Final = 10
"""Environments at most without reserved concurrency: ten batches of one shard, as on AWS."""


class FunctionInitError(Exception):
    """The function's module cannot be loaded; says why."""


class LambdaFunction:
    """A deployed function. An async context manager: on exit nothing of it is left running."""

    def __init__(
        self,
        settings: FunctionSettings,
        *,
        sandbox: Sandbox | None = None,
        listeners: Listeners | None = None,
    ) -> None:
        self.settings = settings
        self._sandbox = sandbox or ProcessSandbox()
        self._listeners = listeners or Listeners()
        self._generation = 0
        self._environments: dict[ExecutionEnvironment, int] = {}
        """Each with the generation of the code that it runs."""
        self._idle: list[ExecutionEnvironment] = []
        self._in_use = 0
        self._running: set[asyncio.Task[Invocation]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every environment; what is being invoked fails."""
        self._idle.clear()
        await asyncio.gather(*(self._discard(each) for each in list(self._environments)))
        await asyncio.gather(*self._running, return_exceptions=True)

    async def idle(self) -> None:
        """Returns once nothing is being invoked."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def check(self) -> None:
        """Initialises an environment, which the first invocation then finds warm.

        Raises `FunctionInitError`.
        """
        environment = await self._warm() or await self._start()
        error = await environment.initialised()
        if error is not None:
            await self._discard(environment)
            raise FunctionInitError(_in_words(error))
        self._idle.append(environment)

    async def change(self, settings: FunctionSettings) -> None:
        """The next invocation runs what the settings say; running ones end as they began."""
        self.settings = settings
        await self.reload()

    def reserve(self, concurrency: int | None) -> None:
        """Sets the reserved concurrency; what runs is not ended, also where there is more of it."""
        self.settings = replace(self.settings, reserved_concurrency=concurrency)

    async def reload(self) -> None:
        """The next invocation runs the code as it is then; running ones end with the old code."""
        self._generation += 1
        idle, self._idle = self._idle, []
        await asyncio.gather(*(self._discard(environment) for environment in idle))

    def interrupt_slow(self) -> None:
        """Ends what has not answered for as long as is told, so that it may be tried again.

        By an error of its own, not by its death: what it holds, as a claim, is let go then.
        """
        for environment in self._environments:
            if environment.is_slow:
                environment.interrupt()

    async def invoke(
        self,
        event: object,
        *,
        request_id: str | None = None,
        on_log: Callable[[str], None] | None = None,
    ) -> Invocation:
        """Runs the function once; `on_log` is given the lines that it prints meanwhile.

        A retry has the request id of what it repeats; without one it is a new request. Raises
        `ThrottledError` when no concurrency is left.
        """
        running = asyncio.create_task(self._invoke(event, request_id, on_log))
        self._running.add(running)
        running.add_done_callback(self._over)
        # Whoever waits may be stopped, as a mapping; the function goes on to its end, as on AWS.
        return await asyncio.shield(running)

    def _over(self, running: "asyncio.Task[Invocation]") -> None:
        self._running.discard(running)
        if not running.cancelled():
            running.exception()  # nobody may be there any more to be told

    async def _invoke(
        self, event: object, request_id: str | None, on_log: Callable[[str], None] | None
    ) -> Invocation:
        with self._concurrent_execution():
            environment = await self._warm() or await self._start()
            try:
                request_id = request_id or str(uuid.uuid4())
                invocation = await environment.invoke(event, request_id, on_log)
            finally:
                await self._release(environment)
        self._listeners.on_invocation(invocation)
        return invocation

    @contextmanager
    def _concurrent_execution(self) -> Iterator[None]:
        reserved = self.settings.reserved_concurrency
        limit = UNRESERVED_CONCURRENCY if reserved is None else reserved
        if self._in_use >= limit:
            raise ThrottledError(f"{self._in_use} of {limit} concurrent executions are in use")
        self._in_use += 1
        try:
            yield
        finally:
            self._in_use -= 1

    async def _warm(self) -> ExecutionEnvironment | None:
        """An idle environment whose process is still there."""
        while self._idle:
            environment = self._idle.pop()
            if environment.is_running:
                return environment
            await self._discard(environment)
        return None

    async def _start(self) -> ExecutionEnvironment:
        generation = self._generation
        environment = await ExecutionEnvironment.start(
            self.settings, self._sandbox, self._listeners
        )
        self._environments[environment] = generation
        return environment

    async def _release(self, environment: ExecutionEnvironment) -> None:
        if environment.is_reusable and self._environments.get(environment) == self._generation:
            self._idle.append(environment)
        else:
            await self._discard(environment)

    async def _discard(self, environment: ExecutionEnvironment) -> None:
        if self._environments.pop(environment, None) is not None:
            await environment.stop()


def _in_words(error: ErrorDocument) -> str:
    """One line: what was raised, and where."""
    message = f"{error.get('errorType')}: {error.get('errorMessage')}"
    frames = error.get("stackTrace") or [""]
    where = str(frames[-1]).strip().split("\n")[0]
    return f"{message} ({where})" if where else message
