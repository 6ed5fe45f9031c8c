"""The whole local run: the program in the embedded AWS, its functions, and the mappings to them.

`deploy` is a context manager; what it started is gone when it ends. Everything that waits runs on
one event loop in one background thread, anyio's blocking portal.
"""

import asyncio
import contextlib
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
from anyio.from_thread import start_blocking_portal

from infra.local.aws import resources, tables
from infra.local.aws.emulator import Credentials, Emulator, local_environment
from infra.local.function.deployed_function import function_settings, task_root
from infra.local.function.execution_environment import Listeners
from infra.local.function.invocation import Invocation
from infra.local.function.invoke_api import InvokeApi
from infra.local.function.lambda_function import LambdaFunction
from infra.local.function.log_writer import LogWriter
from infra.local.function.sandbox import FunctionSettings, Sandbox
from infra.local.mapping.destination import S3Destination
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.permissions import ensure_readable, ensure_writable
from infra.local.mapping.settings import InvalidParameterValueError, MappingSettings
from infra.local.mapping.stream_reader import DynamoDBStreamReader
from infra.local.program.engine import Deployed, Resource
from infra.local.program.run import PROJECT, region_of, run_program
from infra.local.watching import Telling, Watcher

logger = logging.getLogger(__name__)

T = TypeVar("T")


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
    emulator: Emulator | None = None,
    project: Path = PROJECT,
    shards: int = 1,
) -> "Iterator[LocalDeployment]":
    """Deploys the program's stack to an embedded AWS and polls its streams until the block ends.

    `config` is merged over the stack file: `{"eventSource": {"batchSize": 3}}`. `code` is the
    folder that stands for /var/task and `entry_point` the handler in it, of every function; without
    them it is the project's handler, and the entry point of each function's image. A running
    `emulator` is emptied and used in place of one of its own: it saves time, and serves one
    deployment after the other. `project` is the folder of another program than this one's. Each
    table's stream has `shards` shards, over which its items are spread.

    Raises `ProgramError`, `EmulatorError`, `FunctionInitError` when a handler cannot be imported,
    and `InvalidParameterValueError` when AWS would refuse a mapping.
    """
    with contextlib.ExitStack() as cleanup:
        host = sandbox.host if sandbox else "127.0.0.1"
        region = region_of(stack, project, config)
        if emulator is None:
            emulator = cleanup.enter_context(Emulator(region=region, port=port, host=host))
        else:
            cleanup.enter_context(emulator.emptied(region=region, host=host))
        if shards != 1:
            emulator.split_streams(shards)
        deployed = run_program(stack, config or {}, _Provider(emulator), project=project)
        folder = code or cleanup.enter_context(task_root(project))
        deployment = LocalDeployment(
            emulator=emulator,
            deployed=deployed,
            code=folder,
            entry_point=entry_point,
            sandbox=sandbox,
            watcher=watcher or Watcher(),
        )
        with contextlib.closing(deployment):
            yield deployment


class LocalDeployment:
    """A stack that is deployed here. Made by `deploy`: whole, or not at all."""

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
        self._telling = Telling()
        self._roles = {
            each.outputs["arn"]: emulator.assume_role(each.inputs["role"])
            for each in deployed.of_type(resources.FUNCTION)
        }
        """Each function's own credentials, by its ARN."""
        self.functions = [
            function_settings(
                each,
                deployed.of_type(resources.IMAGE),
                emulator,
                self._roles[each.outputs["arn"]],
                code=code,
                entry_point=entry_point,
            )
            for each in deployed.of_type(resources.FUNCTION)
        ]
        """What each of the program's functions is set to."""
        emulator.enforce_permissions()
        self._past_metrics: dict[str, Counter[str]] = defaultdict(Counter)
        self._enabled: bool | None = None
        with contextlib.ExitStack() as started:
            started.enter_context(self._telling.begun())
            self._portal = started.enter_context(start_blocking_portal(name="local-run"))
            self._running = [
                self._enter(started, self._running_function(each, sandbox))
                for each in self.functions
            ]
            self._invoke_api = self._enter(
                started,
                InvokeApi(
                    *(each.function for each in self._running),
                    mappings=[
                        _described(each)
                        for each in deployed.of_type(resources.EVENT_SOURCE_MAPPING)
                    ],
                ),
            )
            self._until_paused = started.enter_context(contextlib.ExitStack())
            self._polled = self._poll({})
            self._started = started.pop_all()

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
        return self._invoke_api.endpoint

    @property
    def metrics(self) -> Mapping[str, int]:
        """Lambda's own metrics of all mappings together, since the deployment began."""
        total: Counter[str] = Counter()
        for metrics in self.metrics_by_mapping.values():
            total.update(metrics)
        return total

    @property
    def metrics_by_mapping(self) -> Mapping[str, Mapping[str, int]]:
        """The metrics of each mapping, by its UUID."""
        return {
            uuid: Counter(
                {
                    name: self._past_metrics[uuid][name] + count
                    for name, count in polled.mapping.metrics.items()
                }
            )
            for uuid, polled in self._polled.items()
        }

    @property
    def last_processing_results(self) -> Mapping[str, str]:
        """In Lambda's words, OK or what the problem is, of each mapping, by its UUID."""
        return {
            uuid: polled.mapping.last_processing_result for uuid, polled in self._polled.items()
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
    def function_settings(self) -> FunctionSettings:
        """What the function is set to, of a program that has one. Raises `NotOneResourceError`."""
        only = self.deployed.only(resources.FUNCTION).outputs["arn"]
        return next(each for each in self.functions if each.arn == only)

    @property
    def role_credentials(self) -> Credentials:
        """The function's own: what it may not do, they may not. Raises `NotOneResourceError`."""
        return self._roles[self.function_settings.arn]

    def drain(self, timeout: float = 30.0) -> None:
        """Returns when every record written so far is settled: processed, filtered out or given up.

        Raises `TimeoutError` after `timeout` seconds, saying how far the mappings have come.
        """
        try:
            self._portal.call(self._settled, timeout)
        except TimeoutError:
            raise TimeoutError(
                f"records are still being delivered after {timeout:g} seconds ({self._progress()})"
            ) from None
        for running in self._running:
            self._portal.call(running.log_writer.flush)
        self._telling.catch_up()

    def _progress(self) -> str:
        """How far the mappings have come, and what keeps them from going on."""
        metrics = ", ".join(f"{name} {count}" for name, count in self.metrics.items() if count)
        last = self.invocations[-1].error if self.invocations else None
        troubles = [polled.mapping.trouble for polled in self._polled.values()]
        reading = "".join(f"; a stream cannot be read: {each!r}" for each in troubles if each)
        return f"{metrics or 'nothing was read'}; the last invocation's error: {last}{reading}"

    def expire(self) -> int:
        """Removes the items that are past their time to live; says how many those were.

        Until then they stay, as on AWS, where it takes days. Their records are the service's.
        """
        return self.emulator.expire()

    def pause(self) -> None:
        """Stops every mapping where it is, as when it is disabled or this process is stopped."""
        self._until_paused.close()

    def resume(self) -> None:
        """Goes on from the checkpoints of the mappings that were stopped."""
        self.pause()
        for uuid, polled in self._polled.items():
            self._past_metrics[uuid].update(polled.mapping.metrics)
        self._polled = self._poll(
            {uuid: polled.mapping.checkpoints for uuid, polled in self._polled.items()}
        )

    def enable(self) -> None:
        """Sets disabled mappings to enabled, as an update of them does."""
        self._enabled = True
        self.resume()

    def reload(self) -> None:
        """The next invocation runs its function's code as it is then: at once what is retried."""
        for running in self._running:
            self._portal.call(running.function.reload)
        for polled in self._polled.values():
            self._portal.call(polled.mapping.retry_now)

    def close(self) -> None:
        """Stops everything; does nothing the second time. `deploy` calls it."""
        self._started.close()

    def _enter(
        self, stack: contextlib.ExitStack, running: contextlib.AbstractAsyncContextManager[T]
    ) -> T:
        """Starts on the background loop what then runs there until the stack is closed."""
        return stack.enter_context(self._portal.wrap_async_context_manager(running))

    @contextlib.asynccontextmanager
    async def _running_function(
        self, settings: FunctionSettings, sandbox: Sandbox | None
    ) -> "AsyncIterator[_Function]":
        logs = self.emulator.client("logs", self._roles[settings.arn])
        log_writer = LogWriter(logs, settings.log_group)
        function = LambdaFunction(
            settings,
            sandbox=sandbox,
            listeners=Listeners(
                on_log=partial(self._on_log, log_writer),
                on_hidden=partial(self._telling.tell, self._watcher.on_hidden),
                on_slow=partial(self._telling.tell, self._watcher.on_slow),
                on_invocation=self._on_invocation,
            ),
        )
        async with contextlib.AsyncExitStack() as running:
            await running.enter_async_context(_in_background(log_writer.run()))
            await running.enter_async_context(function)
            await function.check()
            yield _Function(function=function, log_writer=log_writer)

    def _poll(self, checkpoints: Mapping[str, Mapping[str, str]]) -> "dict[str, _Polled]":
        """Begins to poll for every mapping; `checkpoints` are those of each, by its UUID."""
        settings = [
            self._mapping_settings(each)
            for each in self.deployed.of_type(resources.EVENT_SOURCE_MAPPING)
        ]
        mappings = [
            (each.uuid, self._mapping(each, checkpoints.get(each.uuid, {}))) for each in settings
        ]
        return {
            uuid: self._enter(self._until_paused, _polled(mapping)) for uuid, mapping in mappings
        }

    def _mapping_settings(self, registered: Resource) -> MappingSettings:
        inputs = dict(registered.inputs)
        if self._enabled is not None:
            inputs["enabled"] = self._enabled
        return MappingSettings.from_inputs(inputs, uuid=registered.outputs["uuid"])

    def _mapping(
        self, settings: MappingSettings, checkpoints: Mapping[str, str]
    ) -> EventSourceMapping:
        function = self._invoked_by(settings)
        role = self._roles[function.settings.arn]
        streams = self.emulator.client("dynamodbstreams", role)
        ensure_readable(streams, settings.stream_arn)
        destination = None
        if settings.destination_arn is not None:
            s3 = self.emulator.client("s3", role)
            ensure_writable(s3, settings.destination_arn)
            destination = S3Destination(
                s3, bucket_arn=settings.destination_arn, mapping_uuid=settings.uuid
            )
        return EventSourceMapping(
            settings,
            source=DynamoDBStreamReader(streams, settings.stream_arn, self.emulator.region),
            function=function,
            destination=destination,
            checkpoints=checkpoints,
            on_event=partial(self._telling.tell, self._watcher.on_delivery),
        )

    def _invoked_by(self, mapping: MappingSettings) -> LambdaFunction:
        for running in self._running:
            if running.function.settings.arn == mapping.function_arn:
                return running.function
        raise InvalidParameterValueError(f"Function does not exist: {mapping.function_arn}")

    async def _settled(self, timeout: float) -> None:
        with anyio.fail_after(timeout):
            # What one mapping's function writes may be what another one reads.
            for _ in self._polled:
                for polled in self._polled.values():
                    await polled.settled()

    def _on_log(self, log_writer: LogWriter, line: str) -> None:
        self.log.append(line)
        log_writer.add(line)
        self._telling.tell(self._watcher.on_log, line)

    def _on_invocation(self, invocation: Invocation) -> None:
        self.invocations.append(invocation)
        self._telling.tell(self._watcher.on_invocation, invocation)


def _described(mapping: Resource) -> dict[str, Any]:
    """What of a mapping a backfill asks Lambda for."""
    inputs = mapping.inputs
    filters = inputs.get("filterCriteria", {}).get("filters", [])
    return {
        "UUID": mapping.outputs["uuid"],
        "EventSourceArn": inputs["eventSourceArn"],
        "FunctionArn": inputs["functionName"],
        "FilterCriteria": {"Filters": [{"Pattern": each["pattern"]} for each in filters]},
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Function:
    """A function as it runs, and what keeps its log."""

    function: LambdaFunction
    log_writer: LogWriter


@dataclass(frozen=True, kw_only=True, slots=True)
class _Polled:
    """A mapping, and the task that polls its stream."""

    mapping: EventSourceMapping
    polling: "asyncio.Task[None]"

    async def settled(self) -> None:
        """Raises what ended the polling."""
        await self.unless_it_ends(self.mapping.settled())

    async def unless_it_ends(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Waits for the mapping, which would never get there if polling came to an end."""
        async with _in_background(waiting) as task:
            await asyncio.wait({task, self.polling}, return_when=asyncio.FIRST_COMPLETED)
            if self.polling.done() and not self.polling.cancelled():
                self.polling.result()
            await task


@contextlib.asynccontextmanager
async def _polled(mapping: EventSourceMapping) -> AsyncIterator[_Polled]:
    """Polls once the mapping has its place, until the block ends."""
    async with _in_background(mapping.run()) as polling:
        polling.add_done_callback(_say_end)
        polled = _Polled(mapping=mapping, polling=polling)
        await polled.unless_it_ends(mapping.started())
        yield polled


def _say_end(polling: "asyncio.Task[None]") -> None:
    """Nothing but its stop should end the polling; should anything else, it is not silent."""
    if not polling.cancelled() and (error := polling.exception()) is not None:
        logger.critical("an event source mapping has ended: %s", error, exc_info=error)


@contextlib.asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> "AsyncIterator[asyncio.Task[None]]":
    """A task that has ended when the block ends."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


class _Provider:
    """Creates the program's resources in the emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return resources.create(self._emulator, type_, name, inputs)

    def component(self, inputs: Mapping[str, Any]) -> None:
        tables.make_existing(self._emulator, inputs)

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return resources.look_up(self._emulator, token, arguments)
