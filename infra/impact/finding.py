"""One thing that an update does and that a reviewer must know of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from infra.impact.preview import Change
from infra.inputs import UNKNOWN


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
    urn: str
    resource: str
    """The resource's name in the program; where another has it too, with its types before it."""
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
    return _finding(Severity.LOSSY, kind, change, what, first)


def risk(kind: str, change: Change, what: str, first: str = "") -> Finding:
    """A finding of something that may go wrong from now on."""
    return _finding(Severity.RISK, kind, change, what, first)


def notice(kind: str, change: Change, what: str, first: str = "") -> Finding:
    """A finding that stops nobody."""
    return _finding(Severity.NOTICE, kind, change, what, first)


def _finding(severity: Severity, kind: str, change: Change, what: str, first: str) -> Finding:
    return Finding(
        kind=kind,
        severity=severity,
        urn=change.urn,
        resource=change.name,
        what=what.replace(UNKNOWN, "(known only once the update runs)"),
        first=first,
    )


def told_apart(findings: Sequence[Finding]) -> list[Finding]:
    """With ids of which each means one resource: URNs differ where names need not."""
    urns: dict[str, set[str]] = {}
    for each in findings:
        urns.setdefault(each.id, set()).add(each.urn)
    return [
        replace(each, resource=each.urn.split("::", 2)[-1]) if len(urns[each.id]) > 1 else each
        for each in findings
    ]
