"""What `process` is told by its stack."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Where the requests are counted."""

    counts_table: str
