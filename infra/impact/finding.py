"""One thing that an update does and that a reviewer must know of."""

from dataclasses import dataclass
from enum import StrEnum

from infra.impact.preview import Change


class Severity(StrEnum):
    """How much is at stake."""

    LOSSY = "lossy"
    """Something is gone that the update's reversal does not bring back."""
    RISK = "risk"
    """Nothing is gone yet: a protection is, or more is allowed, or it cannot be told."""
    NOTICE = "notice"
    """Good to know; never a reason to stop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What happens to one resource."""

    kind: str
    severity: Severity
    resource: str
    """The resource's name in the program."""
    what: str
    """What happens, and what is lost by it."""
    first: str = ""
    """What to do before going on."""

    @property
    def id(self) -> str:
        """What an allow-list names it by."""
        return f"{self.kind}:{self.resource}"


def lossy(kind: str, change: Change, what: str, first: str = "") -> Finding:
    """A finding of something that is gone."""
    return Finding(kind=kind, severity=Severity.LOSSY, resource=change.name, what=what, first=first)


def risk(kind: str, change: Change, what: str, first: str = "") -> Finding:
    """A finding of something that may go wrong from now on."""
    return Finding(kind=kind, severity=Severity.RISK, resource=change.name, what=what, first=first)


def notice(kind: str, change: Change, what: str, first: str = "") -> Finding:
    """A finding that stops nobody."""
    return Finding(
        kind=kind, severity=Severity.NOTICE, resource=change.name, what=what, first=first
    )
