"""What became of a request or of a record, in words that the rest of the handler shares.

`Done`, `Rejected` and `Failed` are what a user's `process_batch` returns, one per request;
`RecordOutcome` is what became of a record of the stream in the end.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Done:
    """The request has taken effect."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """No retry can help: the record is parked whole, with the reason, and the next one follows."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It may pass: the record and all behind it are delivered again."""

    reason: str = ""


RequestOutcome = Done | Rejected | Failed


class Became(StrEnum):
    """What became of a record."""

    # An enum's own is Python code, and these are counted for each record.
    __hash__ = str.__hash__

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
