"""A shard's place when its stream repeats a number, which none should: nothing lost or stuck."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from infra.local.mapping.shard import Checkpoint
from infra.local.mapping.stream_reader import Record
from tests.unit.infra.local.mapping.deliveries import deliver
from tests.unit.infra.local.mapping.scripted import (
    SHARD,
    ScriptedFunction,
    ScriptedStreamSource,
    reported,
    stream_record,
)


def number_of(position: str) -> int:
    return int(position) - 10**21


def test_one_of_two_records_of_a_number_does_not_settle_the_other() -> None:
    checkpoint = Checkpoint(str(10**21))
    first, second = stream_record(5, key="a"), stream_record(5, key="b")
    checkpoint.add([first, second])

    checkpoint.settle([second])

    assert checkpoint.settled == 0
    assert number_of(checkpoint.position) == 0


def test_the_place_stays_before_a_number_of_which_a_record_is_unsettled() -> None:
    checkpoint = Checkpoint(str(10**21))
    first, second = stream_record(5, key="a"), stream_record(5, key="b")
    checkpoint.add([first, second])

    checkpoint.settle([first])

    assert checkpoint.settled == 1
    assert number_of(checkpoint.position) == 0


def test_two_records_of_a_number_that_are_settled_together_block_nothing() -> None:
    checkpoint = Checkpoint(str(10**21))
    records = [stream_record(5, key="a"), stream_record(5, key="b"), stream_record(6)]
    checkpoint.add(records)

    checkpoint.settle(records)

    assert checkpoint.settled == 3
    assert number_of(checkpoint.position) == 6


def test_what_is_settled_twice_settles_no_later_record() -> None:
    checkpoint = Checkpoint(str(10**21))
    record = stream_record(5)
    checkpoint.add([record])
    checkpoint.settle([record])
    checkpoint.settle([record])

    checkpoint.add([record])

    assert checkpoint.settled == 1


@given(numbers=st.lists(st.integers(1, 6), max_size=8), order=st.randoms(use_true_random=False))
def test_whatever_is_repeated_the_place_is_before_all_that_is_unsettled_and_gets_to_the_end(
    numbers: list[int], order: object
) -> None:
    checkpoint, places = Checkpoint(str(10**21)), [0]
    records = [stream_record(number, key=f"item-{i}") for i, number in enumerate(numbers)]
    checkpoint.add(records)
    unsettled = dict(enumerate(records))

    for index in _shuffled(order, len(records)):
        checkpoint.settle([unsettled.pop(index)])
        places.append(number_of(checkpoint.position))
        assert all(places[-1] < number_of(_number(record)) for record in unsettled.values())

    assert checkpoint.settled == checkpoint.read
    assert all(before <= after for before, after in itertools.pairwise(places[:-1]))


def _shuffled(order: object, length: int) -> list[int]:
    indexes = list(range(length))
    order.shuffle(indexes)  # type: ignore[attr-defined] # a random.Random
    return indexes


def _number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def test_a_reported_record_whose_number_comes_twice_is_delivered_again() -> None:
    failing = iter([True])
    records = [stream_record(5, key="a"), stream_record(5, key="b"), stream_record(6)]

    def answer(batch: list[Record]) -> object:
        return reported(batch[0]) if next(failing, False) else None

    function, source = ScriptedFunction(answer), ScriptedStreamSource(*records)
    source.closed.add(SHARD)

    settled = deliver(source, function, functionResponseTypes=["ReportBatchItemFailures"])

    assert function.batches == [[5, 5, 6], [5, 5, 6]]
    assert [number_of(place) for place in settled.checkpoints.values()] == [6]
