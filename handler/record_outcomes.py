"""What became of a record of the stream in the end."""

from enum import StrEnum
from typing import NamedTuple


class Became(StrEnum):
    """What became of a record."""

    # An enum's own is Python code, and these are counted for each record.
    __hash__ = str.__hash__

    PROCESSED = "processed"
    PROCESSED_BEFORE = "processed before"
    REJECTED = "rejected"
    IGNORED = "ignored"
    FAILED = "failed"


class RecordOutcome(NamedTuple):
    """What became of a record, and where it was parked when it was rejected."""

    became: Became
    key: str | None = None
