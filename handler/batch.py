"""A batch of stream records, each read when it is reached or claimed ahead.

What has been reached is kept by whoever takes it, so that a batch takes no more memory than its
records and what is claimed ahead.
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
        self._request_of = reader.request_of
        self._read_ahead: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self.records)

    def entry(self, index: int) -> Entry:
        """What the record is. It is reached: it is not kept here."""
        if self._read_ahead and index in self._read_ahead:
            return self._read_ahead.pop(index)
        try:
            request = self._request_of(self.records[index])
        except Exception as error:  # noqa: BLE001 - told when the record is reached
            return error
        return IGNORED if request is None else request

    def requests_behind(self, index: int) -> Iterator[AnyChange]:
        """The requests behind a record, in order."""
        for each in range(index + 1, len(self.records)):
            if each not in self._read_ahead:
                self._read_ahead[each] = self.entry(each)
            entry = self._read_ahead[each]
            if isinstance(entry, Change):
                yield entry


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
