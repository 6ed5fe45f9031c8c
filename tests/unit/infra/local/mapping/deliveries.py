"""Runs an event source mapping over a scripted stream, on virtual time."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from infra.capacity.virtual_time import now, run
from infra.local.aws.functions import parameters
from infra.local.function.invocation import Function
from infra.local.mapping.destination import Destination
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.settings import MappingSettings
from infra.local.mapping.stream_reader import Position, StreamSource
from tests.unit.infra.local.mapping.scripted import STREAM_ARN

MAPPING_UUID = "11111111-2222-4333-8444-555555555555"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:processor"
BUCKET_ARN = "arn:aws:s3:::failures"

PATIENCE = 3600
"""Seconds on the virtual clock after which a mapping that does not settle has failed."""

T = TypeVar("T")


def settings(**inputs: Any) -> MappingSettings:
    """Settings from the inputs of Pulumi's mapping; what is not given is Lambda's default."""
    required = {
        "eventSourceArn": STREAM_ARN,
        "functionName": FUNCTION_ARN,
        "startingPosition": "TRIM_HORIZON",
    }
    given = {**required, **inputs}
    return MappingSettings.from_request(parameters(given, tuple(given)), uuid=MAPPING_UUID)


def mapping(
    source: StreamSource,
    function: Function,
    destination: Destination | None = None,
    checkpoints: Mapping[str, Position] | None = None,
    **inputs: Any,
) -> EventSourceMapping:
    return EventSourceMapping(
        settings(**inputs),
        source=source,
        function=function,
        destination=destination,
        checkpoints=checkpoints,
        clock=now,
    )


async def while_running(running: EventSourceMapping, meanwhile: Coroutine[Any, Any, T]) -> T:
    """The result of `meanwhile`; the mapping runs until then, and its failure is the test's."""
    task = asyncio.create_task(running.run())
    waiting = asyncio.create_task(meanwhile)
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
    for unfinished in (task, waiting):
        unfinished.cancel()
    await asyncio.gather(task, waiting, return_exceptions=True)
    if waiting.cancelled():
        if not task.cancelled():
            task.result()
        raise AssertionError(f"not done after {PATIENCE} seconds")
    return waiting.result()


def deliver(
    source: StreamSource,
    function: Function,
    destination: Destination | None = None,
    checkpoints: Mapping[str, Position] | None = None,
    **inputs: Any,
) -> EventSourceMapping:
    """A mapping that has settled all that is in the stream, and has stopped."""

    async def main() -> EventSourceMapping:
        running = mapping(source, function, destination, checkpoints, **inputs)
        await while_running(running, running.settled())
        return running

    return run(main())
