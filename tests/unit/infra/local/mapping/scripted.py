"""What an embedded AWS cannot be made to do: a stream, a function and a destination by script.

The stream speaks the interface of the stream reader. The test writes its records (a deletion by
TTL, a record that comes late), at any moment (in the middle of a retry), and its failures.
"""

import asyncio
import bisect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.capacity.virtual_time import EPOCH
from infra.local.function.invocation import Invocation
from infra.local.mapping.destination import DestinationError
from infra.local.mapping.stream_reader import Position, Record, StreamError, TrimmedDataError

STREAM_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/requests/stream/2025-01-01T00:00:00.000"
SHARD = "shardId-00000001541626099285-f35f62ef"


def stream_record(
    number: int, *, key: str | None = None, event_name: str = "INSERT", created: float = EPOCH
) -> Record:
    """A record in Lambda's form; the number makes its sequence number."""
    item_key = {"request_id": {"S": key or f"item-{number}"}}
    record: Record = {
        "eventID": f"{number:032x}",
        "eventName": event_name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": created,
            "Keys": item_key,
            "SequenceNumber": str(10**21 + number),
            "SizeBytes": 20,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": STREAM_ARN,
    }
    if event_name != "REMOVE":
        record["dynamodb"]["NewImage"] = {**item_key, "payload": {"M": {}}}
    return record


def ttl_deletion(number: int, *, created: float = EPOCH) -> Record:
    """DynamoDB's own deletion of an expired item."""
    identity = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return {**stream_record(number, event_name="REMOVE", created=created), "userIdentity": identity}


def number_of(record: Record) -> int:
    return int(record["dynamodb"]["SequenceNumber"]) - 10**21


def numbers_of(records: Sequence[Record]) -> list[int]:
    return [number_of(record) for record in records]


class ScriptedStreamSource:
    """A stream in memory."""

    stream_arn = STREAM_ARN

    def __init__(self, *records: Record) -> None:
        self.shards: dict[str, list[Record]] = {SHARD: list(records)}
        self.closed: set[str] = set()
        self.trimmed: dict[str, int] = {}
        """Shard to the greatest number that the stream has forgotten."""
        self.failures: list[StreamError] = []
        """What the next calls raise."""
        self.polls = 0
        self._generation = 0

    def expire_iterators(self) -> None:
        """From now on, no iterator handed out so far is any good."""
        self._generation += 1

    def write(self, *records: Record, shard: str = SHARD) -> None:
        self.shards.setdefault(shard, []).extend(records)

    async def shard_ids(self) -> list[str]:
        self._fail_if_scripted()
        return list(self.shards)

    async def latest_sequence_number(self, shard_id: str) -> str | None:
        self._fail_if_scripted()
        records = self.shards[shard_id]
        return records[-1]["dynamodb"]["SequenceNumber"] if records else None

    async def iterator(self, shard_id: str, position: Position) -> str:
        self._fail_if_scripted()
        after = 0 if position == "TRIM_HORIZON" else int(position) - 10**21
        trimmed = self.trimmed.get(shard_id, 0)
        if position != "TRIM_HORIZON" and after < trimmed:
            raise TrimmedDataError(f"{position} is no longer there")
        return self._iterator(shard_id, max(after, trimmed))

    async def records(self, iterator: str, limit: int = 1000) -> tuple[list[Record], str | None]:
        self.polls += 1
        self._fail_if_scripted()
        shard_id, after, generation = iterator.split("/")
        if int(generation) != self._generation:
            raise StreamError("ExpiredIteratorException")
        shard = self.shards[shard_id]
        first = bisect.bisect_right(shard, int(after), key=number_of)
        page = shard[first : first + limit]
        if page:
            return page, self._iterator(shard_id, number_of(page[-1]))
        return page, None if shard_id in self.closed else iterator

    def _iterator(self, shard_id: str, after: int) -> str:
        return f"{shard_id}/{after}/{self._generation}"

    def _fail_if_scripted(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


class FunctionError(Exception):
    """The scripted function raises."""


class ScriptedFunction:
    """Answers each batch with what `answer` returns, and fails when that raises `FunctionError`."""

    def __init__(
        self, answer: Callable[[list[Record]], object] = lambda _: None, *, duration: float = 0
    ) -> None:
        self._answer = answer
        self._duration = duration
        self.batches: list[list[int]] = []
        self.request_ids: list[str] = []
        self.times: list[float] = []

    async def invoke(self, event: Mapping[str, Any], *, request_id: str) -> Invocation:
        records = event["Records"]
        self.request_ids.append(request_id)
        self.batches.append(numbers_of(records))
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self._duration)
        try:
            return self._invocation(event, self._answer(records))
        except FunctionError as error:
            described = {"errorType": "FunctionError", "errorMessage": str(error)}
            return self._invocation(event, described, error=described)

    def _invocation(
        self, event: object, response: object, *, error: Mapping[str, Any] | None = None
    ) -> Invocation:
        return Invocation(
            request_id=self.request_ids[-1],
            event=event,
            response=response,
            function_error=None if error is None else "Unhandled",
            error=error,
            duration=self._duration,
        )


class ScriptedDestination:
    """Keeps what it is sent, unless it is told to refuse."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.documents: list[dict[str, Any]] = []
        self._refuses = refuses

    async def send(self, document: Mapping[str, Any]) -> str:
        if self._refuses:
            raise DestinationError("AccessDenied")
        await asyncio.sleep(0.01)
        self.documents.append(dict(document))
        return f"object-{len(self.documents)}"


def reported(*records: Record) -> dict[str, Any]:
    """A response that reports these records as failed."""
    return {
        "batchItemFailures": [
            {"itemIdentifier": record["dynamodb"]["SequenceNumber"]} for record in records
        ]
    }
