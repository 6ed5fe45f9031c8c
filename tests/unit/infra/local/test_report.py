"""What is shown of an invocation and of what comes between: in words, whatever was answered."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local import report
from infra.local.function.invocation import Invocation
from infra.local.mapping.delivery import Batch, Failure, GivenUp, Retry
from infra.local.mapping.destination import Condition
from infra.local.outcomes import Became, Details, error_of
from tests.unit.infra.local.mapping.scripted import SHARD, reported, stream_record

FIRST, SECOND, THIRD = (stream_record(number) for number in (1, 2, 3))


def invocation(*records: Any, response: object = None, **changes: Any) -> Invocation:
    return Invocation(
        **{
            "request_id": "1",
            "event": {"Records": list(records)},
            "response": response,
            "duration": 0.012,
            **changes,
        }
    )


def lines(invoked: Invocation, *printed: Any) -> list[str]:
    details = Details()
    for line in printed:
        details.take(json.dumps(line))
    return report.invocation_lines(invoked, details.outcomes(invoked))


def test_each_record_has_its_outcome() -> None:
    head, first, second, third = lines(invocation(FIRST, SECOND, THIRD, response=reported(SECOND)))

    assert head == "invoked with 3 records: failed in 12 ms"
    assert first == '  INSERT {"request_id": {"S": "item-1"}} processed'
    assert second.endswith(" failed")
    assert third.endswith(" waits")


def test_a_rejected_record_shows_why_and_where_it_is_kept() -> None:
    parked = {
        "event_id": FIRST["eventID"],
        "error_type": "MalformedRecord",
        "key": "rejected/x",
    }
    reason = {"event_id": FIRST["eventID"], "reason": "payload must be a map"}

    _, line = lines(invocation(FIRST), parked, reason)

    assert line.endswith("rejected: MalformedRecord: payload must be a map; kept as rejected/x")


def test_a_failed_record_shows_the_error_and_the_line_of_the_function_that_raised_it() -> None:
    stack = [
        "/var/task/handler/processor.py:9 _run",
        "/var/task/handler/process.py:12 process",
        "/usr/lib/site-packages/boto/x.py:7 call",
    ]
    failed = {"event_id": FIRST["eventID"], "error_type": "ValueError", "stack": stack}
    text = {"event_id": FIRST["eventID"], "exception": "Traceback ...\nValueError: not today"}

    _, line = lines(invocation(FIRST, response=reported(FIRST)), failed, text)

    assert line.endswith(" failed: ValueError: not today (handler/process.py:12)")


def test_an_invocation_that_failed_shows_its_error_once() -> None:
    error = {
        "errorType": "KeyError",
        "errorMessage": "'x'",
        "stackTrace": ['  File "/var/task/handler/app.py", line 3, in handler\n    x\n'],
    }

    head, line = lines(invocation(FIRST, error=error, function_error="Unhandled"))

    assert head == "invoked with 1 record: failed, KeyError: 'x' (handler/app.py:3) in 12 ms"
    assert line.endswith(" failed")


def test_a_record_that_was_processed_before_says_so() -> None:
    before = {"event_id": FIRST["eventID"], "message": "Processed before"}

    assert lines(invocation(FIRST), before)[1].endswith(" processed before")


def test_of_a_large_batch_the_first_records_are_shown_and_all_that_failed() -> None:
    records = [stream_record(number) for number in range(1, 101)]

    shown = lines(invocation(*records, response=reported(records[79])))

    assert len(shown) == 1 + 20 + 1 + 1
    assert sum(" failed" in line for line in shown[1:]) == 1
    assert shown[-1] == "  ... and 79 more, done or waiting"


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ("text", 'done, with an answer that reports nothing, "text",'),
        ([1], "done, with an answer that reports nothing, [1],"),
        (7, "done, with an answer that reports nothing, 7,"),
        (None, "done"),
        ({"batchItemFailures": 7}, "failed"),
        ({"batchItemFailures": [7]}, "failed"),
    ],
    ids=repr,
)
def test_an_answer_of_another_shape_is_shown_as_what_it_is(response: object, said: str) -> None:
    assert lines(invocation(FIRST, response=response))[0] == (
        f"invoked with 1 record: {said} in 12 ms"
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Records",
                    "batchItemFailures",
                    "itemIdentifier",
                    "dynamodb",
                    "SequenceNumber",
                    "Keys",
                    "eventID",
                    "event_id",
                    "key",
                    "stack",
                    "exception",
                    "errorType",
                    "stackTrace",
                    "reason",
                    "message",
                    "_aws",
                    "Processed",
                    "level",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(event=ANYTHING, response=ANYTHING, error=ANYTHING, printed=ANYTHING)
def test_nothing_that_a_function_answers_or_prints_makes_the_report_fail(
    event: object, response: object, error: object, printed: object
) -> None:
    invoked = Invocation(
        request_id="1",
        event=event,
        response=response,
        error=error if isinstance(error, dict) else None,
    )
    details, line = Details(), json.dumps(printed)

    details.take(line)
    outcomes = details.outcomes(invoked)

    assert all(isinstance(each, str) for each in report.invocation_lines(invoked, outcomes))
    assert all(isinstance(each.event_id, str) for each in outcomes)
    assert isinstance(report.log_line(line), str | None)
    assert isinstance(error_of(invoked), str)


def test_the_wait_before_the_next_attempt_is_shown() -> None:
    event = Retry(batch=Batch(shard_id=SHARD, records=[FIRST]), seconds=0.4)

    assert report.delivery_line(event) == (
        "next attempt with 1 record in 0.4 s; when you save a change, at once"
    )


@pytest.mark.parametrize(
    ("kept_as", "where"), [("aws/lambda/x", "kept as aws/lambda/x"), (None, "kept nowhere")]
)
def test_what_is_given_up_is_shown_with_the_objects_key(kept_as: str | None, where: str) -> None:
    failure = Failure(
        batch=Batch(shard_id=SHARD, records=[FIRST, SECOND]),
        condition=Condition.RETRY_ATTEMPTS_EXHAUSTED,
        invoke_count=4,
    )

    assert report.delivery_line(GivenUp(failure=failure, kept_as=kept_as)) == (
        f"2 records given up after 4 attempts, RetryAttemptsExhausted: {where}"
    )


def test_a_line_of_the_log_is_shown_without_what_every_line_has() -> None:
    line = {"level": "INFO", "message": "Request done", "service": "x", "order": 7}

    assert report.log_line(json.dumps(line)) == "  | INFO Request done order=7"
    assert report.log_line("printed by hand") == "  | printed by hand"
    assert report.log_line('{"_aws": {}, "Processed": [1]}') is None


def test_an_error_that_the_runtime_client_prints_is_shown_with_its_frames_and_without_advice() -> (
    None
):
    error = {
        "level": "ERROR",
        "errorType": "Runtime.UserCodeSyntaxError",
        "errorMessage": "invalid syntax (process.py, line 1)",
        "requestId": "",
        "stackTrace": ['  File "/var/task/handler/process.py" Line 1\n    syntax error\n'],
    }

    assert report.log_line(json.dumps(error)) == (
        "  | ERROR Runtime.UserCodeSyntaxError: invalid syntax (process.py, line 1)\n"
        '  |   File "/var/task/handler/process.py" Line 1\n'
        "  |     syntax error"
    )
    assert report.log_line('{"level": "WARNING", "message": "LAMBDA_WARNING: Unhandled"}') is None


@pytest.mark.parametrize(
    "answer",
    [{"batchItemFailures": [7]}, {"batchItemFailures": {"a": 1}}, {"batchItemFailures": "x"}],
    ids=repr,
)
def test_an_answer_that_fails_the_batch_and_names_no_record_is_shown(answer: object) -> None:
    _, first, second = lines(invocation(FIRST, SECOND, response=answer))

    assert first.endswith(f" failed: the answer does not name it, {json.dumps(answer)}")
    assert second.endswith(" waits")


def test_a_retry_that_waits_for_nothing_says_so() -> None:
    event = Retry(batch=Batch(shard_id=SHARD, records=[FIRST]), seconds=0)

    assert report.delivery_line(event) == "next attempt with 1 record at once"


def test_outcomes_are_told_apart_by_the_records_event() -> None:
    (outcome,) = Details().outcomes(invocation(FIRST))

    assert outcome.became is Became.PROCESSED
    assert outcome.event_id == FIRST["eventID"]
