"""Committing what `process` returned, in one transaction with the event's memory: both, or neither.

The memory's condition is the lock. Conflicts, throttles and lost replies are tried again while
there is time; what no retry can help rejects the request. Importing this module imports boto3.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import boto3
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from handler.claims import EventInProgressError
from handler.idempotency_table import (
    CLIENT_CONFIG,
    TRANSACTION,
    State,
    StatementError,
    of_item,
    passes,
)
from handler.records import RejectedRequestError
from handler.time_left import TimeLeft
from handler.writes import MAXIMUM_WRITES, Delete, Put, Update, Write, Writes

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# TransactionCanceledException, "Cancellation reason codes" that trying again does not change.
_INVALID: Final = frozenset({"ValidationError", "ItemCollectionSizeLimitExceeded"})
_OPERATIONS: Final = {Put: "Put", Update: "Update", Delete: "Delete"}


def new_client() -> "DynamoDBClient":
    """For a stack without idempotency."""
    return boto3.client("dynamodb", config=CLIENT_CONFIG)


class RejectedWritesError(RejectedRequestError):
    """The writes that `process` returned cannot take place, now or later."""


class FailedConditionError(Exception):
    """A condition of the writes does not hold, and `process` says that this may pass."""


class Transactions:
    """Commits writes with a client of its own region and role."""

    def __init__(self, client: "DynamoDBClient", own_tables: Sequence[str] = ()) -> None:
        """`own_tables`: those that the handler itself keeps, closed to `process`."""
        self._client = client
        self._own_tables = tuple(own_tables)

    def commit(
        self,
        writes: Writes,
        memory: Mapping[str, Any] | None,
        *,
        source_table: str | None,
        time_left: TimeLeft,
    ) -> bool:
        """Whether the writes were committed; False: the event was processed before.

        Raises `RejectedWritesError` for what no retry can help, anything else for what may pass.
        """
        items = [] if memory is None else [memory]
        items += self._items(writes, source_table)
        if not items:
            return True
        for attempt in time_left.attempts():
            try:
                self._client.transact_write_items(TransactItems=items)  # type: ignore[arg-type] # they are
            except Exception as error:  # noqa: BLE001 - raised again when there is no time left
                outcome = _outcome(error, memory, writes)
                if outcome is not None:
                    return outcome
                last = error
                del attempt
            else:
                return True
        raise last

    def _items(self, writes: Writes, source_table: str | None) -> list[dict[str, Any]]:
        if len(writes.writes) > MAXIMUM_WRITES:
            raise RejectedWritesError(
                f"process returned {len(writes.writes)} writes, of at most {MAXIMUM_WRITES}"
            )
        for write in writes.writes:
            # A stream that is written to by its own reader never ends, and AWS does not detect it.
            if _name(write.table) == source_table:
                raise RejectedWritesError(f"process writes to {write.table}, which it is fed from")
            if _name(write.table) in self._own_tables:
                raise RejectedWritesError(f"process writes to {write.table}, the handler's own")
        try:
            return [_item(write) for write in writes.writes]
        except (TypeError, ValueError, ArithmeticError) as error:
            raise RejectedWritesError(
                f"process returned a value that DynamoDB does not have: {error}"
            ) from error


def _outcome(error: Exception, memory: Mapping[str, Any] | None, writes: Writes) -> bool | None:
    """What an error says of the transaction; None: it may be tried again. Raises what ends it."""
    if not isinstance(error, ClientError):
        if passes(error):
            return None
        raise error
    code = error.response.get("Error", {}).get("Code")
    if code == "ValidationException":
        raise RejectedWritesError(f"DynamoDB refuses the writes: {error}") from error
    if code != "TransactionCanceledException":
        if passes(error):
            return None
        raise error
    response: Mapping[str, Any] = error.response
    reasons = list(response.get("CancellationReasons", []))
    if memory is not None and reasons:
        first, *reasons = reasons
        if first.get("Code", "").startswith("ConditionalCheckFailed"):
            return _of_memory(first.get("Item"), memory)
        reasons.append(first)
    _raise_of_writes([each.get("Code") or "None" for each in reasons], error, writes)
    return None


def _of_memory(item: Mapping[str, Any] | None, memory: Mapping[str, Any]) -> bool | None:
    answer = of_item(item)
    if answer.state is State.COMPLETED:
        # The reply of our own attempt was lost, or it was processed before.
        return bool(answer.owner == memory["Put"]["Item"][TRANSACTION]["S"])
    if answer.state is State.HELD:
        raise EventInProgressError("another invocation is running the event")
    return None


def _raise_of_writes(codes: Sequence[str], error: ClientError, writes: Writes) -> None:
    if _INVALID.intersection(codes):
        raise RejectedWritesError(f"DynamoDB refuses the writes: {', '.join(codes)}") from error
    if any(code.startswith("ConditionalCheckFailed") for code in codes):
        if writes.retry_failed_conditions:
            raise FailedConditionError(f"a condition does not hold: {', '.join(codes)}") from error
        raise RejectedWritesError(f"a condition does not hold: {', '.join(codes)}") from error
    failed = [code for code in codes if code != "None"]
    if failed and not all(passes(StatementError(code, "")) for code in failed):
        raise error


def _item(write: Write) -> dict[str, Any]:
    serialize = TypeSerializer().serialize
    item: dict[str, Any] = {"TableName": write.table}
    if isinstance(write, Put):
        item["Item"] = {name: serialize(value) for name, value in write.item.items()}
    else:
        item["Key"] = {name: serialize(value) for name, value in write.key.items()}
    if isinstance(write, Update):
        item["UpdateExpression"] = write.expression
    if write.condition is not None:
        item["ConditionExpression"] = write.condition
    if write.names:
        item["ExpressionAttributeNames"] = dict(write.names)
    if write.values:
        item["ExpressionAttributeValues"] = {
            name: serialize(value) for name, value in write.values.items()
        }
    return {_OPERATIONS.get(type(write), "ConditionCheck"): item}


def _name(table: str) -> str:
    """Of a table's name or ARN."""
    return table.rsplit("/", 1)[-1]
