"""What a replay or a backfill is told of each record, and that Lambda's mapping is told nothing."""

from typing import Any

import pytest

from handler.outcome_report import asking, outcomes_in
from handler.processor import Process
from handler.record_outcomes import Became, RecordOutcome
from handler.records import RejectedRequestError, Request
from tests.unit.handler.events import batch, record
from tests.unit.handler.stubs import FakeContext, failing_on, reported, run
from tests.unit.handler.worlds import World

PROCESSED = RecordOutcome(Became.PROCESSED)


def told(work: Process, *records: Any, **parts: Any) -> Any:
    response, _ = run(asking(records), work, **parts)
    return outcomes_in(response, len(records))


def test_without_asking_the_answer_is_the_partial_batch_response_alone() -> None:
    work, _ = failing_on("request-2")

    response, _ = run(batch(record(1), record(2)), work)

    assert set(response) == {"batchItemFailures"}


@pytest.mark.parametrize("value", ["yes", 1, None, {}, False])
def test_only_true_asks(value: object) -> None:
    work, _ = failing_on()

    response, _ = run({**batch(record(1)), "reportOutcomes": value}, work)

    assert set(response) == {"batchItemFailures"}


def test_a_caller_who_asks_gets_the_same_partial_batch_response() -> None:
    work, _ = failing_on("request-2")
    records = [record(1), record(2), record(3)]

    response, _ = run(asking(records), work)

    assert reported(response) == [record(2)["dynamodb"]["SequenceNumber"]]


def test_every_kind_of_outcome_is_told_by_the_records_place() -> None:
    def work(request: Request) -> None:
        if request.request_id == "request-2":
            raise RejectedRequestError("no such product")
        if request.request_id == "request-4":
            raise TimeoutError

    ignored = {**record(3), "eventName": "REMOVE"}

    assert told(work, record(1), record(2), ignored, record(4), record(5)) == {
        0: PROCESSED,
        1: RecordOutcome(Became.REJECTED, "rejected/key"),
        2: RecordOutcome(Became.IGNORED),
        3: RecordOutcome(Became.FAILED),
    }


def test_a_record_that_time_was_too_short_for_has_no_outcome() -> None:
    work, _ = failing_on()

    assert told(work, record(1), record(2), context=FakeContext(lambda: 10)) == {0: PROCESSED}


def test_processed_before_is_told_apart_from_ignored() -> None:
    work, _ = failing_on()

    world = World()
    world.process().deliver([1])

    outcomes = told(work, record(1), idempotency=world.process().claims)
    assert outcomes == {0: RecordOutcome(Became.PROCESSED_BEFORE)}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        [],
        {"batchItemFailures": []},
        {"outcomes": None},
        {"outcomes": "processed"},
        {"outcomes": [1]},
        {"outcomes": [{"outcome": "fine"}]},
        {"outcomes": [{"outcome": ["processed"]}]},
        {"outcomes": [{"outcome": "processed"}] * 2},
    ],
)
def test_an_answer_that_does_not_tell_is_not_taken_for_one_that_does(answer: object) -> None:
    assert outcomes_in(answer, 1) is None


def test_places_that_were_not_reached_are_left_out() -> None:
    answer = {"outcomes": [{"outcome": "processed"}, {}, {"outcome": "failed"}]}

    assert outcomes_in(answer, 5) == {0: PROCESSED, 2: RecordOutcome(Became.FAILED)}
