"""Nothing but its stop ends the mapping: faults at every step, and what was said of them."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.capacity.virtual_time import now, run
from infra.local.function.invocation import Invocation
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.stream_reader import Position, Record
from tests.unit.infra.local.mapping.deliveries import deliver, settings, while_running
from tests.unit.infra.local.mapping.scripted import (
    SHARD,
    FunctionError,
    ScriptedDestination,
    ScriptedFunction,
    ScriptedStreamSource,
    number_of,
    numbers_of,
    reported,
    stream_record,
)

T = TypeVar("T")

INSERTS = {"filters": [{"pattern": '{"eventName":["INSERT"]}'}]}
POISON = 3
UPDATE = 4
SECOND_SHARD = "shardId-00000001541626099999-00000000"


class Faults:
    """Raises what the script says, one entry a step, once begun; then nothing more."""

    def __init__(self, script: list[BaseException | None]) -> None:
        self._script: Iterator[BaseException | None] = iter(script)
        self._has_begun = False

    def begin(self) -> None:
        self._has_begun = True

    def strike(self) -> None:
        fault = next(self._script, None) if self._has_begun else None
        if fault is not None:
            raise fault

    def before(self, result: T) -> T:
        self.strike()
        return result


class FaultySource(ScriptedStreamSource):
    def __init__(self, faults: Faults, *records: Record) -> None:
        super().__init__(*records)
        self._faults = faults

    async def shard_ids(self) -> list[str]:
        return self._faults.before(await super().shard_ids())

    async def latest_sequence_number(self, shard_id: str) -> str | None:
        return self._faults.before(await super().latest_sequence_number(shard_id))

    async def iterator(self, shard_id: str, position: Position) -> str:
        return self._faults.before(await super().iterator(shard_id, position))

    async def records(self, iterator: str, limit: int = 1000) -> tuple[list[Record], str | None]:
        return self._faults.before(await super().records(iterator, limit))


class FaultyFunction(ScriptedFunction):
    """Reports the poison; faults come before it runs, and after it has."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(lambda batch: reported(*(r for r in batch if number_of(r) == POISON)))
        self._faults = faults
        self.acknowledged: set[int] = set()

    async def invoke(self, event: Mapping[str, Any], *, request_id: str) -> Invocation:
        self._faults.strike()
        invocation = self._faults.before(await super().invoke(event, request_id=request_id))
        numbers = numbers_of(event["Records"])
        self.acknowledged |= set(numbers[: _first(POISON, numbers)])
        return invocation


def _first(number: int, numbers: list[int]) -> int:
    return numbers.index(number) if number in numbers else len(numbers)


class FaultyDestination(ScriptedDestination):
    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    async def send(self, document: Mapping[str, Any]) -> str:
        self._faults.strike()
        return self._faults.before(await super().send(document))


FAULTS = st.sampled_from(
    [
        *[None] * 4,
        KeyError("an attribute named ''"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
        RecursionError(),
        OSError("no file handles are left"),
        asyncio.CancelledError(),
        ExceptionGroup("of two", [ValueError(), KeyError()]),
    ]
)


@given(
    script=st.lists(FAULTS, max_size=60),
    inputs=st.fixed_dictionaries(
        {
            "batchSize": st.integers(1, 8),
            "parallelizationFactor": st.sampled_from([1, 2]),
            "maximumRetryAttempts": st.integers(0, 2),
            "bisectBatchOnFunctionError": st.booleans(),
        }
    ),
)
def test_faults_at_every_step_lose_no_record_and_stop_nothing(
    script: list[BaseException | None], inputs: dict[str, Any]
) -> None:
    faults = Faults(script)
    records = [
        stream_record(number, event_name="MODIFY" if number == UPDATE else "INSERT")
        for number in range(1, 9)
    ]
    source = FaultySource(faults, *records[:5])
    source.write(*records[5:], shard=SECOND_SHARD)
    function, destination = FaultyFunction(faults), FaultyDestination(faults)

    settled = _deliver_on_a_faulty_clock(faults, source, function, destination, inputs)

    given_up = {number for document in destination.documents for number in _sent(document)}
    assert function.acknowledged | given_up >= {1, 2, 3, 5, 6, 7, 8}
    assert POISON in given_up
    assert {number_of_position(place) for place in settled.checkpoints.values()} == {5, 8}


def _deliver_on_a_faulty_clock(
    faults: Faults,
    source: FaultySource,
    function: FaultyFunction,
    destination: FaultyDestination,
    inputs: dict[str, Any],
) -> EventSourceMapping:
    async def main() -> EventSourceMapping:
        running = EventSourceMapping(
            settings(
                **inputs, filterCriteria=INSERTS, functionResponseTypes=["ReportBatchItemFailures"]
            ),
            source=source,
            function=function,
            destination=destination,
            clock=lambda: faults.before(now()),
            on_event=lambda _: faults.strike(),
        )

        async def strike_from_the_start_on() -> None:
            await running.started()
            faults.begin()
            await running.settled()

        await while_running(running, strike_from_the_start_on())
        return running

    return run(main())


def _sent(document: Mapping[str, Any]) -> range:
    batch = document["DDBStreamBatchInfo"]
    first, last = (number_of_position(batch[f"{end}SequenceNumber"]) for end in ("start", "end"))
    return range(first, last + 1)


def number_of_position(position: str) -> int:
    return int(position) - 10**21


def once(error: BaseException) -> Callable[[list[Record]], object]:
    """An answer that raises the first time."""
    failing = iter([True])

    def answer(_: list[Record]) -> object:
        if next(failing, False):
            raise error
        return None

    return answer


def test_a_failure_to_invoke_is_said_with_its_traceback_and_waited_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    function = ScriptedFunction(once(ZeroDivisionError("nobody foresaw this")))

    deliver(ScriptedStreamSource(stream_record(1)), function, maximumRetryAttempts=0)

    assert function.batches == [[1], [1]]
    (said,) = errors(caplog)
    assert "ZeroDivisionError: nobody foresaw this" in said.getMessage()
    assert said.exc_info is not None


class UnreadableSource(ScriptedStreamSource):
    """Holds one record, and raises before it is read."""

    def __init__(self, *faults: BaseException) -> None:
        super().__init__(stream_record(1))
        self._faults = iter(faults)

    async def records(self, iterator: str, limit: int = 1000) -> tuple[list[Record], str | None]:
        if (fault := next(self._faults, None)) is not None:
            raise fault
        return await super().records(iterator, limit)


def test_a_failure_to_read_is_said_at_once_and_reading_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = UnreadableSource(KeyError("''"))
    function = ScriptedFunction()

    deliver(source, function)

    assert function.batches == [[1]]
    (said,) = errors(caplog)
    assert f"reading {SHARD}" in said.getMessage()
    assert "KeyError" in said.getMessage()


def test_what_nobody_foresaw_at_the_start_ends_the_run() -> None:
    source = FaultySource(faults := Faults([KeyError("''")]), stream_record(1))
    faults.begin()

    with pytest.raises(ExceptionGroup) as raised:
        deliver(source, ScriptedFunction())

    assert raised.group_contains(KeyError)


def test_a_failure_that_lasts_is_said_again_and_its_traceback_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = UnreadableSource(*[KeyError("''")] * 4)

    deliver(source, ScriptedFunction())

    assert [said.exc_info is not None for said in errors(caplog)] == [True, False, False, False]


def test_while_the_stream_cannot_be_read_the_mapping_says_what_its_trouble_is() -> None:
    fault = KeyError("an attribute named ''")
    source = UnreadableSource(*[fault] * 100)
    running = EventSourceMapping(settings(), source=source, function=ScriptedFunction(), clock=now)

    run(while_running(running, asyncio.sleep(1)))

    assert running.trouble is fault


def test_a_record_that_no_filter_can_judge_is_delivered(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise RecursionError("too deep")

    monkeypatch.setattr("infra.filters.pattern.FilterPattern.matches", fail)
    function = ScriptedFunction()

    deliver(ScriptedStreamSource(stream_record(1)), function, filterCriteria=INSERTS)

    assert function.batches == [[1]]
    assert "no filter can be applied" in errors(caplog)[0].getMessage()


def test_half_a_surrogate_pair_is_delivered_like_any_other_character() -> None:
    record = stream_record(1)
    record["dynamodb"]["NewImage"]["half"] = {"S": "\ud800"}
    function = ScriptedFunction()

    deliver(ScriptedStreamSource(record), function)

    assert function.batches == [[1]]


@pytest.mark.parametrize("answer", ["text", ["list"], 3, True, {"batchItemFailures": 7}], ids=repr)
def test_an_answer_of_any_shape_is_judged(answer: object) -> None:
    function = ScriptedFunction(lambda _: answer)

    settled = deliver(
        ScriptedStreamSource(stream_record(1)),
        function,
        maximumRetryAttempts=0,
        functionResponseTypes=["ReportBatchItemFailures"],
    )

    assert settled.metrics["InvokedEventCount"] == 1


def test_a_watcher_that_raises_is_said_and_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    function = ScriptedFunction(once(FunctionError("broken")))

    def watch(_: object) -> None:
        raise TypeError("a report that did not expect this")

    async def main() -> None:
        running = EventSourceMapping(
            settings(),
            source=ScriptedStreamSource(stream_record(1)),
            function=function,
            clock=now,
            on_event=watch,
        )
        await while_running(running, running.settled())

    run(main())

    assert function.batches == [[1], [1]]
    assert "what watches the delivery failed" in errors(caplog)[0].getMessage()


def test_a_retry_can_be_had_before_its_time() -> None:
    function = ScriptedFunction(lambda _: reported(stream_record(1)))

    async def main() -> None:
        running = EventSourceMapping(
            settings(functionResponseTypes=["ReportBatchItemFailures"]),
            source=ScriptedStreamSource(stream_record(1)),
            function=function,
            clock=now,
        )

        async def hurry() -> None:
            await asyncio.sleep(40)
            before = len(function.batches)
            running.retry_now()
            await asyncio.sleep(0.001)
            assert len(function.batches) == before + 1

        await while_running(running, hurry())

    run(main())


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]
