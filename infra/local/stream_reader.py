"""The table's stream as the event source mapping reads it.

`StreamSource` is what the mapping needs of a stream; `DynamoDBStreamReader` is the real one, over
the DynamoDB Streams API of the embedded AWS. What a record looks like is `stream_records`' matter.
"""

from typing import Any, Protocol, TypeAlias

Record: TypeAlias = dict[str, Any]
"""A stream record in the form in which Lambda hands it to a function."""

Position: TypeAlias = str
"""Where to read on in a shard: after this sequence number, or `TRIM_HORIZON`, the oldest record."""


class StreamError(Exception):
    """The stream could not be read now; a later attempt may succeed."""


class TrimmedDataError(StreamError):
    """The position is older than what the stream still holds."""


class StreamSource(Protocol):
    """A DynamoDB stream. Every method raises `StreamError` for what a later attempt may mend."""

    stream_arn: str

    async def shard_ids(self) -> list[str]:
        """The shards of the stream, open and closed, parents first."""
        ...

    async def latest_sequence_number(self, shard_id: str) -> str | None:
        """The newest record's sequence number; None: the shard has no record yet.

        DynamoDB has no such call. Lambda keeps its place from the moment the mapping begins; so
        must whoever wants to resume a LATEST mapping that was stopped before its first record.
        """
        ...

    async def iterator(self, shard_id: str, position: Position) -> str:
        """A shard iterator. Raises `TrimmedDataError` when the position is no longer there."""
        ...

    async def records(self, iterator: str, limit: int = 1000) -> tuple[list[Record], str | None]:
        """The next records, in order, and the iterator behind them.

        No records: all that was written so far has been read. No iterator: the shard is closed
        and has been read to its end.
        """
        ...
