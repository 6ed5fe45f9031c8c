"""A batch of stream records, each read when it is reached or claimed ahead, and once.

What is settled is forgotten, so that a batch takes no more memory than its records.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from handler.change import AnyChange, Change
from handler.records import MalformedRecordError, RequestReader


class InvalidEventError(Exception):
    """The event is no batch of records; failing keeps whatever it is with Lambda."""


class Ignored:
    """The record is of no event of the contract."""


IGNORED: Final = Ignored()

Entry = AnyChange | MalformedRecordError | Ignored | Exception
"""What a record is; any other exception is one that reading it has raised."""


class Batch:
    """The records of one invocation."""

    def __init__(self, event: object, reader: RequestReader) -> None:
        """Raises `InvalidEventError`."""
        self.records = _records(event)
        self._reader = reader
        self._entries: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self.records)

    def entry(self, index: int) -> Entry:
        """What the record is."""
        entry = self._entries.get(index)
        if entry is None:
            entry = self._entries[index] = self._read(self.records[index])
        return entry

    def forget(self, first: int, end: int) -> None:
        """From one record to before another they are settled: nobody asks for their entries."""
        for index in range(first, end):
            self._entries.pop(index, None)

    def requests_from(self, index: int) -> Iterator[AnyChange]:
        """The requests from a record on, in order."""
        for each in range(index, len(self.records)):
            entry = self.entry(each)
            if isinstance(entry, Change):
                yield entry

    def _read(self, record: object) -> Entry:
        try:
            request: AnyChange | None = self._reader.request_of(record)
        except Exception as error:  # noqa: BLE001 - told when the record is reached
            return error
        return IGNORED if request is None else request


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
