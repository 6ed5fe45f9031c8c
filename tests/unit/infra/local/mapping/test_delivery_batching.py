"""Which records are invoked together: batch size, window, payload limit, filter, concurrency."""

import asyncio
import json
from typing import Any

import pytest

from infra.capacity.virtual_time import run
from infra.events.stream_record import INVOCATION_PAYLOAD
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.stream_reader import Record
from tests.unit.infra.local.mapping.deliveries import deliver, mapping, while_running
from tests.unit.infra.local.mapping.scripted import (
    FunctionError,
    ScriptedFunction,
    ScriptedStreamSource,
    numbers_of,
    stream_record,
    ttl_deletion,
)

INSERTS = {"filters": [{"pattern": '{"eventName":["INSERT"]}'}]}


def test_a_batch_has_at_most_batch_size_records() -> None:
    """[V, D]"""
    function = ScriptedFunction()
    source = ScriptedStreamSource(*map(stream_record, range(1, 8)))

    deliver(source, function, batchSize=3)

    assert function.batches == [[1, 2, 3], [4, 5, 6], [7]]


def test_the_default_batch_size_is_100() -> None:
    """[V]"""
    function = ScriptedFunction()
    source = ScriptedStreamSource(*map(stream_record, range(1, 202)))

    deliver(source, function)

    assert [len(batch) for batch in function.batches] == [100, 100, 1]


def test_the_event_is_records_and_nothing_else() -> None:
    """[V]"""
    events = []

    class Function(ScriptedFunction):
        async def invoke(self, event: Any, *, request_id: str) -> Any:
            events.append(event)
            return await super().invoke(event, request_id=request_id)

    deliver(ScriptedStreamSource(stream_record(1)), Function())

    assert events == [{"Records": [stream_record(1)]}]


def test_without_a_window_records_go_out_as_soon_as_they_are_there() -> None:
    """[D]"""
    function = ScriptedFunction()

    run(_written_at({1: [1], 2: [2]}, function))

    assert function.batches == [[1], [2]]
    assert function.times == [pytest.approx(1, abs=0.1), pytest.approx(2, abs=0.1)]


def test_a_window_gathers_records_until_it_is_over() -> None:
    """[D]"""
    function = ScriptedFunction()

    run(_written_at({1: [1], 2: [2], 5: [3]}, function, maximumBatchingWindowInSeconds=10))

    assert function.batches == [[1, 2, 3]]
    assert function.times == [pytest.approx(10)]


def test_a_full_batch_does_not_wait_for_its_window() -> None:
    """[D]"""
    function = ScriptedFunction()
    writes = {1: [1], 2: [2], 3: [3]}

    run(_written_at(writes, function, maximumBatchingWindowInSeconds=300, batchSize=3))

    assert function.batches == [[1, 2, 3]]
    assert function.times == [pytest.approx(3, abs=0.1)]


def test_the_next_window_begins_as_soon_as_the_previous_invocation_completes() -> None:
    """[D]"""
    function = ScriptedFunction(duration=4)
    writes = {0: [1], 15: [2]}

    run(_written_at(writes, function, maximumBatchingWindowInSeconds=10))

    assert function.batches == [[1], [2]]
    assert function.times == [pytest.approx(10), pytest.approx(10 + 4 + 10)]


def test_a_window_that_ended_without_a_record_begins_again_with_the_first() -> None:
    function = ScriptedFunction()

    run(_written_at({100: [1], 105: [2]}, function, maximumBatchingWindowInSeconds=10))

    assert function.batches == [[1, 2]]
    assert function.times == [pytest.approx(110, abs=0.1)]


def test_a_batch_is_cut_before_its_event_passes_6_mb() -> None:
    """[D]"""
    sizes = []

    class Function(ScriptedFunction):
        async def invoke(self, event: Any, *, request_id: str) -> Any:
            sizes.append(_payload(event))
            return await super().invoke(event, request_id=request_id)

    function = Function()
    records = [_record_of(2_000_000, number) for number in range(1, 6)]

    deliver(ScriptedStreamSource(*records), function)

    assert function.batches == [[1, 2, 3], [4, 5]]
    assert all(size <= INVOCATION_PAYLOAD for size in sizes)


def test_a_batch_may_fill_the_6_mb_to_the_last_byte() -> None:
    envelope_and_comma = len('{"Records":[,]}')
    first = _record_of(3_000_000, 1)
    rest = INVOCATION_PAYLOAD - envelope_and_comma - _payload(first)
    function, overfull = ScriptedFunction(), ScriptedFunction()

    deliver(ScriptedStreamSource(first, _record_of(rest, 2)), function)
    deliver(ScriptedStreamSource(first, _record_of(rest + 1, 2)), overfull)

    assert function.batches == [[1, 2]]
    assert overfull.batches == [[1], [2]]


def test_text_outside_ascii_counts_in_utf_8() -> None:
    records = [_record_of(2_000_000, number, fill="é") for number in (1, 2, 3, 4)]
    function = ScriptedFunction()

    deliver(ScriptedStreamSource(*records), function)

    assert function.batches == [[1, 2, 3], [4]]


def test_6_mb_of_records_do_not_wait_for_their_window() -> None:
    """[D]"""
    function = ScriptedFunction()
    source = ScriptedStreamSource(*(_record_of(2_000_000, number) for number in (1, 2, 3, 4)))

    run(_settle_within(1, mapping(source, function, maximumBatchingWindowInSeconds=300)))

    assert function.batches == [[1, 2, 3]]


def test_a_record_that_the_filter_does_not_match_is_never_invoked() -> None:
    """[V, D]: "the streams iterator advances past this record"."""
    function = ScriptedFunction()
    source = ScriptedStreamSource(
        stream_record(1), stream_record(2, event_name="MODIFY"), stream_record(3)
    )

    settled = deliver(source, function, filterCriteria=INSERTS)

    assert function.batches == [[1, 3]]
    assert settled.metrics["FilteredOutEventCount"] == 1
    assert settled.metrics["PolledEventCount"] == 3
    assert settled.metrics["DroppedEventCount"] == 0


def test_the_iterator_advances_past_what_is_filtered_out() -> None:
    """[D]"""
    source = ScriptedStreamSource(stream_record(1), stream_record(2, event_name="MODIFY"))

    settled = deliver(source, ScriptedFunction(), filterCriteria=INSERTS)

    assert list(settled.checkpoints.values()) == [source_position(2)]


def test_a_window_counts_only_records_that_match() -> None:
    """[D]: the filter decides whether a record is added to the current batch."""
    function = ScriptedFunction()
    source = ScriptedStreamSource(
        *(stream_record(n, event_name="INSERT" if n % 2 else "MODIFY") for n in range(1, 9))
    )

    deliver(source, function, filterCriteria=INSERTS, batchSize=2, maximumBatchingWindowInSeconds=5)

    assert function.batches == [[1, 3], [5, 7]]


def test_filters_are_ored() -> None:
    """[D]"""
    function = ScriptedFunction()
    removals = {"pattern": '{"eventName":["REMOVE"]}'}
    source = ScriptedStreamSource(
        stream_record(1), stream_record(2, event_name="MODIFY"), ttl_deletion(3)
    )

    deliver(source, function, filterCriteria={"filters": [*INSERTS["filters"], removals]})

    assert function.batches == [[1, 3]]


def test_a_deletion_by_ttl_can_be_told_from_a_users_by_its_user_identity() -> None:
    """[D]"""
    function = ScriptedFunction()
    pattern = '{"userIdentity":{"type":["Service"],"principalId":["dynamodb.amazonaws.com"]}}'
    source = ScriptedStreamSource(stream_record(1, event_name="REMOVE"), ttl_deletion(2))

    deliver(source, function, filterCriteria={"filters": [{"pattern": pattern}]})

    assert function.batches == [[2]]


def test_as_many_batches_of_a_shard_run_at_once_as_the_parallelization_factor_says() -> None:
    """[D]"""
    running = most = 0

    class Function(ScriptedFunction):
        async def invoke(self, event: Any, *, request_id: str) -> Any:
            nonlocal running, most
            running += 1
            most = max(most, running)
            result = await super().invoke(event, request_id=request_id)
            running -= 1
            return result

    source = ScriptedStreamSource(*map(stream_record, range(1, 200)))

    deliver(source, Function(duration=1), parallelizationFactor=4, batchSize=5)

    assert most == 4


def test_an_items_records_stay_in_order_when_batches_run_in_parallel() -> None:
    """[D]"""
    failing = iter([True] * 3)

    def answer(records: list[Record]) -> object:
        if 1 in numbers_of(records) and next(failing, False):
            raise FunctionError("not yet")
        return None

    function = ScriptedFunction(answer, duration=1)
    source = ScriptedStreamSource(
        *(stream_record(number, key=f"item-{number % 7}") for number in range(1, 71))
    )

    deliver(source, function, parallelizationFactor=10, batchSize=2)

    delivered = [number for batch in function.batches for number in batch]
    for remainder in range(7):
        of_item = list(dict.fromkeys(n for n in delivered if n % 7 == remainder))
        assert of_item == sorted(of_item)
    assert set(delivered) == set(range(1, 71))


def test_a_failing_item_does_not_block_the_items_of_other_batches() -> None:
    """[D]"""

    def answer(records: list[Record]) -> object:
        if 1 in numbers_of(records):
            raise FunctionError("poison")
        return None

    function = ScriptedFunction(answer)
    source = ScriptedStreamSource(*map(stream_record, range(1, 21)))

    run(_settle_within(30, mapping(source, function, parallelizationFactor=10, batchSize=1)))

    assert len({number for batch in function.batches for number in batch}) > 10


def source_position(number: int) -> str:
    return str(stream_record(number)["dynamodb"]["SequenceNumber"])


def _record_of(size: int, number: int, *, fill: str = "x") -> Record:
    """A record that takes this many bytes in the event."""
    record = stream_record(number)
    image = record["dynamodb"]["NewImage"]
    image["filler"] = {"S": ""}
    missing = size - _payload(record)
    image["filler"]["S"] = fill * (missing // len(fill.encode()))
    return record


def _payload(event: object) -> int:
    return len(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode())


async def _settle_within(seconds: float, running: EventSourceMapping) -> None:
    await while_running(running, asyncio.sleep(seconds))


async def _written_at(
    writes: dict[int, list[int]], function: ScriptedFunction, **inputs: Any
) -> None:
    """Runs a mapping while records are written at these seconds."""
    source = ScriptedStreamSource()
    running = mapping(source, function, **inputs)

    async def write() -> None:
        await running.started()
        for second, numbers in writes.items():
            await asyncio.sleep(second - asyncio.get_running_loop().time())
            source.write(*map(stream_record, numbers))
        await running.settled()

    await while_running(running, write())
