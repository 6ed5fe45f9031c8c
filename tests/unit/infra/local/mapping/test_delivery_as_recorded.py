"""Delivery as a third party recorded it on AWS: order, pauses, request ids, results, figures."""

import asyncio
import itertools
from typing import Any

import pytest

from infra.capacity.virtual_time import run
from infra.local.function.invocation import ThrottledError
from infra.local.mapping.stream_reader import Record, StreamError
from tests.unit.infra.local.mapping.deliveries import deliver, mapping, while_running
from tests.unit.infra.local.mapping.scripted import (
    FunctionError,
    ScriptedDestination,
    ScriptedFunction,
    ScriptedStreamSource,
    number_of,
    reported,
    stream_record,
)

BISECT: dict[str, Any] = {"bisectBatchOnFunctionError": True}
REPORTING: dict[str, Any] = {"functionResponseTypes": ["ReportBatchItemFailures"]}


def raises_on(*poison: int) -> ScriptedFunction:
    def answer(records: list[Record]) -> object:
        if any(number_of(record) in poison for record in records):
            raise FunctionError("poison")
        return None

    return ScriptedFunction(answer)


def reports(*poison: int) -> ScriptedFunction:
    return ScriptedFunction(lambda batch: reported(*(r for r in batch if number_of(r) in poison)))


def source_of(count: int) -> ScriptedStreamSource:
    return ScriptedStreamSource(*map(stream_record, range(1, count + 1)))


def test_a_batch_that_raises_is_split_at_once_left_half_first_and_depth_first() -> None:
    """[S]: the whole is not retried; the right half comes once the left is settled."""
    function = raises_on(2)

    deliver(source_of(4), function, maximumRetryAttempts=2, **BISECT)

    assert function.batches == [[1, 2, 3, 4], [1, 2], [1], [2], [2], [2], [3, 4]]


def test_three_records_are_split_into_one_and_two() -> None:
    """[S]: [2,3,4] became [2] and [3,4]."""
    function = raises_on(3)

    deliver(source_of(3), function, maximumRetryAttempts=0, **BISECT)

    assert function.batches == [[1, 2, 3], [1], [2, 3], [2], [3]]


def test_a_changed_batch_goes_at_once_and_an_unchanged_one_waits() -> None:
    """[S]: 9 to 52 ms against 0.20 to 0.28 s and 0.39 s."""
    function = raises_on(2)

    deliver(source_of(4), function, maximumRetryAttempts=2, **BISECT)

    waits = [later - first for first, later in itertools.pairwise(function.times)]
    assert waits == [pytest.approx(wait) for wait in (0, 0, 0, 0.2, 0.4, 0)]


def test_with_bisect_the_first_report_moves_the_checkpoint_and_the_next_splits() -> None:
    """[S]"""
    function = reports(2)

    deliver(source_of(4), function, maximumRetryAttempts=0, **BISECT, **REPORTING)

    assert function.batches == [[1, 2, 3, 4], [2, 3, 4], [2], [3, 4]]


def test_an_unchanged_batch_keeps_its_request_id_and_a_changed_one_has_a_new_one() -> None:
    """[S]"""
    function = raises_on(2)

    deliver(source_of(4), function, maximumRetryAttempts=2, **BISECT)

    ids = [function.request_ids[place] for place in (0, 1, 2, 3, 6)]
    assert len(set(ids)) == 5
    assert function.request_ids[3:6] == [function.request_ids[3]] * 3


def test_a_batch_that_begins_at_the_reported_record_has_a_new_request_id() -> None:
    """[S]"""
    function = reports(2)

    deliver(source_of(3), function, maximumRetryAttempts=1, **REPORTING)

    whole, moved, again = function.request_ids
    assert whole != moved == again


def test_a_throttled_batch_keeps_its_request_id() -> None:
    throttles = iter([True, True])

    def answer(_: list[Record]) -> object:
        if next(throttles, False):
            raise ThrottledError
        return None

    function = ScriptedFunction(answer)

    deliver(source_of(1), function)

    assert len(function.request_ids) == 3
    assert len(set(function.request_ids)) == 1


@pytest.mark.parametrize("age", [-1, 60])
def test_the_destination_carries_the_last_request_id(age: int) -> None:
    """[S]"""
    function, destination = raises_on(1), ScriptedDestination()
    retries = 2 if age == -1 else -1

    deliver(
        source_of(1),
        function,
        destination,
        maximumRetryAttempts=retries,
        maximumRecordAgeInSeconds=age,
    )

    (document,) = destination.documents
    assert document["requestContext"]["requestId"] == function.request_ids[-1]


class Journal(ScriptedDestination):
    """Remembers how many invocations there had been when it was written to."""

    def __init__(self, function: ScriptedFunction) -> None:
        super().__init__()
        self._function = function
        self.after: list[int] = []

    async def send(self, document: Any) -> str:
        self.after.append(len(self._function.batches))
        return await super().send(document)


def test_with_bisect_the_destination_is_told_when_the_rest_of_the_batch_has_run() -> None:
    """[S]"""
    function = raises_on(2)
    destination = Journal(function)

    deliver(source_of(4), function, destination, maximumRetryAttempts=0, **BISECT)

    assert function.batches[-1] == [3, 4]
    assert destination.after == [len(function.batches)]


def test_without_bisect_the_destination_is_told_right_after_the_last_attempt() -> None:
    """[S]: 2 to 5 ms"""
    function = raises_on(1)
    destination = Journal(function)

    deliver(source_of(2), function, destination, maximumRetryAttempts=1, batchSize=1)

    assert function.batches == [[1], [1], [2]]
    assert destination.after == [2]


def test_the_last_processing_result_is_lambdas() -> None:
    """[S]; before the first record [V]"""
    broken = raises_on(1)

    idle = deliver(ScriptedStreamSource(), ScriptedFunction())
    exhausted = deliver(source_of(1), reports(1), maximumRetryAttempts=0, **REPORTING)
    failed = deliver(source_of(1), broken, maximumRetryAttempts=0)

    assert idle.last_processing_result == "No records processed"
    assert exhausted.last_processing_result == "OK"
    assert failed.last_processing_result == "PROBLEM: Function call failed"


def test_the_last_processing_result_says_why_the_stream_cannot_be_read() -> None:
    """[S]: the text of the denial when the role lost its permissions"""
    source = source_of(1)

    async def main() -> str:
        running = mapping(source, ScriptedFunction())

        async def lose_the_permissions() -> str:
            await running.settled()
            source.failures = [StreamError("not authorized to perform GetRecords")] * 9
            await asyncio.sleep(1)
            return running.last_processing_result

        return await while_running(running, lose_the_permissions())

    assert run(main()) == "not authorized to perform GetRecords"


def test_polled_events_are_counted_as_0_while_nothing_comes() -> None:
    """[S]: 0.0 in each idle minute"""
    idle = deliver(ScriptedStreamSource(), ScriptedFunction())

    assert dict(idle.metrics)["PolledEventCount"] == 0


def test_without_a_filter_there_is_no_count_of_filtered_events() -> None:
    """[S]: no data; who asks for it nevertheless gets 0"""
    everything = deliver(source_of(1), ScriptedFunction())
    inserts = {"filters": [{"pattern": '{"eventName":["INSERT"]}'}]}
    filtered = deliver(source_of(1), ScriptedFunction(), filterCriteria=inserts)

    assert "FilteredOutEventCount" not in everything.metrics
    assert everything.metrics["FilteredOutEventCount"] == 0
    assert dict(filtered.metrics)["FilteredOutEventCount"] == 0
