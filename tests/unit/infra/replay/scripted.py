"""A function that is scripted, and the records and objects that a replay meets.

The function is a stand-in: what Lambda's API answers is scripted, so that every kind of answer can
be had. The whole way with the real handler is in tests/integration.
"""

import io
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from handler.config import RequestsStream
from infra.events.batch_item_failures import first_failure

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

BUCKET = "replayed"
TABLE = "requests"
TABLE_ARN = "arn:aws:dynamodb:ap-northeast-1:123456789012:table/requests"
LAMBDA_KEY = "aws/lambda/0a1b2c3d/shardId-1/2026/11/23/2026-11-23T01.02.03-11111111"
REJECTED_KEY = "rejected/processor/2026/11/23/2026-11-23T01.00.00-22222222"

CONTRACT = RequestsStream()
BY_CONTRACT = ("--contract", f"{__name__}.CONTRACT")
"""For a dry run, in place of the user's own."""

Answer = Callable[[list[dict[str, Any]]], Any]


class ScriptedFunction:
    """Answers as Lambda's API does; remembers what it was sent.

    What the answer does not tell of the records is added as our handler would; a function that
    does not `tell` is somebody's own.
    """

    def __init__(
        self,
        answer: Answer = lambda _: {"batchItemFailures": []},
        *,
        tells: bool = True,
        filters: Sequence[str] = ('{"eventName": ["INSERT"]}',),
        table_arn: str = TABLE_ARN,
    ) -> None:
        self.answer = answer
        self.batches: list[list[str]] = []
        self._tells = tells
        self._mapping = {
            "UUID": "mapping",
            "EventSourceArn": f"{table_arn}/stream/2026-11-23",
            "FilterCriteria": {"Filters": [{"Pattern": pattern} for pattern in filters]},
        }

    def get_paginator(self, operation: str) -> "ScriptedFunction":
        assert operation == "list_event_source_mappings"
        return self

    def paginate(self, *, FunctionName: str) -> list[dict[str, Any]]:  # noqa: N803 - boto3's
        del FunctionName
        return [{"EventSourceMappings": [self._mapping]}]

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's
        del FunctionName
        event = json.loads(Payload)
        records = event["Records"]
        self.batches.append([record["eventID"] for record in records])
        answer = self.answer(records)
        if isinstance(answer, ClientError):
            raise answer
        if isinstance(answer, Exception):
            error = {"errorType": type(answer).__name__, "errorMessage": str(answer)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(error).encode())}
        if self._tells and event["reportOutcomes"] and "outcomes" not in (answer or {}):
            answer = {**(answer or {}), "outcomes": _outcomes(records, answer)}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    @property
    def sent(self) -> list[str]:
        return [event_id for batch in self.batches for event_id in batch]


def _outcomes(records: list[dict[str, Any]], answer: Any) -> list[dict[str, str]]:
    failed = first_failure(records, answer)
    return [{"outcome": "processed"}] * failed + [{"outcome": "failed"}] * (failed < len(records))


def record(number: int, *, item: str | None = None, payload: str = "hello") -> dict[str, Any]:
    key = {"request_id": {"S": item or f"item-{number}"}}
    return {
        "eventID": f"event-{number}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_790_000_000.0 + number,
            "Keys": key,
            "NewImage": {**key, "payload": {"M": {"text": {"S": payload}, "n": {"N": "7"}}}},
            "SequenceNumber": f"{number:021d}",
            "SizeBytes": 60,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/requests/stream/1",
    }


def document(records: Sequence[object], *, at: str = "01.02.03", **changes: Any) -> dict[str, Any]:
    return {
        "requestContext": {
            "requestId": "r",
            "functionArn": "f",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 6,
        },
        "responseContext": {
            "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": f"2026-11-23T{at.replace('.', ':')}.000Z",
        "DDBStreamBatchInfo": {"batchSize": len(records)},
        "payload": json.dumps({"Records": records}),
        **changes,
    }  # fmt: skip


def put(s3: "S3Client", key: str, content: object) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def keys(s3: "S3Client") -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def payload_records(s3: "S3Client", key: str) -> list[str]:
    body = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    return [one["eventID"] for one in json.loads(body["payload"])["Records"]]


def failing(*event_ids: str) -> Answer:
    """Does as the handler does: stops at the first failure and reports it."""

    def answer(records: list[dict[str, Any]]) -> Any:
        for one in records:
            if one["eventID"] in event_ids:
                number = one["dynamodb"]["SequenceNumber"]
                return {"batchItemFailures": [{"itemIdentifier": number}]}
        return {"batchItemFailures": []}

    return answer


Run = Callable[..., int]
Printed = pytest.CaptureFixture[str]
