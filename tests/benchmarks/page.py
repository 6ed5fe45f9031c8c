"""docs/benchmarks.md, written from the figures, and the same tables for the terminal."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.benchmarks import bench_plan
from tests.benchmarks.figures import Measured, Table
from tests.benchmarks.local_loops import SERVERLESS
from tests.benchmarks.peers import POWERTOOLS, versions

INTRODUCTION: Final = """\
# Benchmarks

`make bench` measures all of this on your machine and writes this page, its plot and the figures \
behind both (`benchmarks.json`). It takes about twenty minutes, and some more the first time, when \
it installs what it compares with into environments of their own under `.build`; what cannot be \
installed is left out, and the page says why. `make bench ARGS=handler` measures one part and only \
prints it, `make bench ARGS="handler --write"` puts it on this page too. The parts are: {names}.

Contenders are measured in turns, so that a noisy machine is noisy for all. A figure is the median \
of the rounds, in brackets between which values half of them lie. A ratio is taken round by round. \
Absolute figures depend on the machine; ratios say more. A target that a figure is held to stands \
beside it, and whether this run met it; where none stands, none was set. Nothing of this is timed \
by the tests.

Ours is compared with {peers}.

![Ours beside what one would use instead; shorter is better](benchmarks.svg)
"""


COMPARED: Final = {
    "Powertools' BatchProcessor and Logger": POWERTOOLS,
    **bench_plan.PEERS,
    "serverless-offline": SERVERLESS,
}
"""What a user would take instead."""


def page(measured: Mapping[str, Measured]) -> str:
    """All parts, in their order."""
    names = ", ".join(f"`{name}`" for name in measured)
    parts = (_section(name, each) for name, each in measured.items())
    peers = "; ".join(f"{name} ({versions(peer)})" for name, peer in COMPARED.items())
    return "\n".join([INTRODUCTION.format(names=names, peers=peers), *parts])


def _section(name: str, measured: Measured) -> str:
    part = measured.part
    blocks = [f"## {part.title}", *("\n".join(table_lines(table)) for table in part.tables)]
    if part.notes:
        blocks.append("\n".join(f"- {note}" for note in part.notes))
    blocks.append(f"<sub>`make bench ARGS={name}`, {measured.machine}</sub>")
    return "\n\n".join(blocks) + "\n"


def table_lines(table: Table) -> Iterator[str]:
    """A Markdown table whose columns are aligned, so that it reads in a terminal as well."""
    widths = [
        max(len(row[column]) for row in (table.head, *table.rows))
        for column in range(len(table.head))
    ]
    rules = tuple("-" * widths[0] if not n else "-" * (w - 1) + ":" for n, w in enumerate(widths))
    for row in (table.head, rules, *table.rows):
        cells = [
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"| {' | '.join(cells)} |"
