"""What became of each record, as far as it shows from outside: by what the function answered.

What this project's handler prints tells more: why a record was rejected and where it is parked, and
what a failed one failed with. Any other handler, and an answer of any shape, is taken as it comes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from infra.events.batch_item_failures import first_failure, sequence_number
from infra.local.function.invocation import Invocation


class Became(StrEnum):
    PROCESSED = "processed"
    PROCESSED_BEFORE = "processed before"
    REJECTED = "rejected"
    FAILED = "failed"
    WAITS = "waits"
    """It stands behind one that failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a record in one invocation."""

    record: object
    became: Became
    reason: str = ""
    """Of a rejected record: why, and where it is kept. Of a failed one: the error and its place."""
    traceback: str = ""

    @property
    def event_id(self) -> str:
        """Tells the records apart."""
        event_id = self.record.get("eventID") if isinstance(self.record, Mapping) else None
        return event_id if isinstance(event_id, str) else repr(self.record)


@dataclass(kw_only=True, slots=True)
class Details:
    """Collects what is printed about records, until their invocation is over."""

    _by_event_id: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, line: str) -> bool:
        """Whether the line tells what became of a record: then it is shown with the record."""
        document = json_object(line)
        event_id = document.get("event_id")
        tells = _TELLING & document.keys() or document.get("message") == _BEFORE
        if not isinstance(event_id, str) or not tells:
            return False
        self._by_event_id.setdefault(event_id, {}).update(document)
        return True

    def outcomes(self, invocation: Invocation) -> list[Outcome]:
        """Of each record of the invocation, in order."""
        records = records_of(invocation)
        failed = first_failure(records, invocation.response)
        return [
            self._outcome(record, place - failed, invocation)
            for place, record in enumerate(records)
        ]

    def _outcome(self, record: object, behind: int, invocation: Invocation) -> Outcome:
        """`behind`: by how many records it stands behind the first that failed."""
        event_id = record.get("eventID") if isinstance(record, Mapping) else None
        told = self._by_event_id.pop(event_id, {}) if isinstance(event_id, str) else {}
        if invocation.error is not None:
            return Outcome(record=record, became=Became.FAILED)
        if behind > 0:
            return Outcome(record=record, became=Became.WAITS)
        if behind == 0:
            return Outcome(
                record=record,
                became=Became.FAILED,
                reason=_error(told) or _misreported(record, invocation.response),
                traceback=_string(told.get("exception")),
            )
        if "key" in told:
            return Outcome(record=record, became=Became.REJECTED, reason=_rejection(told))
        before = told.get("message") == _BEFORE
        return Outcome(
            record=record, became=Became.PROCESSED_BEFORE if before else Became.PROCESSED
        )


_TELLING: Final = {"key", "reason", "stack", "exception"}
_BEFORE: Final = "Processed before"
_FRAME: Final = re.compile(r'File "(?P<file>.+?)", line (?P<line>\d+)')


def records_of(invocation: Invocation) -> Sequence[object]:
    """The event's records; none when it is no batch."""
    records = invocation.event.get("Records") if isinstance(invocation.event, Mapping) else None
    return records if isinstance(records, list) else []


def error_of(invocation: Invocation) -> str:
    """An invocation's error in one line: type, message and place; "" when there is none."""
    if invocation.error is None:
        return ""
    kind, message = (_string(invocation.error.get(name)) for name in ("errorType", "errorMessage"))
    return _with_place(f"{kind}: {message}", _place(_frames(traceback_of(invocation))))


def traceback_of(invocation: Invocation) -> str:
    """An invocation's stack trace as the runtime tells it."""
    trace = (invocation.error or {}).get("stackTrace")
    return "".join(map(str, trace)) if isinstance(trace, list) else ""


def shown(response: object) -> str:
    """An answer as JSON, cut where it is long."""
    return json.dumps(response, default=repr)[:200]


def json_object(line: str) -> Mapping[str, Any]:
    """The object that the line is; an empty one when it is none."""
    if not line.startswith("{"):
        return {}
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _error(told: Mapping[str, Any]) -> str:
    lines = _string(told.get("exception")).strip().splitlines()
    kind = _string(told.get("error_type"))
    stack = told.get("stack")
    frames = [str(each).partition(" ")[0] for each in stack] if isinstance(stack, list) else []
    return _with_place(lines[-1] if lines else kind, _place(frames))


def _misreported(record: object, response: object) -> str:
    """An answer for which the record counts as failed although it does not name the record."""
    failures = response.get("batchItemFailures") if isinstance(response, Mapping) else None
    named = [
        each.get("itemIdentifier") if isinstance(each, Mapping) else None
        for each in (failures if isinstance(failures, list) else [])
    ]
    if sequence_number(record) in named:
        return ""
    return f"the answer does not name it, {shown(response)}"


def _rejection(told: Mapping[str, Any]) -> str:
    reason = _string(told.get("reason"))
    kind = _string(told.get("error_type"))
    why = f"{kind}: {reason}" if reason else kind
    return f"{why}; kept as {_string(told.get('key'))}"


def _frames(traceback: str) -> list[str]:
    return [f"{match['file']}:{match['line']}" for match in _FRAME.finditer(traceback)]


def _place(frames: Sequence[str]) -> str:
    """The innermost call in the function's own code; else the innermost."""
    own = [each for each in frames if "/handler/" in each and "site-packages" not in each]
    if own:
        return "handler/" + own[-1].rpartition("/handler/")[2]
    return frames[-1] if frames else ""


def _with_place(error: str, place: str) -> str:
    return f"{error} ({place})" if place else error


def _string(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else repr(value)
