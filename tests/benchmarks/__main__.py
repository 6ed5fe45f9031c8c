"""`python -m tests.benchmarks [PART ...]`: all benchmarks, or the parts that are named.

All of them write docs/benchmarks.md, its plot and the figures behind both; parts that are named do
so with --write only. A target that is missed is said and fails nothing: the exit code is 0 unless a
benchmark cannot be run.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks import (
    bench_cold_start,
    bench_delivery,
    bench_filter_cost,
    bench_filters,
    bench_growth,
    bench_handler,
    bench_idempotency,
    bench_item_types,
    bench_local,
    bench_plan,
    bench_runtime,
)
from tests.benchmarks.figures import Measured, Part, from_text, machine, to_text
from tests.benchmarks.page import page, table_lines
from tests.benchmarks.plot import plot
from tests.project import PROJECT

DOCS: Final = PROJECT / "docs"

BENCHMARKS: Final[Mapping[str, Callable[[], Part]]] = {
    "handler": bench_handler.main,
    "item-types": bench_item_types.main,
    "cold-start": bench_cold_start.main,
    "idempotency": bench_idempotency.main,
    "plan": bench_plan.main,
    "local": bench_local.main,
    "filter-cost": bench_filter_cost.main,
    "growth": bench_growth.main,
    "filters": bench_filters.main,
    "delivery": bench_delivery.main,
    "runtime": bench_runtime.main,
}
"""In the order of the page."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measures side by side what the documentation quotes."
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--write", action="store_true", help="put these parts on the page too")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.parts if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    measured = _measured(options.parts or list(BENCHMARKS))
    if options.write or not options.parts:
        write(measured, DOCS)
    return 0 if None not in measured.values() else 1


def _measured(names: Sequence[str]) -> dict[str, Measured | None]:
    """Of each part what it measured; None: it could not be run, which was said."""
    measured: dict[str, Measured | None] = {}
    for name in names:
        where, begun = machine(), time.perf_counter()
        print(f"\n{name}: {where}", flush=True)
        try:
            part = BENCHMARKS[name]()
        except Exception:  # noqa: BLE001 - the others have taken minutes and are worth having
            traceback.print_exc()
            measured[name] = None
            continue
        took = f"took {time.perf_counter() - begun:.0f} s"
        measured[name] = Measured(machine=f"{where}, {took}", part=part)
        for line in _lines(part):
            print(line)
        print(f"({took})", flush=True)
    return measured


def _lines(part: Part) -> list[str]:
    tables = [line for table in part.tables for line in ("", *table_lines(table))]
    return [*tables, "", *(f"- {note}" for note in part.notes)]


def write(measured: Mapping[str, Measured | None], folder: Path) -> None:
    """The page, the plot and the figures; what was not measured stays as it was."""
    file = folder / "benchmarks.json"
    before = from_text(file.read_text(encoding="utf-8")) if file.exists() else {}
    new = {name: each for name, each in measured.items() if each is not None}
    figures = {name: each for name in BENCHMARKS if (each := {**before, **new}.get(name))}
    file.write_text(to_text(figures), encoding="utf-8")
    (folder / "benchmarks.md").write_text(page(figures), encoding="utf-8")
    panels = [each.part.panel for each in figures.values() if each.part.panel]
    (folder / "benchmarks.svg").write_text(plot(panels), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
