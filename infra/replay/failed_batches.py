"""The failure bucket's objects: finding them, reading them, and putting away what is done.

Two writers share the bucket and the document shape: Lambda's on-failure destination, for batches
whose retries or age ran out, and the handler, for records that it rejected. Whoever else may write
to the bucket can do so too: nothing is taken for granted, and one object stops no other.
"""

import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from handler.config import LAMBDA_FAILURE_PREFIX, REJECTED_PREFIX
from infra.replay.stream_record import Record
from infra.replay.target import ReplayError, said

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PREFIXES: Final = (LAMBDA_FAILURE_PREFIX, REJECTED_PREFIX)
MAXIMUM_SIZE: Final = 64 * 1024 * 1024
"""Bytes of an object that is read. Lambda's hold a batch of at most 6 MB, as text within text."""

_READERS: Final = 4
"""Objects that are in memory at the same time."""
_CHANGED: Final = ("PreconditionFailed", "NoSuchKey", "404", "ConditionalRequestConflict")
T = TypeVar("T")


class BrokenDocumentError(Exception):
    """An object of the bucket that is no failed batch, and why."""


class ChangedObjectError(Exception):
    """The object is no longer what was read: a newer failure stands there, or it is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedBatch:
    """One object of the bucket: records that were given up together."""

    key: str
    etag: str
    """Of what was read; another one since then means another failure since then."""
    failed_at: str
    """ISO 8601, UTC."""
    condition: str
    """Why: RetryAttemptsExhausted and RecordAgeExceeded are Lambda's, the rest the handler's."""
    reason: str
    """In more words, where the writer knows them."""
    records: Sequence[Record]
    document: Mapping[str, Any]


class FailedBatches:
    """The failed batches of one stack."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keys(self) -> Iterator[str]:
        """Every object's key, page by page. Raises `ReplayError` when it cannot be listed."""
        paginator = self._client.get_paginator("list_objects_v2")
        try:
            for prefix in PREFIXES:
                for page in paginator.paginate(Bucket=self._bucket, Prefix=prefix):
                    for entry in page.get("Contents", []):
                        yield entry["Key"]
        except ClientError as error:
            raise ReplayError(f"bucket {self._bucket} cannot be listed: {said(error)}") from error

    def read_each(
        self, keys: Iterable[str], use: Callable[[FailedBatch], T]
    ) -> Iterator[T | BrokenDocumentError]:
        """What `use` makes of each object, in the order of the keys; a few are read ahead.

        `use` runs in a thread of its own, and what it does not return is gone from memory.
        """

        def read(key: str) -> T | BrokenDocumentError:
            try:
                return use(self.read(key))
            except BrokenDocumentError as error:
                return error
            except RecursionError:
                return BrokenDocumentError(f"{key}: it is nested too deeply")

        with ThreadPoolExecutor(_READERS) as readers:
            ahead = deque[Future[T | BrokenDocumentError]]()
            for key in keys:
                ahead.append(readers.submit(read, key))
                if len(ahead) == _READERS:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def read(self, key: str) -> FailedBatch:
        """One object. Raises `BrokenDocumentError`, also when there is no such object."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            if answer["ContentLength"] > MAXIMUM_SIZE:
                answer["Body"].close()
                raise BrokenDocumentError(f"{key}: {answer['ContentLength']:,} bytes are too many")
            body = answer["Body"].read()
        except ClientError as error:
            raise BrokenDocumentError(f"{key}: {said(error)}") from error
        except (BotoCoreError, HTTPError, OSError) as error:
            raise BrokenDocumentError(f"{key}: {error}") from error
        return failed_batch(key, body, etag=answer["ETag"])

    def remove(self, key: str, etag: str) -> None:
        """Deletes the object if it is still the one that was read. Raises `ChangedObjectError`.

        S3 compares and deletes in one step, whatever the bucket's versioning (User Guide, "How to
        perform conditional deletes"); it takes s3:DeleteObject and s3:GetObject. A versioned
        bucket gets a delete marker, and keeps the versions until the lifecycle ends them.
        """
        self._change(lambda: self._client.delete_object(
            Bucket=self._bucket, Key=key, IfMatch=etag
        ))  # fmt: skip

    def keep_only(self, batch: FailedBatch, records: Sequence[Record]) -> None:
        """Writes the object anew with these records, if it is still the one that was read.

        Raises `ChangedObjectError`.
        """
        document = {**batch.document, "payload": json.dumps({"Records": list(records)})}
        body = json.dumps(document).encode()
        self._change(lambda: self._client.put_object(
            Bucket=self._bucket, Key=batch.key, Body=body, IfMatch=batch.etag,
            ContentType="application/json",
        ))  # fmt: skip

    def _change(self, request: Callable[[], object]) -> None:
        try:
            request()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _CHANGED:
                raise ChangedObjectError from error
            raise


def failed_batch(key: str, body: bytes, *, etag: str) -> FailedBatch:
    """Reads a document of either writer.

    AWS documents `payload` as an escaped JSON string; a plain object is read too. Raises
    `BrokenDocumentError` that says what is missing.
    """
    document = _object(key, "the document", body)
    request_context = _member(key, document, "requestContext")
    event = _object(key, "payload", document.get("payload"))
    records = event.get("Records")
    if not isinstance(records, list) or not records:
        raise BrokenDocumentError(f"{key}: payload holds no Records")
    return FailedBatch(
        key=key,
        etag=etag,
        failed_at=str(document.get("timestamp", "")),
        condition=str(request_context.get("condition", "")),
        reason=str(document.get("reason", "")),
        records=records,
        document=document,
    )


def _object(key: str, what: str, value: object) -> Mapping[str, Any]:
    if isinstance(value, (str, bytes)):
        try:
            value = json.loads(value, parse_constant=_no_number, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise BrokenDocumentError(f"{key}: {what} is not JSON") from error
    if not isinstance(value, Mapping):
        raise BrokenDocumentError(f"{key}: {what} is not an object")
    return value


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _member(key: str, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name not in document:
        raise BrokenDocumentError(
            f"{key}: no {name}, so not a record of Lambda's on-failure destination"
        )
    return _object(key, name, document[name])
