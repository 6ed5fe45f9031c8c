"""The flow of the records through each mapping: figures that say at a glance where they are.

Pure: what was told of the mappings goes in, figures come out. A live table on a terminal, a plain
line elsewhere, each time all is at rest.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from rich.console import Group
from rich.rule import Rule
from rich.table import Table

from infra.local.function.invocation import Invocation
from infra.local.mapping.delivery import DeliveryEvent, Done
from infra.local.mapping.progress import Progress
from infra.local.outcomes import Became, Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """Where the records of one mapping are; each is in one place."""

    function: str
    filtered_out: int = 0
    waiting: int = 0
    in_flight: int = 0
    processed: int = 0
    rejected: int = 0
    given_up: int = 0
    age: float | None = None
    """Seconds since the oldest of those that are waiting or in flight was written."""

    @property
    def written(self) -> int:
        """All, as far as they were read from the stream."""
        return sum((self.filtered_out, self.waiting, self.in_flight, *self._ended))

    @property
    def is_at_rest(self) -> bool:
        return not (self.waiting or self.in_flight)

    @property
    def counts(self) -> dict[str, int]:
        """By the words for them, in the order in which a record passes."""
        return {
            "written": self.written,
            "filtered out": self.filtered_out,
            "waiting": self.waiting,
            "in flight": self.in_flight,
            "processed": self.processed,
            "rejected": self.rejected,
            "given up": self.given_up,
        }

    @property
    def _ended(self) -> tuple[int, int, int]:
        return self.processed, self.rejected, self.given_up


@dataclass(kw_only=True, slots=True)
class Tally:
    """Counts, of each mapping, what became of the records that were answered."""

    _rejected_by: dict[str, int] = field(default_factory=dict)
    """How many records an invocation rejected, by its request id, until they are done."""
    _processed: Counter[str] = field(default_factory=Counter)
    _rejected: Counter[str] = field(default_factory=Counter)

    def invoked(self, invocation: Invocation, outcomes: Sequence[Outcome]) -> None:
        """Also those of Lambda's API, of which no mapping then says that they are done."""
        if rejected := sum(1 for each in outcomes if each.became is Became.REJECTED):
            self._rejected_by[invocation.request_id] = rejected

    def delivered(self, event: DeliveryEvent) -> None:
        if isinstance(event, Done):
            rejected = self._rejected_by.pop(event.request_id, 0)
            self._rejected[event.mapping] += rejected
            self._processed[event.mapping] += event.count - rejected

    def flows(self, progress: Mapping[str, Progress], now: float | None = None) -> "Flows":
        """Of each mapping, at the moment of its progress."""
        now = time.time() if now is None else now
        return {uuid: self._flow(uuid, each, now) for uuid, each in progress.items()}

    def _flow(self, uuid: str, progress: Progress, now: float) -> Flow:
        return Flow(
            function=progress.function,
            filtered_out=progress.filtered_out,
            waiting=progress.waiting,
            in_flight=progress.in_flight,
            processed=self._processed[uuid],
            rejected=self._rejected[uuid],
            given_up=progress.given_up,
            # The stream's times are whole seconds, and may be ahead of this clock.
            age=None if progress.oldest is None else max(0.0, now - progress.oldest),
        )


Flows: TypeAlias = Mapping[str, Flow]
"""By the mappings' UUIDs."""


def table(flows: Flows) -> Group:
    """Figures under their names, a line for each mapping; 80 columns hold them."""
    several = len(flows) > 1
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in [""] if several else []:
        shown.add_column(name)
    for name in (*Flow(function="").counts, "oldest"):
        shown.add_column(name, justify="right", header_style="dim")
    for flow in flows.values():
        counts = (f"{count:,}" for count in flow.counts.values())
        shown.add_row(*([flow.function] if several else []), *counts, _age(flow))
    return Group(Rule(style="dim"), shown)


def _age(flow: Flow) -> str:
    return "-" if flow.age is None else f"{flow.age:,.0f} s"


@dataclass(kw_only=True, slots=True)
class Rests:
    """Says a mapping's figures each time that all it read is settled, and something came of it."""

    _said: dict[str, Flow] = field(default_factory=dict)

    def lines(self, flows: Flows) -> Iterator[str]:
        """Nothing while records are waiting or in flight, and nothing twice."""
        for uuid, flow in flows.items():
            if flow.is_at_rest and flow.written and flow != self._said.get(uuid):
                self._said[uuid] = flow
                counts = flow.counts.items()
                ended = (f"{count:,} {name}" for name, count in counts if name not in _ON_THE_WAY)
                yield f"{flow.function} has settled all: {', '.join(ended)}"


_ON_THE_WAY: Final = ("waiting", "in flight")
