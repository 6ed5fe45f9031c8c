"""The table's stream as the event source mapping reads it.

`StreamSource` is what the mapping needs of a stream; `DynamoDBStreamReader` is the real one, over
the DynamoDB Streams API of the embedded AWS. What a record looks like is `stream_records`' matter.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from infra.config import StartingPosition
from infra.local.mapping.stream_records import lambda_record

if TYPE_CHECKING:
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient

Record: TypeAlias = dict[str, Any]
"""A stream record in the form in which Lambda hands it to a function."""

Position: TypeAlias = str
"""Where to read on in a shard: after this sequence number, or `TRIM_HORIZON`, the oldest record."""

RawRecord: TypeAlias = Mapping[str, Any]
"""A stream record as GetRecords returns it."""

T = TypeVar("T")


class StreamError(Exception):
    """The stream could not be read now; a later attempt may succeed."""


class TrimmedDataError(StreamError):
    """The position is older than what the stream still holds."""


class StreamSource(Protocol):
    """A DynamoDB stream. Every method raises `StreamError` for what a later attempt may mend."""

    @property
    def stream_arn(self) -> str: ...

    async def shard_ids(self) -> list[str]:
        """The shards of the stream, open and closed."""
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


class DynamoDBStreamReader:
    """Reads the stream of a table, shard by shard, and hands its records on as Lambda does."""

    def __init__(self, client: "DynamoDBStreamsClient", stream_arn: str, region: str) -> None:
        self.stream_arn = stream_arn
        self._client = client
        self._region = region

    async def shard_ids(self) -> list[str]:
        stream = await self._call(
            lambda: self._client.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]
        )
        return [shard["ShardId"] for shard in stream["Shards"]]

    async def latest_sequence_number(self, shard_id: str) -> str | None:
        latest = None
        iterator: str | None = await self.iterator(shard_id, StartingPosition.TRIM_HORIZON)
        while iterator is not None:
            page, iterator = await self._page(iterator, 1000)
            if not page:
                break
            latest = page[-1]["dynamodb"]["SequenceNumber"]
        return latest

    async def iterator(self, shard_id: str, position: Position) -> str:
        if position == StartingPosition.TRIM_HORIZON:
            return await self._call(
                lambda: self._client.get_shard_iterator(
                    StreamArn=self.stream_arn, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
            )
        return await self._call(
            lambda: self._client.get_shard_iterator(
                StreamArn=self.stream_arn,
                ShardId=shard_id,
                ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                SequenceNumber=position,
            )["ShardIterator"]
        )

    async def records(self, iterator: str, limit: int = 1000) -> tuple[list[Record], str | None]:
        page, following = await self._page(iterator, limit)
        records = [
            lambda_record(record, stream_arn=self.stream_arn, region=self._region)
            for record in page
        ]
        return records, following

    async def _page(self, iterator: str, limit: int) -> tuple[list[RawRecord], str | None]:
        response = await self._call(
            lambda: self._client.get_records(ShardIterator=iterator, Limit=limit)
        )
        return [*response["Records"]], response.get("NextShardIterator")

    async def _call(self, request: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(request)
        except ClientError as error:
            if error.response["Error"]["Code"] == "TrimmedDataAccessException":
                raise TrimmedDataError(str(error)) from error
            raise StreamError(str(error)) from error
        except BotoCoreError as error:
            raise StreamError(str(error)) from error
