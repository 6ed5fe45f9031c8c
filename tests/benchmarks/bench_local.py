"""The local loop: ready, write to processed, drain, code change; beside serverless-offline's.

Each round starts both anew, on an embedded AWS of the same kind.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

from tests.benchmarks.figures import Bar, Panel, Part, Table, with_spread
from tests.benchmarks.local_loops import SERVERLESS, Running, ours, serverless
from tests.benchmarks.peers import PeerLeftOutError, set_up
from tests.benchmarks.side_by_side import Samples, in_turns
from tests.benchmarks.target import at_least, at_most

ROUNDS: Final = 3
WRITES: Final = 35
"""One after the other, in each round."""
OURS: Final = "ours"
OFF: Final = "ours, idempotency off"
OTHER: Final = "serverless-offline"
READY_WITHIN: Final = 3.0
"""Seconds."""
FIGURES: Final = {
    "nothing": "start to ready, the embedded AWS's start included, s",
    "ready": "start to ready in an embedded AWS that runs, s",
    "first": "first record, write to processed, ms",
    "single": "the next, one at a time, p50, ms",
    "slowest": "the same, p99, ms",
    "200": "drain of 200 inserts, s",
    "5,000": "drain of 5,000 inserts, s",
    "changed": "code change to the next record processed, s",
}
TARGETS: Final = {"ready": 4.0, "first": 5.0, "200": 1.0, "5,000": 1.0}
"""Times sooner than the other."""

Loop = Callable[[], AbstractContextManager[Running]]
Figures = Mapping[str, list[float]]


def main() -> Part:
    loops: dict[str, Loop] = {OURS: ours, OFF: partial(ours, "idempotency.enabled=false")}
    notes = list(NOTES)
    reloading: Loop | None = None
    try:
        folder = set_up(SERVERLESS)
    except PeerLeftOutError as error:
        notes.append(f"serverless-offline is left out: {error}.")
    else:
        loops[OTHER] = partial(serverless, folder)
        reloading = partial(serverless, folder, reload=True)
    measured = _all(loops, reloading)
    return Part(
        title="Local loop",
        tables=(_table(measured),),
        notes=tuple(notes),
        panel=_panel(measured),
    )


NOTES: Final = (
    (
        "serverless-offline 13.9.0 (serverless 3.40.0) with serverless-offline-dynamodb-streams "
        "8.0.1 is what one would use instead. Both loops find an embedded AWS of the same kind, "
        "running and warm, and have batch size 50 and the same filter; both functions are Python "
        "and write a line for each record."
    ),
    (
        "Until it is ready, ours (`make up`) runs the Pulumi program, makes the whole stack "
        "(tables, role, bucket, image, function, mapping), and starts the function, so that its "
        "imports are checked. serverless-offline finds the table made and makes nothing; it starts "
        "Python with the first record. In the first row each starts the embedded AWS too, and "
        "serverless-offline's table is made: `make up` does so while it imports Pulumi. Ours was "
        "started once before, as its first start compiles the project."
    ),
    (
        "A drain is from the last write to the last record processed. A changed function is found"
        " by serverless-offline with `--reloadHandler` only, which starts Python for each "
        "invocation; the other figures are without it. `idempotency off` shows ours doing no more "
        "than the other does: with it, each record is claimed and remembered in a table."
    ),
)


def _all(loops: Mapping[str, Loop], reloading: Loop | None) -> dict[str, Figures]:
    works: dict[str, Callable[[], Figures]] = {
        name: partial(_measured, loop, changes=name != OTHER) for name, loop in loops.items()
    }
    measured = {name: _joined(each) for name, each in in_turns(works, rounds=ROUNDS).items()}
    for name, loop in loops.items():
        with loop() as running:
            measured[name]["5,000"].append(running.processed(5_000))
    if reloading is not None:
        for _ in range(ROUNDS):
            with reloading() as running:
                running.processed(1)
                measured[OTHER]["changed"].append(running.changed("v2"))
    return dict(measured)


def _joined(rounds: list[Figures]) -> defaultdict[str, list[float]]:
    joined: defaultdict[str, list[float]] = defaultdict(list)
    for figures in rounds:
        for name, values in figures.items():
            joined[name] += values
    return joined


def _measured(loop: Loop, *, changes: bool) -> Figures:
    with loop() as running:
        return {
            "nothing": [running.seconds_from_nothing],
            "ready": [running.seconds_to_ready],
            "first": [running.processed(1) * 1000],
            "single": [running.processed(1) * 1000 for _ in range(WRITES)],
            "200": [running.processed(200)],
            **({"changed": [running.changed("v2")]} if changes else {}),
        }


def _table(measured: Mapping[str, Figures]) -> Table:
    rows = []
    for figure, name in FIGURES.items():
        samples = {loop: _samples(figure, figures) for loop, figures in measured.items()}
        other = samples.get(OTHER)
        cells = [with_spread(each) for each in samples.values()]
        rows.append((name, *cells, *_verdict(figure, samples[OURS], other)))
    return Table(head=("", *measured, "times ours", "target"), rows=tuple(rows))


def _samples(figure: str, figures: Figures) -> Samples:
    if figure != "slowest":
        return Samples(tuple(figures[figure]))
    slowest = sorted(figures["single"])
    return Samples((slowest[min(round(len(slowest) * 0.99), len(slowest) - 1)],))


def _verdict(figure: str, of_ours: Samples, other: Samples | None) -> tuple[str, str]:
    if other is None:
        return "", at_most(of_ours, READY_WITHIN, " s") if figure == "nothing" else ""
    # Not round by round: what waits for a timer has another share of it in each.
    ratio = other.median / max(of_ours.median, 1e-3)
    target = at_least(ratio, TARGETS[figure]) if figure in TARGETS else ""
    return f"{ratio:.3g}", target


def _panel(measured: Mapping[str, Figures]) -> Panel:
    bars = (
        Bar(name=name, value=_samples("ready", each).median, is_ours=name == OURS)
        for name, each in measured.items()
        if name != OFF
    )
    return Panel(
        title="Local loop, start to ready in an embedded AWS that runs", unit="s", bars=tuple(bars)
    )
