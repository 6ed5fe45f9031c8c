"""What a user's `process_batch` returns, one per request."""

from dataclasses import dataclass


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
