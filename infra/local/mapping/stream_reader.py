"""The table's stream as the event source mapping reads it.

`StreamSource` is what the mapping needs of a stream; `DynamoDBStreamReader` is the real one, over
the DynamoDB Streams API of the embedded AWS. What a record looks like is `stream_records`' matter.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from handler.config import StreamViewType
from infra.config import StartingPosition
from infra.local.mapping.stream_records import (
    is_keys_only_insert,
    item_key,
    lambda_record,
    without_impossible,
)

if TYPE_CHECKING:
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient

Record: TypeAlias = dict[str, Any]
"""A stream record in the form in which Lambda hands it to a function."""

Position: TypeAlias = str
"""Where to read on in a shard: after this sequence number, or `TRIM_HORIZON`, the oldest record."""

RawRecord: TypeAlias = Mapping[str, Any]
"""A stream record as GetRecords returns it."""

T = TypeVar("T")


UPSERT_GAP: Final = 0.05
"""Seconds between moto's two records of one upsert, at the most."""


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
    """Reads the stream of a table in moto and hands its records on as AWS would write them.

    A write that changes nothing writes no record on AWS, and one in moto. Where the view type has
    no old image, that shows only by the image before it, so the reader remembers each item's newest
    image, and reads the shard from its beginning to any position from which it is to go on. Under
    KEYS_ONLY and OLD_IMAGE it cannot tell: such records come through.

    One reader serves one mapping, and moto's streams have one shard: the memory is that shard's.
    """

    def __init__(self, client: "DynamoDBStreamsClient", stream_arn: str, region: str) -> None:
        self.stream_arn = stream_arn
        self._client = client
        self._region = region
        self._newest_images: dict[str, object] = {}

    async def shard_ids(self) -> list[str]:
        stream = await self._call(
            lambda: self._client.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]
        )
        return [shard["ShardId"] for shard in stream["Shards"]]

    async def latest_sequence_number(self, shard_id: str) -> str | None:
        latest = None
        async for page in self._pages(shard_id):
            latest = page[-1]["dynamodb"]["SequenceNumber"]
        return latest

    async def iterator(self, shard_id: str, position: Position) -> str:
        self._newest_images = {}
        if position == StartingPosition.TRIM_HORIZON:
            return await self._oldest(shard_id)
        async for page in self._pages(shard_id):
            before = [r for r in page if int(r["dynamodb"]["SequenceNumber"]) <= int(position)]
            self._without_unchanged(before)
            if len(before) < len(page):
                break
        return await self._call(
            lambda: self._client.get_shard_iterator(
                StreamArn=self.stream_arn,
                ShardId=shard_id,
                ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                SequenceNumber=position,
            )["ShardIterator"]
        )

    async def records(self, iterator: str, limit: int = 1000) -> tuple[list[Record], str | None]:
        while True:
            page, following = await self._page(iterator, limit)
            if following and any(map(is_keys_only_insert, page)):
                # The record that makes the last of these impossible may not have been there yet.
                await asyncio.sleep(UPSERT_GAP)
                more, following = await self._page(following, limit)
                page = [*page, *more]
            records = [
                lambda_record(record, stream_arn=self.stream_arn, region=self._region)
                for record in self._without_unchanged(without_impossible(page))
            ]
            if records or not page or following is None:
                return records, following
            iterator = following

    def _without_unchanged(self, records: Sequence[RawRecord]) -> list[RawRecord]:
        return [record for record in records if self._is_change(record)]

    def _is_change(self, record: RawRecord) -> bool:
        """Whether the item differs from what it was; remembers what it is now."""
        key, change = item_key(record), record["dynamodb"]
        after = change.get("NewImage")
        before = change.get("OldImage", self._newest_images.get(key))
        if change["StreamViewType"] == StreamViewType.NEW_IMAGE:
            self._newest_images[key] = after
        return record["eventName"] != "MODIFY" or after is None or after != before

    async def _pages(self, shard_id: str) -> AsyncIterator[list[RawRecord]]:
        """All that is in the shard now."""
        iterator: str | None = await self._oldest(shard_id)
        while iterator is not None:
            page, iterator = await self._page(iterator, 1000)
            if not page:
                return
            yield page

    async def _oldest(self, shard_id: str) -> str:
        return await self._call(
            lambda: self._client.get_shard_iterator(
                StreamArn=self.stream_arn, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
        )

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
