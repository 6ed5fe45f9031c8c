"""`process_batch`: slices in order, an outcome for each request, and what is done is remembered."""

from collections.abc import Sequence
from typing import Any

import pytest

from handler.outcomes import Done, Failed, Rejected, RequestOutcome
from handler.records import Request
from tests.unit.handler.events import batch, record
from tests.unit.handler.stubs import FakeContext, Parked, reported
from tests.unit.handler.worlds import LambdaProcess, World, id_of


class Calls:
    """A process_batch that notes its slices; `outcomes` by the request's number."""

    def __init__(self, outcomes: dict[int, RequestOutcome] | None = None) -> None:
        self.slices: list[list[int]] = []
        self.outcomes = outcomes or {}

    def __call__(self, requests: Sequence[Request]) -> list[RequestOutcome]:
        numbers = [int(request.event_id, 16) for request in requests]
        self.slices.append(numbers)
        return [self.outcomes.get(number, Done()) for number in numbers]


@pytest.fixture
def world() -> World:
    return World()


def deliver(process: LambdaProcess, *records: Any) -> Any:
    return process.processor.handle(batch(*records), FakeContext())


def test_slices_come_in_order_and_are_as_long_as_the_setting_says(world: World) -> None:
    calls = Calls()

    assert world.process(process_batch=calls, process_batch_size=40).deliver(range(1, 101)) is None
    assert calls.slices == [[*range(1, 41)], [*range(41, 81)], [*range(81, 101)]]


def test_a_slice_is_claimed_with_as_few_calls_as_a_batch(world: World) -> None:
    process = world.process(process_batch=Calls())
    process.deliver(range(1, 101))

    assert len(process.client.calls) == 8
    assert world.tables.units["write"] == 200


def test_a_slice_is_no_longer_than_fits_the_time_that_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handler.slices.time.monotonic", world.clock)
    slices = []

    def slow(requests: Sequence[Request]) -> list[RequestOutcome]:
        slices.append(len(requests))
        world.clock.sleep(len(requests))
        return [Done()] * len(requests)

    process = world.process(process_batch=slow, process_batch_size=20, timeout=30)

    assert process.deliver(range(1, 41)) == 30
    assert slices == [20, 9]


def test_what_is_done_behind_the_first_failure_is_remembered(world: World) -> None:
    calls = Calls({3: Failed("not now"), 5: Failed()})
    process = world.process(process_batch=calls)

    assert process.deliver(range(1, 8)) == 3
    calls.outcomes.clear()
    assert process.deliver(range(3, 8)) is None
    assert calls.slices == [[1, 2, 3, 4, 5, 6, 7], [3, 5]]


def test_a_rejected_request_is_parked_and_the_others_are_done(world: World) -> None:
    calls = Calls({2: Rejected("no such product")})

    assert world.process(process_batch=calls).deliver(range(1, 5)) is None
    ((parked, reason),) = world.parking.records
    assert parked["eventID"] == id_of(2)
    assert reason == "RejectedRequestError: no such product"
    assert not world.tables.is_held(id_of(2))


def test_what_is_rejected_behind_a_failure_is_parked_when_it_comes_again(world: World) -> None:
    calls = Calls({1: Failed(), 2: Rejected("poison")})
    process = world.process(process_batch=calls)

    assert process.deliver([1, 2]) == 1
    assert world.parking.records == []
    del calls.outcomes[1]
    assert process.deliver([1, 2]) is None
    assert len(world.parking.records) == 1


def test_a_slice_that_raises_has_failed_from_its_first_request_on(world: World) -> None:
    def fail(_: Sequence[Request]) -> list[RequestOutcome]:
        raise ConnectionError

    process = world.process(process_batch=fail)

    assert process.deliver(range(1, 5)) == 1
    assert not any(world.tables.is_held(id_of(number)) for number in range(1, 5))


@pytest.mark.parametrize("returned", [None, [], [Done()] * 3, [Done(), True], "ab", (1, 2)])
def test_anything_but_an_outcome_for_each_request_is_a_failure(world: World, returned: Any) -> None:
    assert world.process(process_batch=lambda _: returned).deliver([1, 2]) == 1


def test_malformed_and_ignored_records_are_none_of_its_business(world: World) -> None:
    calls = Calls()
    process = world.process(process_batch=calls)
    records = [record(1), record(2, event="REMOVE"), record(3, payload={"S": "x"}), record(4)]

    assert deliver(process, *records) == {"batchItemFailures": []}
    assert calls.slices == [[1], [4]]
    assert [parked["eventID"] for parked, _ in world.parking.records] == [id_of(3)]


def test_a_malformed_record_that_cannot_be_parked_is_reported(world: World) -> None:
    world.parking = Parked(fails=True)
    process = world.process(process_batch=Calls())
    malformed = record(2, payload={"S": "x"})

    assert reported(deliver(process, record(1), malformed, record(3))) == [
        malformed["dynamodb"]["SequenceNumber"]
    ]


def test_an_event_in_progress_elsewhere_is_waited_for_by_nobody_before_it(world: World) -> None:
    answers = []

    def meanwhile(request: Request) -> None:
        if request.event_id == id_of(3):
            other = world.process(process_batch=Calls(), timeout=5)
            answers.append(other.deliver([11, 12, 3, 4]))

    assert world.process(work=meanwhile).deliver([3]) is None
    assert answers == [3]
    assert world.tables.is_remembered(id_of(12))
