"""Microseconds a record in the handler, JSON in to JSON out, beside what one would write instead.

The floor is a bare loop that decodes the image. The article's handler, written anew, logs the
event, the records and each image, and returns the records. What is measured is CPU time. All of
them are given the same batch, and none has a table of events.
Ours alone checks what it decodes, so that its ratio depends on the payload: a small one and one of
nested values are measured.
"""

import contextlib
import io
import json
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from boto3.dynamodb.types import TypeDeserializer

from handler.config import HandlerConfig
from handler.counting import Counting
from handler.idempotency import NoIdempotency
from handler.processor import Processor
from handler.records import Request
from tests.benchmarks.side_by_side import medians
from tests.benchmarks.target import at_most
from tests.unit.handler.events import batch, record
from tests.unit.handler.stubs import FakeContext, Parked, no_transactions

BATCHES = {1: 150, 50: 50, 1_000: 11, 10_000: 3}
"""By the number of records, how often each is measured."""
PAYLOADS: dict[str, dict[str, Any]] = {
    "small": {"key": {"S": "val"}},
    "nested": {
        "customer": {"S": "c-1029"},
        "amount": {"N": "101.50"},
        "urgent": {"BOOL": True},
        "note": {"NULL": True},
        "lines": {
            "L": [
                {"M": {"sku": {"S": f"sku-{number}"}, "count": {"N": str(number)}}}
                for number in range(3)
            ]
        },
        "tags": {"SS": ["new", "web"]},
    },
}


def main() -> None:
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "bench")
    for kind, payload in PAYLOADS.items():
        for size, rounds in BATCHES.items():
            _print_times(kind, payload, size, rounds)


def _print_times(kind: str, payload: dict[str, Any], size: int, rounds: int) -> None:
    records = (record(number, payload={"M": payload}) for number in range(1, size + 1))
    event = json.dumps(batch(*records))
    works = {name: partial(_measured, make(), event) for name, make in HANDLERS.items()}
    times = medians(works, rounds=rounds)
    for name, took in times.items():
        ratio = f"ours is {times['ours'] / took:.2g} times that" if name != "ours" else ""
        is_held_to = name != "the article's" or (kind, size) == ("nested", 1_000)
        if name in MOST and size > 1 and is_held_to:
            ratio += " " + at_most(times["ours"] / took, MOST[name], " times")
        line = f"handler, {kind}, {size:>5} records, {name:<18}: {took / size * 1e6:>6.1f} µs"
        print(f"{line} {ratio}".rstrip())


def _measured(handler: Callable[[Any], object], event: str) -> float:
    # Standard output is CloudWatch Logs: what is written there is part of the work.
    with contextlib.redirect_stdout(io.StringIO()):
        begun = time.process_time()
        json.dumps(handler(json.loads(event)))
        return time.process_time() - begun


def _ours() -> Callable[[Any], object]:
    processor = Processor(
        HandlerConfig(failure_bucket="failures"),
        process=_work,
        parking=Parked(),
        idempotency=NoIdempotency(),
        transactions=no_transactions,
        counting=Counting(service="bench", namespace="Bench"),
    )
    return lambda event: processor.handle(event, FakeContext())


def _work(request: Request) -> None:
    assert request.payload


def _powertools() -> Callable[[Any], object]:
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams)

    def record_handler(record: DynamoDBRecord) -> None:
        image = record.dynamodb.new_image if record.dynamodb else None
        assert image

    return lambda event: process_partial_response(
        event=event, record_handler=record_handler, processor=processor
    )


def _article() -> Callable[[Any], object]:
    logger = Logger(service="bench", level=logging.INFO, stream=io.StringIO())

    @logger.inject_lambda_context(log_event=True)
    def handler(event: Any, _: Any) -> object:
        records = event["Records"]
        logger.info(records)
        results: list[object] = []
        for each in records:
            image = each["dynamodb"]["NewImage"]
            logger.info(image)
            assert image["payload"]["M"]
            results.append(None)
        return {"statusCode": 200, "body": {"Records": records, "Results": results}}

    return lambda event: handler(event, _ArticleContext())


class _ArticleContext(FakeContext):
    """Powertools' decorator wants one attribute more."""

    memory_limit_in_mb = 256


def _bare_loop() -> Callable[[Any], object]:
    deserializer = TypeDeserializer()

    def handler(event: Any) -> None:
        for each in event["Records"]:
            image = each["dynamodb"]["NewImage"]
            assert {name: deserializer.deserialize(value) for name, value in image.items()}

    return handler


HANDLERS = {
    "ours": _ours,
    "bare loop": _bare_loop,
    "BatchProcessor": _powertools,
    "the article's": _article,
}
MOST = {"bare loop": 1.5, "BatchProcessor": 1.0, "the article's": 1 / 6}
"""Times what the others take that ours may take, from 50 records on."""


if __name__ == "__main__":
    main()
