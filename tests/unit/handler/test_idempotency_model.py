"""Random batches, overlaps, faults and kills against a model of effects."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.outcomes import Done, Failed, Rejected, RequestOutcome
from handler.records import RejectedRequestError, Request
from handler.writes import Update, Writes
from tests.unit.handler.fake_dynamodb import FAULTS, KilledError
from tests.unit.handler.worlds import LambdaProcess, World, id_of

EVENTS = 60
TRANSACTION_FAULTS = (
    "throttled", "internal error", "conflict", "cancelled by a conflict", "reply lost",
    "request lost", "slow", "killed before", "killed after",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """A delivery that meets faults: of a new process or of the one before, of these events."""

    first: int
    last: int
    is_new: bool
    faults: dict[int, str]
    """By the number of the call."""
    killed_at: int | None
    """The event in whose effect the process is killed."""
    overlaps_at: int | None
    """The event during which another process is given the same events."""


@dataclass(kw_only=True)
class Behaviour:
    """What `process` does with an event, beside taking effect."""

    rejects: frozenset[int]
    fails: dict[int, int] = field(default_factory=dict)
    """How often an event fails before it does not."""


def invocations(faults: Sequence[str]) -> st.SearchStrategy[Invocation]:
    numbers = st.integers(1, EVENTS)
    return st.builds(
        Invocation,
        first=st.integers(1, EVENTS // 2),
        last=numbers,
        is_new=st.booleans(),
        faults=st.dictionaries(st.integers(0, 12), st.sampled_from(faults), max_size=5),
        killed_at=st.none() | numbers,
        overlaps_at=st.none() | numbers,
    )


behaviours = st.builds(
    Behaviour,
    rejects=st.frozensets(st.integers(1, EVENTS), max_size=3),
    fails=st.dictionaries(st.integers(1, EVENTS), st.integers(1, 2), max_size=3),
)


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Half of the time would go into log lines that nobody reads."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


given_worlds = given(
    st.lists(invocations(FAULTS), min_size=1, max_size=6), behaviours, st.booleans()
)
given_transactions = given(
    st.lists(invocations(TRANSACTION_FAULTS), min_size=1, max_size=6), behaviours, st.booleans()
)


@settings(max_examples=500)
@given_worlds
def test_no_fault_loses_an_event_or_repeats_one_that_is_remembered(
    given_invocations: list[Invocation], behaviour: Behaviour, in_slices: bool
) -> None:
    assert_holds(given_invocations, behaviour, in_slices=in_slices)


@pytest.mark.slow
@settings(max_examples=2_000)
@given_worlds
def test_nor_in_many_more_worlds(
    given_invocations: list[Invocation], behaviour: Behaviour, in_slices: bool
) -> None:
    assert_holds(given_invocations, behaviour, in_slices=in_slices)


@settings(max_examples=100)
@given_transactions
def test_writes_take_place_exactly_once_whatever_fails(
    given_invocations: list[Invocation], behaviour: Behaviour, claims_beforehand: bool
) -> None:
    assert_exactly_once(given_invocations, behaviour, claims_beforehand=claims_beforehand)


@pytest.mark.slow
@settings(max_examples=2_000)
@given_transactions
def test_writes_do_so_in_many_more_worlds(
    given_invocations: list[Invocation], behaviour: Behaviour, claims_beforehand: bool
) -> None:
    assert_exactly_once(given_invocations, behaviour, claims_beforehand=claims_beforehand)


def assert_holds(
    given_invocations: Sequence[Invocation], behaviour: Behaviour, *, in_slices: bool
) -> None:
    world = World()
    play(world, given_invocations, Player(world, behaviour, in_slices=in_slices))

    assert world.wrong == []
    assert_settled(world, behaviour, set(world.effects))


def assert_exactly_once(
    given_invocations: Sequence[Invocation], behaviour: Behaviour, *, claims_beforehand: bool
) -> None:
    world = World()
    player = WritingPlayer(world, behaviour, claims_beforehand=claims_beforehand)
    play(world, given_invocations, player)

    assert world.wrong == []
    orders = world.tables.items["orders"]
    assert {key: item["updates"]["N"] for key, item in orders.items()} == dict.fromkeys(orders, "1")
    assert_settled(world, behaviour, set(orders))


def play(world: World, given_invocations: Sequence[Invocation], player: "Player") -> None:
    """All deliveries with their faults, and then some without any."""
    for invocation in given_invocations:
        player.deliver(invocation)
        world.clock.sleep(1)
    begin = 1
    player.is_calm = True
    for _ in range(30):
        reported = player.new_process({}).deliver(range(begin, EVENTS + 1))
        world.clock.sleep(1)
        if reported is None:
            break
        begin = reported
    else:
        world.wrong.append("it does not end")
    assert_released(world, range(1, EVENTS + 1))


class Player:
    """Delivers events to processes that do as they are told."""

    def __init__(
        self,
        world: World,
        behaviour: Behaviour,
        *,
        in_slices: bool = False,
        claims_beforehand: bool = True,
    ) -> None:
        self.world = world
        self.behaviour = behaviour
        self.options: dict[str, Any] = {"work": self.work, "claims_beforehand": claims_beforehand}
        if in_slices:
            self.options |= {"process_batch": self.work_batch, "process_batch_size": 17}
        self.failed: dict[int, int] = {}
        self.invocation: Invocation | None = None
        self.is_calm = False
        self.script: dict[int, str] = {}
        self.process = self.new_process({})

    def new_process(self, faults: dict[int, str]) -> LambdaProcess:
        self.script = dict(faults)
        self.process = self.world.process(lambda _, number: self.script.get(number), **self.options)
        return self.process

    def deliver(self, invocation: Invocation) -> None:
        numbers = range(invocation.first, max(invocation.first, invocation.last) + 1)
        if invocation.is_new or self.process.client.is_killed:
            self.new_process({})
        calls = len(self.process.client.calls)
        self.script.update({calls + number: name for number, name in invocation.faults.items()})
        self.invocation = invocation
        try:
            reported = self.process.deliver(numbers)
        except KilledError:
            return
        finally:
            self.invocation = None
        done = range(invocation.first, numbers[-1] + 1 if reported is None else reported)
        for number in done:
            is_parked = number in self.behaviour.rejects
            if not is_parked and not self.world.tables.is_remembered(id_of(number)):
                self.world.wrong.append(f"{number} is told done and not remembered")

    def work(self, request: Request) -> Writes | None:
        number = int(request.event_id, 16)
        self.meet(number)
        if number in self.behaviour.rejects:
            raise RejectedRequestError("poison")
        if self.failed.get(number, 0) < self.behaviour.fails.get(number, 0):
            self.failed[number] = self.failed.get(number, 0) + 1
            raise ConnectionError("not yet")
        return None

    def work_batch(self, requests: Sequence[Request]) -> list[RequestOutcome]:
        outcomes: list[RequestOutcome] = []
        ids = [request.event_id for request in requests]
        for request in requests:
            self.world.begins(request.event_id)
        process = self.process
        self.world.running.update(dict.fromkeys(ids, process.deadline))
        try:
            for request in requests:
                outcomes.append(self.outcome(request))
                if process.client.is_killed:
                    raise KilledError
        finally:
            for each in ids:
                self.world.running.pop(each, None)
        return outcomes

    def outcome(self, request: Request) -> RequestOutcome:
        try:
            self.work(request)
        except RejectedRequestError as error:
            return Rejected(str(error))
        except ConnectionError:
            return Failed()
        self.world.effects.append(request.event_id)
        return Done()

    def meet(self, number: int) -> None:
        """The process is killed, or another is given the same events meanwhile."""
        invocation, process = self.invocation, self.process
        if invocation is None or self.is_calm:
            return
        if invocation.overlaps_at == number:
            self.invocation = None
            script, self.script = self.script, {}
            other = self.world.process(**self.options, timeout=4)
            self.process = other
            other.deliver(range(max(1, number - 5), min(EVENTS, number + 20) + 1))
            self.process, self.invocation, self.script = process, invocation, script
        if invocation.killed_at == number or self.world.clock() > process.deadline:
            process.client.is_killed = True


class WritingPlayer(Player):
    """Its `process` returns a write."""

    def work(self, request: Request) -> Writes | None:
        super().work(request)
        count = Update(
            table="orders",
            key={"id": request.event_id},
            expression="ADD updates :one",
            values={":one": 1},
        )
        return Writes([count])


def assert_settled(world: World, behaviour: Behaviour, effects: set[str]) -> None:
    parked = {int(record["eventID"], 16) for record, _ in world.parking.records}
    for number in range(1, EVENTS + 1):
        if number in behaviour.rejects:
            assert number in parked
        else:
            assert id_of(number) in effects
            assert world.tables.is_remembered(id_of(number))


def assert_released(world: World, numbers: range) -> None:
    """Nothing is held once all is done: a claim that is not run was released, or has ended."""
    world.clock.sleep(61)
    held = [number for number in numbers if world.tables.is_held(id_of(number))]
    assert held == []
