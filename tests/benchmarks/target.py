"""What a figure is held to, and whether this run met it."""


def at_least(measured: float, target: float, unit: str = "") -> str:
    """More is better."""
    return _verdict(f"at least {target:,g}{unit}", met=measured >= target)


def at_most(measured: float, target: float, unit: str = "") -> str:
    """Less is better."""
    return _verdict(f"at most {target:,g}{unit}", met=measured <= target)


def _verdict(target: str, *, met: bool) -> str:
    return f"(target: {target}: {'met' if met else 'MISSED'})"
