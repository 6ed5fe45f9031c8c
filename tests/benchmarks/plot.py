"""docs/benchmarks.svg: the panels of all parts that have one, as horizontal bars."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from tests.benchmarks.figures import Bar, Panel

WIDTH: Final = 760
_LABELS: Final = 240
"""Up to where the names of the bars reach; the bars begin there."""
_LONGEST: Final = 400
_BAR: Final = 22
_TITLE: Final = 40
_STYLE: Final = """\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.ours { fill: #1f6feb }
.other { fill: #b6bec8 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .ours { fill: #58a6ff }
  .other { fill: #596573 }
}"""


def plot(panels: Sequence[Panel]) -> str:
    """An SVG document; it follows the reader's colour scheme."""
    height = sum(_TITLE + _BAR * len(panel.bars) for panel in panels) + 12
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">'
        ),
        f"<title>{escape(_in_words(panels))}</title>",
        f"<style>\n{_STYLE}\n</style>",
        *_panels(panels),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _panels(panels: Iterable[Panel]) -> Iterator[str]:
    top = 0
    for panel in panels:
        yield _text(12, top + 26, f"{panel.title} ({panel.unit})", "title")
        top += _TITLE
        longest = max(bar.value for bar in panel.bars)
        for bar in panel.bars:
            yield from _bar(bar, top, bar.value / longest * _LONGEST)
            top += _BAR


def _bar(bar: Bar, top: float, length: float) -> Iterator[str]:
    kind = "ours" if bar.is_ours else "other"
    yield _text(_LABELS - 8, top + 15, bar.name, anchor="end")
    yield f'<rect class="{kind}" x="{_LABELS}" y="{top + 3}" width="{length:.1f}" height="16"/>'
    yield _text(round(_LABELS + length + 6, 1), top + 15, f"{bar.value:,.3g}")


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    styled = f' class="{style}"' if style else ""
    anchored = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x}" y="{y}"{styled}{anchored}>{escape(text)}</text>'


def _in_words(panels: Iterable[Panel]) -> str:
    """For who does not see it."""
    return "; ".join(
        f"{panel.title}: " + ", ".join(f"{bar.name} {bar.value:,.3g}" for bar in panel.bars)
        for panel in panels
    )
