"""What a figure is held to, and whether this run met it."""

from tests.benchmarks.side_by_side import Samples


def at_least(measured: Samples | float, target: float, unit: str = "") -> str:
    """More is better."""
    return _verdict(f"at least {target:,g}{unit}", met=_figure(measured) >= target)


def at_most(measured: Samples | float, target: float, unit: str = "") -> str:
    """Less is better."""
    return _verdict(f"at most {target:,.3g}{unit}", met=_figure(measured) <= target)


def _figure(measured: Samples | float) -> float:
    return measured.median if isinstance(measured, Samples) else measured


def _verdict(target: str, *, met: bool) -> str:
    return f"{target}: {'met' if met else '**missed**'}"
