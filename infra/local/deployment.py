"""The whole local run: the program in the embedded AWS, its functions, and the mappings to them.

`deploy` is a context manager; what it started is gone when it ends.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from infra.local.aws import resources, tables
from infra.local.aws.emulator import Credentials, Emulator
from infra.local.aws.emulator_process import EmulatorProcess
from infra.local.aws.not_made import NOT_MADE_HERE
from infra.local.embedded_aws import EmbeddedAws
from infra.local.function.image import Image, task_root
from infra.local.function.sandbox import FunctionSettings, Sandbox
from infra.local.program.engine import Deployed, Resource
from infra.local.program.run import PROJECT, region_of, run_program
from infra.local.watching import Watcher


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
    process: EmulatorProcess | None = None,
    emulator: Emulator | None = None,
    project: Path = PROJECT,
    shards: int = 1,
) -> "Iterator[LocalDeployment]":
    """Deploys the program's stack to an embedded AWS and polls its streams until the block ends.

    `config` is merged over the stack file: `{"eventSource": {"batchSize": 3}}`. `code` is the
    folder that stands for /var/task and `entry_point` the handler in it, of every function; without
    them it is the project's handler, and the entry point of each function's image. A running
    `emulator` is emptied and used in place of one of its own: it saves time, and serves one
    deployment after the other; or its `process` was begun ahead. `project` is the folder of another
    program than this one's. Each table's stream has `shards` shards, over which its items are
    spread.

    Raises `ProgramError`, also when AWS would refuse a resource, `EmulatorError`, and
    `FunctionInitError` when a handler cannot be imported.
    """
    with begun(
        LocalDeployment,
        stack,
        config,
        code,
        entry_point,
        sandbox=sandbox,
        watcher=watcher,
        port=port,
        process=process,
        emulator=emulator,
        project=project,
        shards=shards,
    ) as deployment:
        deployment.run(stack, config or {}, project)
        yield deployment


AWS = TypeVar("AWS", bound=EmbeddedAws)


@contextlib.contextmanager
def begun(
    kind: type[AWS],
    stack: str,
    config: Mapping[str, Any] | None,
    code: Path | None,
    entry_point: str | None,
    *,
    sandbox: Sandbox | None,
    watcher: Watcher | None,
    port: int,
    process: EmulatorProcess | None = None,
    emulator: Emulator | None,
    project: Path,
    shards: int = 1,
) -> Iterator[AWS]:
    """The embedded AWS that `deploy` deploys to, with nothing in it yet."""
    with contextlib.ExitStack() as cleanup:
        host = sandbox.host if sandbox else "127.0.0.1"
        region = region_of(stack, project, config)
        if emulator is None:
            emulator = Emulator(region=region, port=port, host=host, process=process)
            cleanup.enter_context(emulator)
        else:
            cleanup.enter_context(emulator.emptied(region=region, host=host))
        if shards != 1:
            emulator.split_streams(shards)
        builds = emulator.builds
        folder = code or cleanup.enter_context(task_root(project))
        aws = kind(
            emulator=emulator,
            images=lambda uri: Image(code=folder, entry_point=entry_point, build=builds.get(uri)),
            sandbox=sandbox,
            watcher=watcher,
        )
        yield cleanup.enter_context(contextlib.closing(aws))


class LocalDeployment(EmbeddedAws):
    """A stack that is deployed here. Made by `deploy`: whole, or not at all."""

    deployed: Deployed
    look_ups_left_out: Mapping[str, str]
    """Of the look-ups whose answer is not AWS's, what is to be said of it."""

    def run(self, stack: str, config: Mapping[str, Any], project: Path) -> None:
        """Makes what the program registers, through the embedded AWS's own API."""
        self.emulator.folder = project
        provider = _Provider(self.emulator)
        self.deployed = run_program(stack, config, provider, project=project)
        self.look_ups_left_out = provider.left_out
        self.check()

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's exports."""
        return self.deployed.exports

    @property
    def resources(self) -> list[Resource]:
        """All that the program registered, in order."""
        return self.deployed.resources

    @property
    def function_settings(self) -> FunctionSettings:
        """What the function is set to, of a program that has one. Raises `NotOneResourceError`."""
        only = self.deployed.only(resources.FUNCTION).outputs["arn"]
        return next(each for each in self.functions if each.arn == only)

    @property
    def role_credentials(self) -> Credentials:
        """The function's own: what it may not do, they may not. Raises `NotOneResourceError`."""
        return self.credentials_of(self.function_settings.name)


class _Provider:
    """Creates the program's resources in the emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.left_out: dict[str, str] = {}

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return resources.create(self._emulator, type_, name, inputs)

    def read(self, type_: str, name: str, id_: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
        return resources.read(self._emulator, type_, name, id_, state)

    def component(self, inputs: Mapping[str, Any]) -> None:
        tables.make_existing(self._emulator, inputs)

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = resources.look_up(self._emulator, token, arguments)
        if NOT_MADE_HERE in answer:
            function = token.rpartition(":")[2]
            service = token.partition("/")[0].removesuffix(":index")
            given = " ".join(each for each in arguments.values() if isinstance(each, str))
            self.left_out[f"{service}:{function} {given}".rstrip()] = answer.pop(NOT_MADE_HERE)
        return answer
