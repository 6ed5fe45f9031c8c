"""The local run that stays: write to the table from another terminal, and see what happens."""

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any, Final

from rich.console import Console
from watchfiles import watch

from infra.local import report
from infra.local.aws.emulator import EmulatorError
from infra.local.deployment import LocalDeployment, deploy
from infra.local.function.invocation import Invocation
from infra.local.function.sandbox import Sandbox
from infra.local.program.run import PROJECT
from infra.local.watching import Watcher

logger = logging.getLogger(__name__)

EXPIRY_INTERVAL: Final = 2.0
"""Seconds between looks for items that are past their time to live. On AWS it takes days."""


def run_up(
    *,
    stack: str,
    port: int = 0,
    config: Mapping[str, Any] | None = None,
    sandbox: Sandbox | None = None,
) -> int:
    """Runs until Ctrl-C or SIGTERM and returns the exit code. Raises what `deploy` raises."""
    console = report.console()
    console.print(f"Deploying stack {stack} to an embedded AWS on this machine ...")

    def on_invocation(invocation: Invocation) -> None:
        for line in report.invocation_lines(invocation):
            console.print(line)

    watcher = Watcher(on_invocation=on_invocation)
    with (
        _stopped() as stop,
        deploy(stack, config, sandbox=sandbox, watcher=watcher, port=port) as deployment,
    ):
        threading.Thread(target=_expire, args=(deployment, stop), daemon=True).start()
        _introduce(console, deployment)
        for changes in watch(
            PROJECT / "handler", stop_event=stop, raise_interrupt=False, debounce=100
        ):
            names = ", ".join(sorted({path.rpartition("/")[2] for _, path in changes}))
            deployment.reload()
            console.print(f"{names} changed: the next invocation runs the new code")
    console.print("Stopped; nothing is left running.")
    return 0


def _expire(deployment: LocalDeployment, stop: threading.Event) -> None:
    while not stop.wait(EXPIRY_INTERVAL):
        try:
            deployment.expire()
        except EmulatorError as error:
            if not stop.is_set():
                logger.warning("items past their time to live are not removed: %s", error)


def _introduce(console: Console, deployment: LocalDeployment) -> None:
    outputs = deployment.outputs
    console.print("\nFor another terminal:\n")
    for name, value in deployment.environment.items():
        console.print(f"export {name}={value}", soft_wrap=True)
    console.print("\nThen, for example:\n")
    console.print(outputs["putItemCommand"], soft_wrap=True)
    console.print(
        f"python -m infra.replay list --bucket {outputs['failureBucket']} "
        f"--function {outputs['functionName']} --table {outputs['tableName']}",
        soft_wrap=True,
    )
    console.print("\nListening. A change under handler/ is taken over; Ctrl-C stops.\n")


@contextlib.contextmanager
def _stopped() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that everything is closed in order."""
    stop = threading.Event()

    def set_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, set_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
