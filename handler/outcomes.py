"""What became of a record, in words that the handler and whoever asks it share."""

from dataclasses import dataclass
from enum import StrEnum


class Became(StrEnum):
    """What became of a record."""

    PROCESSED = "processed"
    PROCESSED_BEFORE = "processed before"
    REJECTED = "rejected"
    IGNORED = "ignored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """What became of a record, and where it was parked when it was rejected."""

    became: Became
    key: str | None = None
