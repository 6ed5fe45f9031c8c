"""What a part of the benchmarks measured: tables to read, bars to draw, and where it was measured.

All figures of the page and of the plot are kept as JSON beside them, so that a part can be measured
again alone, and so that page and plot are always drawn from the same figures.
"""

import dataclasses
import json
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.benchmarks.side_by_side import Samples


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Cells as they are read; the first column says what a row is about."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar of a panel; ours is drawn in its own colour."""

    name: str
    value: float
    is_ours: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """A part's share of the plot."""

    title: str
    unit: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one part measured, under its own title; `notes` say what was compared, and how."""

    title: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    panel: Panel | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A part, and the machine and the day that it was measured on."""

    machine: str
    part: Part

    def to_json(self) -> dict[str, Any]:
        """Plain data, which `from_json` reads."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        part = document["part"]
        panel = part["panel"]
        return cls(
            machine=document["machine"],
            part=Part(
                title=part["title"],
                tables=tuple(
                    Table(head=tuple(table["head"]), rows=tuple(map(tuple, table["rows"])))
                    for table in part["tables"]
                ),
                notes=tuple(part["notes"]),
                panel=panel
                and Panel(
                    title=panel["title"],
                    unit=panel["unit"],
                    bars=tuple(Bar(**bar) for bar in panel["bars"]),
                ),
            ),
        )


def to_text(measured: Mapping[str, Measured]) -> str:
    """All parts as JSON."""
    document = {name: each.to_json() for name, each in measured.items()}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def from_text(text: str) -> dict[str, Measured]:
    """What `to_text` wrote."""
    return {name: Measured.from_json(each) for name, each in json.loads(text).items()}


def with_spread(samples: Samples, form: str | None = None) -> str:
    """The median, and between which values half of the rounds lie; in three digits, or whole."""
    low, high = samples.spread
    median, low_text, high_text = (
        (form or ("{:,.0f}" if value >= 1000 else "{:,.3g}")).format(value)
        for value in (samples.median, low, high)
    )
    return median if low_text == high_text else f"{median} ({low_text}–{high_text})"


def machine() -> str:
    """Where this process measures, and how busy it is there."""
    programs = f"Python {platform.python_version()}{_node()}"
    return (
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, {os.cpu_count()} cores{_processor()}, "
        f"{programs}, load {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    """Its name, where Linux tells it."""
    information = Path("/proc/cpuinfo")
    told = information.read_text(encoding="utf-8") if information.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    return f" of {found[1].strip()}" if found else ""


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        return ""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return f", Node.js {said.strip().removeprefix('v')}"
