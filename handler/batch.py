"""A batch of stream records, each read when it is reached or claimed ahead, and once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from handler.change import AnyChange, Change
from handler.config import RequestsStream
from handler.records import MalformedRecordError, event_name, request_of


class InvalidEventError(Exception):
    """The event is no batch of records; failing keeps whatever it is with Lambda."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The record is of no event of the contract."""


Entry = AnyChange | MalformedRecordError | Ignored | Exception
"""What a record is; any other exception is one that reading it has raised."""


class Batch:
    """The records of one invocation."""

    def __init__(self, event: object, stream: RequestsStream) -> None:
        """Raises `InvalidEventError`."""
        self.records = _records(event)
        self._stream = stream
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self.records)

    def entry(self, index: int) -> Entry:
        """What the record is."""
        while len(self._entries) <= index:
            self._entries.append(self._read(self.records[len(self._entries)]))
        return self._entries[index]

    def requests_from(self, index: int) -> Iterator[AnyChange]:
        """The requests from a record on, in order."""
        for each in range(index, len(self.records)):
            entry = self.entry(each)
            if isinstance(entry, Change):
                yield entry

    def _read(self, record: object) -> Entry:
        try:
            if event_name(record) not in self._stream.events:
                return Ignored()
            request: AnyChange = request_of(record, self._stream)
        except Exception as error:  # noqa: BLE001 - told when the record is reached
            return error
        return request


def _records(event: object) -> list[Any]:
    """The batch; none when the event has none, as a test event from the console."""
    if not isinstance(event, Mapping):
        raise InvalidEventError(f"the event must be an object, got {type(event).__name__}")
    records = event.get("Records")
    if records is None:
        return []
    if not isinstance(records, list):
        raise InvalidEventError(f"Records must be a list, got {type(records).__name__}")
    return records
