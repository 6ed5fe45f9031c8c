"""What holds whatever happens: for random records, failures, settings, and moments to stop."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.capacity.virtual_time import EPOCH, run
from infra.local.function.invocation import Invocation, ThrottledError
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.stream_reader import Position, Record
from tests.unit.infra.local.mapping.deliveries import deliver, mapping, while_running
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

INSERTS = {"filters": [{"pattern": '{"eventName":["INSERT"]}'}]}
FORGOTTEN_SOON = EPOCH - 24 * 3600 + 40
"""Written so long ago that unlimited retries end within a minute."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A record, and how the function fares with it."""

    number: int
    key: str
    event_name: str
    failures: int
    """How many invocations fail on it; many: it is poison."""
    kind: str
    """How it fails: "raise", "report", "malformed" or "throttle"."""

    @property
    def record(self) -> Record:
        return stream_record(
            self.number, key=self.key, event_name=self.event_name, created=FORGOTTEN_SOON
        )

    @property
    def matches(self) -> bool:
        return self.event_name == "INSERT"


POISON = 10**9


@st.composite
def writes(draw: st.DrawFn, kinds: tuple[str, ...]) -> list[Written]:
    return [
        Written(
            number=number,
            key=draw(st.sampled_from("abcd")),
            event_name=draw(st.sampled_from(["INSERT", "INSERT", "INSERT", "MODIFY", "REMOVE"])),
            failures=draw(st.sampled_from([0, 0, 0, 0, 1, 2, POISON])),
            kind=draw(st.sampled_from(kinds)),
        )
        for number in range(1, draw(st.integers(0, 14)) + 1)
    ]


ANY_FAILURE = ("raise", "report", "malformed", "throttle")

MAPPING_INPUTS = st.fixed_dictionaries(
    {
        "batchSize": st.integers(1, 8),
        "maximumBatchingWindowInSeconds": st.sampled_from([0, 0, 1, 3]),
        "parallelizationFactor": st.sampled_from([1, 1, 2, 10]),
        "maximumRetryAttempts": st.integers(-1, 3),
        "maximumRecordAgeInSeconds": st.sampled_from([-1, -1, 24 * 3600 - 60, 24 * 3600 - 39]),
        "bisectBatchOnFunctionError": st.booleans(),
        "functionResponseTypes": st.sampled_from([[], ["ReportBatchItemFailures"]]),
        "filterCriteria": st.just(INSERTS),
    }
)


@dataclass
class Ledger:
    """What the function and the destination saw, and in what order."""

    written: list[Written]
    reporting: bool
    refuses: bool = False
    invoked: list[list[int]] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    overtaken: list[tuple[int, int]] = field(default_factory=list)
    """Records not settled, and the invocation in which a later one of the same item ran."""

    def __post_init__(self) -> None:
        self._by_number = {written.number: written for written in self.written}
        self._failures = {written.number: written.failures for written in self.written}

    @property
    def matching(self) -> list[int]:
        return [written.number for written in self.written if written.matches]

    @property
    def out_of_turn(self) -> list[int]:
        """Records that a later one of the same item overtook.

        With bisect, Lambda's document of a record comes after the rest of its batch: then the
        record had been given up before, and was not invoked again.
        """
        return [
            number
            for number, invocation in self.overtaken
            if number not in self.given_up
            or any(number in batch for batch in self.invoked[invocation:])
        ]

    async def invoke(self, event: Mapping[str, Any], *, request_id: str) -> Invocation:
        numbers = numbers_of(event["Records"])
        self.invoked.append(numbers)
        for number in numbers:
            self.overtaken += [(n, len(self.invoked)) for n in self._unsettled_before(number)]
        function = ScriptedFunction(self._answer, duration=0.01)
        invocation = await function.invoke(event, request_id=request_id)
        if invocation.function_error is None:
            self.acknowledged += self._done(numbers, invocation.response)
        return invocation

    async def send(self, document: Mapping[str, Any]) -> str:
        # Sending takes time: a mapping that is stopped meanwhile has not given the batch up.
        kept_as = await ScriptedDestination(refuses=self.refuses).send(document)
        batch = document["DDBStreamBatchInfo"]
        start, end = (int(batch[f"{end}SequenceNumber"]) - 10**21 for end in ("start", "end"))
        sent = [number_of(record) for record in _payload_records(document)]
        assert (sent[0], sent[-1], len(sent)) == (start, end, batch["batchSize"])
        self.given_up += sent
        return kept_as

    def _unsettled_before(self, number: int) -> list[int]:
        """The item's earlier records that are neither settled nor in the same batch before it."""
        batch = self.invoked[-1]
        settled = {*self.acknowledged, *self.given_up, *batch[: batch.index(number)]}
        key = self._by_number[number].key
        return [
            earlier.number
            for earlier in self.written
            if earlier.matches
            and earlier.key == key
            and earlier.number < number
            and earlier.number not in settled
        ]

    def _answer(self, records: list[Record]) -> object:
        """The handler of the design: stops at the first failure."""
        for record in records:
            number = number_of(record)
            if self._failures[number]:
                self._failures[number] -= 1
                return self._fail(self._by_number[number], record)
        return None

    def _fail(self, written: Written, record: Record) -> object:
        if written.kind == "throttle" and written.failures < POISON:
            raise ThrottledError
        if written.kind == "malformed" and self.reporting:
            return {"batchItemFailures": [{"foo": "bar"}]}
        if written.kind == "report" and self.reporting:
            return reported(record)
        raise FunctionError(written.kind)

    def _done(self, numbers: list[int], response: object) -> list[int]:
        if not isinstance(response, dict):
            return numbers
        (failure,) = response["batchItemFailures"]
        if "itemIdentifier" not in failure:
            return []
        return numbers[: numbers.index(int(failure["itemIdentifier"]) - 10**21)]


def _payload_records(document: Mapping[str, Any]) -> list[Record]:
    records: list[Record] = json.loads(document["payload"])["Records"]
    return records


def closed_source(written: list[Written]) -> ScriptedStreamSource:
    """A stream that ends: nobody polls it while a batch is retried for an hour."""
    source = ScriptedStreamSource(*(w.record for w in written))
    source.closed.add(SHARD)
    return source


@given(written=writes(ANY_FAILURE), inputs=MAPPING_INPUTS)
def test_every_matching_record_is_processed_or_ends_in_the_destination(
    written: list[Written], inputs: dict[str, Any]
) -> None:
    ledger = Ledger(written, reporting=bool(inputs["functionResponseTypes"]))

    settled = deliver(closed_source(written), ledger, ledger, **inputs)

    assert sorted(ledger.acknowledged + ledger.given_up) == ledger.matching
    assert ledger.out_of_turn == []
    assert {n for batch in ledger.invoked for n in batch} <= set(ledger.matching)
    assert all(len(batch) <= inputs["batchSize"] for batch in ledger.invoked)
    assert settled.metrics == {
        "PolledEventCount": len(written),
        "FilteredOutEventCount": len(written) - len(ledger.matching),
        "InvokedEventCount": sum(map(len, ledger.invoked)),
        "FailedInvokeEventCount": settled.metrics["FailedInvokeEventCount"],
        "DroppedEventCount": 0,
        "OnFailureDestinationDeliveredEventCount": len(ledger.given_up),
        "DestinationDeliveryFailures": 0,
    }


@given(written=writes(ANY_FAILURE), inputs=MAPPING_INPUTS, refuses=st.booleans())
def test_without_a_destination_that_takes_it_a_record_is_processed_or_counted_as_dropped(
    written: list[Written], inputs: dict[str, Any], refuses: bool
) -> None:
    ledger = Ledger(written, reporting=bool(inputs["functionResponseTypes"]), refuses=True)

    settled = deliver(closed_source(written), ledger, ledger if refuses else None, **inputs)

    dropped = settled.metrics["DroppedEventCount"]
    assert len(set(ledger.acknowledged)) == len(ledger.acknowledged)
    assert len(ledger.acknowledged) + dropped == len(ledger.matching)
    assert list(settled.checkpoints.values()) == [_last_position(written)]


@given(
    written=writes(ANY_FAILURE),
    inputs=MAPPING_INPUTS,
    retries=st.integers(0, 2),
)
def test_with_bisect_and_partial_responses_a_poison_record_takes_no_other_with_it(
    written: list[Written], inputs: dict[str, Any], retries: int
) -> None:
    ledger = Ledger(written, reporting=True)
    isolating = {
        "bisectBatchOnFunctionError": True,
        "functionResponseTypes": ["ReportBatchItemFailures"],
        "maximumRetryAttempts": retries,
        "maximumRecordAgeInSeconds": -1,
    }
    fresh = ScriptedStreamSource(
        *({**w.record, "dynamodb": {**w.record["dynamodb"], **FRESH}} for w in written)
    )
    fresh.closed.add(SHARD)

    deliver(fresh, ledger, ledger, **{**inputs, **isolating})

    failing = {w.number for w in written if w.matches and w.failures > retries}
    poison = {w.number for w in written if w.matches and w.failures == POISON}
    assert poison <= set(ledger.given_up) <= failing


FRESH = {"ApproximateCreationDateTime": EPOCH}


@given(
    written=writes(ANY_FAILURE),
    inputs=MAPPING_INPUTS,
    stops=st.lists(st.floats(0, 5), max_size=4),
    starting_position=st.sampled_from(["TRIM_HORIZON", "LATEST"]),
)
def test_a_mapping_stopped_at_any_moment_loses_nothing_when_it_goes_on(
    written: list[Written], inputs: dict[str, Any], stops: list[float], starting_position: str
) -> None:
    ledger = Ledger(written, reporting=bool(inputs["functionResponseTypes"]))
    source = ScriptedStreamSource()
    pending = iter(written)

    async def main() -> None:
        checkpoints: Mapping[str, Position] = {}
        for stop in [*stops, None]:
            running = mapping(
                source,
                ledger,
                ledger,
                checkpoints,
                **{**inputs, "startingPosition": starting_position},
            )
            await while_running(running, _write_and_wait(running, source, pending, stop))
            checkpoints = running.checkpoints
            source.write(*(w.record for w in _some(pending, 2)))
        running = mapping(source, ledger, ledger, checkpoints, **inputs)
        source.write(*(w.record for w in pending))
        source.closed.add(SHARD)
        await while_running(running, running.settled())

    run(main())

    assert {*ledger.acknowledged, *ledger.given_up} == set(ledger.matching)
    assert {n for batch in ledger.invoked for n in batch} <= set(ledger.matching)


async def _write_and_wait(
    running: EventSourceMapping,
    source: ScriptedStreamSource,
    pending: Iterator[Written],
    stop: float | None,
) -> None:
    """Writes while the mapping runs; it is stopped in the middle of whatever it does then."""
    await running.started()
    source.write(*(w.record for w in _some(pending, 3)))
    await asyncio.sleep((stop or 0) / 2)
    source.write(*(w.record for w in _some(pending, 3)))
    await asyncio.sleep((stop or 0) / 2)


def _some(pending: Iterator[Written], count: int) -> list[Written]:
    return [written for _, written in zip(range(count), pending, strict=False)]


def _last_position(written: list[Written]) -> Position:
    return written[-1].record["dynamodb"]["SequenceNumber"] if written else "TRIM_HORIZON"
