"""Shows the flow: a live table below what is printed on a terminal, plain lines elsewhere."""

import contextlib
import sys
from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.live import Live

from infra.local.flow import Rests, Tally, table
from infra.local.mapping.progress import Progress


class FlowDisplay:
    """Counts from the start; shows from `begun` on."""

    def __init__(self, console: Console, *, is_summed_up: bool = False) -> None:
        """`is_summed_up`: the caller says the figures at the end. Then nothing stays of these."""
        self.tally = Tally()
        self._console = console
        self._is_summed_up = is_summed_up
        self._rests = Rests()
        self._live: Live | None = None
        self._has_begun = False
        self._last: Mapping[str, Progress] = {}

    def show(self, progress: Mapping[str, Progress]) -> None:
        """Of all mappings, several times a second."""
        self._last = progress
        if not self._has_begun:
            return
        flows = self.tally.flows(progress)
        if self._live is not None:
            self._live.update(table(flows), refresh=True)
        elif not self._is_summed_up:
            for line in self._rests.lines(flows):
                self._console.print(line, soft_wrap=True)

    @contextlib.contextmanager
    def begun(self) -> Iterator[None]:
        """Until the block ends. On a terminal the last figures stay, unless they are summed up."""
        if _can_be_drawn_over(self._console):
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=self._is_summed_up,
                redirect_stderr=sys.stderr.isatty(),
            )
        try:
            if self._live is not None:
                self._live.start()
            self._has_begun = True
            self.show(self._last)
            yield
        finally:
            self._end()

    def _end(self) -> None:
        self._has_begun = False
        if self._live is not None:
            with contextlib.suppress(OSError):  # the terminal may be what is gone
                self._live.stop()


def _can_be_drawn_over(console: Console) -> bool:
    """A terminal, and one that can move its cursor; colours may be forced on what is none."""
    return console.file.isatty() and console.is_interactive
