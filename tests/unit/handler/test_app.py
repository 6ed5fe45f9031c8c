"""The handler over whole batches, with what it depends on given as parameters."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools import Metrics
from hypothesis import given
from hypothesis import strategies as st

from handler.config import EventName, HandlerConfig, RequestsStream, StreamViewType
from handler.context import Context
from handler.process import RejectedRequestError, process
from handler.processor import (
    EveryTime,
    InvalidEventError,
    Process,
    Processor,
    RunsOnce,
    UnreportableRecordError,
)
from handler.records import Request
from handler.time_watch import TimeWatch
from tests.unit.handler.events import (
    article_insert,
    article_modify,
    article_remove,
    batch,
    record,
)

MARKER = "do-not-log-me"


class FakeContext:
    """Lambda's context object, with a clock that the test sets."""

    aws_request_id = "request-id"
    function_name = "processor"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:1:function:processor"

    def __init__(self, remaining: Callable[[], int] = lambda: 60_000) -> None:
        self._remaining = remaining

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining()


class Parked:
    """A failure bucket in memory; `fails` makes it refuse."""

    def __init__(self, *, fails: bool = False) -> None:
        self.records: list[tuple[Any, str]] = []
        self._fails = fails

    def park(self, record: object, reason: str, context: Context) -> str:
        del context
        if self._fails:
            raise ConnectionError("the bucket is not there")
        self.records.append((record, reason))
        return "rejected/key"


def processor(
    process: Process,
    *,
    parking: Parked | None = None,
    once: RunsOnce | None = None,
    config: HandlerConfig | None = None,
) -> Processor:
    return Processor(
        config or HandlerConfig(failure_bucket="failures"),
        process=process,
        parking=parking or Parked(),
        once=once or EveryTime(),
        metrics=Metrics(namespace="Test", service="test"),
    )


def run(
    event: Any, process: Process, *, context: FakeContext | None = None, **parts: Any
) -> tuple[Any, Parked]:
    parking = parts.pop("parking", None) or Parked()
    handled = processor(process, parking=parking, **parts).handle(event, context or FakeContext())
    return handled, parking


def failing_on(*request_ids: str) -> tuple[Process, list[str]]:
    seen: list[str] = []

    def work(request: Request) -> None:
        seen.append(request.request_id)
        if request.request_id in request_ids:
            raise TimeoutError(MARKER)

    return work, seen


def reported(response: Any) -> list[str]:
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


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


def test_with_too_little_time_left_the_next_record_is_handed_back() -> None:
    work, seen = failing_on()
    remaining = iter([5_000, 999])

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


@pytest.mark.parametrize(("remaining", "starts"), [(7_999, False), (8_000, True)])
def test_a_record_may_take_as_long_as_the_longest_so_far(remaining: int, starts: bool) -> None:
    times = iter([0.0, 8.0, 8.0, 9.0])
    watch = TimeWatch(FakeContext(lambda: remaining), floor=1.0, clock=lambda: next(times))
    for _ in range(2):
        with watch:
            pass

    assert watch.has_time() is starts


def test_an_event_that_was_processed_before_counts_as_done() -> None:
    class Before:
        def run(self, process: Process, request: Request, context: Context) -> bool:
            del process, request, context
            return False

    work, seen = failing_on()

    response, _ = run(batch(record(1)), work, once=Before())

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


def test_the_default_process_rejects_an_empty_payload_and_does_the_rest() -> None:
    response, parking = run(batch(record(1), record(2, payload={"M": {}})), process)

    assert response == {"batchItemFailures": []}
    assert [parked["eventID"] for parked, _ in parking.records] == [f"{2:032x}"]


@given(
    st.lists(
        st.sampled_from(["good", "poison", "outage", "ignored", "malformed"]),
        max_size=12,
    )
)
def test_every_record_is_processed_parked_ignored_or_delivered_again(kinds: list[str]) -> None:
    processed: list[str] = []

    def work(request: Request) -> None:
        kind = request.payload["kind"]
        if kind == "poison":
            raise RejectedRequestError("poison")
        if kind == "outage":
            raise ConnectionError("outage")
        processed.append(request.event_id)

    records = [
        record(
            number,
            event="MODIFY" if kind == "ignored" else "INSERT",
            payload={"S": "?"} if kind == "malformed" else {"M": {"kind": {"S": kind}}},
        )
        for number, kind in enumerate(kinds, start=1)
    ]
    response, parking = run(batch(*records), work)

    first = kinds.index("outage") if "outage" in kinds else len(kinds)
    expected = dict(enumerate(kinds[:first]))
    assert [int(one, 16) - 1 for one in processed] == [
        index for index, kind in expected.items() if kind == "good"
    ]
    assert [int(parked["eventID"], 16) - 1 for parked, _ in parking.records] == [
        index for index, kind in expected.items() if kind in {"poison", "malformed"}
    ]
    assert [int(one) - 1 for one in reported(response)] == ([first] if first < len(kinds) else [])


_PROGRAM = """
import json, os, sys
from handler.config import HandlerConfig
os.environ.update(HandlerConfig(failure_bucket="b", log_level=sys.argv[1]).to_environ())
import handler.app as app
import handler.process
from tests.unit.handler.test_app import FakeContext, Parked, failing_on, processor
from tests.unit.handler.events import batch, record
marker = {"M": {"secret": {"S": "do-not-log-me"}}}
work, _ = failing_on("request-4")
def process(request):
    handler.process.process(request)
    work(request)
    if request.request_id == "request-3":
        raise handler.process.RejectedRequestError(str(request.payload))
records = [record(1, payload=marker), record(2, payload={"S": "do-not-log-me"}),
           record(3, payload=marker), record(4, payload=marker)]
print(processor(process, parking=Parked()).handle(batch(*records), FakeContext()))
records[1]["dynamodb"]["NewImage"]["request_id"] = {"N": "do-not-log-me"}
processor(process, parking=Parked(fails=True)).handle(batch(records[1]), FakeContext())
"""


def _output(log_level: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", _PROGRAM, log_level], capture_output=True, text=True, check=True
    )
    return result.stdout + result.stderr


def test_nothing_of_a_payload_is_printed_at_the_default_level() -> None:
    output = _output("INFO")

    assert MARKER not in output
    assert "Record rejected and parked" in output
    assert "Record failed, it will be delivered again" in output
    assert "Rejected record cannot be parked" in output


def test_at_debug_the_payload_is_logged() -> None:
    assert MARKER in _output("DEBUG")


def test_importing_the_handler_imports_no_boto3_no_pulumi_and_no_pydantic() -> None:
    program = (
        "import sys, handler.app; "
        "print([m for m in ('boto3', 'pulumi', 'pydantic', 'infra') if m in sys.modules])"
    )

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout == "[]\n"
