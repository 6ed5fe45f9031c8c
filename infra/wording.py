"""Numbers and lists in messages, as a reader says them."""

from collections.abc import Sequence
from typing import Final

_VOWELS: Final = "aeiou"


def counted(number: int, noun: str) -> str:
    """1 record, 2 records; 1 batch, 2 batches; 1 property, 2 properties."""
    return f"{number:,} {noun if number == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith(("ch", "sh", "s", "x")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def listed(names: Sequence[str], most: int = 10) -> str:
    """a, b, c; of a long list the first ones, and how many more there are."""
    left = len(names) - most
    return ", ".join(names) if left <= 1 else f"{', '.join(names[:most])} and {left:,} more"
