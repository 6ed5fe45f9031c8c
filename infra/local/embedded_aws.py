"""The embedded AWS with its Lambda: what is made in it, by whatever means, runs.

Everything that waits runs on one event loop in one background thread, anyio's blocking portal.
"""

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import anyio
from anyio.from_thread import start_blocking_portal

from infra.local import cloudwatch_api
from infra.local.aws.emulator import Credentials, Emulator, local_environment
from infra.local.cloudwatch.alarms import State, Transition
from infra.local.cloudwatch.meters import LAMBDA
from infra.local.cloudwatch.metric_store import MetricStore
from infra.local.function.execution_environment import Listeners
from infra.local.function.image import Images
from infra.local.function.invocation import Invocation
from infra.local.function.log_writer import LogWriter
from infra.local.function.sandbox import FunctionSettings, Sandbox
from infra.local.lambda_api.functions import Functions
from infra.local.lambda_api.mappings import Mappings
from infra.local.lambda_api.server import serving
from infra.local.lambda_api.service import LambdaService
from infra.local.lambda_platform import LambdaPlatform, StreamReaders
from infra.local.mapping.progress import Progress
from infra.local.monitored import Monitored
from infra.local.watching import Telling, Watcher

T = TypeVar("T")

_LOOK: Final = 0.2
"""Seconds between looks how far the mappings have come, for those who watch."""


class EmbeddedAws:
    """An AWS on one endpoint, Lambda included. `close` stops what runs; the emulator stays."""

    def __init__(
        self,
        *,
        emulator: Emulator,
        images: Images,
        sandbox: Sandbox | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self.emulator = emulator
        self.invocations: list[Invocation] = []
        """Every invocation, of the mappings and of Lambda's API, in the order they ended."""
        self.log: list[str] = []
        """Every line that the functions printed."""
        self.credentials = emulator.administrator()
        """Of a user who may do everything."""
        self._watcher = watcher or Watcher()
        self._telling = Telling()
        self._store = MetricStore()
        self._platform = LambdaPlatform(emulator)
        self._functions = Functions(self._platform, images, sandbox, self._listeners)
        readers = StreamReaders(
            self._platform,
            self._functions,
            on_event=partial(self._telling.tell, self._watcher.on_delivery),
            store=self._store,
        )
        self._mappings = Mappings(self._platform.place, self._functions, readers)
        self._monitored = Monitored(self._mappings.by_uuid, emulator.alarms, self._store)
        emulator.enforce_permissions()
        with contextlib.ExitStack() as started:
            started.enter_context(self._telling.begun())
            self._portal = started.enter_context(start_blocking_portal(name="local-run"))
            service = LambdaService(self._platform.place, self._functions, self._mappings)
            socket = self._enter(started, serving(service))
            started.enter_context(emulator.attached(socket))
            self._enter(started, self._telling_progress())
            self._started = started.pop_all()

    @property
    def endpoint(self) -> str:
        """URL of every AWS service."""
        return self.emulator.endpoint

    @property
    def functions(self) -> list[FunctionSettings]:
        """What each function is set to."""
        return [each.running.settings for each in self._functions.by_name.values()]

    @property
    def metrics(self) -> Mapping[str, int]:
        """Lambda's own metrics of all mappings together, since this began."""
        total: Counter[str] = Counter()
        for metrics in self.metrics_by_mapping.values():
            total.update(metrics)
        return total

    @property
    def metrics_by_mapping(self) -> Mapping[str, Mapping[str, int]]:
        """The metrics of each mapping, by its UUID, also of those that are deleted."""
        there = {uuid: each.metrics for uuid, each in self._mappings.by_uuid.items()}
        return {**self._mappings.deleted, **there}

    def statistic(
        self,
        name: str,
        statistic: str = "Sum",
        *,
        namespace: str = LAMBDA,
        start: float = 0,
        end: float = math.inf,
    ) -> float | None:
        """Of a metric of CloudWatch's, over all that has it, as of the last look at the alarms.

        Between two epoch seconds; None: there is no data.
        """
        return self._store.over_all(namespace, name, statistic, start=start, end=end)

    @property
    def alarms(self) -> Mapping[str, State]:
        """The states of all alarms that a program has here, as of the last look at them."""
        return self._monitored.states

    @property
    def alarms_not_evaluated(self) -> list[str]:
        """The alarms whose definitions are beyond what is evaluated here, and why."""
        return self._monitored.not_evaluated

    def look_at_alarms(self) -> list[Transition]:
        """The alarms that changed since the last look, as CloudWatch would have it now.

        It looks once a minute; here the minute that is not over counts too, so that what fires
        fires at once.
        """
        self._telling.catch_up()
        changed = self._monitored.look()
        client = self.client("cloudwatch")
        cloudwatch_api.put_metrics(client, self._store.taken())
        for each in changed:
            cloudwatch_api.set_state(client, each)
        return changed

    @property
    def last_processing_results(self) -> Mapping[str, str]:
        """In Lambda's words, OK or what the problem is, of each mapping, by its UUID."""
        return {
            uuid: each.described()["LastProcessingResult"]
            for uuid, each in self._mappings.by_uuid.items()
        }

    @property
    def environment(self) -> Mapping[str, str]:
        """What a shell needs so that the AWS CLI and the SDKs work on this AWS."""
        return local_environment(self.endpoint, self.emulator.region, self.credentials)

    def client(self, service: str, credentials: Credentials | None = None) -> Any:
        """A boto3 client of a service, with the administrator's credentials or with others."""
        return self.emulator.client(service, credentials or self.credentials)

    def credentials_of(self, function: str) -> Credentials:
        """Those of a function's role, by the function's name."""
        return self._platform.credentials(self._functions.by_name[function].parameters["Role"])

    def check(self) -> None:
        """Returns once each function is initialised and each mapping enabled or disabled.

        Raises `FunctionInitError`, and what keeps a mapping from being polled for.
        """
        for function in list(self._functions.by_name.values()):
            self._portal.call(function.running.check)
        self._portal.call(self._mappings.unchanging)

    def drain(self, timeout: float = 30.0) -> None:
        """Returns when every record written so far is settled: processed, filtered out or given up.

        Raises `TimeoutError` after `timeout` seconds, saying how far the mappings have come.
        """
        try:
            self._portal.call(self._settled, timeout)
        except TimeoutError:
            raise TimeoutError(
                f"records are still being delivered after {timeout:g} s ({self._progress()})"
            ) from None
        for function in list(self._functions.by_name.values()):
            self._portal.call(function.log_writer.flush)
        self._telling.catch_up()

    async def _settled(self, timeout: float) -> None:
        with anyio.fail_after(timeout):
            await self._mappings.settled()

    def _progress(self) -> str:
        """How far the mappings have come, and what keeps them from going on."""
        metrics = ", ".join(f"{name} {count}" for name, count in self.metrics.items() if count)
        last = self.invocations[-1].error if self.invocations else None
        polled = [each.polled for each in self._mappings.by_uuid.values()]
        troubles = [each.mapping.trouble for each in polled if each is not None]
        reading = "".join(f"; a stream cannot be read: {each!r}" for each in troubles if each)
        return f"{metrics or 'nothing was read'}; the last invocation's error: {last}{reading}"

    def expire(self) -> int:
        """Removes the items that are past their time to live; says how many those were.

        Until then they stay, as on AWS, where it takes days. Their records are the service's.
        """
        return self.emulator.expire()

    def pause(self) -> None:
        """Stops every mapping where it is, as when this process is stopped."""
        self._portal.call(self._mappings.pause)

    def resume(self) -> None:
        """Goes on from the checkpoints of the mappings that were stopped."""
        self._portal.call(self._mappings.resume)

    def enable(self) -> None:
        """Sets disabled mappings to enabled, through Lambda's API."""
        for uuid, mapping in list(self._mappings.by_uuid.items()):
            if not mapping.is_enabled:
                self.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)
        self._portal.call(self._mappings.unchanging)

    def reload(self) -> None:
        """The next invocation runs its function's code as it is then: at once what is retried.

        An invocation that has not answered for seconds is ended, so that it is retried too.
        """
        for function in list(self._functions.by_name.values()):
            self._portal.call(function.running.reload)
            self._portal.call(function.running.interrupt_slow)
        self._portal.call(self._retry_now)

    async def _retry_now(self) -> None:
        self._mappings.retry_now()

    def close(self) -> None:
        """Stops everything; does nothing the second time."""
        self._started.close()

    def _enter(
        self, stack: contextlib.ExitStack, running: contextlib.AbstractAsyncContextManager[T]
    ) -> T:
        """Starts on the background loop what then runs there until the stack is closed."""
        return stack.enter_context(self._portal.wrap_async_context_manager(running))

    @contextlib.asynccontextmanager
    async def _telling_progress(self) -> AsyncIterator[None]:
        watching = self._watcher.on_progress
        task = None if watching is None else asyncio.create_task(self._tell_progress(watching))
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait({task})

    async def _tell_progress(self, watching: Callable[[Mapping[str, Progress]], None]) -> None:
        told = None
        while True:
            progress = {uuid: each.progress for uuid, each in self._mappings.by_uuid.items()}
            # What waits grows older, also where no figure changes.
            if progress != told or any(each.oldest is not None for each in progress.values()):
                self._telling.tell(watching, progress)
            told = progress
            await asyncio.sleep(_LOOK)

    def _listeners(self, log_writer: LogWriter) -> Listeners:
        """Who is told what a function prints and does."""
        return Listeners(
            on_log=partial(self._on_log, log_writer),
            on_hidden=partial(self._telling.tell, self._watcher.on_hidden),
            on_slow=partial(self._telling.tell, self._watcher.on_slow),
            on_invocation=self._on_invocation,
        )

    def _on_log(self, log_writer: LogWriter, line: str) -> None:
        self.log.append(line)
        log_writer.add(line)
        self._telling.tell(self._monitored.count_line, line, time.time())
        self._telling.tell(self._watcher.on_log, line)

    def _on_invocation(self, invocation: Invocation) -> None:
        self.invocations.append(invocation)
        self._telling.tell(self._monitored.count_invocation, invocation, time.time())
        self._telling.tell(self._watcher.on_invocation, invocation)
