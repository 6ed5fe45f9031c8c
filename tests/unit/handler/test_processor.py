"""The processor over whole batches, with what it depends on given as parameters."""

import json
import sys
import weakref
from asyncio import CancelledError
from collections.abc import Iterator
from typing import Any

import pytest

from handler.calls import Process
from handler.config import EventName, HandlerConfig, RequestsStream, StreamViewType
from handler.processor import InvalidEventError, UnreportableRecordError
from handler.records import RejectedRequestError, Request
from tests.unit.handler.events import (
    article_insert,
    article_modify,
    article_remove,
    batch,
    record,
)
from tests.unit.handler.stubs import FakeContext, Parked, failing_on, reported, run
from tests.unit.handler.worlds import World


def test_every_record_is_processed_in_order() -> None:
    work, seen = failing_on()

    response, _ = run(batch(record(1), record(2), record(3)), work)

    assert seen == ["request-1", "request-2", "request-3"]
    assert response == {"batchItemFailures": []}


def test_the_first_failure_is_reported_and_nothing_behind_it_runs() -> None:
    work, seen = failing_on("request-2", "request-3")

    response, parking = run(batch(record(1), record(2), record(3)), work)

    assert reported(response) == [record(2)["dynamodb"]["SequenceNumber"]]
    assert seen == ["request-1", "request-2"]
    assert parking.records == []


def test_a_rejected_request_is_parked_whole_and_does_not_stop_the_batch() -> None:
    seen = []

    def work(request: Request) -> None:
        seen.append(request.request_id)
        if request.request_id == "request-1":
            raise RejectedRequestError("no such product")

    response, parking = run(batch(record(1), record(2)), work)

    assert response == {"batchItemFailures": []}
    assert seen == ["request-1", "request-2"]
    assert parking.records == [(record(1), "RejectedRequestError: no such product")]


def test_a_malformed_record_is_parked_with_its_reason() -> None:
    work, seen = failing_on()
    malformed = record(1, payload={"M": {"key": "val"}})

    response, parking = run(batch(malformed, record(2)), work)

    assert response == {"batchItemFailures": []}
    assert seen == ["request-2"]
    ((parked, reason),) = parking.records
    assert parked == malformed
    assert reason.startswith("MalformedRecordError: record 0000")


def test_a_record_that_cannot_be_parked_has_failed() -> None:
    work, seen = failing_on()

    response, _ = run(
        batch(record(1, payload={"S": "x"}), record(2)), work, parking=Parked(fails=True)
    )

    assert reported(response) == [record(1)["dynamodb"]["SequenceNumber"]]
    assert seen == []


def test_events_outside_the_contract_are_ignored_behind_the_filter_too() -> None:
    work, seen = failing_on()

    response, parking = run(batch(record(1, event="MODIFY"), record(2, event="REMOVE")), work)

    assert response == {"batchItemFailures": []}
    assert seen == []
    assert parking.records == []


def test_an_event_name_that_nobody_knows_is_parked_and_not_ignored() -> None:
    work, _ = failing_on()

    _, parking = run(batch(record(1, event="UPSERT")), work)

    ((_, reason),) = parking.records
    assert "eventName must be INSERT, MODIFY or REMOVE" in reason


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": None}])
def test_no_records_are_an_empty_success(event: Any) -> None:
    work, _ = failing_on()

    assert run(event, work)[0] == {"batchItemFailures": []}


@pytest.mark.parametrize("event", [None, [], "text", {"Records": {}}, {"Records": "x"}])
def test_what_is_no_batch_fails_the_invocation_so_that_lambda_keeps_it(event: Any) -> None:
    work, _ = failing_on()

    with pytest.raises(InvalidEventError, match="must be"):
        run(event, work)


def test_a_failed_record_that_cannot_be_named_fails_the_invocation() -> None:
    work, _ = failing_on()
    nameless = record(1, SequenceNumber=None)

    with pytest.raises(UnreportableRecordError, match="no sequence number"):
        run(batch(nameless), work, parking=Parked(fails=True))


def test_the_articles_inserts_are_parked() -> None:
    work, seen = failing_on()

    response, parking = run(article_insert(), work)

    assert response == {"batchItemFailures": []}
    assert seen == []
    assert len(parking.records) == 2


def test_the_articles_inserts_with_valid_values_are_processed() -> None:
    work, seen = failing_on()
    event = json.loads(json.dumps(article_insert()).replace('"val"', '{"S": "val"}'))
    event["Records"][0]["dynamodb"]["Keys"] = {
        "request_id": event["Records"][0]["dynamodb"]["NewImage"]["request_id"]
    }

    response, parking = run(event, work)

    assert response == {"batchItemFailures": []}
    assert seen == ["01hw2ebjb94pch8sd6e696ptwq"] * 2
    assert parking.records == []


@pytest.mark.parametrize("event", [article_modify(), article_remove()])
def test_the_articles_other_events_are_ignored(event: Any) -> None:
    work, seen = failing_on()

    assert run(event, work)[0] == {"batchItemFailures": []}
    assert seen == []


def test_the_events_of_the_contract_are_what_is_processed() -> None:
    work, seen = failing_on()
    stream = RequestsStream(view_type=StreamViewType.NEW_AND_OLD_IMAGES, events=(EventName.MODIFY,))
    config = HandlerConfig(failure_bucket="failures", stream=stream)

    run(batch(record(1), record(2, event="MODIFY")), work, config=config)

    assert seen == ["request-2"]


def test_a_record_that_was_rejected_has_taken_its_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 5.0])
    monkeypatch.setattr("handler.delivery.monotonic", lambda: next(moments))

    def rejects(_: Request) -> None:
        raise RejectedRequestError("no retry can help")

    response, _ = run(batch(record(1), record(2)), rejects, context=FakeContext(lambda: 4_000))

    assert reported(response) == [record(2)["dynamodb"]["SequenceNumber"]]


def test_with_too_little_time_left_the_next_record_is_handed_back() -> None:
    work, seen = failing_on()
    remaining = iter([5_000, 5_000, 999])

    response, _ = run(
        batch(record(1), record(2), record(3)), work, context=FakeContext(lambda: next(remaining))
    )

    assert seen == ["request-1", "request-2"]
    assert reported(response) == [record(3)["dynamodb"]["SequenceNumber"]]


def test_the_first_record_is_started_however_little_time_is_left() -> None:
    work, seen = failing_on()

    response, _ = run(batch(record(1)), work, context=FakeContext(lambda: 1))

    assert seen == ["request-1"]
    assert response == {"batchItemFailures": []}


def test_an_event_that_was_processed_before_counts_as_done() -> None:
    world = World()
    world.process().deliver([1])

    work, seen = failing_on()

    response, _ = run(batch(record(1)), work, idempotency=world.process().claims)

    assert response == {"batchItemFailures": []}
    assert seen == []


def metrics_in(output: str) -> dict[str, list[float]]:
    lines = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    return {
        name: line[name]
        for line in lines
        for name in ("Processed", "Rejected", "Ignored", "Failed")
        if name in line
    }


def test_the_metrics_count_what_became_of_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    work, _ = failing_on("request-5")
    records = [record(1), record(2, event="REMOVE"), record(3, payload={}), record(4), record(5)]

    run(batch(*records), work)

    assert metrics_in(capsys.readouterr().out) == {
        "Processed": [2.0], "Ignored": [1.0], "Rejected": [1.0], "Failed": [1.0],
    }  # fmt: skip


def exits(_: Request) -> None:
    sys.exit(1)


def is_cancelled(_: Request) -> None:
    raise CancelledError


def interrupts(_: Request) -> None:
    raise KeyboardInterrupt("stop")


@pytest.mark.parametrize("ends", [exits, is_cancelled, interrupts])
def test_a_process_that_ends_the_program_has_failed_like_any_other(ends: Process) -> None:
    response, parking = run(batch(record(1), record(2)), ends)

    assert reported(response) == [record(1)["dynamodb"]["SequenceNumber"]]
    assert parking.records == []


async def asynchronous(_: Request) -> None:
    raise NotImplementedError


def generator(_: Request) -> Iterator[None]:
    yield


# Python's own hint at the same mistake.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("lazy", [asynchronous, generator])
def test_a_process_whose_call_does_nothing_is_not_taken_for_done(lazy: Process) -> None:
    response, _ = run(batch(record(1)), lazy)

    assert reported(response) == [record(1)["dynamodb"]["SequenceNumber"]]


def test_what_a_process_returns_does_not_matter_unless_it_is_writes() -> None:
    response, _ = run(batch(record(1)), lambda _: {"statusCode": 500})

    assert response == {"batchItemFailures": []}


def test_ctrl_c_is_nobodys_failure() -> None:
    def interrupted(_: Request) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(batch(record(1)), interrupted)


def test_what_is_made_of_a_record_is_freed_once_it_is_settled() -> None:
    made: list[weakref.ref[Request]] = []
    alive: list[int] = []

    def process(request: Request) -> None:
        made.append(weakref.ref(request))
        alive.append(sum(each() is not None for each in made))

    run(batch(*map(record, range(1, 21))), process)

    assert max(alive) <= 2
