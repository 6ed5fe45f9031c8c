"""Replaying failed batches: what it means for the bucket, and a summary that adds up.

An object goes when every record of it was processed, now or before; when only some were, a new
version of it keeps the rest, so that a second run does nothing twice whether or not the function
remembers events.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.events.stream_record import client_item, event_item, item_key
from infra.replay.dynamodb_json import plain
from infra.replay.failed_batches import (
    BrokenDocumentError,
    ChangedObjectError,
    FailedBatch,
    FailedBatches,
)
from infra.replay.printing import capped
from infra.replay.sending import Counts, Sender, Settled
from infra.replay.spool import Spool
from infra.replay.stream_record import Record, impossible
from infra.replay.target import said

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(kw_only=True, slots=True)
class Replayed:
    """What became of the records and of the objects of a run."""

    counts: Counts = field(default_factory=Counts)
    removed: int = 0
    not_removed: int = 0
    """Done, but they stay: changed since, or not to be deleted."""


class Replay:
    """One run over some failed batches: first read, then sent."""

    def __init__(self, bucket: FailedBatches, spool: Spool, *, say: Callable[[str], None]) -> None:
        self._bucket = bucket
        self._spool = spool
        self._say = say
        self._etags: dict[str, str] = {}

    @property
    def objects(self) -> int:
        """How many were read."""
        return len(self._etags)

    def read(self, batch: FailedBatch) -> None:
        """Takes the object's records. Raises `BrokenDocumentError` when it is to be left alone."""
        for number, record in enumerate(batch.records):
            if reason := impossible(record):
                raise BrokenDocumentError(f"{batch.key}: record {number}: {capped(reason)}")
        self._spool.add(batch.key, batch.records)
        self._etags[batch.key] = batch.etag

    def run(self, sender: Sender, on_settled: Callable[[Settled], None]) -> Replayed:
        """Sends every record; told of each as soon as its fate is known.

        Raises `ReplayError` when the function cannot be invoked; what was done by then is kept.
        """
        replayed = Replayed()
        try:
            for settled in sender.send(self._spool.in_stream_order()):
                replayed.counts.by_fate[settled.fate] += 1
                if settled.fate.is_done:
                    for key in self._spool.done(settled.record):
                        self._remove(key, replayed)
                on_settled(settled)
        finally:
            for key in self._spool.begun():
                self._keep_what_is_left(key)
        return replayed

    def _remove(self, key: str, replayed: Replayed) -> None:
        if self._changed(key, lambda: self._bucket.remove(key, self._etags[key])):
            replayed.removed += 1
        else:
            replayed.not_removed += 1

    def _keep_what_is_left(self, key: str) -> None:
        def write() -> None:
            batch = self._bucket.read(key)
            if batch.etag != self._etags[key]:
                raise ChangedObjectError
            left = [one for one in batch.records if not self._spool.is_done(key, one)]
            self._bucket.keep_only(batch, left)

        self._changed(key, write)

    def _changed(self, key: str, change: Callable[[], None]) -> bool:
        """Whether the object could be changed; if not, it is said why, and the others go on."""
        try:
            change()
        except ChangedObjectError:
            self._say(f"left alone: {key}: it has been written anew since it was read")
        except ClientError as error:
            self._say(f"left alone: {key}: its records are done, but {said(error)}")
        except (BotoCoreError, BrokenDocumentError) as error:
            self._say(f"left alone: {key}: its records are done, but {error}")
        else:
            return True
        return False


def changed_since(
    client: "DynamoDBClient", table: str, records: Iterator[Record]
) -> Iterator[tuple[str, str]]:
    """The items that are no longer as their record says, and what is different."""
    for record in records:
        change: Any = record.get("dynamodb") if isinstance(record, dict) else None
        if not isinstance(change, dict) or not change.get("Keys"):
            continue
        try:
            keys = client_item(change["Keys"])
            item = client.get_item(TableName=table, Key=keys, ConsistentRead=True).get("Item")
        except (ClientError, BotoCoreError, ValueError):
            continue
        image = change.get("NewImage")
        if item is None and image is not None:
            yield item_key(record), "the table no longer holds this item"
        elif item is not None and image is not None and plain(event_item(item)) != plain(image):
            yield item_key(record), "the table holds a newer version of this item"
