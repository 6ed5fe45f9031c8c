"""Each alarm fires by a real fault and ends with it, by the definition that the program registered.

The mapping is the local run's, on virtual time; what fails is the stream, the function, the bucket
or the table.
"""

import asyncio
import contextlib
import dataclasses
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from handler.config import METRICS_NAMESPACE, HandlerMetric
from handler.counting import Counting
from infra.capacity.virtual_time import EPOCH, now, run
from infra.local.cloudwatch.alarms import Alarms, State
from infra.local.cloudwatch.definitions import composite_alarm, metric_alarm
from infra.local.cloudwatch.meters import (
    MappingMeter,
    MeteredFunction,
    count_invocation,
    embedded_metrics,
)
from infra.local.cloudwatch.metric_store import MetricStore, Series
from infra.local.function.invocation import Function as LambdaFunction
from infra.local.function.invocation import Invocation, ThrottledError
from infra.local.mapping import shard
from infra.local.mapping.stream_reader import Record, StreamError
from tests.plan import (
    COMPOSITE_ALARM,
    EVENT_SOURCE_MAPPING,
    FUNCTION,
    METRIC_ALARM,
    Plan,
    plan_of,
)
from tests.unit.infra.local.mapping.deliveries import mapping
from tests.unit.infra.local.mapping.scripted import (
    FunctionError,
    ScriptedDestination,
    ScriptedFunction,
    ScriptedStreamSource,
    reported,
    stream_record,
)

PREFIX: Final = "requests-monitoring-"
OF_DELIVERY: Final = (
    "batchSize",
    "bisectBatchOnFunctionError",
    "filterCriteria",
    "functionResponseTypes",
    "maximumRecordAgeInSeconds",
    "maximumRetryAttempts",
    "parallelizationFactor",
)


class Stream(ScriptedStreamSource):
    """One that can become unreadable."""

    is_readable = True

    def _fail_if_scripted(self) -> None:
        if not self.is_readable:
            raise StreamError("AccessDeniedException")


class Destination(ScriptedDestination):
    """One that can begin to refuse."""

    def refuse(self, refuses: bool) -> None:
        self._refuses = refuses


class Function(ScriptedFunction):
    """One that has no concurrency left, or fails, or takes all."""

    is_throttled = False

    def __init__(self) -> None:
        super().__init__(self._by_what_is_set)
        self.answering: Callable[[list[Record]], object] = lambda _: None

    def _by_what_is_set(self, records: list[Record]) -> object:
        return self.answering(records)

    async def invoke(self, event: Mapping[str, Any], *, request_id: str) -> Invocation:
        if self.is_throttled:
            raise ThrottledError("none is left")
        return await super().invoke(event, request_id=request_id)


class Counted(LambdaFunction):
    """With what Lambda counts of each invocation."""

    def __init__(self, function: LambdaFunction, name: str, store: MetricStore) -> None:
        self._function = function
        self._name = name
        self._store = store

    async def invoke(self, event: Mapping[str, Any], *, request_id: str) -> Invocation:
        invocation = await self._function.invoke(event, request_id=request_id)
        named = dataclasses.replace(invocation, function_name=self._name)
        count_invocation(self._store, named, now())
        return invocation


class World:
    """The pipeline of a plan, as far as records and alarms go."""

    def __init__(self, plan: Plan) -> None:
        self.stream, self.function, self.destination = Stream(), Function(), Destination()
        self.event_name = "INSERT"
        self.store = MetricStore()
        self.name = plan.resource(FUNCTION).outputs["name"]
        self.service = f"requests-processor/prod/{self.name}"
        registered = plan.resource(EVENT_SOURCE_MAPPING)
        self.mapping = mapping(
            self.stream,
            MeteredFunction(
                Counted(self.function, self.name, self.store), self.name, self.store, now
            ),
            self.destination,
            **{key: registered.inputs[key] for key in OF_DELIVERY},
        )
        self._meter = MappingMeter(
            self.store,
            uuid=registered.outputs["uuid"],
            function=self.name,
            counted=lambda: self.mapping.metrics,
            is_polling=lambda: self.mapping.trouble is None,
        )
        self._alarms = Alarms(
            [
                *(metric_alarm(each.inputs) for each in plan.of_type(METRIC_ALARM)),
                *(composite_alarm(each.inputs) for each in plan.of_type(COMPOSITE_ALARM)),
            ],
            self.store,
            created=EPOCH,
        )
        self._written = 0

    def state(self, alarm: str) -> State:
        return self._alarms.states[f"{self.name}-{alarm}"]

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            self._written += 1
            self.stream.write(
                stream_record(self._written, created=now(), event_name=self.event_name)
            )

    async def live(self, minutes: float) -> None:
        """A record is written each minute, and the alarms are evaluated."""
        for _ in range(int(minutes)):
            self.write()
            for _ in range(6):
                await asyncio.sleep(10)
                self._meter.sample(now())
                self._alarms.evaluate(now())

    def reject(self, count: int) -> None:
        """What the handler prints of a batch with poison in it."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            Counting(service=self.service, namespace=METRICS_NAMESPACE).publish(
                {HandlerMetric.REJECTED: count}, function_name=self.name
            )
        for line in printed.getvalue().splitlines():
            for series, value in embedded_metrics(line):
                self.store.add(series, value, now())


class Memory:
    """The table that remembers events: each record is claimed there before it is processed."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store

    def refuse(self, records: list[Record]) -> object:
        """As DynamoDB counts it, and the handler reports it: a claim that fails ends the batch."""
        table = {"TableName": "requests-idempotency"}
        self._store.add(Series.of("AWS/DynamoDB", "WriteThrottleEvents", table), 1, now())
        return reported(records[0])


def throttle_memory(world: World) -> None:
    world.function.answering = Memory(world.store).refuse


def fail(world: World) -> None:
    world.function.answering = lambda records: reported(records[0])


def crash(world: World) -> None:
    def crashing(_: list[Record]) -> object:
        raise FunctionError("out of memory")

    world.function.answering = crashing


def take_all(world: World) -> None:
    world.function.answering = lambda _: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """A fault, and its end."""

    fault: Callable[[World], object]
    mended: Callable[[World], object]
    fires_within: int
    """Minutes."""
    ends_within: int
    config: Mapping[str, Any] = field(default_factory=dict)
    writes_at_first: str = "INSERT"
    before: int = 3
    """Minutes without the fault."""


NO_RETRY: Final = {"eventSource": {"maximumRetryAttempts": 0}}
ONE_HOUR: Final = {"eventSource": {"maximumRetryAttempts": -1, "maximumRecordAgeInSeconds": 3600}}


def refuse(world: World) -> None:
    world.destination.refuse(True)
    fail(world)


def accept(world: World) -> None:
    world.destination.refuse(False)
    take_all(world)


LOST: Final = Story(fault=refuse, mended=accept, fires_within=2, ends_within=5, config=NO_RETRY)
STORIES: Final[Mapping[str, Story]] = {
    "does-not-poll": Story(
        fault=lambda world: setattr(world.stream, "is_readable", False),
        mended=lambda world: setattr(world.stream, "is_readable", True),
        before=16,  # until it has warmed up
        fires_within=18,
        ends_within=3,
    ),
    "filter-matches-nothing": Story(
        writes_at_first="REMOVE",
        fault=lambda world: world.write(150),
        mended=lambda world: setattr(world, "event_name", "INSERT"),
        fires_within=2,
        ends_within=2,
        config={"eventSource": {"filters": [{"eventName": ["INSERT"]}]}},
    ),
    "falls-behind": Story(
        fault=fail, mended=take_all, fires_within=25, ends_within=9, config=ONE_HOUR
    ),
    "about-to-expire": Story(
        fault=fail, mended=take_all, fires_within=55, ends_within=9, config=ONE_HOUR
    ),
    "keeps-failing": Story(
        fault=fail, mended=take_all, fires_within=12, ends_within=6, config=ONE_HOUR
    ),
    "crashes": Story(fault=crash, mended=take_all, fires_within=4, ends_within=5),
    "throttled": Story(
        fault=lambda world: setattr(world.function, "is_throttled", True),
        mended=lambda world: setattr(world.function, "is_throttled", False),
        fires_within=13,
        ends_within=8,
    ),
    "memory-throttled": Story(
        fault=throttle_memory, mended=take_all, fires_within=7, ends_within=3, config=ONE_HOUR
    ),
    "rejected": Story(
        fault=lambda world: world.reject(1),
        mended=lambda _: None,
        fires_within=2,
        ends_within=16,
    ),
    "given-up": Story(fault=fail, mended=take_all, fires_within=2, ends_within=5, config=NO_RETRY),
    "dropped": LOST,
    "undelivered": LOST,
    "records-lost": LOST,
}


@pytest.fixture(autouse=True)
def _polls_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour without records is then gone in no time."""
    monkeypatch.setattr(shard, "IDLE_WAIT", 5.0)


def test_every_alarm_has_a_story() -> None:
    plan = plan_of(stack="prod")
    alarms = [*plan.of_type(METRIC_ALARM), *plan.of_type(COMPOSITE_ALARM)]

    assert STORIES.keys() == {each.name.removeprefix(PREFIX) for each in alarms}


@pytest.mark.parametrize("alarm", STORIES)
def test_an_alarm_fires_by_its_fault_and_ends_with_it(alarm: str) -> None:
    story = STORIES[alarm]
    world = World(plan_of(story.config, stack="prod"))
    world.event_name = story.writes_at_first

    async def lived() -> list[State]:
        running = asyncio.create_task(world.mapping.run())
        states = []
        for happens, minutes in (
            (lambda _: None, story.before),
            (story.fault, story.fires_within),
            (story.mended, story.ends_within),
        ):
            happens(world)
            await world.live(minutes)
            states.append(world.state(alarm))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return states

    assert run(lived()) == [State.OK, State.ALARM, State.OK]


@pytest.mark.parametrize(("alarm", "limit"), [("falls-behind", 600), ("about-to-expire", 1_800)])
def test_the_shortest_age_with_an_alarm_leaves_it_time_to_fire(alarm: str, limit: int) -> None:
    """With two minutes for CloudWatch, whose metrics come later than these."""
    config = {"eventSource": {"maximumRetryAttempts": -1, "maximumRecordAgeInSeconds": limit}}
    world = World(plan_of(config, stack="prod"))
    fail(world)

    async def lived() -> None:
        running = asyncio.create_task(world.mapping.run())
        await world.live(limit / 60 - 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(lived())

    assert world.state(alarm) is State.ALARM
    assert world.state("given-up") is State.OK
