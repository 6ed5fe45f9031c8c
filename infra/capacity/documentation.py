"""Writes the example of docs/scaling.md, and its plot: python -m infra.capacity.documentation

With --check nothing is written, and the exit code is 1 when a file says something else than the
model. A page without its block is left alone: it may be the user's.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from handler.config import RequestsStream
from infra.capacity import command
from infra.config.documentation import with_block

PROJECT: Final = Path(__file__).resolve().parents[2]

_BEGIN: Final = "capacity: written by `make docs` from infra/capacity"
_END: Final = "end of the capacity"
_PLOT: Final = "capacity.svg"

EXAMPLE: Final = (
    *("--writes-per-second", "2000", "--record-kb", "2", "--process-ms", "15"),
    *("--burst", "8000/10m", "--outage", "30m"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the files, or says which ones are behind; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.capacity.documentation",
        description="Write the example of docs/scaling.md and its plot from the model.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing, say what is behind")
    is_check = parser.parse_args(arguments).check
    written = documents(PROJECT)
    behind = {path: text for path, text in written.items() if _read(path) != text}
    for path, text in behind.items():
        if is_check:
            sys.stderr.write(f"{path.name} is not what the model says: run make docs\n")
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if is_check and behind else 0


def documents(project: Path) -> dict[Path, str]:
    """The page with its block written anew, and the plot."""
    page = project / "docs" / "scaling.md"
    if _BEGIN not in _read(page):
        return {}
    output, plot = _example()
    block = f"\n```console\n$ python -m infra.capacity {' '.join(EXAMPLE)}\n{output}```\n"
    return {
        page: with_block(_read(page), block, begin=_BEGIN, end=_END),
        page.with_name(_PLOT): plot,
    }


def _example() -> tuple[str, str]:
    """What the command prints, and what it draws."""
    output = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        plot = Path(folder) / _PLOT
        with contextlib.redirect_stdout(output):
            # As it came, whatever the user's items are.
            command.main([*EXAMPLE, "--plot", str(plot)], contract=RequestsStream())
        return output.getvalue(), _read(plot)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
