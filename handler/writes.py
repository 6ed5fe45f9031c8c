"""What `process` may return: writes to DynamoDB, in one transaction with the event's memory.

Plain values: no client is needed to make them, and a test compares them. Items, keys and values are
plain Python (str, int, Decimal, bytes, bool, None, dict, list, and sets of the first four).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MAXIMUM_WRITES: Final = 99
"""Of one event: a transaction takes 100, and one of them is the event's memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Condition:
    condition: str | None = None
    """A condition expression; the transaction is cancelled where it does not hold."""
    names: Mapping[str, str] = field(default_factory=dict)
    """ExpressionAttributeNames, as `{"#status": "status"}`."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """ExpressionAttributeValues, as `{":new": "new"}`, plain Python."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Put(_Condition):
    """Writes a whole item."""

    table: str
    item: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Update(_Condition):
    """Changes an item as an update expression says; makes it where there is none."""

    table: str
    key: Mapping[str, Any]
    expression: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Delete(_Condition):
    """Deletes an item, if there is one."""

    table: str
    key: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionCheck(_Condition):
    """Changes nothing: the other writes take place only where `condition` holds of this item."""

    table: str
    key: Mapping[str, Any]


Write = Put | Update | Delete | ConditionCheck


@dataclass(frozen=True, slots=True)
class Writes:
    """All of them take place, and the event is remembered, or none does and it is not.

    A condition of theirs that fails rejects the request, unless `retry_failed_conditions`: then it
    has failed, and is delivered again.
    """

    writes: Sequence[Write]
    retry_failed_conditions: bool = False
