"""Sending a table's items as INSERTs: those written before the stream, or lost on the way.

Nothing in DynamoDB tells which items went through, so the caller chooses them. An item's event id
is made of the table and its key: with idempotency on, a second backfill takes no effect.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from handler.config import EventName, StreamViewType
from infra.replay.dynamodb_json import event_image
from infra.replay.sending import Sender, item_key
from infra.replay.target import ReplayError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Key = Mapping[str, Any]
PAGE: Final = 100
"""Items of one scan request; few, so that a stop loses little."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which items to send, in DynamoDB's own expression language."""

    expression: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, *, since: str | None, expression: str | None, values: Mapping[str, Any]
    ) -> "Selection":
        """From `ATTRIBUTE=VALUE`, a filter expression, or both. Raises `ReplayError`."""
        if since is None:
            return cls(expression=expression, values=values)
        attribute, equals, value = since.partition("=")
        if not (attribute and equals and value):
            raise ReplayError(f"--since takes ATTRIBUTE=VALUE, got {since}")
        # Texts and numbers do not compare: the attribute's own type decides which bound counts.
        bounds = {"S": value} | ({"N": value} if _is_number(value) else {})
        condition = " OR ".join(
            f"(attribute_type(#since, :type{kind}) AND #since >= :since{kind})" for kind in bounds
        )
        of_bounds = {f":since{kind}": {kind: bound} for kind, bound in bounds.items()}
        of_types = {f":type{kind}": {"S": kind} for kind in bounds}
        return cls(
            expression=f"({condition}) AND ({expression})" if expression else condition,
            names={"#since": attribute},
            values={**of_bounds, **of_types, **values},
        )


@dataclass(kw_only=True, slots=True)
class Backfilled:
    """What became of the items: scanned = sent + left out, and sent = done + failed."""

    scanned: int = 0
    done: int = 0
    left_out: int = 0
    errors: list[str] = field(default_factory=list)
    resume_after: Key | None = None
    """The last item that was settled; a scan that starts after it goes on from there."""


class Backfill:
    """One scan of a table through a function."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        sender: Sender | None,
        *,
        records_per_second: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Without a sender it only counts."""
        self._client = client
        self._table = table
        self._sender = sender
        self._records_per_second = records_per_second
        self._sleep = sleep
        self.result = Backfilled()

    def run(
        self, selection: Selection, *, start_after: Key | None, on_page: Callable[[], None]
    ) -> None:
        """Goes through the table; `result` is right at any time, also after an interruption.

        Raises `ReplayError` when the table cannot be read or the function cannot be invoked.
        """
        description = self._described()
        numbers = count(1)
        for page in self._pages(selection, start_after):
            items = page["Items"]
            if self._sender is not None:
                records = [insert_record(description, item, next(numbers)) for item in items]
                self._send(self._sender, records)
            else:
                self.result.done += len(items)
            self.result.scanned += page["ScannedCount"]
            self.result.left_out += page["ScannedCount"] - len(items)
            self.result.resume_after = page.get("LastEvaluatedKey")
            on_page()
            if page.get("LastEvaluatedKey") and self._sender is not None:
                self._sleep(len(items) / self._records_per_second)

    def _send(self, sender: Sender, records: Sequence[Mapping[str, Any]]) -> None:
        progress = sender.send(records, lambda _: None)
        self.result.done += len(progress.done)
        self.result.errors += [f"{item_key(record)}: {error}" for record, error in progress.failed]

    def _described(self) -> Mapping[str, Any]:
        try:
            return self._client.describe_table(TableName=self._table)["Table"]
        except ClientError as error:
            raise ReplayError(f"table {self._table} cannot be described: {error}") from error

    def _pages(self, selection: Selection, start_after: Key | None) -> Iterator[Any]:
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "Limit": PAGE,
            "ConsistentRead": True,
        }
        if selection.expression:
            arguments["FilterExpression"] = selection.expression
        if selection.names:
            arguments["ExpressionAttributeNames"] = selection.names
        if selection.values:
            arguments["ExpressionAttributeValues"] = selection.values
        while True:
            if start_after is not None:
                arguments["ExclusiveStartKey"] = start_after
            try:
                page = self._client.scan(**arguments)
            except ClientError as error:
                raise ReplayError(f"table {self._table} cannot be scanned: {error}") from error
            yield page
            start_after = page.get("LastEvaluatedKey")
            if start_after is None:
                return


def insert_record(description: Mapping[str, Any], item: Key, number: int) -> dict[str, Any]:
    """The stream record of the item's first write, as it would be, with an event id of its own."""
    key_names = [element["AttributeName"] for element in description["KeySchema"]]
    image = event_image(item)
    keys = {name: image[name] for name in key_names}
    stream_arn = description.get("LatestStreamArn") or f"{description['TableArn']}/stream/backfill"
    return {
        "eventID": _event_id(description["TableArn"], keys),
        "eventName": str(EventName.INSERT),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": description["TableArn"].split(":")[3],
        "dynamodb": {
            "ApproximateCreationDateTime": float(int(time.time())),
            "Keys": keys,
            "NewImage": image,
            # The stream's own have 21 digits and more; within a batch it only has to be unique.
            "SequenceNumber": f"{number:021d}",
            "SizeBytes": len(json.dumps(image)),
            "StreamViewType": str(StreamViewType.NEW_IMAGE),
        },
        "eventSourceARN": stream_arn,
    }


def _event_id(table_arn: str, keys: Key) -> str:
    """32 hexadecimal digits, as AWS's are."""
    identity = json.dumps([table_arn, keys], sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
