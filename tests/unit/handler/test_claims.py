"""Once only: each guarantee of `handler.claims`, against a table in which everything can fail."""

import pytest

from handler.config import RequestsStream
from handler.records import RejectedRequestError, Request, request_of
from tests.unit.handler.events import record
from tests.unit.handler.fake_dynamodb import FAULTS, KilledError
from tests.unit.handler.stubs import FakeContext
from tests.unit.handler.worlds import World, id_of


def ids(numbers: range) -> list[str]:
    return [id_of(number) for number in numbers]


@pytest.fixture
def world() -> World:
    return World()


def test_an_event_that_is_remembered_is_not_run_again(world: World) -> None:
    assert world.process().deliver(range(1, 101)) is None
    assert world.process().deliver(range(1, 131)) is None

    assert world.effects == ids(range(1, 131))


def test_an_event_runs_again_once_its_memory_has_expired(world: World) -> None:
    process = world.process()
    process.deliver([1])
    world.clock.sleep(32 * 24 * 3600)
    process.deliver([1])

    assert world.effects == [id_of(1)] * 2


def test_the_key_hangs_on_nothing_but_the_event(world: World) -> None:
    world.process().deliver([1])

    assert set(world.tables.events) == {id_of(1)}
    (item,) = world.tables.events.values()
    assert set(item) == {"id", "status", "locked_until", "expiration"}


def test_at_first_delivery_a_record_costs_two_write_units_and_few_calls(world: World) -> None:
    process = world.process()
    process.deliver(range(1, 101))
    process.client.calls.clear()
    world.tables.units.clear()
    process.deliver(range(101, 201))

    assert world.tables.units["write"] == 200
    assert len(process.client.calls) == 8


def test_an_event_in_progress_elsewhere_is_waited_for_then_reported_and_nothing_behind_it_runs(
    world: World,
) -> None:
    answers = []

    def meanwhile(request: Request) -> None:
        if request.event_id == id_of(3):
            answers.append(world.process(timeout=10).deliver(range(1, 6)))

    begun = world.clock()
    first = world.process(work=meanwhile)

    assert first.deliver(range(1, 4)) is None
    assert answers == [1]  # what was done before is not remembered yet: it is still in progress
    assert 8 < world.clock() - begun < 10
    assert world.effects == ids(range(1, 4))
    assert world.process().deliver(range(1, 6)) is None
    assert world.effects == ids(range(1, 6))


def test_an_event_in_progress_elsewhere_is_done_when_it_ends_in_time(world: World) -> None:
    other = world.process()
    deadline = world.clock() + 60
    context = FakeContext(lambda: int((deadline - world.clock()) * 1000))
    request: Request = request_of(record(1), RequestsStream())
    events = other.claims.invocation(context, lambda _: iter(()))
    assert not events.was_processed(request, 0)

    waiting = world.process()
    sleep = world.clock.sleep

    def ends(seconds: float) -> None:
        sleep(seconds)
        events.processed(request)
        events.end()

    waiting.claims._sleep = ends
    assert waiting.deliver([1, 2]) is None
    assert world.effects == [id_of(2)]


def test_a_killed_invocations_claim_uses_up_no_retry(world: World) -> None:
    """Its claims end with its own deadline, and the next delivery has as long as it had."""

    def killed(request: Request) -> None:
        if request.event_id == id_of(2):
            world.clock.sleep(3)
            process.client.kill()

    process = world.process(work=killed)
    with pytest.raises(KilledError):
        process.deliver(range(1, 4))

    assert world.process().deliver(range(1, 4)) is None
    assert world.counts() == {id_of(1): 2, id_of(2): 1, id_of(3): 1}


@pytest.mark.parametrize("error", [ConnectionError, RejectedRequestError])
def test_what_failed_or_was_rejected_runs_at_its_next_delivery(
    world: World, error: type[Exception]
) -> None:
    attempts: list[str] = []

    def fails_once(request: Request) -> None:
        attempts.append(request.event_id)
        if attempts.count(id_of(2)) == 1 and request.event_id == id_of(2):
            raise error

    world.process(work=fails_once).deliver(range(1, 51))
    begun = world.clock()
    assert world.process(work=fails_once).deliver(range(1, 51)) is None

    assert world.clock() == begun
    assert world.effects.count(id_of(2)) == 1
    assert sorted(set(world.effects)) == ids(range(1, 51))


def test_a_failing_head_pays_for_itself_and_not_for_what_is_behind_it(world: World) -> None:
    def fail(_: Request) -> None:
        raise ConnectionError

    process = world.process(work=fail)
    process.deliver(range(1, 101))
    world.tables.units.clear()
    process.deliver(range(1, 101))

    assert world.tables.units["write"] <= 3


def test_no_more_is_claimed_ahead_than_runs_in_about_a_second(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handler.claims.time.monotonic", world.clock)
    process = world.process(work=lambda _: world.clock.sleep(0.5))
    process.deliver(range(1, 41))

    claims = [items for name, items in process.client.calls if name == "BatchExecuteStatement"]
    assert max(claims) == 2


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("phase", ["BatchExecuteStatement", "BatchWriteItem"])
@pytest.mark.parametrize("lasts", ["short", "long"])
def test_whatever_a_call_meets_nothing_is_lost_and_nothing_is_told_that_is_not_remembered(
    world: World, fault: str, phase: str, lasts: str
) -> None:
    hits = 0

    def script(name: str, _: int) -> str | None:
        nonlocal hits
        hits += name == phase
        return fault if name == phase and (lasts == "long" or hits == 1) else None

    process = world.process(script)
    try:
        reported = process.deliver(range(1, 41))
    except KilledError:
        reported = 1
    done = range(1, reported or 41)
    assert all(world.tables.is_remembered(id_of(number)) for number in done)

    world.clock.sleep(1)  # Lambda's pause before a retry
    retry = world.process()
    assert retry.deliver(range(1, 41)) is None or retry.deliver(range(1, 41)) is None
    assert set(world.effects) == set(ids(range(1, 41)))
    assert world.wrong == []


@pytest.mark.parametrize(
    "fault", ["throttled", "throttled in part", "internal error", "reply lost"]
)
@pytest.mark.parametrize("phase", ["BatchExecuteStatement", "BatchWriteItem"])
def test_a_fault_that_passes_costs_neither_a_retry_nor_a_second_effect(
    world: World, fault: str, phase: str
) -> None:
    hits = 0

    def script(name: str, _: int) -> str | None:
        nonlocal hits
        hits += name == phase
        return fault if name == phase and hits in {1, 2} else None

    begun = world.clock()
    assert world.process(script).deliver(range(1, 41)) is None

    assert world.effects == ids(range(1, 41))
    assert world.clock() - begun < 6


def test_a_denial_is_not_tried_again_and_stops_the_batch(world: World) -> None:
    process = world.process(lambda name, _: "denied" if name == "BatchWriteItem" else None)

    assert process.deliver(range(1, 101)) == 1
    writes = [name for name, _ in process.client.calls if name == "BatchWriteItem"]
    assert len(writes) == 1
    assert len(world.effects) == 25


def test_what_a_process_has_done_it_knows_by_itself(world: World) -> None:
    is_denied = True

    def script(name: str, _: int) -> str | None:
        return "denied" if name == "BatchWriteItem" and is_denied else None

    process = world.process(script)
    assert process.deliver(range(1, 11)) == 1
    is_denied = False

    assert process.deliver(range(1, 11)) is None
    assert world.effects == ids(range(1, 11))
    assert world.process().deliver(range(1, 11)) is None


def test_a_lost_reply_does_not_lock_the_handler_out_of_its_own_event(world: World) -> None:
    process = world.process(lambda _, number: "reply lost" if number == 0 else None)
    begun = world.clock()

    assert process.deliver([1]) is None
    assert world.clock() - begun < 3  # the client's own timeout, and a pause
    assert world.effects == [id_of(1)]


def test_a_process_takes_what_it_claimed_in_an_invocation_before(world: World) -> None:
    calls = 0

    def script(*_: object) -> str | None:
        # The claim is made and its reply lost, and all that follows in this invocation fails.
        nonlocal calls
        calls += 1
        return "reply lost" if calls == 1 else "denied" if calls < 60 else None

    process = world.process(script)
    assert process.deliver([1]) == 1
    assert world.tables.is_held(id_of(1))
    calls = 60
    begun = world.clock()

    assert process.deliver([1]) is None
    assert world.clock() == begun
