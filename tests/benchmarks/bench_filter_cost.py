"""What the filter saves: invocations, billed milliseconds and dollars, through the local mapping.

The frozen project's stack, whose function ignores what is no INSERT, with its filter and without.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from infra.local import LocalDeployment, deploy
from infra.local.aws.emulator import Emulator
from infra.local.program.run import region_of
from tests.benchmarks.figures import Part, Table
from tests.project import copy_of_project

MIXES: Final = ("IIIIIIIIII", "IIIIIIMMMR", "IIMMMMMMRR")
"""Ten writes, again and again: inserts, modifications of what was inserted, removals."""
BACKLOG: Final = 1_000
SINGLE: Final = 40
MEMORY: Final = 256
"""MB."""
# AWS Lambda's pricing page, us-east-1, x86.
DOLLARS_A_MILLION_REQUESTS: Final = 0.20
DOLLARS_A_GB_SECOND: Final = 0.0000166667


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of a number of writes."""

    writes: int
    invocations: int
    billed: int
    """Milliseconds, each invocation rounded up."""

    @property
    def dollars(self) -> float:
        """A million such writes: requests, and the time of a function of `MEMORY`."""
        seconds = self.billed / 1000 / self.writes * 1e6
        requests = self.invocations / self.writes * DOLLARS_A_MILLION_REQUESTS
        return requests + seconds * MEMORY / 1024 * DOLLARS_A_GB_SECOND


def main() -> Part:
    rows = []
    with TemporaryDirectory() as folder:
        project = copy_of_project(Path(folder) / "project")
        with Emulator(region=region_of("dev", project)) as emulator:
            for mix in MIXES:
                for arriving, count in (("a backlog", BACKLOG), ("one at a time", SINGLE)):
                    costs = [
                        _cost(emulator, project, mix, count, is_filtered=each)
                        for each in (False, True)
                    ]
                    rows.append(_row(f"{shares(mix)}, {arriving}", *costs))
    head = (
        "INSERT/MODIFY/REMOVE, %",
        *(f"{what}, {how}" for what in ("invocations", "billed ms", "$ a million writes")
          for how in ("without", "with")),
        "saved",
    )  # fmt: skip
    return Part(
        title="What the filter saves", tables=(Table(head=head, rows=tuple(rows)),), notes=NOTES
    )


NOTES: Final = (
    (
        "Without the filter every write invokes the function, which ignores what is no INSERT; "
        "with it those records never leave the mapping. Of 1,000 writes that wait when the mapping "
        "begins, in batches of 50, and of 40 that come one at a time, through the local event "
        "source mapping; idempotency off."
    ),
    (
        "Billed is the function's time on this machine, each invocation rounded up to a "
        "millisecond; dollars are those of us-east-1, x86, 256 MB: $0.20 a million requests and "
        "$0.0000166667 a GB-second. Lambda's reading of the stream is free."
    ),
    (
        "On AWS an invocation takes longer than here, and the first of an environment is a cold "
        "start: what is not invoked saves that too."
    ),
)


def shares(mix: str) -> str:
    """As percents."""
    return "/".join(str(mix.count(kind) * 100 // len(mix)) for kind in "IMR")


def _row(name: str, without: Cost, filtered: Cost) -> tuple[str, ...]:
    return (
        name,
        f"{without.invocations:,}",
        f"{filtered.invocations:,}",
        f"{without.billed:,}",
        f"{filtered.billed:,}",
        f"{without.dollars:.3f}",
        f"{filtered.dollars:.3f}",
        f"{1 - filtered.dollars / without.dollars:+.0%}".replace("-0%", "0%").lstrip("+"),
    )


def _cost(emulator: Emulator, project: Path, mix: str, count: int, *, is_filtered: bool) -> Cost:
    config = {"idempotency": {"enabled": False}, "function": {"memorySize": MEMORY}}
    with deploy(config=config, emulator=emulator, project=project) as deployment:
        if not is_filtered:
            update_mapping(deployment, FilterCriteria={})
        if count == BACKLOG:
            update_mapping(deployment, Enabled=False)
        for write in writes(mix, count):
            _write(deployment, write)
            if count != BACKLOG:
                deployment.drain()
        if count == BACKLOG:
            update_mapping(deployment, Enabled=True)
        deployment.drain(timeout=120)
        return cost(count, [each.duration for each in deployment.invocations])


def cost(count: int, durations: Sequence[float]) -> Cost:
    """Of so many writes that led to invocations of these seconds."""
    billed = sum(math.ceil(each * 1000) for each in durations)
    return Cost(writes=count, invocations=len(durations), billed=billed)


def update_mapping(deployment: LocalDeployment, **changes: Any) -> None:
    """Through Lambda's API; returns when it is as it was asked to be."""
    service = deployment.client("lambda")
    (mapping,) = service.list_event_source_mappings()["EventSourceMappings"]
    service.update_event_source_mapping(UUID=mapping["UUID"], **changes)
    deployment.check()


def writes(mix: str, count: int) -> Iterator[tuple[str, str, int]]:
    """Kind of write, key, and a number that no other write has.

    A modification is of the newest item, a removal of the oldest that is there.
    """
    there: list[str] = []
    for number in range(count):
        kind = mix[number % len(mix)]
        if kind == "I":
            there.append(f"request-{number}")
        key = there.pop(0) if kind == "R" else there[-1]
        yield kind, key, number


def _write(deployment: LocalDeployment, write: tuple[str, str, int]) -> None:
    kind, key, number = write
    client, table = deployment.client("dynamodb"), deployment.outputs["tableName"]
    if kind == "R":
        client.delete_item(TableName=table, Key={"request_id": {"S": key}})
        return
    payload: Mapping[str, Any] = {"M": {"number": {"N": str(number)}}}
    client.put_item(TableName=table, Item={"request_id": {"S": key}, "payload": payload})
