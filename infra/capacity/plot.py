"""The iterator's age through burst and outage, as an SVG drawing: no library, no font, one page."""

from collections.abc import Iterator, Sequence
from typing import Final

from infra.capacity.assessment import Assessment
from infra.capacity.model import WARM_UP
from infra.capacity.report import duration

_WIDTH: Final = 720
_HEIGHT: Final = 300
_LEFT: Final = 70
_RIGHT: Final = 20
_TOP: Final = 46
_BOTTOM: Final = 44
_MOST_POINTS: Final = 300


def plot(found: Assessment) -> str:
    """The drawing; of the load itself, where nothing goes wrong."""
    outcome = found.eventful
    points = _thinned(outcome.ages if outcome is not None else [(0.0, 0.0), (60.0, 0.0)])
    ends = max(time for time, _ in points) or 1.0
    highest = max([1.0, *(age for _, age in points)])
    return "\n".join([*_frame(found, ends, highest), _line(points, ends, highest), "</svg>", ""])


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The highest of each group, so that no peak is lost."""
    size = max(1, len(points) // _MOST_POINTS)
    groups = (points[start : start + size] for start in range(0, len(points), size))
    return [max(group, key=lambda point: point[1]) for group in groups]


def _frame(found: Assessment, ends: float, highest: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" role="img">'
    )
    yield f"<title>{_title(found)}</title>"
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
    yield f'<text x="{_LEFT}" y="20" font-size="14">{_title(found)}</text>'
    for start, stop, colour, name in _events(found):
        x, width = _x(start, ends), _x(min(stop, ends), ends) - _x(start, ends)
        yield (
            f'<rect x="{x:.1f}" y="{_TOP}" width="{width:.1f}" '
            f'height="{_HEIGHT - _TOP - _BOTTOM}" fill="{colour}"/>'
        )
        yield f'<text x="{x + 4:.1f}" y="{_TOP - 6}" fill="#666666">{name}</text>'
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y, x = _y(share * highest, highest), _x(share * ends, ends)
        yield f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#dddddd"/>'
        yield _label(_LEFT - 6, y + 4, duration(share * highest), "end")
        yield _label(x, _HEIGHT - _BOTTOM + 18, duration(share * ends), "middle")
    yield _label(_WIDTH / 2, _HEIGHT - 8, "time", "middle")


def _events(found: Assessment) -> Iterator[tuple[float, float, str, str]]:
    load = found.workload
    if load.burst is not None:
        yield WARM_UP, WARM_UP + load.burst.seconds, "#e8f0fe", "burst"
    if load.outage_seconds:
        yield WARM_UP, WARM_UP + load.outage_seconds, "#fdecea", "outage"


def _title(found: Assessment) -> str:
    load = found.workload
    return (
        f"Iterator's age, {load.writes_per_second:,.10g} writes a second, "
        f"parallelizationFactor {found.factor}"
    )


def _line(points: Sequence[tuple[float, float]], ends: float, highest: float) -> str:
    path = "L".join(f"{_x(time, ends):.1f} {_y(age, highest):.1f}" for time, age in points)
    return f'<path d="M{path}" fill="none" stroke="#1a56b0" stroke-width="2"/>'


def _x(time: float, ends: float) -> float:
    return _LEFT + time / ends * (_WIDTH - _LEFT - _RIGHT)


def _y(age: float, highest: float) -> float:
    return _HEIGHT - _BOTTOM - age / highest * (_HEIGHT - _TOP - _BOTTOM)


def _label(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="#444444" text-anchor="{anchor}">{words}</text>'
