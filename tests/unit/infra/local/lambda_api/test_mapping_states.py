"""A mapping's states, by hand: nothing else can hold it in one of them.

The stream, the function and the time are scripted; the clients' view of this stands in
`test_mapping_updates`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from infra.capacity.virtual_time import now, run
from infra.local.lambda_api.functions import Functions
from infra.local.lambda_api.mappings import Mappings
from infra.local.lambda_api.names import Place
from infra.local.lambda_api.operations import Parameters
from infra.local.lambda_api.refusals import RefusedError
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.settings import MappingSettings
from infra.local.mapping.stream_reader import Record
from tests.unit.infra.local.mapping.deliveries import PATIENCE
from tests.unit.infra.local.mapping.scripted import (
    STREAM_ARN,
    FunctionError,
    ScriptedDestination,
    ScriptedFunction,
    ScriptedStreamSource,
    number_of,
    stream_record,
)

PLACE: Final = Place(account="123456789012", region="us-east-1")
CREATED: Final[Parameters] = {
    "EventSourceArn": STREAM_ARN,
    "FunctionName": "processor",
    "StartingPosition": "TRIM_HORIZON",
}
IN_USE: Final = "Cannot {} the event source mapping because it is in use."


@pytest.fixture(autouse=True)
def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scripted clock would not wait for one."""

    async def at_once(call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)

    monkeypatch.setattr(asyncio, "to_thread", at_once)


class Held(ScriptedStreamSource):
    """A stream whose shards are told only when the test says so."""

    def __init__(self, *records: Record) -> None:
        super().__init__(*records)
        self.told = asyncio.Event()
        self.told.set()

    async def shard_ids(self) -> list[str]:
        await self.told.wait()
        return await super().shard_ids()


class ScriptedReaders:
    """Reads one stream for whatever mapping."""

    def __init__(self, source: ScriptedStreamSource, function: ScriptedFunction) -> None:
        self.destination = ScriptedDestination()
        self._source = source
        self._function = function

    def check(self, settings: MappingSettings) -> None:
        pass

    def reader(self, settings: MappingSettings, **state: Any) -> EventSourceMapping:
        return EventSourceMapping(
            settings,
            source=self._source,
            function=self._function,
            destination=self.destination,
            clock=now,
            **state,
        )


def mappings_of(readers: ScriptedReaders) -> Mappings:
    functions = cast("Functions", SimpleNamespace(by_name={"processor": None}))
    return Mappings(PLACE, functions, readers)


async def created(mappings: Mappings, **parameters: Any) -> str:
    answer = await mappings.create({**CREATED, **parameters})
    await mappings.unchanging()
    return str(answer["UUID"])


async def refusal(asked: Awaitable[object]) -> tuple[str, str | None, int]:
    with pytest.raises(RefusedError) as refused:
        await asked
    return refused.value.code, refused.value.message, refused.value.status


State = Callable[[Mappings, Held, ScriptedFunction], Coroutine[Any, Any, str]]


async def creating(mappings: Mappings, source: Held, _: ScriptedFunction) -> str:
    source.told.clear()
    return str((await mappings.create(CREATED))["UUID"])


async def enabling(mappings: Mappings, source: Held, _: ScriptedFunction) -> str:
    uuid = await created(mappings, Enabled=False)
    source.told.clear()
    await mappings.update(uuid, {"Enabled": True})
    return uuid


async def invoking(mappings: Mappings, source: Held, function: ScriptedFunction) -> str:
    """With a batch that is being invoked."""
    uuid = await created(mappings)
    source.write(stream_record(1))
    while not function.batches:
        await asyncio.sleep(0.1)
    return uuid


async def updating(mappings: Mappings, source: Held, function: ScriptedFunction) -> str:
    uuid = await invoking(mappings, source, function)
    await mappings.update(uuid, {"BatchSize": 3})
    return uuid


async def disabling(mappings: Mappings, source: Held, function: ScriptedFunction) -> str:
    uuid = await invoking(mappings, source, function)
    await mappings.update(uuid, {"Enabled": False})
    return uuid


async def deleting(mappings: Mappings, source: Held, function: ScriptedFunction) -> str:
    uuid = await invoking(mappings, source, function)
    await mappings.delete(uuid)
    return uuid


@pytest.mark.parametrize(
    ("begin", "state", "then"),
    [
        (creating, "Creating", "Enabled"),
        (enabling, "Enabling", "Enabled"),
        (updating, "Updating", "Enabled"),
        (disabling, "Disabling", "Disabled"),
        (deleting, "Deleting", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mapping_on_its_way_is_in_use(begin: State, state: str, then: str | None) -> None:
    """The code and its status are the API reference's, the words those of AWS's answers."""

    async def main() -> None:
        source, function = Held(), ScriptedFunction(duration=5)
        mappings = mappings_of(ScriptedReaders(source, function))
        uuid = await begin(mappings, source, function)
        await asyncio.sleep(1)

        assert mappings.get(uuid).described()["State"] == state
        assert await refusal(mappings.update(uuid, {"BatchSize": 2})) == (
            "ResourceInUseException",
            IN_USE.format("update"),
            400,
        )
        assert await refusal(mappings.delete(uuid)) == (
            "ResourceInUseException",
            IN_USE.format("delete"),
            400,
        )
        source.told.set()
        await mappings.unchanging()
        left = mappings.by_uuid.get(uuid)
        assert (left and left.state) == then
        await mappings.close()

    run(main())


def test_a_lower_record_age_gives_up_what_is_older_and_nothing_else() -> None:
    """While records flow: the old one is being retried, a younger one waits behind it."""

    def fails_on_the_first(records: list[Record]) -> None:
        if any(number_of(record) == 1 for record in records):
            raise FunctionError("never")

    async def main() -> None:
        source = Held(stream_record(1, created=now()))
        function = ScriptedFunction(fails_on_the_first)
        readers = ScriptedReaders(source, function)
        mappings = mappings_of(readers)
        kept = {"OnFailure": {"Destination": "arn:aws:s3:::failures"}}
        uuid = await created(mappings, BatchSize=1, DestinationConfig=kept)
        await asyncio.sleep(90)
        source.write(stream_record(2, created=now()))
        attempts = len(function.batches)
        await mappings.update(uuid, {"MaximumRecordAgeInSeconds": 60})
        await asyncio.wait_for(mappings.settled(), PATIENCE)
        source.write(stream_record(3, created=now()))
        await mappings.settled()

        assert attempts > 1
        assert function.batches[attempts:] == [[2], [3]]
        (document,) = readers.destination.documents
        assert document["requestContext"]["condition"] == "RecordAgeExceeded"
        batch = document["DDBStreamBatchInfo"]
        assert batch["startSequenceNumber"] == batch["endSequenceNumber"] == str(10**21 + 1)
        metrics = mappings.get(uuid).metrics
        assert metrics["OnFailureDestinationDeliveredEventCount"] == 1
        assert metrics["PolledEventCount"] == 3
        await mappings.close()

    run(main())
