"""Sending records through the deployed function as Lambda would, in order per item.

One attempt for each record: what fails here stays in the bucket, and whatever comes later for the
same item is held back behind it.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.events.batch_item_failures import first_failure, sequence_number
from infra.replay.failed_batches import Record
from infra.replay.target import ReplayError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

MAXIMUM_PAYLOAD: Final = 6 * 1024 * 1024
"""Bytes of a synchronous invocation's event; the quota is Lambda's."""

_ENVELOPE: Final = len('{"Records": []}')
_REFUSALS: Final = ("AccessDenied", "ResourceNotFound", "UnrecognizedClient", "InvalidSignature")


@dataclass(kw_only=True, slots=True)
class Progress:
    """What has become of each record that was to be sent."""

    done: list[Record] = field(default_factory=list)
    failed: list[tuple[Record, str]] = field(default_factory=list)
    """With the error that the function gave."""
    held_back: list[Record] = field(default_factory=list)
    """Not sent, because an earlier record of the same item failed."""


class Sender:
    """Invokes a function with stream records, batch by batch."""

    def __init__(self, client: "LambdaClient", function: str, *, batch_size: int) -> None:
        self._client = client
        self._function = function
        self._batch_size = batch_size

    def send(
        self, records: Iterable[Record], on_done: Callable[[Sequence[Record]], None]
    ) -> Progress:
        """Sends the records in stream order; `on_done` is told of those that an invocation did.

        Raises `ReplayError` when the function cannot be invoked at all.
        """
        progress = Progress()
        waiting = in_stream_order(records)
        blocked: set[str] = set()
        batch_size = self._batch_size
        while waiting:
            batch = self._batch(waiting, batch_size)
            done, error = self._invoke(batch)
            progress.done += batch[:done]
            on_done(batch[:done])
            waiting = waiting[done:]
            batch_size = self._batch_size
            if error is not None and done == 0:
                if len(batch) > 1 and error.is_of_whole_batch:
                    # Which record it was is unknown: ask with fewer of them.
                    batch_size = len(batch) // 2
                else:
                    progress.failed.append((batch[0], str(error)))
                    blocked |= {item_key(batch[0])}
                    waiting = self._unblocked(waiting[1:], blocked, progress)
        return progress

    def _unblocked(
        self, records: Sequence[Record], blocked: set[str], progress: Progress
    ) -> list[Record]:
        progress.held_back += [record for record in records if item_key(record) in blocked]
        return [record for record in records if item_key(record) not in blocked]

    def _batch(self, waiting: Sequence[Record], batch_size: int) -> Sequence[Record]:
        """The next records that fit an invocation; one without a place in the stream goes alone."""
        size = _ENVELOPE
        for count, record in enumerate(waiting[:batch_size]):
            size += len(json.dumps(record)) + len(", ")
            alone = sequence_number(record) is None
            if count and (size > MAXIMUM_PAYLOAD or alone):
                return waiting[:count]
            if alone:
                return waiting[:1]
        return waiting[:batch_size]

    def _invoke(self, batch: Sequence[Record]) -> "tuple[int, InvocationError | None]":
        """How many of the batch, from the front, are done, and what stopped it there."""
        try:
            answer = self._client.invoke(
                FunctionName=self._function, Payload=json.dumps({"Records": list(batch)}).encode()
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "").startswith(_REFUSALS):
                raise ReplayError(
                    f"function {self._function} cannot be invoked: {error}"
                ) from error
            return 0, InvocationError(str(error), is_of_whole_batch=True)
        except BotoCoreError as error:
            raise ReplayError(f"function {self._function} cannot be reached: {error}") from error
        body = answer["Payload"].read()
        if "FunctionError" in answer:
            return 0, InvocationError(_error_in(body), is_of_whole_batch=True)
        done = first_failure(batch, json.loads(body) if body else None)
        if done == len(batch):
            return done, None
        return done, InvocationError("reported as failed; its reason is in the function's log")


class InvocationError(Exception):
    """Why a batch was not done to its end."""

    def __init__(self, message: str, *, is_of_whole_batch: bool = False) -> None:
        super().__init__(message)
        self.is_of_whole_batch = is_of_whole_batch


def in_stream_order(records: Iterable[Record]) -> list[Record]:
    """By sequence number, which orders the changes of each item; the rest behind.

    The same record twice (it failed twice) is sent once.
    """
    unique = {json.dumps(record, sort_keys=True): record for record in records}
    return sorted(unique.values(), key=_place)


def _place(record: Record) -> tuple[bool, int]:
    number = sequence_number(record)
    return number is None, int(number or 0)


def item_key(record: Record) -> str:
    """The item that a record is of, as a text; the whole record when it names none."""
    stream_record = record.get("dynamodb") if isinstance(record, dict) else None
    keys = stream_record.get("Keys") if isinstance(stream_record, dict) else None
    return json.dumps(keys or record, sort_keys=True)


def _error_in(body: bytes) -> str:
    try:
        error = json.loads(body)
        return f"{error['errorType']}: {error['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return "the function failed without an error document"
