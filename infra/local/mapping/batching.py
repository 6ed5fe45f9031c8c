"""Gathering a batch: as many records as batch size, batching window and payload limit allow."""

import asyncio
import contextlib
import json
from collections import deque
from typing import Final

from infra.events.stream_record import INVOCATION_PAYLOAD
from infra.local.mapping.settings import MappingSettings
from infra.local.mapping.stream_reader import Record

# Every record is counted with the comma behind it, and the last one has none.
_ENVELOPE: Final = len('{"Records":[]}') - 1


class BatchQueue:
    """Records in the order in which they were read, handed out batch by batch."""

    def __init__(self, settings: MappingSettings) -> None:
        self._batch_size = settings.batch_size
        self._window = settings.maximum_batching_window_in_seconds
        self._records: deque[tuple[Record, int]] = deque()
        self._bytes = _ENVELOPE
        self._added = asyncio.Event()

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: Record) -> None:
        size = _event_size(record)
        self._records.append((record, size))
        self._bytes += size
        self._added.set()

    async def batch(self) -> list[Record]:
        """The next batch, as soon as there are records and the window is over or the batch full.

        AWS: "the next batching window begins as soon as the previous function invocation
        completes", which is when this is called. A window that ends without a record is followed
        by one that begins with the first.
        """
        loop = asyncio.get_running_loop()
        window_end = loop.time() + self._window
        while not self._records:
            await self._more()
        if self._window:
            if loop.time() > window_end:
                window_end = loop.time() + self._window
            await self._fill(until=window_end)
        return self._take()

    async def _fill(self, *, until: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                while not self._is_full:
                    await self._more()

    @property
    def _is_full(self) -> bool:
        return len(self._records) >= self._batch_size or self._bytes >= INVOCATION_PAYLOAD

    async def _more(self) -> None:
        self._added.clear()
        await self._added.wait()

    def _take(self) -> list[Record]:
        """Up to a full batch; a single record is taken whatever its size."""
        taken: list[Record] = []
        payload = _ENVELOPE
        while self._records and len(taken) < self._batch_size:
            record, size = self._records[0]
            if taken and payload + size > INVOCATION_PAYLOAD:
                break
            self._records.popleft()
            taken.append(record)
            payload += size
            self._bytes -= size
        return taken


def _event_size(record: Record) -> int:
    """Bytes of the record in the event, with the comma that follows it."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode(errors="surrogatepass")) + 1
