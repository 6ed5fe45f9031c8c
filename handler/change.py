"""A change of an item, as `process` gets it, and the errors that say no retry can help."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from handler.attribute_values import InvalidAttributeValueError, plain_map

if TYPE_CHECKING:
    from handler.config import EventName

T = TypeVar("T")


class RejectedRequestError(Exception):
    """No retry can help: the record is parked in the failure bucket, and the stream goes on."""


class MalformedRecordError(RejectedRequestError):
    """The record is no request: says which attribute, what is there and what should be.

    `paths` has each of them with what should be there, and nothing of the record's values.
    """

    def __init__(self, message: str, paths: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.paths = paths


@dataclass(frozen=True, kw_only=True)
class Change(Generic[T]):
    """One change of one item of the table; `T` is what an item is."""

    item: T
    """The item as the change left it; of a removal, or under OLD_IMAGE, as it was."""
    old: T | None = None
    """The item before a MODIFY or REMOVE; None where the stream does not carry it."""
    event_id: str
    """Unique to the change; the same when the record is delivered again."""
    event_name: "EventName"
    sequence_number: str
    """Its place in the shard: larger is later. Compare as numbers, not as strings."""
    time: datetime
    """When the change was written, UTC, to about a second."""
    removed_by_ttl: bool = False
    """Whether DynamoDB removed the item because its time to live was over."""
    image: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What `item` was made of, in DynamoDB's JSON."""

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """The whole image in plain Python, also what the type does not declare.

        Decoded when first asked for. Raises `MalformedRecordError`, with which the record is
        parked, for what DynamoDB cannot have written.
        """
        try:
            return plain_map(self.image)
        except InvalidAttributeValueError as error:
            raise MalformedRecordError(f"the image{error}") from None


AnyChange = Change[Any]
"""Of whatever item the stack's contract names."""
