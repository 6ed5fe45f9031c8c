"""Sending a table's items as INSERTs: those written before the stream, or lost on the way.

Nothing in DynamoDB tells which items went through, so the caller chooses them. An item's event id
is made of its key and its content: with idempotency on, the same content takes effect once, and an
item that was rewritten since is processed.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from handler.attribute_values import plain_map
from handler.config import EventName, StreamViewType
from infra.events.stream_record import event_item
from infra.replay.printing import as_json
from infra.replay.selection import Selection
from infra.replay.sending import Counts, Sender, Settled
from infra.replay.stream_filter import StreamFilter
from infra.replay.stream_record import Record
from infra.replay.target import ReplayError, said

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Key = Mapping[str, Any]
PAGE: Final = 100
"""Items of one scan request; few, so that a stop loses little."""


@dataclass(kw_only=True, slots=True)
class Backfilled:
    """What became of the items: scanned = left out + kept away + to send."""

    scanned: int = 0
    left_out: int = 0
    """By the selection."""
    kept_away: int = 0
    """By the mapping's filters, as from the stream."""
    to_send: int = 0
    counts: Counts = field(default_factory=Counts)
    """What became of those that were sent."""
    resume_after: Key | None = None
    """The last item that was settled; a scan that starts after it goes on from there."""


class Backfill:
    """A table's items on their way through a function, as its mapping would let them."""

    def __init__(
        self,
        client: "DynamoDBClient",
        description: Mapping[str, Any],
        stream_filter: StreamFilter,
        selection: Selection,
        *,
        start_after: Key | None,
    ) -> None:
        """`description` is the table's, of DescribeTable. Raises `ReplayError`."""
        if not stream_filter.admits_inserts:
            raise ReplayError(
                "a backfill sends INSERTs, and the stack's events hold none: the mapping's filters "
                "would keep every item away"
            )
        self._client = client
        self._description = description
        self._filter = stream_filter
        self._selection = selection
        self._start_after = start_after

    def count(
        self,
        on_page: Callable[[Backfilled], None],
        on_record: Callable[[Record], object] = lambda _: None,
    ) -> Backfilled:
        """What a run would send, without sending it. Raises `ReplayError`."""
        result = Backfilled()
        for records, _ in self._pages(result):
            for record in records:
                on_record(record)
            on_page(result)
        return result

    def run(
        self,
        sender: Sender,
        *,
        records_per_second: float,
        on_settled: Callable[[Settled], None],
        on_page: Callable[[Backfilled], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Sends the items; `on_page` is told also of what was done until an interruption.

        Raises `ReplayError` when the table cannot be read or the function cannot be invoked.
        """
        result = Backfilled()
        for records, position in self._pages(result):
            for settled in sender.send(records):
                result.counts.by_fate[settled.fate] += 1
                on_settled(settled)
            result.resume_after = position
            on_page(result)
            if position is not None:
                sleep(len(records) / records_per_second)

    def _pages(self, result: Backfilled) -> Iterator[tuple[list[dict[str, Any]], Key | None]]:
        """The records of each page that are to be sent, and the position behind the page."""
        numbers = count(1)
        for page in self._scanned():
            records = [insert_record(self._description, item, 0) for item in page["Items"]]
            taken = [record for record in records if self._filter.lets_through(record)]
            for record in taken:
                record["dynamodb"]["SequenceNumber"] = _sequence_number(next(numbers))
            result.scanned += page["ScannedCount"]
            result.left_out += page["ScannedCount"] - len(records)
            result.kept_away += len(records) - len(taken)
            result.to_send += len(taken)
            yield taken, page.get("LastEvaluatedKey")

    def _scanned(self) -> Iterator[Any]:
        arguments: dict[str, Any] = {
            "TableName": self._description["TableName"],
            "Limit": PAGE,
            "ConsistentRead": True,
        }
        if self._selection.expression:
            arguments["FilterExpression"] = self._selection.expression
        if self._selection.names:
            arguments["ExpressionAttributeNames"] = self._selection.names
        if self._selection.values:
            arguments["ExpressionAttributeValues"] = self._selection.values
        position = self._start_after
        while True:
            if position is not None:
                arguments["ExclusiveStartKey"] = position
            page = self._page(arguments)
            yield page
            position = page.get("LastEvaluatedKey")
            if position is None:
                return

    def _page(self, arguments: Mapping[str, Any]) -> Any:
        table = arguments["TableName"]
        try:
            return self._client.scan(**arguments)
        except ClientError as error:
            raise ReplayError(f"table {table} cannot be scanned: {said(error)}") from error
        except BotoCoreError as error:
            raise ReplayError(f"table {table} cannot be scanned: {error}") from error


def described_table(client: "DynamoDBClient", table: str) -> Mapping[str, Any]:
    """DescribeTable's answer. Raises `ReplayError`."""
    try:
        description: Mapping[str, Any] = client.describe_table(TableName=table)["Table"]
    except ClientError as error:
        raise ReplayError(f"table {table} cannot be described: {said(error)}") from error
    return description


def insert_record(description: Mapping[str, Any], item: Key, number: int) -> dict[str, Any]:
    """The stream record of the item's first write, as it would be, with an event id of its own."""
    key_names = [element["AttributeName"] for element in description["KeySchema"]]
    image = event_item(item)
    keys = {name: image[name] for name in key_names}
    stream_arn = description.get("LatestStreamArn") or f"{description['TableArn']}/stream/backfill"
    view_type = description.get("StreamSpecification", {}).get("StreamViewType")
    return {
        "eventID": _event_id(description["TableArn"], keys, image),
        "eventName": str(EventName.INSERT),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": description["TableArn"].split(":")[3],
        "dynamodb": {
            # Nobody knows when the item was written. The time must be the same in every run, or
            # a poison item would be parked anew in each: it cannot be before the table's own.
            "ApproximateCreationDateTime": float(int(description["CreationDateTime"].timestamp())),
            "Keys": keys,
            "NewImage": image,
            "SequenceNumber": _sequence_number(number),
            "SizeBytes": len(json.dumps(image)),
            "StreamViewType": view_type or str(StreamViewType.NEW_IMAGE),
        },
        "eventSourceARN": stream_arn,
    }


def _sequence_number(number: int) -> str:
    """The stream's own have 21 digits and more; within a run it only has to be unique."""
    return f"{number:021d}"


def _event_id(table_arn: str, keys: Key, image: Key) -> str:
    """32 hexadecimal digits, as AWS's are; the same for what DynamoDB calls equal."""
    identity = f"{table_arn} {_canonical(keys)} {_canonical(image)}"
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def _canonical(image: Key) -> str:
    """Attributes and members of sets have no order, and a number is its value."""
    return as_json(_ordered(image))


def _ordered(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: _ordered_value(value[name]) for name in sorted(value)}


def _ordered_value(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return {kind: _number(content)}
        case "NS":
            return {kind: sorted(map(_number, content))}
        case "SS" | "BS":
            return {kind: sorted(content)}
        case "M":
            return {kind: _ordered(content)}
        case "L":
            return {kind: [_ordered_value(one) for one in content]}
        case _:
            return value


def _number(text: str) -> str:
    return str(plain_map({"n": {"N": text}})["n"].normalize())
