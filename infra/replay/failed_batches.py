"""The failure bucket's objects: finding them, reading them, and putting away what is done.

Two writers share the bucket and the document shape: Lambda's on-failure destination, for batches
whose retries or age ran out, and the handler, for records that it rejected.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from botocore.exceptions import ClientError

from handler.config import LAMBDA_FAILURE_PREFIX, REJECTED_PREFIX
from infra.replay.target import ReplayError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

Record: TypeAlias = object
"""What stood in the stream. Not always a mapping: some were given up because they are not."""

PREFIXES: Final = (LAMBDA_FAILURE_PREFIX, REJECTED_PREFIX)
_READERS: Final = 16


class BrokenDocumentError(Exception):
    """An object of the bucket that is no failed batch, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedBatch:
    """One object of the bucket: records that were given up together."""

    key: str
    version_id: str
    """The version that was read; another one since then means another failure since then."""
    failed_at: str
    """ISO 8601, UTC."""
    condition: str
    """Why: RetryAttemptsExhausted and RecordAgeExceeded are Lambda's, the rest the handler's."""
    reason: str
    """In more words, where the writer knows them."""
    records: Sequence[Record]
    document: Mapping[str, Any]


class FailureBucket:
    """The failed batches of one stack."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keys(self) -> list[str]:
        """Every object's key. Raises `ReplayError` when the bucket cannot be listed."""
        return list(self.versions(*PREFIXES))

    def versions(self, *prefixes: str) -> dict[str, str]:
        """The current version of every object. Raises `ReplayError`."""
        paginator = self._client.get_paginator("list_object_versions")
        try:
            return {
                version["Key"]: version["VersionId"]
                for prefix in prefixes
                for page in paginator.paginate(Bucket=self._bucket, Prefix=prefix)
                for version in page.get("Versions", [])
                if version["IsLatest"]
            }
        except ClientError as error:
            raise ReplayError(f"bucket {self._bucket} cannot be listed: {_said(error)}") from error

    def read_all(self, keys: Sequence[str]) -> Iterator[FailedBatch | BrokenDocumentError]:
        """The objects of these keys, in their order, as they arrive."""
        with ThreadPoolExecutor(_READERS) as readers:
            yield from readers.map(self._read_or_error, keys)

    def _read_or_error(self, key: str) -> FailedBatch | BrokenDocumentError:
        try:
            return self.read(key)
        except BrokenDocumentError as error:
            return error

    def read(self, key: str) -> FailedBatch:
        """One object. Raises `BrokenDocumentError`, also when there is no such object."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            raise BrokenDocumentError(f"{key}: {_said(error)}") from error
        return failed_batch(key, answer["Body"].read(), version_id=answer.get("VersionId", "null"))

    def is_unchanged(self, batch: FailedBatch) -> bool:
        """Whether the object still is what was read; a newer version holds a newer failure."""
        try:
            answer = self._client.head_object(Bucket=self._bucket, Key=batch.key)
        except ClientError:
            return False
        return answer.get("VersionId", "null") == batch.version_id

    def remove(self, batch: FailedBatch) -> None:
        """Puts a delete marker over the object: its versions stay until the lifecycle ends them."""
        self._client.delete_object(Bucket=self._bucket, Key=batch.key)

    def keep_only(self, batch: FailedBatch, records: Sequence[Record]) -> None:
        """Writes a new version of the object with the records that are still to be done."""
        document = {**batch.document, "payload": json.dumps({"Records": list(records)})}
        self._client.put_object(
            Bucket=self._bucket, Key=batch.key, Body=json.dumps(document).encode()
        )


def failed_batch(key: str, body: bytes, *, version_id: str) -> FailedBatch:
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
        version_id=version_id,
        failed_at=str(document.get("timestamp", "")),
        condition=str(request_context.get("condition", "")),
        reason=str(document.get("reason", "")),
        records=records,
        document=document,
    )


def _object(key: str, what: str, value: object) -> Mapping[str, Any]:
    if isinstance(value, (str, bytes)):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BrokenDocumentError(f"{key}: {what} is not JSON") from error
    if not isinstance(value, Mapping):
        raise BrokenDocumentError(f"{key}: {what} is not an object")
    return value


def _member(key: str, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name not in document:
        raise BrokenDocumentError(
            f"{key}: no {name}, so not a record of Lambda's on-failure destination"
        )
    return _object(key, name, document[name])


def _said(error: ClientError) -> str:
    """AWS's code and message, without the operation's name around them."""
    details = error.response.get("Error", {})
    return f"{details.get('Code', 'unknown')}: {details.get('Message', error)}"
