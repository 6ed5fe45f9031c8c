"""Records that are alike but for their place and their time, made when they are looked at."""

from collections.abc import Iterator, Sequence
from typing import overload

from infra.capacity.virtual_time import EPOCH
from infra.capacity.workload import Arrivals
from infra.local.mapping.stream_reader import Record


class UniformRecords(Sequence[Record]):
    """A range of them: ten thousand take no room, and no time until one is asked for."""

    def __init__(self, arrivals: Arrivals, start: int, stop: int) -> None:
        self._arrivals = arrivals
        self._indexes = range(start, stop)

    def __len__(self) -> int:
        return len(self._indexes)

    def __iter__(self) -> Iterator[Record]:
        return map(self._record, self._indexes)

    @overload
    def __getitem__(self, key: int) -> Record: ...

    @overload
    def __getitem__(self, key: slice) -> Sequence[Record]: ...

    def __getitem__(self, key: int | slice) -> Record | Sequence[Record]:
        if isinstance(key, slice):
            indexes = self._indexes[key]
            return UniformRecords(self._arrivals, indexes.start, indexes.stop)
        return self._record(self._indexes[key])

    def _record(self, index: int) -> Record:
        return {
            "eventName": "INSERT",
            "dynamodb": {
                "SequenceNumber": str(index + 1),
                "ApproximateCreationDateTime": EPOCH + self._arrivals.time(index),
            },
        }
