"""Which records the items' type does not take, found without sending them: a dry run counts them.

The handler would park them. It is the same code that judges: the contract of this folder, which is
the deployed one as long as both are of the same commit.
"""

import dataclasses
from collections import Counter
from functools import cache

from handler.change import MalformedRecordError
from handler.config import EventName, InvalidContractError, RequestsStream, StreamViewType
from handler.records import request_of
from infra.replay.stream_record import Record


class Misfits:
    """Judges records, and counts those that the handler would park for what is in them."""

    def __init__(self, contract: RequestsStream) -> None:
        self.count = 0
        self.by_path: Counter[str] = Counter()
        """Of how many records a path is wrong, with what is expected there."""
        self._contract = contract
        self._of_record = cache(self._stream_of)

    def judge(self, record: Record) -> str | None:
        """Why the record does not fit; None: it does."""
        reason, paths = self._why(record)
        if reason is not None:
            self.count += 1
            self.by_path.update(set(paths))
        return reason

    def _why(self, record: Record) -> tuple[str | None, tuple[str, ...]]:
        try:
            request_of(record, self._of_record(_view_type(record), _event(record)))
        except MalformedRecordError as error:
            return str(error), error.paths
        except InvalidContractError as error:
            return str(error), ()
        except Exception as error:  # noqa: BLE001 - the item's own __post_init__
            return f"{type(error).__name__}: {error}", ()
        return None, ()

    def _stream_of(self, view_type: str | None, event: str | None) -> RequestsStream:
        """The contract as the stack has it that the record is of."""
        changes: dict[str, object] = {}
        if view_type in list(StreamViewType):
            changes["view_type"] = StreamViewType(view_type)
        if event in list(EventName):
            changes["events"] = (EventName(event),)
        return dataclasses.replace(self._contract, **changes)  # type: ignore[arg-type] # by name


def _view_type(record: Record) -> str | None:
    change = record.get("dynamodb") if isinstance(record, dict) else None
    return _string(change.get("StreamViewType")) if isinstance(change, dict) else None


def _event(record: Record) -> str | None:
    return _string(record.get("eventName")) if isinstance(record, dict) else None


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
