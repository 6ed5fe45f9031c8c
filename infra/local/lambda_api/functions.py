"""The functions: made, read, changed and deleted as Lambda does it, and started when invoked.

Image functions only, and of their versions only $LATEST. What runs them is `infra.local.function`.
"""

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from handler.config import DETAILS_VARIABLE
from infra.config import Architecture
from infra.local.function.execution_environment import Listeners
from infra.local.function.image import Images
from infra.local.function.lambda_function import LambdaFunction
from infra.local.function.log_writer import LogWriter
from infra.local.function.sandbox import FunctionSettings, Sandbox
from infra.local.lambda_api.function_parameters import (
    ensure_accepted,
    ensure_no_version,
    new_image_uri,
)
from infra.local.lambda_api.names import LATEST, FunctionName, Place
from infra.local.lambda_api.operations import Parameters
from infra.local.lambda_api.refusals import (
    RefusedError,
    conflict,
    invalid_parameter,
    not_found,
)

ACCOUNT_CONCURRENCY: Final = 1000
_ALWAYS_UNRESERVED: Final = 100
"""Concurrent executions of an account, and how many of them no function can reserve."""

_TAGS_AT_MOST: Final = 50

_DEFAULTS: Final[Mapping[str, Any]] = {
    "Architectures": ["x86_64"],
    "Description": "",
    "EphemeralStorage": {"Size": 512},
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
}
_KEPT: Final = (
    *_DEFAULTS,
    "Environment",
    "ImageConfig",
    "KMSKeyArn",
    "LoggingConfig",
    "Role",
    "VpcConfig",
)
"""The parameters that a function is described by, as CreateFunction takes them."""


class Platform(Protocol):
    """What Lambda's functions need of the AWS around them. Its methods may take their time."""

    place: Place
    endpoint: str

    def assume(self, role: str) -> Mapping[str, str]:
        """A role's credentials as environment variables. Raises `RefusedError`."""
        ...

    def logs(self, role: str) -> Any:
        """A client of CloudWatch Logs with the role's permissions."""
        ...


def _now() -> str:
    moment = datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


@dataclass(kw_only=True, slots=True)
class Function:
    """One function."""

    name: str
    arn: str
    image_uri: str
    parameters: Parameters
    """What it was created with, and was changed to since."""
    tags: dict[str, str]
    running: LambdaFunction
    log_writer: LogWriter
    reserved_concurrency: int | None = None
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))
    last_modified: str = field(default_factory=_now)
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @property
    def resolved_image_uri(self) -> str:
        """By digest."""
        repository = self.image_uri.partition("@")[0]
        name = repository.rpartition("/")[2]
        untagged = repository.removesuffix(f":{name.partition(':')[2]}")
        return f"{untagged}@sha256:{_digest(self.image_uri)}"

    def changed(self) -> None:
        self.revision, self.last_modified = str(uuid.uuid4()), _now()

    def configuration(self, **state: str) -> dict[str, Any]:
        """As GetFunctionConfiguration answers it; `state`: of a moment that is over at once."""
        described = {**self.parameters}
        if image := described.pop("ImageConfig", None):
            described["ImageConfigResponse"] = {"ImageConfig": image}
        return {
            **described,
            "CodeSha256": _digest(self.image_uri),
            "CodeSize": 0,
            "FunctionArn": self.arn,
            "FunctionName": self.name,
            "LastModified": self.last_modified,
            "LoggingConfig": logging_config(self.name, self.parameters),
            "PackageType": "Image",
            "RevisionId": self.revision,
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "Version": LATEST,
            **state,
        }

    def created(self) -> dict[str, Any]:
        """As CreateFunction answers it; it is active at once."""
        pending = self.configuration(
            State="Pending",
            StateReason="The function is being created.",
            StateReasonCode="Creating",
        )
        del pending["LastUpdateStatus"]
        return pending

    def updated(self) -> dict[str, Any]:
        """As an update answers it; it is over at once."""
        return self.configuration(
            LastUpdateStatus="InProgress",
            LastUpdateStatusReason="The function is being created.",
            LastUpdateStatusReasonCode="Creating",
        )


def logging_config(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """With Lambda's defaults."""
    given = parameters.get("LoggingConfig", {})
    levels = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
    defaults = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
    return {**defaults, **(levels if given.get("LogFormat") == "JSON" else {}), **given}


class Functions:
    """All functions, by name."""

    def __init__(
        self,
        platform: Platform,
        images: Images,
        sandbox: Sandbox | None,
        listeners: Callable[[LogWriter], Listeners],
    ) -> None:
        self._platform = platform
        self._images = images
        self._sandbox = sandbox
        self._listeners = listeners
        self._changing = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()
        """Of functions that are deleted."""
        self.by_name: dict[str, Function] = {}

    async def close(self) -> None:
        """Ends every execution environment, and what is being invoked in it."""
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        for function in self.by_name.values():
            await function.stack.aclose()

    def get(self, name: FunctionName) -> Function:
        """Raises `RefusedError`."""
        function = self.by_name.get(name.name)
        if function is None or name.qualifier not in (None, LATEST):
            raise not_found(f"Function not found: {name.arn(self._platform.place)}")
        return function

    async def create(self, name: FunctionName, given: Parameters) -> dict[str, Any]:
        async with self._changing:
            uri = new_image_uri(name, given)
            if name.name in self.by_name:
                raise conflict(f"Function already exist: {name.name}")
            parameters = {**_DEFAULTS, **{key: given[key] for key in _KEPT if key in given}}
            ensure_accepted(parameters, given, self._platform.place)
            function = await self._started(name.name, uri, parameters, given.get("Tags", {}))
            self.by_name[name.name] = function
        return function.created()

    async def update_code(self, name: FunctionName, given: Parameters) -> dict[str, Any]:
        async with self._changing:
            function = self.get(name)
            if "ImageUri" not in given:
                raise invalid_parameter(
                    "Please provide ImageUri when updating a function with packageType Image."
                )
            _ensure_revision(function, given)
            ensure_no_version(given)
            if given.get("DryRun"):
                return function.configuration()
            function.image_uri = given["ImageUri"]
            if "Architectures" in given:
                function.parameters["Architectures"] = given["Architectures"]
            await self._apply(function)
        return function.updated()

    async def update_configuration(self, name: FunctionName, given: Parameters) -> dict[str, Any]:
        async with self._changing:
            function = self.get(name)
            _ensure_revision(function, given)
            changed = {key: given[key] for key in _KEPT if key in given}
            parameters = {**function.parameters, **changed}
            ensure_accepted(parameters, given, self._platform.place)
            await self._role_environment(parameters["Role"])
            function.parameters = {key: each for key, each in parameters.items() if each != {}}
            await self._apply(function)
        return function.updated()

    async def delete(self, name: FunctionName) -> None:
        async with self._changing:
            if name.qualifier == LATEST:
                raise invalid_parameter(
                    "$LATEST version cannot be deleted without deleting the function."
                )
            function = self.get(name)
            del self.by_name[name.name]
        ending = asyncio.create_task(_end(function))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    def reserve(self, name: FunctionName, reserved: int | None) -> None:
        """Sets or takes off the reserved concurrency, of invocations that begin from now on."""
        function = self.get(name)
        others = self._reserved - (function.reserved_concurrency or 0)
        if (reserved or 0) + others > ACCOUNT_CONCURRENCY - _ALWAYS_UNRESERVED:
            raise invalid_parameter(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                "UnreservedConcurrentExecution below its minimum value of "
                f"[{_ALWAYS_UNRESERVED}]."
            )
        function.reserved_concurrency = reserved
        function.running.reserve(reserved)

    @property
    def concurrency(self) -> dict[str, int]:
        """As GetAccountSettings answers it."""
        return {
            "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
            "UnreservedConcurrentExecutions": ACCOUNT_CONCURRENCY - self._reserved,
        }

    @property
    def _reserved(self) -> int:
        """What all functions have together."""
        return sum(each.reserved_concurrency or 0 for each in self.by_name.values())

    async def _started(
        self, name: str, uri: str, parameters: Parameters, tags: Mapping[str, str]
    ) -> Function:
        settings = await self._settings(name, uri, parameters, None)
        logs = await asyncio.to_thread(self._platform.logs, parameters["Role"])
        log_writer = LogWriter(logs, settings.log_group)
        running = LambdaFunction(
            settings, sandbox=self._sandbox, listeners=self._listeners(log_writer)
        )
        function = Function(
            name=name,
            arn=settings.arn,
            image_uri=uri,
            parameters=parameters,
            tags=tagged({}, tags),
            running=running,
            log_writer=log_writer,
        )
        await function.stack.enter_async_context(in_background(log_writer.run()))
        await function.stack.enter_async_context(running)
        return function

    async def _apply(self, function: Function) -> None:
        """The next invocation runs what the function is now, in a new execution environment."""
        settings = await self._settings(
            function.name, function.image_uri, function.parameters, function.reserved_concurrency
        )
        logs = await asyncio.to_thread(self._platform.logs, function.parameters["Role"])
        await function.log_writer.write_to(logs, settings.log_group)
        await function.running.change(settings)
        function.changed()

    async def _settings(
        self, name: str, uri: str, parameters: Parameters, reserved: int | None
    ) -> FunctionSettings:
        image = self._images(uri)
        commands = parameters.get("ImageConfig", {}).get("Command") or [image.command]
        logging = logging_config(name, parameters)
        return FunctionSettings(
            name=name,
            arn=self._platform.place.function_arn(name),
            entry_point=image.entry_point or commands[0],
            code=image.code,
            environment=parameters.get("Environment", {}).get("Variables", {}),
            platform_environment={
                "AWS_ENDPOINT_URL": self._platform.endpoint,
                DETAILS_VARIABLE: "true",
                **await self._role_environment(parameters["Role"]),
            },
            timeout=parameters["Timeout"],
            memory_size=parameters["MemorySize"],
            ephemeral_storage=parameters["EphemeralStorage"]["Size"],
            architecture=Architecture(parameters["Architectures"][0]),
            region=self._platform.place.region,
            log_group=logging["LogGroup"],
            log_format=logging["LogFormat"],
            application_log_level=logging.get("ApplicationLogLevel"),
            reserved_concurrency=reserved,
            image_build=image.build,
        )

    async def _role_environment(self, role: str) -> Mapping[str, str]:
        return await asyncio.to_thread(self._platform.assume, role)


def tagged(tags: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Raises `RefusedError` where there are too many."""
    together = {**tags, **more}
    if len(together) > _TAGS_AT_MOST:
        raise invalid_parameter("Number of tags exceeds resource tag limit.")
    return together


@contextlib.asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> "AsyncIterator[asyncio.Task[None]]":
    """A task that has ended when the block ends."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _end(function: Function) -> None:
    """Ends a function once what is being invoked has ended: it is gone for new ones only."""
    try:
        await function.running.idle()
    finally:
        await function.stack.aclose()


def _ensure_revision(function: Function, given: Parameters) -> None:
    if given.get("RevisionId", function.revision) != function.revision:
        raise RefusedError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id",
        )


def _digest(uri: str) -> str:
    """Of an image that is named by its digest, else of the name: nothing is in a registry here."""
    _, _, digest = uri.partition("@sha256:")
    return digest or hashlib.sha256(uri.encode()).hexdigest()
