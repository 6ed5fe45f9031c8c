"""The stream of a table: one record for each change, in one or several shards.

Both images are kept, whatever the view type, and shown as it says; a write that changes nothing
writes no record. An item's records are all in one shard, in order. A shard iterator says all that
it stands for, so that none has to be remembered.
"""

import base64
import json
import time
import uuid
import zlib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_to_dict

from infra.local.aws.dynamodb.sizes import item_size

SERVICE: Final = "dynamodb.amazonaws.com"
"""Who removes the items that are past their time to live."""

ITERATOR_AGE: Final = 15 * 60
"""Seconds after which a shard iterator is no longer good (API reference, GetRecords)."""

_FIRST_NUMBER: Final = 1100000000017454423009
_FIRST_SHARD: Final = 1541626099285


class StreamNotFoundError(JsonRESTError):
    """There is no such stream, or no such shard in it."""

    def __init__(self, message: str) -> None:
        super().__init__("ResourceNotFoundException", f"Requested resource not found: {message}")


class ExpiredIteratorError(JsonRESTError):
    """The shard iterator is too old."""

    def __init__(self) -> None:
        super().__init__(
            "ExpiredIteratorException",
            "Iterator expired. The iterator was created more than 15 minutes ago.",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A record with both images, as no view type shows it."""

    number: int
    event_id: str
    event_name: str
    created: datetime
    keys: Mapping[str, Any]
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    by: str | None

    def record(self, view_type: str, region: str) -> dict[str, Any]:
        """As GetRecords returns it."""
        images: dict[str, Mapping[str, Any]] = {"Keys": self.keys}
        if self.new is not None and view_type in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            images["NewImage"] = self.new
        if self.old is not None and view_type in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            images["OldImage"] = self.old
        identity = {"userIdentity": {"Type": "Service", "PrincipalId": self.by}} if self.by else {}
        return {
            "eventID": self.event_id,
            "eventName": self.event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": region,
            "dynamodb": {
                "ApproximateCreationDateTime": self.created,
                **images,
                "SequenceNumber": str(self.number),
                "SizeBytes": sum(map(item_size, images.values())),
                "StreamViewType": view_type,
            },
            **identity,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """A part of the stream, with all records of the items that are in it."""

    id: str
    changes: list[Change] = field(default_factory=list)

    def first_at(self, number: int) -> int:
        """Where the records from this number on begin."""
        return bisect_left(self.changes, number, key=lambda change: change.number)


class TableStream:
    """The changes of one table since its stream was switched on. Stands for moto's stream shard."""

    shards_of_new: int = 1
    """Shards of the streams that are made from now on; an on-demand table on AWS has four."""

    def __init__(self, table: Table, view_type: str) -> None:
        self.arn = f"{table.table_arn}/stream/{table.latest_stream_label}"
        self.label = table.latest_stream_label
        self.view_type = view_type
        self.created_on = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        self.is_open = True
        self.shards = [Shard(id=_shard_id(at)) for at in range(self.shards_of_new)]
        self._region = table.region_name
        self._table_name = table.name
        self._schema = table.schema
        self._next_number = _FIRST_NUMBER

    def add(self, old: Item | None, new: Item | None, *, by: str | None = None) -> None:
        """Writes a record, if the item has changed. `by` is the service that removed it."""
        before, after = _image(old), _image(new)
        existing = after if after is not None else before
        if before == after or existing is None:
            return
        keys = {name: existing[name] for name in self._key_names}
        change = Change(
            number=self._next_number,
            event_id=uuid.uuid4().hex,
            event_name="INSERT" if before is None else "REMOVE" if after is None else "MODIFY",
            # DynamoDB's clock has whole seconds here.
            created=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            keys=keys,
            old=before,
            new=after,
            by=by,
        )
        self._next_number += 1
        self._shard_of(keys).changes.append(change)

    def close(self) -> None:
        """Nothing more is written to it; what was can still be read."""
        self.is_open = False

    def describe(self) -> dict[str, Any]:
        """As DescribeStream answers."""
        return {
            "StreamArn": self.arn,
            "StreamLabel": self.label,
            "StreamStatus": "ENABLED" if self.is_open else "DISABLED",
            "StreamViewType": self.view_type,
            "CreationRequestDateTime": self.created_on,
            "TableName": self._table_name,
            "KeySchema": self._schema,
            "Shards": [
                {"ShardId": shard.id, "SequenceNumberRange": self._range()} for shard in self.shards
            ],
        }

    def summary(self) -> dict[str, Any]:
        """As ListStreams answers."""
        return {"StreamArn": self.arn, "TableName": self._table_name, "StreamLabel": self.label}

    def iterator(self, shard_id: str, kind: str, number: str | None) -> str:
        """A shard iterator. It begins with the ARN of its stream, as permissions need it."""
        self._shard(shard_id)
        at = int(number or 0)
        positions = {
            "TRIM_HORIZON": _FIRST_NUMBER,
            "LATEST": self._next_number,
            "AT_SEQUENCE_NUMBER": at,
            "AFTER_SEQUENCE_NUMBER": at + 1,
        }
        return self._iterator(shard_id, positions[kind])

    def records(self, iterator: str, limit: int) -> dict[str, Any]:
        """As GetRecords answers. Raises `ExpiredIteratorError`."""
        shard_id, position, made = json.loads(base64.b64decode(iterator.rpartition("|")[2]))
        if time.time() - made > ITERATOR_AGE:
            raise ExpiredIteratorError
        shard = self._shard(shard_id)
        first = shard.first_at(position)
        changes = shard.changes[first : first + limit]
        answer: dict[str, Any] = {
            "Records": [change.record(self.view_type, self._region) for change in changes]
        }
        if self.is_open or first + limit < len(shard.changes):
            following = changes[-1].number + 1 if changes else position
            answer["NextShardIterator"] = self._iterator(shard_id, following)
        return answer

    def _iterator(self, shard_id: str, position: int) -> str:
        stands_for = json.dumps([shard_id, position, time.time()]).encode()
        return f"{self.arn}|1|{base64.b64encode(stands_for).decode()}"

    def _shard(self, shard_id: str) -> Shard:
        for shard in self.shards:
            if shard.id == shard_id:
                return shard
        raise StreamNotFoundError(f"Shard: {shard_id} in Stream: {self.arn} not found")

    def _shard_of(self, keys: Mapping[str, Any]) -> Shard:
        if len(self.shards) == 1:
            return self.shards[0]
        partition_key = repr(keys[self._key_names[0]]).encode()
        hashed = int.from_bytes(sha256(partition_key).digest()[:8], "big")
        return self.shards[hashed % len(self.shards)]

    def _range(self) -> dict[str, str]:
        ends = {} if self.is_open else {"EndingSequenceNumber": str(self._next_number - 1)}
        return {"StartingSequenceNumber": str(_FIRST_NUMBER), **ends}

    @property
    def _key_names(self) -> list[str]:
        return [element["AttributeName"] for element in self._schema]


def _image(item: Item | None) -> Mapping[str, Any] | None:
    image: Mapping[str, Any] | None = dynamo_to_dict(dict(item.attrs)) if item is not None else None
    return image


def _shard_id(at: int) -> str:
    """shardId-, and as many digits and letters as AWS has."""
    return f"shardId-{_FIRST_SHARD + at:020d}-{zlib.crc32(bytes([at])):08x}"
