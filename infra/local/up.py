"""The local run that stays: write to the table from another terminal, and see what happens."""

import contextlib
import logging
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from watchfiles import watch

from infra.exports import pipeline_exports, pipeline_names
from infra.local import report
from infra.local.alarm_watch import AlarmWatch
from infra.local.aws.emulator_process import EmulatorProcess
from infra.local.deployment import LocalDeployment, deploy
from infra.local.flow_display import FlowDisplay
from infra.local.function.image_contents import left_out
from infra.local.function.invocation import Invocation
from infra.local.function.sandbox import Sandbox
from infra.local.mapping.delivery import DeliveryEvent, Done
from infra.local.outcomes import Details
from infra.local.program.run import PROJECT
from infra.local.provider.deployment import PulumiDeployment, deploy_by_pulumi
from infra.local.watching import Watcher
from infra.wording import listed

logger = logging.getLogger(__name__)

Deployment = LocalDeployment | PulumiDeployment
Deploy = Callable[..., contextlib.AbstractContextManager[Deployment]]

EXPIRY_INTERVAL: Final = 2.0
"""Seconds between looks for items that are past their time to live. On AWS it takes days."""
LOOK_INTERVAL: Final = 2.0
"""Seconds between looks at the alarms. CloudWatch looks once a minute."""
_PATIENCE: Final = 2.0
"""Seconds for what is done in the background to come to its end."""


def run_up(
    *,
    stack: str,
    pipeline: str | None = None,
    port: int = 0,
    process: EmulatorProcess | None = None,
    config: Mapping[str, Any] | None = None,
    sandbox: Sandbox | None = None,
    by_pulumi: bool = False,
) -> int:
    """Runs until it is stopped and returns the exit code.

    `pipeline` is the one whose commands are shown; None: all. With `by_pulumi` the stack is made by
    Pulumi's own engine. Raises what `deploy` raises, `PulumiError` and `WhichPipelineError`.
    """
    console = report.console()
    begin: Deploy = deploy_by_pulumi if by_pulumi else deploy
    by = " by Pulumi's own engine" if by_pulumi else ""
    try:
        console.print(f"Deploying stack {stack}{by} to an embedded AWS on this machine ...")
        screen = _Screen(console)
        with begin(
            stack, config, sandbox=sandbox, watcher=screen.watcher, port=port, process=process
        ) as deployment:
            shown = _shown(deployment, pipeline)
            resources, look_ups = deployment.resources, deployment.look_ups_left_out
            for line in (
                *report.not_made_lines(resources, look_ups),
                *report.code_lines(resources, left_out(PROJECT / "handler")),
            ):
                console.print(line, soft_wrap=True)
            _introduce(console, deployment, shown)
            with (
                screen.showing_the_flow(),
                _every(EXPIRY_INTERVAL, deployment.expire, "removing items past their time"),
                _every(LOOK_INTERVAL, AlarmWatch(console, deployment).look, "watching alarms"),
            ):
                _take_over_changes(console, deployment)
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be what is gone
            console.print("Stopped; nothing is left running.")
    return 0


def _shown(deployment: Deployment, pipeline: str | None) -> Mapping[str | None, Mapping[str, Any]]:
    """The exports of the pipelines whose commands are shown, by the names that are asked for."""
    outputs = deployment.outputs
    several: list[str | None] = [*pipeline_names(outputs)]
    names = [pipeline] if pipeline is not None else several or [None]
    return {name: pipeline_exports(outputs, name) for name in names}


@contextlib.contextmanager
def _every(seconds: float, action: Callable[[], object], doing: str) -> Iterator[None]:
    """Does it again and again until the block ends; a fault of it is said, and that is all."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            try:
                action()
            except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
                if not ended.is_set():
                    logger.warning("%s failed: %s", doing, error)

    thread = threading.Thread(target=repeat, name=doing, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_PATIENCE)


def _take_over_changes(console: Console, deployment: Deployment) -> None:
    known = left_out(PROJECT / "handler")
    for changes in watch(PROJECT / "handler", debounce=100):
        names = listed(sorted({path.rpartition("/")[2] for _, path in changes}))
        deployment.reload()
        console.print(
            f"{names} changed: the new code runs, and what waits or hangs is tried at once"
        )
        if new := sorted({*left_out(PROJECT / "handler")} - {*known}):
            known += new
            console.print(report.left_out_line(new), soft_wrap=True)


class _Screen:
    """Shows what happens, as it happens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._details = Details()
        self._flow = FlowDisplay(console)

    @property
    def watcher(self) -> Watcher:
        return Watcher(
            on_invocation=self._invoked,
            on_log=self._logged,
            on_hidden=self._details.take,
            on_delivery=self._delivered,
            on_slow=lambda seconds: self._print(report.slow_line(seconds)),
            on_progress=self._flow.show,
        )

    def showing_the_flow(self) -> contextlib.AbstractContextManager[None]:
        """Below what is printed meanwhile, on a terminal."""
        return self._flow.begun()

    def _invoked(self, invocation: Invocation) -> None:
        outcomes = self._details.outcomes(invocation)
        self._flow.tally.invoked(invocation, outcomes)
        for line in report.invocation_lines(invocation, outcomes):
            self._print(line)

    def _delivered(self, event: DeliveryEvent) -> None:
        self._flow.tally.delivered(event)
        if not isinstance(event, Done):
            self._print(report.delivery_line(event))

    def _logged(self, line: str) -> None:
        if not self._details.take(line) and (shown := report.log_line(line)) is not None:
            self._print(shown)

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)


def _introduce(
    console: Console,
    deployment: Deployment,
    shown: Mapping[str | None, Mapping[str, Any]],
) -> None:
    def show(*lines: str) -> None:
        for line in lines:
            console.print(line, soft_wrap=True)

    environment = deployment.environment
    in_the_way = [name for name in _IN_THE_WAY if name not in environment]
    show("\nFor another terminal:\n", f"unset {' '.join(in_the_way)}")
    show(*(f"export {name}={shlex.quote(value)}" for name, value in environment.items()))
    if isinstance(deployment, PulumiDeployment):
        show("\nThen, in this folder:\n", *_OF_PULUMI)
    for name, exports in shown.items():
        show("\nThen, for example:\n" if name is None else f"\nOf {name}:\n", *_commands(exports))
    show("", *report.alarms_lines(deployment.alarms, deployment.alarms_not_evaluated))
    show("\nListening. A change under handler/ is taken over; Ctrl-C stops.\n")


_OF_PULUMI: Final = (
    "pulumi preview",
    "pulumi config set --path eventSource.batchSize 1   # in the run's copy of the stack file",
    "pulumi up",
    "pulumi refresh",
    "pulumi destroy",
)
_IN_THE_WAY: Final = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_DYNAMODB_STREAMS",
    "AWS_ENDPOINT_URL_LAMBDA",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_CLOUDWATCH",
    "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
)
"""What would win over the variables that are printed, or spoil them (AWS SDKs and Tools Reference
Guide, "Environment variables")."""


VARIABLES: Final = {
    "FUNCTION_NAME": "functionName",
    "MAPPING_UUID": "mappingUuid",
    "LOG_GROUP": "logGroup",
    "TABLE_NAME": "tableName",
    "FAILURE_BUCKET": "failureBucket",
    "IDEMPOTENCY_TABLE": "idempotencyTable",
}
"""What the commands of docs/operations.md take, each with the export that it is."""


def _commands(outputs: Mapping[str, Any]) -> list[str]:
    """What to type, of a program with these outputs."""
    variables = [
        f"{name}={outputs[output]}" for name, output in VARIABLES.items() if output in outputs
    ]
    commands = [f"export {' '.join(variables)}"] if variables else []
    commands += [outputs[name] for name in ("putItemCommand", "tailLogsCommand") if name in outputs]
    bucket, log_group = outputs.get("failureBucket"), outputs.get("logGroup")
    if bucket is not None:
        commands.append(f"aws s3 ls --recursive s3://{bucket}")
        commands.append(
            f"python -m infra.replay list --bucket {bucket} "
            f"--function {outputs.get('functionName')} --table {outputs.get('tableName')}"
        )
    if log_group is not None:
        commands.append(f"\nThe log group is {log_group}, the failure bucket {bucket}.")
    return commands
