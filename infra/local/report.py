"""What the local run prints: trees and tables on a terminal, plain lines in a log.

Figures come from the mapping's metrics and from what the handler itself counted.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from infra.local.aws.resources import NOT_MADE_HERE
from infra.local.function.invocation import Invocation
from infra.local.program.engine import Resource

_HANDLER_METRICS = ("Processed", "Rejected", "Ignored", "Failed")


def console() -> Console:
    """Prints to standard output; without a terminal no colours, and lines are not cut."""
    plain = Console()
    if plain.is_terminal:
        return Console(highlight=False, markup=False)
    return Console(highlight=False, markup=False, width=120)


def resource_tree(resources: Sequence[Resource], title: str) -> Tree:
    """The resources under the components that made them, with their types as Pulumi prints them."""
    tree = Tree(title)
    branches: dict[str, Tree] = {}
    for resource in resources:
        if resource.type != "pulumi:pulumi:Stack":
            parent = branches.get(resource.parent, tree)
            line = f"{resource.name}  {_displayed(resource.type)}{_left_out(resource)}"
            branches[resource.urn] = parent.add(line)
    return tree


def _left_out(resource: Resource) -> str:
    left_out = resource.outputs.get(NOT_MADE_HERE)
    return f"  (not made here: {left_out})" if left_out else ""


def _displayed(type_: str) -> str:
    """A provider's type without the file it is written in: aws:s3/bucket:Bucket, aws:s3:Bucket."""
    package, module, name = type_.split(":")
    return f"{package}:{module.partition('/')[0]}:{name}"


def handled(log: Iterable[str]) -> Counter[str]:
    """What the handler counted, from the metrics it prints in CloudWatch's embedded format."""
    total: Counter[str] = Counter()
    for line in log:
        if '"_aws"' in line:
            metrics = _json_object(line)
            for name in _HANDLER_METRICS:
                values = metrics.get(name, [])
                total[name] += sum(map(int, values)) if isinstance(values, list) else 0
    return total


def figures(rows: Sequence[tuple[str, str]]) -> Table:
    """Names and values, aligned."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name, value in rows:
        table.add_row(name, value)
    return table


def invocation_lines(invocation: Invocation) -> list[str]:
    """An invocation in words: one line for it, and one for each record that it was given."""
    records = _records(invocation)
    took = f"{invocation.duration * 1000:.0f} ms"
    head = f"invoked with {_counted(len(records), 'record')}: {_outcome(invocation)} in {took}"
    return [head, *(f"  {_record_line(record)}" for record in records)]


def _record_line(record: Mapping[str, object]) -> str:
    change = record.get("dynamodb")
    keys = change.get("Keys") if isinstance(change, Mapping) else None
    return f"{record.get('eventName')} {json.dumps(keys)}"


def _outcome(invocation: Invocation) -> str:
    if invocation.error is not None:
        kind, message = (invocation.error.get(key) for key in ("errorType", "errorMessage"))
        return f"failed, {kind}: {message}"
    response = invocation.response
    failures = response.get("batchItemFailures") if isinstance(response, Mapping) else None
    return f"failed from {failures[0].get('itemIdentifier')} on" if failures else "done"


def _records(invocation: Invocation) -> list[Mapping[str, object]]:
    event = invocation.event
    records = event.get("Records") if isinstance(event, Mapping) else None
    return [one for one in records or [] if isinstance(one, Mapping)]


def _json_object(line: str) -> Mapping[str, object]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
