"""Runs an unchanged program, as Pulumi's language host does, under the engine.

The stack's values come from `Pulumi.<stack>.yaml`, merged with what the caller gives.
"""

import asyncio
import logging
import os
import runpy
import threading
import traceback
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import pulumi
from pulumi.runtime import mocks, settings, stack

from infra.config import regions, stack_file
from infra.local.program.engine import Deployed, Monitor, Provider
from infra.local.program.modules import modules_of

logger = logging.getLogger(__name__)

PROJECT: Final = Path(__file__).resolve().parents[3]
"""The folder of this project: the one with __main__.py and Pulumi.yaml."""


class ProgramError(Exception):
    """The program cannot be run as asked, or did not run to its end; says why."""


def run_program(
    stack_name: str,
    config: Mapping[str, Any],
    provider: Provider,
    *,
    preview: bool = False,
    project: Path = PROJECT,
    secrets: Collection[str] = (),
) -> Deployed:
    """Runs `__main__.py` and returns what it made, once every registration has landed.

    `config` has the project's keys, nested, and is merged over the stack file. A preview creates
    nothing, and what only creation tells is unknown in it. `secrets` are the keys, with their
    namespace, whose values the stack file has encrypted. Raises `ProgramError`.
    """
    monitor = Monitor(provider, preview=preview)
    failure = _failure(stack_name, config, monitor, project=project, secrets=secrets)
    if failure is not None:
        cause = monitor.error or failure
        raise ProgramError(_said(cause, project)) from cause
    return monitor.deployed


def _said(cause: BaseException, project: Path) -> str:
    """What went wrong; of an error that is Python's own, also where in the program."""
    # The message of a KeyError is the key.
    said = f"KeyError: {cause}" if isinstance(cause, KeyError) else str(cause)
    if type(cause).__module__ != "builtins" or isinstance(cause, SyntaxError):
        return said
    frames = traceback.extract_tb(cause.__traceback__)
    for each in reversed(frames):
        file = Path(each.filename)
        if file.is_relative_to(project) and not file.is_relative_to(_LOCAL_RUN):
            return f"{said} ({file.relative_to(project)}, line {each.lineno})"
    return said


_LOCAL_RUN: Final = Path(__file__).resolve().parents[1]


def declared_by_program(
    stack_name: str, config: Mapping[str, Any], project: Path = PROJECT
) -> list[pulumi.ComponentResource]:
    """The components that `__main__.py` constructs, without anything being made or looked up.

    Raises `ProgramError` when it does not come to its end: what it looks up may be missing.
    """
    monitor = Monitor(_Nothing(), preview=True)
    failure = _failure(stack_name, config, monitor, project=project)
    if failure is not None and not monitor.is_declared:
        raise ProgramError(_said(failure, project)) from failure
    return monitor.deployed.components


class _Nothing:
    """Knows of nothing: what the program looks up there is not."""

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        raise LookupError(f"{name}: nothing is made ({type_}, {sorted(inputs)})")

    def read(self, type_: str, name: str, id_: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
        raise LookupError(f"{name}: nothing is there ({type_}, {id_}, {sorted(state)})")

    def component(self, inputs: Mapping[str, Any]) -> None:
        pass

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        raise LookupError(f"{token}: nothing is there ({sorted(arguments)})")


def _failure(
    stack_name: str,
    config: Mapping[str, Any],
    monitor: Monitor,
    *,
    project: Path,
    secrets: Collection[str] = (),
) -> BaseException | None:
    """Runs the program under a monitor and returns what it raised.

    Raises `ProgramError` when there is no such stack.
    """
    try:
        name = stack_file.project_name(project)
        read = stack_file.read(project, stack_name, config)
    except stack_file.StackFileError as error:
        raise ProgramError(str(error)) from error
    for note in () if monitor.preview else read.notes:
        logger.warning(note)
    failure: list[BaseException] = []

    def run() -> None:
        try:
            _run(
                project,
                name,
                stack_name,
                read.values,
                secrets={*secrets, *read.secrets},
                monitor=monitor,
            )
        except BaseException as error:  # noqa: BLE001 - raised again where the caller can see it
            failure.append(error)
        finally:
            monitor.close()

    # A thread of its own has no running loop, and Pulumi's settings stay in its context.
    thread = threading.Thread(target=run, name="pulumi-program")
    thread.start()
    thread.join()
    return failure[0] if failure else None


def _run(
    project: Path,
    name: str,
    stack_name: str,
    values: Mapping[str, Any],
    *,
    secrets: Collection[str],
    monitor: Monitor,
) -> None:
    # As the language host does: what a failed output leaves behind says nothing to anyone.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    pulumi.runtime.reset_options()
    pulumi.runtime.set_all_config(stack_file.handed_over(values), list(secrets))

    async def run_in_stack() -> None:
        mocks.set_mocks(
            monitor.mocks,
            project=name,
            stack=stack_name,
            preview=monitor.preview,
            monitor=monitor,
        )
        # set_mocks makes a stack of its own; the program gets a fresh one, as on the language host.
        settings.set_root_resource(None)  # type: ignore[arg-type] # none yet
        await stack.run_in_stack(lambda: _main(project, monitor))

    try:
        with modules_of(project):
            asyncio.run(run_in_stack())
    finally:
        # The next program must find neither this stack nor its exports.
        pulumi.runtime.reset_options()


def _main(project: Path, monitor: Monitor) -> None:
    stack.register_stack_transformation(monitor.declare)
    runpy.run_path(str(project / "__main__.py"), run_name="__main__")
    monitor.is_declared = True


def default_stack(project: Path = PROJECT) -> str:
    """The stack of who names none: dev, if the project has it, and otherwise its first."""
    names = stack_file.stack_names(project)
    return "dev" if "dev" in names or not names else names[0]


def region_of(
    stack_name: str,
    project: Path = PROJECT,
    config: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """The region of a stack; where its files name none, that of the shell, as Pulumi's provider.

    Raises `ProgramError`.
    """
    named = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    otherwise = ", or name it with --config aws:region=NAME or AWS_REGION"
    try:
        region = stack_file.region_of(project, stack_name, config, named=named, otherwise=otherwise)
    except stack_file.StackFileError as error:
        raise ProgramError(str(error)) from error
    if (partition := regions.partition_of(region)) != _PARTITION:
        raise ProgramError(
            f"aws:region {region} is of the partition {partition}, and the account here of "
            f"{_PARTITION}: name another for the local run with --config aws:region=eu-west-1"
        )
    return region


_PARTITION: Final = "aws"
"""Of the account that the embedded AWS makes up."""
