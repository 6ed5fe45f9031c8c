"""The function's log in its log group, written with the function's own permissions.

So that `aws logs tail` works on the local run, and a role that may not write logs shows.
"""

import asyncio
import logging
import time
from typing import Any, Final

from infra.wording import counted

logger = logging.getLogger(__name__)

STREAM: Final = "local"
_INTERVAL: Final = 0.5


class LogWriter:
    """Gathers lines and puts them into a log group, twice a second."""

    def __init__(self, client: Any, log_group: str) -> None:
        self._client = client
        self._log_group = log_group
        self._events: list[dict[str, Any]] = []
        self._has_stream = False
        self._writing = asyncio.Lock()

    def add(self, line: str) -> None:
        """Remembers a line to be written."""
        if line:
            self._events.append({"timestamp": int(time.time() * 1000), "message": line})

    async def write_to(self, client: Any, log_group: str) -> None:
        """From now on; what was printed until now is written where it belongs."""
        if (client, log_group) != (self._client, self._log_group):
            await self.flush()
            self._client, self._log_group, self._has_stream = client, log_group, False

    async def run(self) -> None:
        """Writes until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL)
            await self.flush()

    async def flush(self) -> None:
        """Writes what there is. What cannot be written is lost, as on AWS, with a warning."""
        async with self._writing:
            events, self._events = self._events, []
            if events:
                try:
                    await asyncio.to_thread(self._put, events)
                except Exception as error:  # noqa: BLE001 - a log must not end with a line of it
                    logger.warning("%s lost: %s", counted(len(events), "log line"), error)

    def _put(self, events: list[dict[str, Any]]) -> None:
        stream = {"logGroupName": self._log_group, "logStreamName": STREAM}
        if not self._has_stream:
            self._client.create_log_stream(**stream)
            self._has_stream = True
        self._client.put_log_events(**stream, logEvents=events)
