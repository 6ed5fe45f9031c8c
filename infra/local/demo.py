"""The demo: deploys the program here, sends requests through it, and says what became of them."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from handler.config import EventName, RequestsStream
from infra.exports import pipeline_exports
from infra.local import numbers, report
from infra.local.aws.emulator_process import EmulatorProcess
from infra.local.aws.resources import EVENT_SOURCE_MAPPING
from infra.local.cloudwatch.alarms import Transition
from infra.local.deployment import LocalDeployment, deploy
from infra.local.flow_display import FlowDisplay
from infra.local.function.image_contents import left_out
from infra.local.function.invocation import Invocation
from infra.local.function.sandbox import Sandbox
from infra.local.numbers import Number
from infra.local.outcomes import Became, Details, Outcome, error_of, traceback_of
from infra.local.pipelines import pipeline_of
from infra.local.program.run import PROJECT, declared_by_program
from infra.local.requests_file import Write, built_in_mix, count_of, inserts_of, read_items
from infra.local.watching import Watcher
from infra.wording import counted

logger = logging.getLogger(__name__)

_DRAIN_TIMEOUT_BASE = 60.0

_YOURS: Final = "tests/yours/items.jsonl"
"""A user's own items, where they have some, in place of those that are made up."""

_LOOK: Final = 0.5
"""Seconds between looks whether the handler fails with the same error again and again."""


_UNSAID: Final = "the answer reports a record, and no error was printed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """An error of the handler, in one line and whole."""

    error: str
    traceback: str


@dataclass(kw_only=True, slots=True)
class _Witness:
    """What became of each record so far."""

    flow: FlowDisplay
    first: float | None = None
    """When the first record was processed."""
    repeated: Failed | None = None
    """The first error that came twice for the same record."""
    last: Failed | None = None
    _by_record: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    """By function, of which several may be given the record, and by the record's event id."""
    _errors: set[tuple[str, str]] = field(default_factory=set)
    _details: Details = field(default_factory=Details)

    @property
    def watcher(self) -> Watcher:
        return Watcher(
            on_invocation=self._invoked,
            on_log=self._details.take,
            on_hidden=self._details.take,
            on_delivery=self.flow.tally.delivered,
            # Not among the figures: how long an invocation takes depends on the machine.
            on_slow=lambda seconds: logger.warning(report.slow_line(seconds)),
            on_progress=self.flow.show,
        )

    def those(self, *became: Became) -> list[Outcome]:
        """The records of which this is the last that is known."""
        return [outcome for outcome in self._by_record.values() if outcome.became in became]

    def _invoked(self, invocation: Invocation) -> None:
        outcomes = self._details.outcomes(invocation)
        self.flow.tally.invoked(invocation, outcomes)
        name = invocation.function_name
        self._by_record.update({(name, each.event_id): each for each in outcomes})
        if self.first is None and any(each.became in _DONE for each in outcomes):
            self.first = time.perf_counter()
        failed = next((each for each in outcomes if each.became is Became.FAILED), None)
        if failed is not None:
            self._failed(failed, invocation)

    def _failed(self, outcome: Outcome, invocation: Invocation) -> None:
        error = outcome.reason or error_of(invocation) or _UNSAID
        self.last = Failed(error=error, traceback=outcome.traceback or traceback_of(invocation))
        if (outcome.event_id, error) in self._errors:
            self.repeated = self.repeated or self.last
        self._errors.add((outcome.event_id, error))


def run_demo(
    *,
    stack: str,
    items: Path | None,
    count: int | None,
    pipeline: str | None = None,
    port: int = 0,
    process: EmulatorProcess | None = None,
    config: Mapping[str, Any] | None = None,
    sandbox: Sandbox | None = None,
) -> int:
    """Returns the exit code: 0 when all that the filter let through was processed, else 1.

    `pipeline` is the one whose table is written to, of a program that has several. Raises what
    `deploy` raises, `ItemsError` and `WhichPipelineError`.
    """
    if items is None and count is None and (PROJECT / _YOURS).exists():
        items = PROJECT / _YOURS
    # Before anything is deployed: a file that cannot be written needs nothing of it.
    if items is not None:
        declared = declared_by_program(stack, config or {})
        writes = read_items(items, pipeline_of(declared, pipeline).contract)
    console, began = report.console(), time.perf_counter()
    witness = _Witness(flow=FlowDisplay(console, is_summed_up=True))
    console.print(f"Deploying stack {stack} to an embedded AWS on this machine ...")
    with deploy(
        stack, config, sandbox=sandbox, watcher=witness.watcher, port=port, process=process
    ) as deployment:
        if items is None:
            deployed = pipeline_of(deployment.deployed.components, pipeline)
            writes = _made_up(deployed.contract, count)
        table = pipeline_exports(deployment.outputs, pipeline)["tableName"]
        look_ups = deployment.look_ups_left_out
        console.print(report.resource_tree(deployment.resources, f"stack {stack}", look_ups))
        console.print(f"Ready in {time.perf_counter() - began:.1f} s at {deployment.endpoint}\n")
        for line in report.code_lines(deployment.resources, left_out(PROJECT / "handler")):
            console.print(line, soft_wrap=True)
        wrote_first = time.perf_counter()
        with witness.flow.begun():
            _write(deployment, table, writes)
            console.print(_written(writes, table))
            timeout = _DRAIN_TIMEOUT_BASE + len(writes) / 50
            is_settled = _wait(deployment, witness, console, timeout)
        ended = time.perf_counter() if is_settled else None
        moments = {"first record processed": witness.first, "all settled": ended}
        changed = deployment.look_at_alarms()
        _say_figures(console, deployment, _times(moments, wrote_first))
        _say_alarms(console, deployment, changed)
        return _judge(console, deployment, witness)


def _made_up(stream: RequestsStream, count: int | None) -> list[Write]:
    return built_in_mix(stream) if count is None else inserts_of(stream, count)


def _wait(deployment: LocalDeployment, witness: _Witness, console: Console, timeout: float) -> bool:
    """Whether all is settled; False: the same error has come again, or it has taken too long."""
    end = time.perf_counter() + timeout
    while witness.repeated is None:
        try:
            deployment.drain(_LOOK)
        except TimeoutError as error:
            if time.perf_counter() > end:
                console.print(f"Not everything was processed in {timeout:.0f} s: {error}")
                return False
        else:
            return True
    return False


def _write(deployment: LocalDeployment, table: str, writes: list[Write]) -> None:
    client = deployment.client("dynamodb")
    for write in writes:
        write.put_into(client, table)


def _written(writes: list[Write], table: str) -> str:
    nouns = zip(EventName, ("insert", "update", "removal"), strict=True)
    changes = ", ".join(counted(count_of(writes, [event]), noun) for event, noun in nouns)
    return f"Wrote to {table}: {changes}"


def _times(moments: Mapping[str, float | None], start: float) -> str:
    """A sentence of what has come to pass, and when; "" when nothing has."""
    parts = [
        f"{name} after {(moment - start) * 1000:.0f} ms"
        for name, moment in moments.items()
        if moment is not None
    ]
    return f"{', '.join(parts)}.".capitalize() if parts else ""


def _say_figures(console: Console, deployment: LocalDeployment, times: str) -> None:
    for line in report.figure_lines(list(_figures(deployment))):
        console.print(line, soft_wrap=True)
    if times:
        console.print(times)


def _figures(deployment: LocalDeployment) -> Iterator[tuple[str, str, str]]:
    for number, value in numbers.of_run(deployment):
        if number.name == numbers.FILTERED_OUT:
            yield from _filtered_out(deployment, number)
        else:
            yield number.name, value, number.what


def _filtered_out(deployment: LocalDeployment, number: Number) -> Iterator[tuple[str, str, str]]:
    """What each mapping's filter kept away."""
    for mapping in deployment.deployed.of_type(EVENT_SOURCE_MAPPING):
        filters = mapping.inputs.get("filterCriteria", {}).get("filters", [])
        patterns = " or ".join(each["pattern"] for each in filters)
        metrics = deployment.metrics_by_mapping.get(mapping.outputs["uuid"])
        if metrics is None:  # of a source that is not polled here
            continue
        count = metrics[number.name]
        yield number.name, f"{count:,}", f"{number.what} {patterns}"


def _say_alarms(
    console: Console, deployment: LocalDeployment, changed: Sequence[Transition]
) -> None:
    lines = [report.alarm_line(each) for each in changed if each.is_told]
    lines += report.alarms_lines(deployment.alarms, deployment.alarms_not_evaluated)
    for line in lines:
        console.print(line, soft_wrap=True)


_DONE: Final = (Became.PROCESSED, Became.PROCESSED_BEFORE)


def _judge(console: Console, deployment: LocalDeployment, witness: _Witness) -> int:
    """By the records that the filter let through, whatever they are."""
    metrics = deployment.metrics
    expected = metrics["PolledEventCount"] - metrics["FilteredOutEventCount"]
    done = len(witness.those(*_DONE))
    if expected == 0:
        console.print(
            f"\nThe filter let none of {counted(metrics['PolledEventCount'], 'record')} "
            f"through: nothing was processed. Write items that it takes to {_YOURS}.",
            soft_wrap=True,
        )
        return 0
    if done == expected and witness.repeated is None:
        console.print(
            f"\nEvery record that the filter let through was processed: {done} of {done}."
        )
        return 0
    console.print(
        f"\nNot every record that the filter let through was processed: {done} of {expected}."
    )
    for outcome in witness.those(Became.REJECTED)[:_SHOWN]:
        console.print(f"  {report.record_line(outcome)}", soft_wrap=True)
    failed = witness.repeated or witness.last
    if failed is not None:
        again = "The handler fails again and again" if witness.repeated else "The handler failed"
        told = [f"{again}: {failed.error}", *filter(None, [failed.traceback.rstrip()])]
        console.print("", "\n\n".join(told), sep="\n", soft_wrap=True)
        console.print(
            "\nMend it and run the demo again. `make up` stays, and tries again when you save.",
            soft_wrap=True,
        )
    return 1


_SHOWN: Final = 5
