"""What the local run prints: trees and tables on a terminal, plain lines in a log.

What became of each record is found out by `outcomes`.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from rich.console import Console
from rich.tree import Tree

from infra import existing_table
from infra.events.batch_item_failures import first_failure
from infra.local.aws.not_made import EXISTS, NOT_MADE_HERE
from infra.local.aws.resources import FUNCTION, IMAGE
from infra.local.cloudwatch.alarms import State, Transition
from infra.local.cloudwatch.definitions import MetricAlarm
from infra.local.function.invocation import Invocation
from infra.local.mapping.delivery import GivenUp, Retry
from infra.local.outcomes import Became, Outcome, error_of, json_object, shown
from infra.local.program.engine import Resource
from infra.wording import counted, listed


class Made(Protocol):
    """A resource that was made here, by whatever engine."""

    @property
    def type(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def inputs(self) -> Mapping[str, Any]: ...

    @property
    def outputs(self) -> Mapping[str, Any]: ...


def console() -> Console:
    """Prints to standard output; without a terminal no colours, and lines are not cut."""
    plain = Console()
    if plain.is_terminal:
        return Console(highlight=False, markup=False)
    return Console(highlight=False, markup=False, width=120)


def resource_tree(
    resources: Sequence[Resource], title: str, look_ups: Mapping[str, str] | None = None
) -> Tree:
    """The resources under the components that made them, with their types as Pulumi prints them.

    And the look-ups of which there is something to say.
    """
    tree = Tree(title)
    branches: dict[str, Tree] = {}
    for resource in resources:
        if resource.type != "pulumi:pulumi:Stack":
            parent = branches.get(resource.parent, tree)
            line = f"{resource.name}  {_displayed(resource.type)}{_left_out(resource)}"
            branches[resource.urn] = parent.add(line)
    for line in not_made_lines([], look_ups or {}):
        tree.add(line)
    return tree


def _left_out(resource: Made) -> str:
    existing = resource.inputs.get(existing_table.NAME)
    if existing:
        return f"  ({existing} exists on AWS and stays as it is; made here by the contract)"
    left_out = resource.outputs.get(NOT_MADE_HERE)
    if left_out and left_out.startswith(EXISTS):
        return f"  ({left_out})"
    return f"  (not made here: {left_out})" if left_out else ""


def not_made_lines(resources: Sequence[Made], look_ups: Mapping[str, str]) -> Iterator[str]:
    """What the local run leaves out, where the tree is not shown."""
    for each in resources:
        if NOT_MADE_HERE in each.outputs:
            yield f"{each.name}  {_displayed(each.type)}{_left_out(each)}"
    for look_up, said in look_ups.items():
        yield f"{look_up}  ({said})"


def _displayed(type_: str) -> str:
    """A provider's type without the file it is written in: aws:s3/bucket:Bucket, aws:s3:Bucket."""
    package, module, name = type_.split(":")
    return f"{package}:{module.partition('/')[0]}:{name}"


def figure_lines(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """Metrics, their values and what they are, aligned."""
    name_width, value_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    return [f"{name:{name_width}}  {value:>{value_width}}  {what}" for name, value, what in rows]


def minute_lines(start: float, values: Mapping[str, str]) -> Iterator[str]:
    """What CloudWatch would have of the minute that began then; nothing of an idle one."""
    if values:
        named = ", ".join(f"{name} {value}" for name, value in values.items())
        yield f"{time.strftime('%H:%M', time.localtime(start))}  {named}"


def invocation_lines(invocation: Invocation, outcomes: Sequence[Outcome]) -> list[str]:
    """An invocation in words: one line for it, and one for each record that it was given."""
    took = f"{invocation.duration * 1000:.0f} ms"
    head = f"invoked with {counted(len(outcomes), 'record')}: {_answer(invocation)} in {took}"
    quiet = [place for place, each in enumerate(outcomes) if each.became in _QUIET][_SHOWN:]
    left_out = set(quiet)
    shown = [record_line(each) for place, each in enumerate(outcomes) if place not in left_out]
    more = [f"... and {len(quiet):,} more, done or waiting"] if quiet else []
    return [head, *(f"  {line}" for line in [*shown, *more])]


_QUIET: Final = (Became.PROCESSED, Became.PROCESSED_BEFORE, Became.WAITS)
_SHOWN: Final = 20
"""Records of a batch that are shown, of which there is nothing special to say."""


def delivery_line(event: Retry | GivenUp) -> str:
    """What happens between invocations."""
    if isinstance(event, Retry):
        records = counted(len(event.batch.records), "record")
        if not event.seconds:
            return f"next attempt with {records} at once"
        wait = f"{event.seconds:.1f} s"
        return f"next attempt with {records} in {wait}; when you save a change, at once"
    failure = event.failure
    records = counted(len(failure.batch.records), "record")
    attempts = counted(failure.invoke_count, "attempt")
    where = "kept nowhere" if event.kept_as is None else f"kept as {event.kept_as}"
    return f"{records} given up after {attempts}, {failure.condition}: {where}"


def code_lines(resources: Sequence[Made], left_out: Sequence[str]) -> Iterator[str]:
    """Which code runs here, where that is not plain to see."""
    built = {each.outputs.get("repoDigest") for each in resources if each.type == IMAGE}
    for each in resources:
        uri = each.inputs.get("imageUri") if each.type == FUNCTION else None
        if uri is not None and uri not in built:
            yield f"{each.name} has the existing image {uri}; what runs here is handler/"
    if left_out:
        yield left_out_line(left_out)


def left_out_line(names: Sequence[str]) -> str:
    """Files beside the handler's code that its image has not."""
    return f"Not in the image, and so not here: {listed(names)}. handler/.dockerignore says what is"


def alarm_line(change: Transition) -> str:
    """An alarm that would fire on AWS, or would end: by its metric's name, as CloudWatch has it."""
    alarm = change.alarm
    what = alarm.name
    if isinstance(alarm, MetricAlarm):
        value = "" if change.value is None else f" {change.value:,.10g}"
        what = f"{alarm.metric_names}{value} ({alarm.name})"
    meaning = f": {alarm.description}" if change.after is State.ALARM else ""
    return f"{change.after} {what}{meaning}"


def alarms_lines(states: Mapping[str, State], not_evaluated: Sequence[str]) -> Iterator[str]:
    """Which alarms there are, and which fire."""
    if not states:
        yield "This stack has no alarms; with --config monitoring.enabled=true it has them here."
    elif State.ALARM not in states.values():
        yield f"None of {counted(len(states), 'alarm')} would fire."
    for why in not_evaluated:
        yield f"This alarm is not evaluated here: {why}"


def slow_line(seconds: float) -> str:
    """An invocation takes its time."""
    return f"no answer from the handler for {seconds:g} s; it is given until its timeout"


def log_line(line: str) -> str | None:
    """What is shown of a line of the function's log; None: nothing.

    Nothing of metrics, which CloudWatch takes out of the log too, nor of AWS's advice about updates
    of its runtime, of which there are none here.
    """
    document = json_object(line)
    if "_aws" in document or str(document.get("message")).startswith("LAMBDA_WARNING: "):
        return None
    if "errorType" in document:
        return _error_lines(document)
    if "message" not in document:
        return f"  | {line}"
    fields = " ".join(
        f"{name}={value}" for name, value in document.items() if name not in _OF_EVERY_LINE
    )
    return f"  | {document.get('level', '')} {document['message']} {fields}".rstrip()


def _error_lines(document: Mapping[str, Any]) -> str:
    """What the runtime client says of an error that it has caught."""
    trace = document.get("stackTrace")
    frames = "".join(map(str, trace)) if isinstance(trace, list) else ""
    error = f"ERROR {document['errorType']}: {document.get('errorMessage')}"
    return "\n".join(f"  | {line}" for line in [error, *frames.splitlines()])


_OF_EVERY_LINE: Final = {
    "level",
    "message",
    "location",
    "timestamp",
    "service",
    "cold_start",
    "function_name",
    "function_memory_size",
    "function_arn",
    "function_request_id",
    "xray_trace_id",
    "requestId",
    "logger",
}


def record_line(outcome: Outcome) -> str:
    """A record, and what became of it."""
    record = outcome.record if isinstance(outcome.record, Mapping) else {}
    change = record.get("dynamodb")
    keys = change.get("Keys") if isinstance(change, Mapping) else None
    reason = f": {outcome.reason}" if outcome.reason else ""
    return f"{record.get('eventName')} {json.dumps(keys, default=repr)} {outcome.became}{reason}"


def _answer(invocation: Invocation) -> str:
    """Done, or what was answered in place of a partial batch response."""
    if invocation.error is not None:
        return f"failed, {error_of(invocation)}"
    response = invocation.response
    if not response or isinstance(response, Mapping):
        return "failed" if first_failure([{}], response) == 0 else "done"
    return f"done, with an answer that reports nothing, {shown(response)},"
