"""ReportBatchItemFailures: every form of response, and how attempts are counted with it."""

from typing import Any

import pytest

from infra.local.mapping.stream_reader import Record
from tests.unit.infra.local.mapping.deliveries import deliver
from tests.unit.infra.local.mapping.scripted import (
    FunctionError,
    ScriptedDestination,
    ScriptedFunction,
    ScriptedStreamSource,
    numbers_of,
    reported,
    stream_record,
)

REPORTING: dict[str, Any] = {"functionResponseTypes": ["ReportBatchItemFailures"]}


def reports(*poison: int) -> ScriptedFunction:
    """A function that reports these records as failed, whenever they are in the batch."""
    return ScriptedFunction(
        lambda records: reported(*(r for r in records if numbers_of([r])[0] in poison))
    )


@pytest.mark.parametrize(
    "response",
    [[], None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}],
    ids=repr,
)
def test_a_response_without_failures_is_success(response: object) -> None:
    """[V]"""
    function = ScriptedFunction(lambda _: response)

    deliver(ScriptedStreamSource(stream_record(1)), function, **REPORTING)

    assert function.batches == [[1]]


def test_an_empty_text_is_success() -> None:
    """[VK]"""
    function = ScriptedFunction(lambda _: "")

    deliver(ScriptedStreamSource(stream_record(1)), function, **REPORTING)

    assert function.batches == [[1]]


def test_an_object_without_batch_item_failures_is_success() -> None:
    """Inferred: the same as {}."""
    function = ScriptedFunction(lambda _: {"failures": ["1"]})

    deliver(ScriptedStreamSource(stream_record(1)), function, **REPORTING)

    assert function.batches == [[1]]


@pytest.mark.parametrize(
    "failure",
    [
        {"itemIdentifier": 123},
        {"itemIdentifier": "123"},
        {"itemIdentifier": ""},
        {"itemIdentifier": None},
        {"foo": "123"},
    ],
    ids=repr,
)
def test_a_failure_that_names_no_record_of_the_batch_fails_the_whole_batch(
    failure: object,
) -> None:
    """[V]"""
    function = ScriptedFunction(lambda _: {"batchItemFailures": [failure]})
    source = ScriptedStreamSource(stream_record(1), stream_record(2))

    deliver(source, function, maximumRetryAttempts=1, **REPORTING)

    assert function.batches == [[1, 2], [1, 2]]


@pytest.mark.parametrize(
    "failures", ["text", {"itemIdentifier": "1"}, [["nested"]], [{}]], ids=repr
)
def test_failures_of_another_shape_fail_the_whole_batch(failures: object) -> None:
    function = ScriptedFunction(lambda _: {"batchItemFailures": failures})
    source = ScriptedStreamSource(stream_record(1), stream_record(2))

    deliver(source, function, maximumRetryAttempts=1, **REPORTING)

    assert function.batches == [[1, 2], [1, 2]]


def test_a_valid_failure_beside_a_malformed_one_fails_the_whole_batch() -> None:
    def answer(records: list[Record]) -> object:
        return {"batchItemFailures": [*reported(records[-1])["batchItemFailures"], {"foo": 1}]}

    function = ScriptedFunction(answer)
    source = ScriptedStreamSource(stream_record(1), stream_record(2))

    deliver(source, function, maximumRetryAttempts=1, **REPORTING)

    assert function.batches == [[1, 2], [1, 2]]


def test_the_lowest_reported_record_is_the_checkpoint_and_all_from_it_on_is_retried() -> None:
    """[D]"""
    failing = iter([True])

    def answer(records: list[Record]) -> object:
        return reported(records[3], records[1]) if next(failing, False) else None

    function = ScriptedFunction(answer)
    source = ScriptedStreamSource(*map(stream_record, range(1, 6)))

    deliver(source, function, **REPORTING)

    assert function.batches == [[1, 2, 3, 4, 5], [2, 3, 4, 5]]


def test_the_retry_count_restarts_when_a_partial_response_moves_the_checkpoint() -> None:
    """[V, VK]: three retries, and the last of three records is delivered five times."""
    function, destination = reports(3), ScriptedDestination()
    source = ScriptedStreamSource(*map(stream_record, (1, 2, 3)))

    deliver(source, function, destination, maximumRetryAttempts=3, batchSize=3, **REPORTING)

    assert sum(3 in batch for batch in function.batches) == 5
    (document,) = destination.documents
    assert document["requestContext"]["approximateInvokeCount"] == 4
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1


def test_the_function_error_of_a_reported_failure_is_null_in_the_destination() -> None:
    """[V]"""
    destination = ScriptedDestination()

    deliver(
        ScriptedStreamSource(stream_record(1)),
        reports(1),
        destination,
        maximumRetryAttempts=0,
        **REPORTING,
    )

    assert destination.documents[0]["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": None,
    }


def test_with_bisect_too_only_the_failing_record_is_given_up() -> None:
    """[D, 3]"""
    function, destination = reports(3), ScriptedDestination()
    source = ScriptedStreamSource(*map(stream_record, range(1, 7)))

    deliver(
        source,
        function,
        destination,
        maximumRetryAttempts=1,
        bisectBatchOnFunctionError=True,
        **REPORTING,
    )

    (document,) = destination.documents
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert document["DDBStreamBatchInfo"]["startSequenceNumber"].endswith("03")


def test_without_bisect_the_failing_record_takes_all_behind_it_in_the_batch_with_it() -> None:
    """[3]"""
    destination = ScriptedDestination()
    source = ScriptedStreamSource(*map(stream_record, range(1, 7)))

    deliver(source, reports(3), destination, maximumRetryAttempts=1, **REPORTING)

    (document,) = destination.documents
    assert document["DDBStreamBatchInfo"]["batchSize"] == 4


def test_partial_response_and_bisect_retry_only_what_begins_with_the_reported_record() -> None:
    """[D]"""
    failing = iter([True])

    def answer(records: list[Record]) -> object:
        return reported(records[2]) if next(failing, False) else None

    function = ScriptedFunction(answer)
    source = ScriptedStreamSource(*map(stream_record, range(1, 6)))

    deliver(source, function, bisectBatchOnFunctionError=True, **REPORTING)

    assert function.batches == [[1, 2, 3, 4, 5], [3, 4, 5]]


def test_an_error_is_halved_whether_or_not_failures_can_be_reported() -> None:
    """[D]"""
    failing = iter([True])

    def answer(_: list[Record]) -> object:
        if next(failing, False):
            raise FunctionError("once")
        return None

    function = ScriptedFunction(answer)
    source = ScriptedStreamSource(*map(stream_record, range(1, 5)))

    deliver(source, function, bisectBatchOnFunctionError=True, **REPORTING)

    assert function.batches == [[1, 2, 3, 4], [1, 2], [3, 4]]


def test_reported_records_and_those_behind_them_count_as_failed() -> None:
    """[D] FailedInvokeEventCount includes what a non-empty batchItemFailures leaves undone."""
    failing = iter([True])

    def answer(records: list[Record]) -> object:
        return reported(records[1]) if next(failing, False) else None

    source = ScriptedStreamSource(*map(stream_record, (1, 2, 3)))

    settled = deliver(source, ScriptedFunction(answer), **REPORTING)

    assert settled.metrics["InvokedEventCount"] == 5
    assert settled.metrics["FailedInvokeEventCount"] == 2
