"""The picture of the demo in the README: its real output, drawn by rich as a terminal shows it.

`make picture` draws it anew, of the frozen project. What differs from run to run gives way to the
figures of one run, so that the same output is the same file.
"""

import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import MONOKAI

from infra.local import report
from tests.project import PROJECT, copy_of_project

FILE: Final = PROJECT / "docs" / "demo.svg"

_COMMAND: Final = "$ make demo"
_ONE_RUN: Final = {"Invocations": "5", "Duration": "70 ms", "IteratorAge": "635 ms"}
"""The figures that differ, and those of the run that stands for all."""
_VARYING: Final = (
    (r"Ready in [\d.]+ s at http://127\.0\.0\.1:\d+", "Ready in 2.3 s at http://127.0.0.1:46029"),
    (r"after [\d,]+ ms, all settled after [\d,]+ ms", "after 125 ms, all settled after 342 ms"),
)
_FIGURE: Final = re.compile(r"^([A-Z]\w+) +([\d,]+(?: ms)?)  (\S.*)$", re.MULTILINE)
_TREE: Final = re.compile(r"^stack .*?(?=^Ready in )", re.MULTILINE | re.DOTALL)
"""What is deployed: it would fill the screen, and stands in docs/local-run.md."""

# rich's own form of it loads a font from elsewhere, which a page with the picture may not.
_SVG: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace;
    font-size: {char_height}px;
    line-height: {line_height}px;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def settled(output: str) -> str:
    """What the demo printed, with the figures of one run for those that differ."""
    for pattern, one in _VARYING:
        output = re.sub(pattern, one, output)
    found = list(_FIGURE.finditer(output))
    rows = [(name, _ONE_RUN.get(name, value), what) for name, value, what in map(_parts, found)]
    block = output[found[0].start() : found[-1].end()]
    return output.replace(block, "\n".join(report.figure_lines(rows)))


def _parts(figure: re.Match[str]) -> tuple[str, str, str]:
    name, value, what = figure.groups()
    return name, value, what


def drawn(output: str) -> str:
    """The picture of it, as SVG."""
    lines = [_COMMAND, *_TREE.sub("...\n", settled(output)).splitlines()]
    console = Console(
        record=True,
        file=io.StringIO(),
        width=max(map(len, lines)) + 1,
        highlight=False,
        markup=False,
    )
    for line in lines:
        console.print(line, style="bold" if line is _COMMAND else None)
    svg = console.export_svg(title="make demo", theme=MONOKAI, code_format=_SVG, unique_id="demo")
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        demo = subprocess.run(
            [sys.executable, "-m", "infra.local", "demo"],
            cwd=copy_of_project(Path(folder) / "project"),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    FILE.write_text(drawn(demo.stdout), encoding="utf-8")
    print(f"{FILE.relative_to(PROJECT)} is drawn")
    return 0


if __name__ == "__main__":
    sys.exit(main())
