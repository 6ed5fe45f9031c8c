"""The iterator's age through burst and outage, as an SVG drawing: no library, no font, one page."""

from collections.abc import Iterator, Sequence
from typing import Final

from infra.capacity.assessment import Assessment
from infra.capacity.model import WARM_UP
from infra.capacity.report import duration

_WIDTH: Final = 760
_HEIGHT: Final = 320
_LEFT: Final = 70
_RIGHT: Final = 24
_TOP: Final = 84
_BOTTOM: Final = 48
_LANE: Final = 16
_MOST_POINTS: Final = 300
_STYLE: Final = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 14px; font-weight: 600 }
.grid { stroke: #d1d9e0 }
.burst { fill: #bf8700 }
.outage { fill: #cf222e }
.age { fill: none; stroke: #1f6feb; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .grid { stroke: #3d444d }
  .age { stroke: #58a6ff }
}"""
_ROUND: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 4, 6, 12, 24, 48, 96, 240, 720, 2400)),
)
"""Seconds that an axis may be divided by."""
_MOST_TICKS: Final = 7


def plot(found: Assessment) -> str:
    """The drawing; of the load itself, where nothing goes wrong. Time 0: something does."""
    ages = found.eventful.ages if found.eventful is not None else [(WARM_UP, found.steady_age)]
    points = [(time - WARM_UP, age) for time, age in _thinned(ages)]
    axes = _Axes(points)
    path = "L".join(f"{axes.x(time):.1f} {axes.y(age):.1f}" for time, age in points)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'width="{_WIDTH}" height="{_HEIGHT}" role="img">'
        ),
        f"<title>{_title(found)}</title>",
        f"<style>\n{_STYLE}\n</style>",
        f'<text class="title" x="{_LEFT}" y="22">{_title(found)}</text>',
        *axes.drawn(),
        *_events(found, axes),
        f'<path class="age" d="M{path}"/>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The highest of each group, so that no peak is lost."""
    size = max(1, len(points) // _MOST_POINTS)
    groups = (points[start : start + size] for start in range(0, len(points), size))
    return [max(group, key=lambda point: point[1]) for group in groups]


class _Axes:
    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._begins = min(0.0, points[0][0])
        self.ends = max(1.0, points[-1][0])
        self._highest = max(1.0, *(age for _, age in points))

    def x(self, time: float) -> float:
        share = (time - self._begins) / (self.ends - self._begins)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, age: float) -> float:
        return _HEIGHT - _BOTTOM - age / self._highest * (_HEIGHT - _TOP - _BOTTOM)

    def drawn(self) -> Iterator[str]:
        for age in _ticks(self._highest):
            y = self.y(age)
            yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
            yield _text(_LEFT - 8, y + 4, duration(age), "end")
        for time in _ticks(self.ends):
            yield _text(self.x(time), _HEIGHT - _BOTTOM + 18, duration(time), "middle")
        yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, "time", "middle")


def _ticks(most: float) -> Iterator[float]:
    step = next(each for each in (*_ROUND, most) if most / each <= _MOST_TICKS)
    return (number * step for number in range(int(most / step) + 1))


def _events(found: Assessment, axes: _Axes) -> Iterator[str]:
    """Burst and outage, each a bar over the time that it lasts."""
    burst = found.workload.burst
    lasting = {"burst": burst.seconds if burst else 0.0, "outage": found.workload.outage_seconds}
    for lane, (name, seconds) in enumerate(lasting.items()):
        if seconds:
            x, y = axes.x(0), 34 + lane * (_LANE + 4)
            ends = axes.x(min(seconds, axes.ends))
            yield (
                f'<rect class="{name}" x="{x:.1f}" y="{y}" width="{max(ends - x, 1):.1f}" '
                f'height="{_LANE}"/>'
            )
            yield _text(ends + 6, y + 12, f"{name}, {duration(seconds)}", "start")


def _title(found: Assessment) -> str:
    load = found.workload
    return (
        f"Iterator's age, {load.writes_per_second:,.10g} writes a second, "
        f"parallelizationFactor {found.factor}"
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'
