"""The handlers that are compared, each in a process of its own: `python contenders.py NAME`.

Started in the environment that the handler is installed in, and asked by lines of JSON on standard
input: which file holds the event, how often, and whether time or memory is measured.
"""

import contextlib
import gc
import json
import logging
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO, TypeAlias, cast

Handler: TypeAlias = Callable[[Any], object]


class Context:
    """What Lambda hands to a handler beside the event."""

    aws_request_id = "request-id"
    function_name = "processor"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:1:function:processor"
    memory_limit_in_mb = 256

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def ours() -> Handler:
    """The entry point of the article's item, as `handler/app.py` puts it together."""
    from handler.config import RequestsStream
    from handler.request import Request

    def process(request: Request) -> None:
        assert request.payload

    return _ours(RequestsStream(), process)


def ours_without_collector() -> Handler:
    """Shows what of the time is Python's garbage collector, which walks the event as it grows."""
    handler = ours()
    gc.disable()  # after the entry point, which turns it on
    return handler


def ours_typed() -> Handler:
    """The entry point of an item of ten attributes."""
    from handler.change import Change
    from handler.config import RequestsStream
    from tests.benchmarks.flat_item import Flat

    def process(change: Change[Flat]) -> None:
        assert change.item.status

    return _ours(RequestsStream(request=Change[Flat]), process)


def _ours(contract: Any, process: Any) -> Handler:
    from handler.config import HandlerConfig
    from handler.entry_point import entry_point

    environ = HandlerConfig(failure_bucket="failures", stream=contract).to_environ()
    handler = entry_point(contract, process, environ=environ)
    return lambda event: handler(event, Context())


def batch_processor() -> Handler:
    """Powertools', which decodes an image when it is asked for."""
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

    processor = BatchProcessor(event_type=EventType.DynamoDBStreams)

    def record_handler(record: DynamoDBRecord) -> None:
        image = record.dynamodb.new_image if record.dynamodb else None
        assert image

    return lambda event: process_partial_response(
        event=event, record_handler=record_handler, processor=processor
    )


def article() -> Handler:
    """Written anew from its description: event, records and each image logged, records returned."""
    from aws_lambda_powertools import Logger

    logger = Logger(service="bench", level=logging.INFO)

    @logger.inject_lambda_context(log_event=True)
    def handler(event: Any, _: Any) -> object:
        records = event["Records"]
        logger.info(records)
        results: list[object] = []
        for each in records:
            image = each["dynamodb"]["NewImage"]
            logger.info(image)
            assert image
            results.append(None)
        return {"statusCode": 200, "body": {"Records": records, "Results": results}}

    return lambda event: handler(event, Context())


def bare_loop() -> Handler:
    """The floor: boto3's deserialiser, and nothing that keeps a batch or a record safe."""
    from boto3.dynamodb.types import TypeDeserializer

    deserializer = TypeDeserializer()

    def handler(event: Any) -> None:
        for each in event["Records"]:
            image = each["dynamodb"]["NewImage"]
            assert {name: deserializer.deserialize(value) for name, value in image.items()}

    return handler


HANDLERS: dict[str, Callable[[], Handler]] = {
    "ours": ours,
    "ours, gc off": ours_without_collector,
    "ours, typed": ours_typed,
    "bare loop": bare_loop,
    "BatchProcessor": batch_processor,
    "the article's": article,
}


def seconds(handler: Handler, event: str, times: int) -> float:
    """CPU seconds a batch takes, JSON in to JSON out."""
    begun = time.process_time()
    for _ in range(times):
        json.dumps(handler(json.loads(event)))
    return (time.process_time() - begun) / times


def peak_bytes(handler: Handler, event: str) -> float:
    """The most that a batch takes beside the event itself."""
    batch = json.loads(event)
    tracemalloc.start()
    try:
        json.dumps(handler(batch))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@contextlib.contextmanager
def _log() -> Iterator[TextIO]:
    """Standard output as Lambda's: a pipe that somebody reads, each line written at once."""
    with subprocess.Popen(
        ["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, bufsize=1
    ) as reader:
        assert reader.stdin is not None
        yield cast("TextIO", reader.stdin)


def main(name: str) -> None:
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "bench")
    # What is written to the log is part of the work; a logger keeps the output that it finds.
    answers = sys.stdout
    with _log() as log, contextlib.redirect_stdout(log):
        handler = HANDLERS[name]()
        for line in sys.stdin:
            asked = json.loads(line)
            event = Path(asked["event"]).read_text(encoding="utf-8")
            if asked["memory"]:
                answer = peak_bytes(handler, event)
            else:
                answer = seconds(handler, event, asked["times"])
            print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
