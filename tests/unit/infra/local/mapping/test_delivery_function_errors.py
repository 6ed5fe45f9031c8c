"""Function errors and throttles: retries, back-off, bisect, and what becomes of the batch then."""

import itertools

import pytest

from infra.capacity.virtual_time import EPOCH, run
from infra.local.function.invocation import ThrottledError
from infra.local.mapping.stream_reader import Record
from tests.unit.infra.local.mapping.deliveries import (
    BUCKET_ARN,
    deliver,
    mapping,
    while_running,
)
from tests.unit.infra.local.mapping.scripted import (
    FunctionError,
    ScriptedDestination,
    ScriptedFunction,
    ScriptedStreamSource,
    numbers_of,
    stream_record,
)

TO_S3 = {"onFailure": {"destinationArn": BUCKET_ARN}}


def always_fails(_: list[Record]) -> object:
    raise FunctionError("broken")


def waits(function: ScriptedFunction) -> list[float]:
    """Seconds from each invocation to the next."""
    return [later - first for first, later in itertools.pairwise(function.times)]


def fails_on(*poison: int) -> ScriptedFunction:
    """A function that fails whenever one of these records is in the batch."""

    def answer(records: list[Record]) -> object:
        if set(poison) & set(numbers_of(records)):
            raise FunctionError("poison")
        return None

    return ScriptedFunction(answer)


@pytest.mark.parametrize(("retries", "invocations"), [(0, 1), (1, 2), (3, 4)])
def test_n_retries_are_n_plus_1_invocations_of_the_same_batch(
    retries: int, invocations: int
) -> None:
    """[V]"""
    function = ScriptedFunction(always_fails)
    source = ScriptedStreamSource(stream_record(1), stream_record(2))

    deliver(source, function, maximumRetryAttempts=retries)

    assert function.batches == [[1, 2]] * invocations


def test_after_the_last_retry_the_destination_gets_one_record_and_the_shard_moves_on() -> None:
    """[V, D]"""
    function, destination = fails_on(1), ScriptedDestination()
    source = ScriptedStreamSource(stream_record(1), stream_record(2))

    settled = deliver(source, function, destination, maximumRetryAttempts=1, batchSize=1)

    (document,) = destination.documents
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["requestContext"]["approximateInvokeCount"] == 2
    assert document["responseContext"]["functionError"] == "Unhandled"
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert function.batches == [[1], [1], [2]]
    assert settled.metrics["OnFailureDestinationDeliveredEventCount"] == 1
    assert settled.metrics["DroppedEventCount"] == 0


def test_the_shard_is_blocked_while_its_batch_is_retried() -> None:
    """[V]"""
    function = fails_on(1)
    source = ScriptedStreamSource(stream_record(1), stream_record(2))

    deliver(source, function, maximumRetryAttempts=2, batchSize=1)

    assert function.batches == [[1], [1], [1], [2]]


def test_without_a_destination_what_is_given_up_is_counted_as_dropped() -> None:
    """[D]"""
    source = ScriptedStreamSource(stream_record(1), stream_record(2))

    settled = deliver(source, ScriptedFunction(always_fails), maximumRetryAttempts=0)

    assert settled.metrics["DroppedEventCount"] == 2
    assert settled.metrics["OnFailureDestinationDeliveredEventCount"] == 0


def test_a_destination_that_refuses_makes_the_events_dropped_and_the_shard_moves_on() -> None:
    """[D] Event source mapping metrics: "If delivery to the destination fails"."""
    destination = ScriptedDestination(refuses=True)
    source = ScriptedStreamSource(stream_record(1), stream_record(2), stream_record(3))

    settled = deliver(source, fails_on(1), destination, maximumRetryAttempts=0, batchSize=2)

    assert settled.metrics["DestinationDeliveryFailures"] == 1
    assert settled.metrics["DroppedEventCount"] == 2
    assert settled.metrics["OnFailureDestinationDeliveredEventCount"] == 0
    assert settled.metrics["InvokedEventCount"] == 3


def test_each_retry_of_a_batch_waits_twice_as_long_as_the_one_before() -> None:
    """[S] for the first two"""
    function = ScriptedFunction(always_fails)

    deliver(ScriptedStreamSource(stream_record(1)), function, maximumRetryAttempts=4)

    assert waits(function) == [pytest.approx(wait) for wait in (0.2, 0.4, 0.8, 1.6)]


def test_no_wait_between_retries_is_longer_than_a_minute() -> None:
    function = ScriptedFunction(always_fails)

    deliver(ScriptedStreamSource(stream_record(1)), function, maximumRetryAttempts=11)

    assert max(waits(function)) == pytest.approx(60)


def test_what_is_hurried_while_it_is_invoked_does_not_wait_when_that_has_failed() -> None:
    """Its cause may be mended before it is told."""

    def fail_twice_hurried_once(_: list[Record]) -> object:
        if len(function.times) == 1:
            running.retry_now()
        if len(function.times) <= 2:
            raise FunctionError("broken")
        return None

    function = ScriptedFunction(fail_twice_hurried_once)
    running = mapping(ScriptedStreamSource(stream_record(1)), function)

    run(while_running(running, running.settled()))

    assert waits(function) == [pytest.approx(0), pytest.approx(0.4)]


def test_unlimited_retries_go_on_until_the_stream_forgets_the_record() -> None:
    """[V, D]: after 24 hours."""
    function, destination = ScriptedFunction(always_fails), ScriptedDestination()
    nearly_forgotten = stream_record(1, created=EPOCH - 24 * 3600 + 300)

    deliver(ScriptedStreamSource(nearly_forgotten), function, destination)

    assert destination.documents[0]["requestContext"]["condition"] == "RecordAgeExceeded"
    assert 300 - 60 <= function.times[-1] <= 300


def test_throttles_are_waited_out_and_do_not_count_as_attempts() -> None:
    """[D]"""
    throttles = iter([True] * 5)

    def answer(_: list[Record]) -> object:
        if next(throttles, False):
            raise ThrottledError
        raise FunctionError("broken")

    function, destination = ScriptedFunction(answer), ScriptedDestination()

    deliver(ScriptedStreamSource(stream_record(1)), function, destination, maximumRetryAttempts=1)

    assert function.batches == [[1]] * (5 + 2)
    assert destination.documents[0]["requestContext"]["approximateInvokeCount"] == 2


def test_throttles_end_when_the_record_is_too_old() -> None:
    """[D]"""

    def answer(_: list[Record]) -> object:
        raise ThrottledError

    destination = ScriptedDestination()
    source = ScriptedStreamSource(stream_record(1))

    deliver(source, ScriptedFunction(answer), destination, maximumRecordAgeInSeconds=60)

    assert destination.documents[0]["requestContext"]["condition"] == "RecordAgeExceeded"


def test_bisect_isolates_the_failing_record_and_delivers_every_other() -> None:
    """[D]"""
    function, destination = fails_on(3), ScriptedDestination()
    source = ScriptedStreamSource(*map(stream_record, range(1, 8)))

    deliver(source, function, destination, maximumRetryAttempts=2, bisectBatchOnFunctionError=True)

    (document,) = destination.documents
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert document["DDBStreamBatchInfo"]["startSequenceNumber"].endswith("03")
    done = [number for batch in function.batches if 3 not in batch for number in batch]
    assert done == [1, 2, 4, 5, 6, 7]


def test_splitting_a_batch_does_not_consume_the_retry_quota() -> None:
    """[D]: with no retries at all, the batch is still split down to the record."""
    function, destination = fails_on(2), ScriptedDestination()
    source = ScriptedStreamSource(*map(stream_record, range(1, 5)))

    deliver(source, function, destination, maximumRetryAttempts=0, bisectBatchOnFunctionError=True)

    assert function.batches == [[1, 2, 3, 4], [1, 2], [1], [2], [3, 4]]
    assert destination.documents[0]["requestContext"]["approximateInvokeCount"] == 1


def test_a_single_record_under_bisect_has_all_of_its_retries() -> None:
    """[D]"""
    function = fails_on(1)
    source = ScriptedStreamSource(stream_record(1), stream_record(2))

    deliver(source, function, maximumRetryAttempts=3, bisectBatchOnFunctionError=True)

    assert function.batches.count([1]) == 4


def test_without_partial_responses_any_response_that_is_no_error_is_success() -> None:
    """[D]"""
    response = {"batchItemFailures": [{"itemIdentifier": ""}]}
    function = ScriptedFunction(lambda _: response)

    settled = deliver(ScriptedStreamSource(stream_record(1)), function)

    assert function.batches == [[1]]
    assert settled.metrics["FailedInvokeEventCount"] == 0


def test_a_record_that_is_retried_is_counted_as_invoked_each_time() -> None:
    """[D] InvokedEventCount "may count multiple times for the same polled event"."""
    source = ScriptedStreamSource(stream_record(1), stream_record(2))

    settled = deliver(source, ScriptedFunction(always_fails), maximumRetryAttempts=2)

    assert settled.metrics["PolledEventCount"] == 2
    assert settled.metrics["InvokedEventCount"] == 6
    assert settled.metrics["FailedInvokeEventCount"] == 6


def test_a_write_in_the_middle_of_a_retry_is_delivered_after_it() -> None:
    source = ScriptedStreamSource(stream_record(1))
    attempts = iter(range(3))

    def answer(_: list[Record]) -> object:
        if (attempt := next(attempts, None)) is not None:
            source.write(stream_record(10 + attempt))
            raise FunctionError("not yet")
        return None

    function = ScriptedFunction(answer)

    deliver(source, function, maximumRetryAttempts=3)

    assert function.batches == [[1]] * 4 + [[10, 11, 12]]
