"""Reading the stream: where it begins, what goes wrong, when it is settled, how it stops."""

import asyncio
import operator

from infra.capacity.virtual_time import run
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.stream_reader import Record, StreamError
from tests.unit.infra.local.mapping.deliveries import deliver, mapping, while_running
from tests.unit.infra.local.mapping.scripted import (
    SHARD,
    FunctionError,
    ScriptedFunction,
    ScriptedStreamSource,
    numbers_of,
    stream_record,
)

SECOND_SHARD = "shardId-00000001541626099999-00000000"


def position(number: int) -> str:
    return str(stream_record(number)["dynamodb"]["SequenceNumber"])


def test_trim_horizon_begins_with_the_oldest_record() -> None:
    """[V]"""
    function = ScriptedFunction()

    deliver(ScriptedStreamSource(stream_record(1)), function, startingPosition="TRIM_HORIZON")

    assert function.batches == [[1]]


def test_latest_begins_with_what_is_written_once_the_mapping_has_started() -> None:
    """[V]"""
    function = ScriptedFunction()
    source = ScriptedStreamSource(stream_record(1))

    async def main() -> None:
        running = mapping(source, function, startingPosition="LATEST")

        async def write_when_started() -> None:
            await running.started()
            source.write(stream_record(2))
            await running.settled()

        await while_running(running, write_when_started())

    run(main())

    assert function.batches == [[2]]


def test_latest_on_an_empty_stream_misses_nothing_that_is_written_after_the_start() -> None:
    function = ScriptedFunction()
    source = ScriptedStreamSource()

    async def main() -> None:
        running = mapping(source, function, startingPosition="LATEST")

        async def write_when_started() -> None:
            await running.started()
            source.write(stream_record(1))
            await running.settled()

        await while_running(running, write_when_started())

    run(main())

    assert function.batches == [[1]]


def test_a_disabled_mapping_reads_nothing() -> None:
    """[V]"""
    function = ScriptedFunction()
    source = ScriptedStreamSource(stream_record(1))

    async def main() -> None:
        running = mapping(source, function, enabled=False)
        await while_running(running, asyncio.sleep(60))

    run(main())

    assert function.batches == []
    assert source.polls == 0


def test_a_disabled_mapping_is_started_and_settled_at_once() -> None:
    settled = deliver(ScriptedStreamSource(stream_record(1)), ScriptedFunction(), enabled=False)

    assert settled.metrics["PolledEventCount"] == 0


def test_settled_waits_for_what_is_being_retried() -> None:
    failing = iter([True] * 4)

    def answer(_: list[Record]) -> object:
        if next(failing, False):
            raise FunctionError("not yet")
        return None

    function = ScriptedFunction(answer)

    deliver(ScriptedStreamSource(stream_record(1)), function)

    assert len(function.batches) == 5


def test_a_record_is_processed_within_100_ms_of_its_write() -> None:
    function = ScriptedFunction()
    source = ScriptedStreamSource()
    written = []

    async def main() -> None:
        running = mapping(source, function)

        async def write_now_and_then() -> None:
            for number in range(1, 20):
                await asyncio.sleep(3.017)
                source.write(stream_record(number))
                written.append(asyncio.get_running_loop().time())
                await running.settled()

        await while_running(running, write_now_and_then())

    run(main())

    assert max(map(operator.sub, function.times, written)) < 0.1


def test_an_idle_mapping_polls_gently() -> None:
    source = ScriptedStreamSource()

    run(while_running(mapping(source, ScriptedFunction()), asyncio.sleep(10)))

    assert source.polls < 10 * 50


def test_a_source_that_fails_is_read_again_and_nothing_is_lost() -> None:
    function = ScriptedFunction()
    source = ScriptedStreamSource(*map(stream_record, range(1, 4)))

    async def main() -> None:
        running = mapping(source, function)

        async def break_it() -> None:
            await running.settled()
            source.failures = [StreamError("500")] * 7
            source.write(*map(stream_record, range(4, 7)))
            await running.settled()

        await while_running(running, break_it())

    run(main())

    assert function.batches == [[1, 2, 3], [4, 5, 6]]


def test_an_expired_iterator_is_replaced_by_one_after_the_last_record_read() -> None:
    function = ScriptedFunction()
    source = ScriptedStreamSource(stream_record(1))

    async def main() -> None:
        running = mapping(source, function)

        async def expire() -> None:
            await running.settled()
            source.expire_iterators()
            source.write(stream_record(2))
            await running.settled()

        await while_running(running, expire())

    run(main())

    assert function.batches == [[1], [2]]


def test_a_source_that_cannot_be_reached_at_the_start_is_waited_for() -> None:
    function = ScriptedFunction()
    source = ScriptedStreamSource(stream_record(1))
    source.failures = [StreamError("connection refused")] * 3

    deliver(source, function, startingPosition="LATEST")
    deliver(source, function)

    assert function.batches == [[1]]


def test_attempts_to_read_a_failing_source_come_at_growing_intervals() -> None:
    source = ScriptedStreamSource()

    async def main() -> None:
        running = mapping(source, ScriptedFunction())

        async def break_it() -> None:
            await running.settled()
            source.failures = [StreamError("500")] * 1000
            source.polls = 0
            await asyncio.sleep(60)

        await while_running(running, break_it())

    run(main())

    assert len(source.failures) > 1000 - 90


def test_when_the_position_is_trimmed_reading_goes_on_with_the_oldest_record() -> None:
    function = ScriptedFunction()
    source = ScriptedStreamSource(*map(stream_record, range(1, 6)))
    source.trimmed[SHARD] = 3

    deliver(source, function, checkpoints={SHARD: position(1)})

    assert function.batches == [[4, 5]]


def test_a_shard_that_appears_later_is_read_from_its_beginning() -> None:
    function = ScriptedFunction()
    source = ScriptedStreamSource()

    async def main() -> None:
        running = mapping(source, function, startingPosition="LATEST")

        async def split() -> None:
            await running.settled()
            source.write(stream_record(1), shard=SECOND_SHARD)
            await running.settled()

        await while_running(running, split())

    run(main())

    assert function.batches == [[1]]


def test_batches_never_mix_shards() -> None:
    """[D]"""
    function = ScriptedFunction()
    source = ScriptedStreamSource(stream_record(1), stream_record(3))
    source.write(stream_record(2), stream_record(4), shard=SECOND_SHARD)

    deliver(source, function)

    assert sorted(function.batches) == [[1, 3], [2, 4]]


def shards_of(*numbers: list[int]) -> ScriptedStreamSource:
    """A stream with these records in one shard each."""
    source = ScriptedStreamSource()
    source.shards = {
        f"shardId-0000000154162609928{place}-f35f62ef": list(map(stream_record, records))
        for place, records in enumerate(numbers)
    }
    return source


def test_settled_waits_for_every_shard() -> None:
    attempts = iter(range(4))

    def answer(records: list[Record]) -> object:
        if 7 in numbers_of(records) and next(attempts, None) is not None:
            raise FunctionError("not yet")
        return None

    function = ScriptedFunction(answer)

    settled = deliver(shards_of([1, 2], [3], [], [7, 8]), function)

    assert sorted(n for batch in function.batches for n in batch if n != 7 and n != 8) == [1, 2, 3]
    assert function.batches.count([7, 8]) == 5
    assert len(settled.checkpoints) == 4


def test_a_shard_that_is_blocked_holds_up_no_other() -> None:
    """[D]"""
    function = ScriptedFunction(lambda records: _fail_on(1, records))
    source = shards_of([1], [2], [3])

    run(while_running(mapping(source, function), asyncio.sleep(10)))

    assert [2] in function.batches
    assert [3] in function.batches


def test_each_shard_is_gone_on_with_behind_its_own_checkpoint() -> None:
    source = shards_of([1, 2, 9], [3, 4], [5])
    blocked, function = ScriptedFunction(lambda r: _fail_on(2, r)), ScriptedFunction()

    async def main() -> EventSourceMapping:
        running = mapping(source, blocked, batchSize=1)
        await while_running(running, asyncio.sleep(10))
        return running

    stopped = run(main())
    deliver(source, function, checkpoints=stopped.checkpoints)

    assert list(stopped.checkpoints.values()) == [position(1), position(4), position(5)]
    assert function.batches == [[2, 9]]


def test_with_several_shards_latest_begins_in_each_with_what_is_written_after_the_start() -> None:
    source, function = shards_of([1], [2], []), ScriptedFunction()

    async def main() -> None:
        running = mapping(source, function, startingPosition="LATEST")

        async def write_when_started() -> None:
            await running.started()
            for number, shard in enumerate(source.shards, start=11):
                source.write(stream_record(number), shard=shard)
            await running.settled()

        await while_running(running, write_when_started())

    run(main())

    assert sorted(function.batches) == [[11], [12], [13]]


def test_a_closed_shard_is_read_to_its_end_and_then_left_alone() -> None:
    function = ScriptedFunction()
    source = ScriptedStreamSource(stream_record(1))
    source.closed.add(SHARD)

    async def main() -> EventSourceMapping:
        running = mapping(source, function)
        await while_running(running, asyncio.sleep(60))
        return running

    stopped = run(main())

    assert function.batches == [[1]]
    assert source.polls == 2
    assert stopped.checkpoints == {SHARD: position(1)}


def test_reading_pauses_while_the_function_cannot_keep_up() -> None:
    source = ScriptedStreamSource(*map(stream_record, range(1, 20_001)))

    async def main() -> EventSourceMapping:
        running = mapping(source, ScriptedFunction(duration=3600))
        await while_running(running, asyncio.sleep(60))
        return running

    assert run(main()).metrics["PolledEventCount"] <= 3000


def test_the_checkpoint_stays_below_the_lowest_record_that_is_not_settled() -> None:
    def answer(records: list[Record]) -> object:
        if 4 in numbers_of(records):
            raise FunctionError("poison")
        return None

    source = ScriptedStreamSource(*map(stream_record, range(1, 50)))

    async def main() -> EventSourceMapping:
        running = mapping(source, ScriptedFunction(answer), parallelizationFactor=10, batchSize=1)
        await while_running(running, asyncio.sleep(10))
        return running

    assert run(main()).checkpoints == {SHARD: position(3)}


def test_a_mapping_that_goes_on_from_checkpoints_redelivers_only_what_was_not_settled() -> None:
    source = ScriptedStreamSource(*map(stream_record, range(1, 6)))
    blocked, function = ScriptedFunction(lambda r: _fail_on(3, r)), ScriptedFunction()

    async def main() -> EventSourceMapping:
        running = mapping(source, blocked, batchSize=1)
        await while_running(running, asyncio.sleep(10))
        return running

    stopped = run(main())
    deliver(source, function, checkpoints=stopped.checkpoints)

    assert function.batches == [[3, 4, 5]]


def test_a_latest_mapping_stopped_before_its_first_record_misses_nothing_when_it_goes_on() -> None:
    source = ScriptedStreamSource(stream_record(1))
    function = ScriptedFunction()

    stopped = deliver(source, ScriptedFunction(), startingPosition="LATEST")
    source.write(stream_record(2))
    deliver(source, function, checkpoints=stopped.checkpoints, startingPosition="LATEST")

    assert function.batches == [[2]]


def test_a_mapping_with_nothing_settled_yet_begins_again_where_it_began() -> None:
    source = ScriptedStreamSource()
    function = ScriptedFunction()

    stopped = deliver(source, ScriptedFunction(), startingPosition="LATEST")
    source.write(stream_record(1))
    deliver(source, function, checkpoints=stopped.checkpoints, startingPosition="LATEST")

    assert function.batches == [[1]]


def test_a_mapping_stopped_before_it_could_read_keeps_the_checkpoints_it_was_given() -> None:
    source = ScriptedStreamSource()
    source.failures = [StreamError("connection refused")] * 100

    async def main() -> EventSourceMapping:
        running = mapping(source, ScriptedFunction(), checkpoints={SHARD: position(7)})
        await while_running(running, asyncio.sleep(10))
        return running

    assert run(main()).checkpoints == {SHARD: position(7)}


def _fail_on(number: int, records: list[Record]) -> object:
    if number in numbers_of(records):
        raise FunctionError("poison")
    return None
