"""Replaying failed batches: what it means for the bucket, and a summary that adds up.

An object goes when all its records are done; when only some are, a new version of it keeps the
rest, so that a second run does nothing twice whether or not the function remembers events.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handler.config import REJECTED_PREFIX
from infra.replay.dynamodb_json import plain
from infra.replay.failed_batches import BrokenDocumentError, FailedBatch, FailureBucket, Record
from infra.replay.sending import Progress, Sender, item_key

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(kw_only=True, slots=True)
class Summary:
    """What became of the records of a run: read = done + rejected again + failed + held back."""

    objects: int = 0
    removed: int = 0
    read: int = 0
    done: int = 0
    rejected_again: int = 0
    failed: int = 0
    held_back: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.done == self.read and not self.errors


class Replay:
    """One run over some failed batches."""

    def __init__(
        self, bucket: FailureBucket, sender: Sender, batches: Sequence[FailedBatch]
    ) -> None:
        self._bucket = bucket
        self._sender = sender
        self._batches = batches
        self._left = {batch.key: _by_identity(batch.records) for batch in batches}
        """What is still to be done of each object."""
        self._owners = defaultdict[str, list[FailedBatch]](list)
        for batch in batches:
            for identity in self._left[batch.key]:
                self._owners[identity].append(batch)
        self._removed = 0

    def run(self, on_done: Callable[[int], None]) -> Summary:
        """Sends every record; told after each invocation how many it did.

        Raises `ReplayError` when the function cannot be invoked; what was done by then is kept.
        """
        parked = self._bucket.versions(REJECTED_PREFIX)

        def settle(records: Sequence[Record]) -> None:
            for record in records:
                self._settle(record)
            on_done(len(records))

        try:
            progress = self._sender.send(
                (record for batch in self._batches for record in batch.records), settle
            )
        finally:
            self._keep_what_is_left()
        return self._summary(progress, self._rejected_since(parked))

    def _settle(self, record: Record) -> None:
        """The record is done in every object that has it; an object without others goes."""
        identity = _identity(record)
        for batch in self._owners[identity]:
            left = self._left[batch.key]
            del left[identity]
            # One that the function has just written anew was rejected again: it stays.
            if not left and self._bucket.is_unchanged(batch):
                self._bucket.remove(batch)
                self._removed += 1

    def _keep_what_is_left(self) -> None:
        for batch in self._batches:
            left = self._left[batch.key]
            begun = len(left) < len(_by_identity(batch.records))
            if left and begun and self._bucket.is_unchanged(batch):
                self._bucket.keep_only(batch, list(left.values()))

    def _rejected_since(self, parked: dict[str, str]) -> set[str]:
        """The records that the function has parked while this ran."""
        now = self._bucket.versions(REJECTED_PREFIX)
        new = [key for key, version in now.items() if parked.get(key) != version]
        return {
            _identity(record)
            for batch in self._bucket.read_all(new)
            if not isinstance(batch, BrokenDocumentError)
            for record in batch.records
        }

    def _summary(self, progress: Progress, rejected: set[str]) -> Summary:
        again = sum(1 for record in progress.done if _identity(record) in rejected)
        return Summary(
            objects=len(self._batches),
            removed=self._removed,
            read=len(self._owners),
            done=len(progress.done) - again,
            rejected_again=again,
            failed=len(progress.failed),
            held_back=len(progress.held_back),
            errors=[f"{item_key(record)}: {error}" for record, error in progress.failed],
        )


def _by_identity(records: Iterable[Record]) -> dict[str, Record]:
    return {_identity(record): record for record in records}


def _identity(record: Record) -> str:
    return json.dumps(record, sort_keys=True)


def changed_since(
    client: "DynamoDBClient", table: str, records: Iterable[Record]
) -> Iterator[tuple[str, str]]:
    """The items that are no longer as their newest record here says, and what is different."""
    newest = {item_key(record): record for record in records if isinstance(record, dict)}
    for key, record in newest.items():
        stream_record: Any = record.get("dynamodb")
        if not isinstance(stream_record, dict) or not isinstance(stream_record.get("Keys"), dict):
            continue
        try:
            item = client.get_item(
                TableName=table, Key=stream_record["Keys"], ConsistentRead=True
            ).get("Item")
        except (client.exceptions.ClientError, ValueError):
            continue
        image = stream_record.get("NewImage")
        if item is None and image is not None:
            yield key, "the table no longer holds this item"
        elif image is not None and plain(item) != plain(image):
            yield key, "the table holds a newer version of this item"
