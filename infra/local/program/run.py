"""Runs the unchanged program of this project, as Pulumi's language host does, under the engine.

The stack's values come from `Pulumi.<stack>.yaml`, merged with what the caller gives.
"""

import asyncio
import json
import runpy
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pulumi
import yaml
from pulumi.runtime import mocks, settings, stack

from infra.local.program.engine import Deployed, Monitor, Provider

PROJECT: Final = Path(__file__).resolve().parents[3]
"""The folder of the project: the one with __main__.py and Pulumi.yaml."""


class ProgramError(Exception):
    """The program cannot be run as asked, or did not run to its end; says why."""


def run_program(stack_name: str, config: Mapping[str, Any], provider: Provider) -> Deployed:
    """Runs `__main__.py` and returns what it made, once every registration has landed.

    `config` has the project's keys, nested, and is merged over the stack file. Raises
    `ProgramError`.
    """
    name = _yaml(PROJECT / "Pulumi.yaml")["name"]
    values = merged(
        stack_values(stack_name), {f"{name}:{key}": each for key, each in config.items()}
    )
    monitor = Monitor(provider)
    failure: list[BaseException] = []

    def run() -> None:
        try:
            _run(name, stack_name, values, monitor)
        except BaseException as error:  # noqa: BLE001 - raised again where the caller can see it
            failure.append(error)

    # A thread of its own has no running loop, and Pulumi's settings stay in its context.
    thread = threading.Thread(target=run, name="pulumi-program")
    thread.start()
    thread.join()
    if failure:
        cause = monitor.error or failure[0]
        raise ProgramError(str(cause)) from cause
    return monitor.deployed


def _run(name: str, stack_name: str, values: Mapping[str, Any], monitor: Monitor) -> None:
    pulumi.runtime.reset_options()
    pulumi.runtime.set_all_config(_handed_over(values), [])

    async def run_in_stack() -> None:
        mocks.set_mocks(monitor.mocks, project=name, stack=stack_name, monitor=monitor)
        # set_mocks makes a stack of its own; the program gets a fresh one, as on the language host.
        settings.set_root_resource(None)  # type: ignore[arg-type] # none yet
        await stack.run_in_stack(lambda: _main(monitor))

    try:
        asyncio.run(run_in_stack())
    finally:
        pulumi.runtime.reset_options()


def _main(monitor: Monitor) -> None:
    stack.register_stack_transformation(monitor.declare)
    runpy.run_path(str(PROJECT / "__main__.py"), run_name="__main__")


def stack_names() -> list[str]:
    """The stacks that have a file."""
    return sorted(path.name.split(".")[1] for path in PROJECT.glob("Pulumi.*.yaml"))


def stack_values(stack_name: str) -> dict[str, Any]:
    """The values of a stack's file, under their full keys. Raises `ProgramError`."""
    path = PROJECT / f"Pulumi.{stack_name}.yaml"
    if stack_name not in stack_names():
        known = ", ".join(stack_names())
        raise ProgramError(
            f"there is no stack {stack_name}: {path.name} is missing; known: {known}"
        )
    return dict(_yaml(path).get("config") or {})


def region_of(stack_name: str) -> str:
    """The region of a stack. Raises `ProgramError`."""
    region = stack_values(stack_name).get("aws:region")
    if not isinstance(region, str):
        raise ProgramError(f"Pulumi.{stack_name}.yaml names no aws:region")
    return region


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the changes merged over them, objects key by key."""
    result = dict(values)
    for key, change in changes.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(change, Mapping)
        result[key] = merged(old, change) if both else change  # type: ignore[arg-type] # both are
    return result


def _handed_over(values: Mapping[str, Any]) -> dict[str, str]:
    """In the form in which Pulumi hands values over: all text, objects as JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
    }


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ProgramError(f"{path.name} cannot be read: {error}") from error
    return content if isinstance(content, dict) else {}
