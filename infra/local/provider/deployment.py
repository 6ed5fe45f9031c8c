"""The local run by Pulumi's own engine: a stack in the embedded AWS, which `pulumi` works on.

Our providers stand between the two, and the stack has a backend of its own. All of it is there from
before the first update, and gone when the run ends.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from infra.config.stack_file import StackFileError
from infra.local.aws.emulator import Emulator
from infra.local.aws.emulator_process import EmulatorProcess
from infra.local.deployment import begun
from infra.local.embedded_aws import EmbeddedAws
from infra.local.function.sandbox import Sandbox
from infra.local.program.run import PROJECT, ProgramError
from infra.local.provider.private_stack import (
    PrivateStack,
    ensure_installed,
    private_stack,
    pulumi,
    pulumi_printing,
)
from infra.local.provider.server import serving
from infra.local.provider.servicer import Faults
from infra.local.watching import Watcher


@contextlib.contextmanager
def stack_of_pulumi(
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
    faults: Faults | None = None,
) -> "Iterator[PulumiDeployment]":
    """A stack in which nothing is deployed yet; the arguments are those of `deploy`.

    Raises `PulumiError`, `ProgramError` and `EmulatorError`.
    """
    ensure_installed()
    with contextlib.ExitStack() as cleanup:
        deployment = cleanup.enter_context(
            begun(
                PulumiDeployment,
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
            )
        )
        try:
            private = cleanup.enter_context(private_stack(stack, config or {}, project))
        except StackFileError as error:
            raise ProgramError(str(error)) from error
        ports = cleanup.enter_context(serving(deployment.emulator, private.backend, faults=faults))
        deployment.private, deployment.ports = private, ports
        yield deployment


@contextlib.contextmanager
def deploy_by_pulumi(
    stack: str,
    config: Mapping[str, Any] | None = None,
    *,
    sandbox: Sandbox | None = None,
    watcher: Watcher | None = None,
    port: int = 0,
    process: EmulatorProcess | None = None,
) -> "Iterator[PulumiDeployment]":
    """Makes the stack by `pulumi up`, which prints what it does.

    Raises what `stack_of_pulumi` raises, and `FunctionInitError`.
    """
    with stack_of_pulumi(
        stack, config, sandbox=sandbox, watcher=watcher, port=port, process=process
    ) as deployment:
        for note in deployment.private.notes:
            print(note)
        deployment.up()
        yield deployment


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One resource of the state."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


class PulumiDeployment(EmbeddedAws):
    """A stack of Pulumi's engine. Made by `stack_of_pulumi`."""

    private: PrivateStack
    ports: Mapping[str, int]
    """Where our providers listen, by package."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What a shell needs so that the AWS CLI, the SDKs and `pulumi` work on this stack."""
        return {**super().environment, **self.private.environment(self.ports)}

    def up(self) -> None:
        """Makes or changes all that the program has. Raises `PulumiError`, `FunctionInitError`."""
        pulumi_printing(
            "up",
            "--yes",
            "--skip-preview",
            environment=self.private.environment(self.ports),
            folder=self.private.project,
        )
        self.check()

    def run(self, *arguments: str) -> str:
        """What another command prints. Raises `PulumiError`."""
        environment = self.private.environment(self.ports)
        return pulumi(*arguments, environment=environment, folder=self.private.project).stdout

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's exports."""
        return dict(json.loads(self.run("stack", "output", "--json")))

    look_ups_left_out: Final[Mapping[str, str]] = MappingProxyType({})
    """The engine warns of what is left out."""

    @property
    def resources(self) -> list[Resource]:
        """All that the state has."""
        return [
            Resource(
                type=each["type"],
                name=each["urn"].rpartition("::")[2],
                inputs=each.get("inputs", {}),
                outputs=each.get("outputs", {}),
            )
            for each in self.state
        ]

    @property
    def state(self) -> list[dict[str, Any]]:
        """The stack's resources, as the backend has them."""
        exported = json.loads(self.run("stack", "export"))
        return list(exported["deployment"].get("resources", []))
