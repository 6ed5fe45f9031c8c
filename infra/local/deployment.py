"""The whole local run: the program in the embedded AWS, the function, and the mapping between.

`deploy` is a context manager; what it started is gone when it ends. Everything that waits runs on
one event loop in one background thread.
"""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from infra.local.aws import resources
from infra.local.aws.emulator import Credentials, Emulator, local_environment
from infra.local.function.deployed_function import function_settings, task_root
from infra.local.function.invocation import Invocation
from infra.local.function.invoke_api import InvokeApi
from infra.local.function.lambda_function import LambdaFunction
from infra.local.function.log_writer import LogWriter
from infra.local.function.sandbox import Sandbox
from infra.local.mapping.destination import S3Destination
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.permissions import ensure_listable, ensure_readable
from infra.local.mapping.settings import MappingSettings
from infra.local.mapping.stream_reader import DynamoDBStreamReader
from infra.local.program.engine import Deployed, Resource
from infra.local.program.run import region_of, run_program

T = TypeVar("T")
_CLOSE_TIMEOUT: Final = 20.0


@dataclass(kw_only=True, slots=True)
class Watcher:
    """Who wants to be told, from the background thread, while things happen."""

    on_invocation: Callable[[Invocation], None] = lambda _: None
    on_log: Callable[[str], None] = lambda _: None
    """Each line that the function prints."""


@contextlib.contextmanager
def deploy(
    stack: str = "dev",
    config: Mapping[str, Any] | None = None,
    code: Path | None = None,
    entry_point: str | None = None,
    *,
    sandbox: Sandbox | None = None,
    watcher: Watcher | None = None,
    port: int = 0,
) -> "Iterator[LocalDeployment]":
    """Deploys the program's stack to an embedded AWS and polls its stream until the block ends.

    `config` is merged over the stack file: `{"eventSource": {"batchSize": 3}}`. `code` is the
    folder that stands for /var/task and `entry_point` the handler in it; without them it is this
    project's handler. Raises `ProgramError`, `EmulatorError`, `FunctionInitError` when the handler
    cannot be imported, and `InvalidParameterValueError` when AWS would refuse the mapping.
    """
    with contextlib.ExitStack() as cleanup:
        host = sandbox.host if sandbox else "127.0.0.1"
        emulator = cleanup.enter_context(Emulator(region=region_of(stack), port=port, host=host))
        deployed = run_program(stack, config or {}, _Provider(emulator))
        folder = code or cleanup.enter_context(task_root())
        deployment = LocalDeployment(
            emulator=emulator,
            deployed=deployed,
            code=folder,
            entry_point=entry_point,
            sandbox=sandbox,
            watcher=watcher or Watcher(),
        )
        cleanup.callback(deployment.close)
        deployment.start()
        yield deployment


class LocalDeployment:
    """A stack that is deployed here. Made by `deploy`."""

    def __init__(
        self,
        *,
        emulator: Emulator,
        deployed: Deployed,
        code: Path,
        entry_point: str | None,
        sandbox: Sandbox | None,
        watcher: Watcher,
    ) -> None:
        self.emulator = emulator
        self.deployed = deployed
        self.invocations: list[Invocation] = []
        """Every invocation, of the mapping and of the Invoke API, in the order they ended."""
        self.log: list[str] = []
        """Every line that the function printed."""
        self.credentials = emulator.administrator()
        """Of a user who may do everything."""
        self._watcher = watcher
        self._role = emulator.assume_role(deployed.only(resources.FUNCTION).inputs["role"])
        self.function_settings = function_settings(
            deployed, emulator, self._role, code=code, entry_point=entry_point
        )
        emulator.enforce_permissions()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local-run")
        self._sandbox = sandbox
        self._running = _Running()
        self._past_metrics: Counter[str] = Counter()
        self._enabled: bool | None = None

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's exports."""
        return self.deployed.exports

    @property
    def resources(self) -> list[Resource]:
        """All that the program registered, in order."""
        return self.deployed.resources

    @property
    def endpoint(self) -> str:
        """URL of every AWS service but Lambda."""
        return self.emulator.endpoint

    @property
    def lambda_endpoint(self) -> str:
        """URL of Lambda's Invoke API."""
        return self._running.invoke_api.endpoint

    @property
    def metrics(self) -> Mapping[str, int]:
        """The mapping's metrics under Lambda's own names, since the deployment began."""
        return {
            name: self._past_metrics[name] + count
            for name, count in self._running.mapping.metrics.items()
        }

    @property
    def environment(self) -> Mapping[str, str]:
        """What a shell needs so that the AWS CLI and the SDKs work on this deployment."""
        return {
            **local_environment(self.endpoint, self.emulator.region, self.credentials),
            "AWS_ENDPOINT_URL_LAMBDA": self.lambda_endpoint,
        }

    def client(self, service: str, credentials: Credentials | None = None) -> Any:
        """A boto3 client of a service, with the administrator's credentials or with others."""
        endpoint = self.lambda_endpoint if service == "lambda" else self.endpoint
        return self.emulator.client(service, credentials or self.credentials, endpoint)

    @property
    def role_credentials(self) -> Credentials:
        """The function's own: what it may not do, they may not."""
        return self._role

    def drain(self, timeout: float = 30.0) -> None:
        """Returns when every record written so far is settled: processed, filtered out or given up.

        Raises `TimeoutError` after `timeout` seconds, saying how far the mapping has come.
        """
        try:
            self._call(self._unless_it_fails(self._running.mapping.settled()), timeout)
        except TimeoutError:
            metrics = ", ".join(f"{name} {count}" for name, count in self.metrics.items() if count)
            last = self.invocations[-1].error if self.invocations else None
            raise TimeoutError(
                f"records are still being delivered after {timeout:g} seconds "
                f"({metrics or 'nothing was read'}; the last invocation's error: {last})"
            ) from None
        self._call(self._running.log_writer.flush())

    def pause(self) -> None:
        """Stops the mapping where it is, as when it is disabled or this process is stopped."""
        self._call(self._stop_mapping())

    def resume(self) -> None:
        """Goes on from the checkpoints of the mapping that was stopped."""
        self._past_metrics.update(self._running.mapping.metrics)
        self._call(self._start_mapping(self._running.mapping.checkpoints))

    def enable(self) -> None:
        """Sets a disabled mapping to enabled, as an update of it does."""
        self._enabled = True
        self._call(self._stop_mapping())
        self._call(self._start_mapping(self._running.mapping.checkpoints))

    def reload(self) -> None:
        """The next invocation runs the function's code as it is then."""
        self._call(self._running.function.reload())

    def start(self) -> None:
        """Starts the function and the mapping. `deploy` calls it."""
        self._thread.start()
        self._call(self._start())

    def close(self) -> None:
        """Stops everything; does nothing the second time. `deploy` calls it."""
        if not self._thread.is_alive():
            self._loop.close()
            return
        with contextlib.suppress(TimeoutError):
            self._call(self._stop(), _CLOSE_TIMEOUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Runs a coroutine on the background loop and waits for its result."""

        async def bounded() -> T:
            async with asyncio.timeout(timeout):
                return await work

        return asyncio.run_coroutine_threadsafe(bounded(), self._loop).result()

    async def _start(self) -> None:
        running, settings = self._running, self.function_settings
        logs = self.emulator.client("logs", self._role)
        running.log_writer = LogWriter(logs, settings.log_group)
        running.tasks.append(asyncio.create_task(running.log_writer.run()))
        running.function = LambdaFunction(
            settings,
            sandbox=self._sandbox,
            on_log=self._on_log,
            on_invocation=self._on_invocation,
        )
        running.invoke_api = InvokeApi(running.function)
        await running.invoke_api.start()
        await running.function.check()
        await self._start_mapping({})

    async def _start_mapping(self, checkpoints: Mapping[str, str]) -> None:
        registered = self.deployed.only(resources.EVENT_SOURCE_MAPPING)
        inputs = dict(registered.inputs)
        if self._enabled is not None:
            inputs["enabled"] = self._enabled
        settings = MappingSettings.from_inputs(inputs, uuid=registered.outputs["uuid"])
        streams = self.emulator.client("dynamodbstreams", self._role)
        await asyncio.to_thread(ensure_readable, streams, settings.stream_arn)
        destination = None
        if settings.destination_arn is not None:
            s3 = self.emulator.client("s3", self._role)
            await asyncio.to_thread(ensure_listable, s3, settings.destination_arn)
            destination = S3Destination(s3, settings)
        mapping = EventSourceMapping(
            settings,
            source=DynamoDBStreamReader(streams, settings.stream_arn, self.emulator.region),
            function=self._running.function,
            destination=destination,
            checkpoints=checkpoints,
        )
        self._running.mapping = mapping
        self._running.polling = asyncio.create_task(mapping.run())
        await self._unless_it_fails(mapping.started())

    async def _unless_it_fails(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Waits for the mapping, which would never get there if polling came to an end."""
        task = asyncio.create_task(waiting)
        polling = self._running.polling
        await asyncio.wait({task, polling} if polling else {task}, return_when="FIRST_COMPLETED")
        if polling is not None and polling.done() and not polling.cancelled():
            task.cancel()
            polling.result()
        await task

    async def _stop_mapping(self) -> None:
        if self._running.polling is not None:
            self._running.polling.cancel()
            await asyncio.wait({self._running.polling})
            self._running.polling = None

    async def _stop(self) -> None:
        await self._stop_mapping()
        for task in self._running.tasks:
            task.cancel()
        with contextlib.suppress(AttributeError):  # a start that failed left the rest unmade
            await self._running.invoke_api.stop()
            await self._running.function.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _on_log(self, line: str) -> None:
        self.log.append(line)
        self._running.log_writer.add(line)
        self._watcher.on_log(line)

    def _on_invocation(self, invocation: Invocation) -> None:
        self.invocations.append(invocation)
        self._watcher.on_invocation(invocation)


@dataclass(slots=True)
class _Running:
    """What lives on the background loop."""

    function: LambdaFunction = field(init=False)
    invoke_api: InvokeApi = field(init=False)
    log_writer: LogWriter = field(init=False)
    mapping: EventSourceMapping = field(init=False)
    polling: "asyncio.Task[None] | None" = None
    tasks: "list[asyncio.Task[None]]" = field(default_factory=list)


class _Provider:
    """Creates the program's resources in the emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return resources.create(self._emulator, type_, name, inputs)

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return resources.look_up(self._emulator, token, arguments)
