"""Records that are too old: given up before they are invoked, or while they are retried."""

import pytest

from infra.capacity.virtual_time import EPOCH
from infra.local.mapping.stream_reader import Record
from tests.unit.infra.local.mapping.deliveries import deliver
from tests.unit.infra.local.mapping.scripted import (
    FunctionError,
    ScriptedDestination,
    ScriptedFunction,
    ScriptedStreamSource,
    stream_record,
)

OLD = EPOCH - 80


def always_fails(_: list[Record]) -> object:
    raise FunctionError("broken")


def test_a_record_that_expires_before_it_is_invoked_is_reported_with_one_attempt() -> None:
    """[VK]"""
    function, destination = ScriptedFunction(), ScriptedDestination()
    source = ScriptedStreamSource(stream_record(1, created=OLD))

    deliver(source, function, destination, maximumRecordAgeInSeconds=60, maximumRetryAttempts=0)

    (document,) = destination.documents
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert document["requestContext"]["approximateInvokeCount"] == 1
    assert function.batches == []


def test_a_record_that_expired_has_no_response_context() -> None:
    """[VK]"""
    destination = ScriptedDestination()
    source = ScriptedStreamSource(stream_record(1))

    deliver(source, ScriptedFunction(always_fails), destination, maximumRecordAgeInSeconds=60)

    assert set(destination.documents[0]) == {
        "requestContext",
        "version",
        "timestamp",
        "DDBStreamBatchInfo",
        "payload",
    }


def test_the_attempt_that_finds_the_record_too_old_is_counted_and_not_invoked() -> None:
    """[VK]: a count of eight after 60 seconds; with the back-off of [S] it is one or two more."""
    function, destination = ScriptedFunction(always_fails), ScriptedDestination()
    source = ScriptedStreamSource(stream_record(1))

    deliver(source, function, destination, maximumRecordAgeInSeconds=60)

    assert len(function.batches) == 9
    assert destination.documents[0]["requestContext"]["approximateInvokeCount"] == 10


def test_expired_records_are_split_off_the_front_and_the_rest_is_delivered() -> None:
    """[VK]"""
    function, destination = ScriptedFunction(), ScriptedDestination()
    source = ScriptedStreamSource(
        stream_record(1, created=OLD), stream_record(2, created=OLD), stream_record(3)
    )

    deliver(source, function, destination, maximumRecordAgeInSeconds=60)

    (document,) = destination.documents
    assert document["DDBStreamBatchInfo"]["batchSize"] == 2
    assert function.batches == [[3]]


def test_expired_records_without_a_destination_are_dropped() -> None:
    """[D]"""
    source = ScriptedStreamSource(stream_record(1, created=OLD), stream_record(2))

    settled = deliver(source, ScriptedFunction(), maximumRecordAgeInSeconds=60)

    assert settled.metrics["DroppedEventCount"] == 1
    assert settled.metrics["InvokedEventCount"] == 1


@pytest.mark.parametrize("age", [-1, 604_800])
def test_no_record_outlives_the_stream_which_keeps_it_for_a_day(age: int) -> None:
    """[D]"""
    function, destination = ScriptedFunction(), ScriptedDestination()
    forgotten = stream_record(1, created=EPOCH - 24 * 3600 - 1)
    source = ScriptedStreamSource(forgotten, stream_record(2, created=EPOCH - 24 * 3600 + 1))

    deliver(source, function, destination, maximumRecordAgeInSeconds=age)

    assert len(destination.documents) == 1
    assert function.batches == [[2]]


def test_a_record_that_comes_late_is_as_old_as_its_write() -> None:
    function = ScriptedFunction()
    source = ScriptedStreamSource(stream_record(1), stream_record(2, created=OLD), stream_record(3))

    settled = deliver(source, function, maximumRecordAgeInSeconds=60, batchSize=1)

    assert function.batches == [[1], [3]]
    assert settled.metrics["DroppedEventCount"] == 1
