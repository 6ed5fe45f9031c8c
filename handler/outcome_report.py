"""The outcome of each record, told to a caller who asks: a replay or a backfill.

Lambda's event source mapping never asks, so that its answer is the partial batch response alone.
The infrastructure reads this module, so it uses the standard library only.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from handler.record_outcomes import Became, RecordOutcome

REPORT_OUTCOMES: Final = "reportOutcomes"
"""The event's key that asks, with true. An event of Lambda's has no such key."""

OUTCOMES: Final = "outcomes"
"""The answer's key: a list by the record's place in the batch, `{}` for one not reached."""

Response = dict[str, list[dict[str, str]]]


def with_outcomes(
    response: Response, event: object, outcomes: Mapping[int, RecordOutcome]
) -> Response:
    """The answer to the event; `outcomes` by the record's place in the batch."""
    if not isinstance(event, Mapping) or event.get(REPORT_OUTCOMES) is not True:
        return response
    reached = max(outcomes, default=-1) + 1
    told = [_told(outcomes[place]) if place in outcomes else {} for place in range(reached)]
    return {**response, OUTCOMES: told}


def asking(records: Sequence[object]) -> dict[str, Any]:
    """The event of a caller who wants to know."""
    return {"Records": list(records), REPORT_OUTCOMES: True}


def outcomes_in(response: object, count: int) -> Mapping[int, RecordOutcome] | None:
    """What an answer to that many records tells; None: the function does not tell, or nonsense."""
    told = response.get(OUTCOMES) if isinstance(response, Mapping) else None
    if not isinstance(told, list) or len(told) > count:
        return None
    try:
        return {place: _read(one) for place, one in enumerate(told) if one != {}}
    except (TypeError, ValueError, KeyError):
        return None


def _told(outcome: RecordOutcome) -> dict[str, str]:
    told = {"outcome": str(outcome.became)}
    return told if outcome.key is None else {**told, "key": outcome.key}


def _read(told: Any) -> RecordOutcome:
    key = told.get("key") if isinstance(told, dict) else None
    return RecordOutcome(Became(told["outcome"]), key if isinstance(key, str) else None)
