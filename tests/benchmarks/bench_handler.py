"""CPU microseconds and memory a record in the handler, beside what one would write instead.

JSON in to JSON out, idempotency off; each handler runs in a process and an environment of its own
and is given the same file. Ours alone checks what it decodes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.benchmarks import contenders, flat_item
from tests.benchmarks.figures import Bar, Panel, Part, Table, with_spread
from tests.benchmarks.peers import POWERTOOLS, set_up
from tests.benchmarks.side_by_side import Samples, interleaved
from tests.project import PROJECT
from tests.unit.handler.events import batch, record

BATCHES: Final = {1: (25, 40), 50: (25, 3), 1_000: (9, 1), 10_000: (3, 1)}
"""By the number of records: the rounds, and how often a batch is run in each."""
MOST: Final = {"bare loop": 1.5, "BatchProcessor": 1.0, "the article's": 1 / 6}
"""Times what the others take that ours may take, from 50 records on."""
PLOTTED: Final = ("nested", 1_000)
"""Also the only one for which the article's handler is a target."""
MEMORY_SIZES: Final = (50, 1_000, 10_000)

PAYLOADS: Final[dict[str, dict[str, Any]]] = {
    "small": {"key": {"S": "val"}},
    "nested": {
        "customer": {"S": "c-1029"},
        "amount": {"N": "101.50"},
        "urgent": {"BOOL": True},
        "note": {"NULL": True},
        "lines": {
            "L": [
                {"M": {"sku": {"S": f"sku-{number}"}, "count": {"N": str(number)}}}
                for number in range(3)
            ]
        },
        "tags": {"SS": ["new", "web"]},
    },
}
KINDS: Final = (*PAYLOADS, "typed")


class Contender:
    """A handler's process, that measures itself when it is asked."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def seconds(self, event: Path, times: int) -> float:
        return self._ask(event=str(event), times=times, memory=False)

    def peak_bytes(self, event: Path) -> float:
        return self._ask(event=str(event), memory=True)

    def _ask(self, **question: object) -> float:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        print(json.dumps(question), file=stdin, flush=True)
        return float(stdout.readline())


def main() -> Part:
    set_up(POWERTOOLS)
    with TemporaryDirectory() as folder, ExitStack() as running:
        processes = {name: running.enter_context(contender(name)) for name in contenders.HANDLERS}
        times, panel = _times(processes, Path(folder))
        memory = _memory(processes, Path(folder))
    return Part(title="Handler", tables=(times, memory), notes=NOTES, panel=panel)


NOTES: Final = (
    (
        "First table: CPU microseconds a record, JSON in to JSON out, without idempotency, and "
        "how many times what the other takes ours takes; the targets hold from 50 records on, "
        "that for the article's handler at 1,000 nested ones."
    ),
    (
        "The bare loop decodes with boto3's deserialiser and keeps nothing safe; the article's "
        "handler is written anew from its description: it logs the event, the records and each "
        "image."
    ),
    (
        "Small and nested: the default contract, whose payload is checked and decoded. Typed: an "
        "item of ten attributes side by side, decoded into a dataclass; the others decode it into"
        " a map."
    ),
    (
        "Ours alone checks all that it decodes, keeps the lines and the metrics of one record "
        "apart from the next one's, and watches its time."
    ),
    "Second table: the most that a batch takes beside its event, a record.",
)


def _times(processes: Mapping[str, Contender], folder: Path) -> tuple[Table, Panel]:
    rows, panels = [], []
    for kind in KINDS:
        for size, (rounds, times) in BATCHES.items():
            file = _event_file(kind, size, folder)
            works = {
                name: partial(processes[_process(name, kind)].seconds, file, times)
                for name in ("ours", *MOST)
            }
            measured = {
                name: samples.scaled(1e6 / size)
                for name, samples in interleaved(works, rounds=rounds).items()
            }
            rows.append(_row(kind, size, measured))
            if (kind, size) == PLOTTED:
                panels.append(_panel(measured))
    others = (
        head for name, most in MOST.items() for head in (name, f"ours, times it (≤ {most:.2g})")
    )
    (panel,) = panels
    return Table(head=("µs a record", "ours", *others), rows=tuple(rows)), panel


def _row(kind: str, size: int, measured: Mapping[str, Samples]) -> tuple[str, ...]:
    cells = [f"{kind}, {size:,}", with_spread(measured["ours"])]
    for name, most in MOST.items():
        ratio = measured["ours"].times(measured[name])
        is_held_to = size >= 50 and (name != "the article's" or (kind, size) == PLOTTED)
        missed = " **missed**" if is_held_to and ratio.median > most else ""
        cells += [f"{measured[name].median:,.3g}", with_spread(ratio, "{:.2f}") + missed]
    return tuple(cells)


def _panel(measured: Mapping[str, Samples]) -> Panel:
    bars = (
        Bar(name=name, value=samples.median, is_ours=name == "ours")
        for name, samples in measured.items()
    )
    return Panel(title="Handler, 1,000 nested records", unit="CPU µs a record", bars=tuple(bars))


def _memory(processes: Mapping[str, Contender], folder: Path) -> Table:
    names = ("ours", "bare loop", "BatchProcessor")
    rows = []
    for size in MEMORY_SIZES:
        file = _event_file(PLOTTED[0], size, folder)
        peaks = (processes[name].peak_bytes(file) / size for name in names)
        rows.append((f"{PLOTTED[0]}, {size:,}", *(f"{peak:,.0f}" for peak in peaks)))
    return Table(head=("bytes a record", *names), rows=tuple(rows))


def _process(name: str, kind: str) -> str:
    """A typed item is another contract, and so another function."""
    return "ours, typed" if (name, kind) == ("ours", "typed") else name


def _event_file(kind: str, size: int, folder: Path) -> Path:
    file = folder / f"{kind}-{size}.json"
    if not file.exists():
        file.write_text(json.dumps(event(kind, size)), encoding="utf-8")
    return file


def event(kind: str, size: int) -> dict[str, Any]:
    """A batch of one kind of records, each with its own key."""
    if kind != "typed":
        payload = {"M": PAYLOADS[kind]}
        return batch(*(record(number, payload=payload) for number in range(1, size + 1)))
    return batch(*map(_typed, range(1, size + 1)))


def _typed(number: int) -> dict[str, Any]:
    image = {**flat_item.IMAGE, "customer": {"S": f"c-{number}"}}
    keys = {name: image[name] for name in ("customer", "placed")}
    return record(number, Keys=keys, NewImage=image)


@contextmanager
def contender(name: str) -> Iterator[Contender]:
    """Ours runs as this process does, the others in Powertools' own environment."""
    command: list[str] = [str(POWERTOOLS.python), str(Path(contenders.__file__))]
    if name.startswith("ours"):
        command = [sys.executable, "-m", contenders.__name__]
    with subprocess.Popen(
        [*command, name], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Contender(process)
        assert process.stdin is not None
        process.stdin.close()
