"""AWS's prices and quotas, from a dated file that names its sources."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """What AWS's pages said on a day."""

    date: str
    region: str
    left_out: str
    prices: Mapping[str, float]
    """Dollars."""
    quotas: Mapping[str, int]
    """Of an account that has asked for no more."""


@cache
def listed() -> Listed:
    """The file's content."""
    content: dict[str, Any] = json.loads(
        Path(__file__).with_name("listed.json").read_text(encoding="utf-8")
    )
    return Listed(
        date=content["date"],
        region=content["region"],
        left_out=content["left_out"],
        prices=content["prices"],
        quotas=content["quotas"],
    )
