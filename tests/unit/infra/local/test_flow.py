"""The flow: each record in one place at every moment, and the figures said where they are read."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from infra.capacity.virtual_time import now, run
from infra.local.flow import Flow, Rests, Tally, table
from infra.local.function.invocation import Invocation
from infra.local.mapping.delivery import Done
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.progress import Progress, progress
from infra.local.mapping.stream_reader import Record
from infra.local.outcomes import Became, Outcome
from tests.unit.infra.local.mapping.deliveries import MAPPING_UUID, settings, while_running
from tests.unit.infra.local.mapping.scripted import (
    FunctionError,
    ScriptedDestination,
    ScriptedFunction,
    ScriptedStreamSource,
    number_of,
    reported,
    stream_record,
)

INSERTS = [{"pattern": '{"eventName":["INSERT"]}'}]


class Watched:
    """A mapping over a scripted stream, and the flow as it is told."""

    def __init__(self, answer: Callable[[list[Record]], object], **inputs: Any) -> None:
        self.source = ScriptedStreamSource()
        self.tally = Tally()
        self.mapping = EventSourceMapping(
            settings(**inputs),
            source=self.source,
            function=ScriptedFunction(answer, duration=1),
            destination=ScriptedDestination(),
            on_event=self.tally.delivered,
            clock=now,
        )

    @property
    def flow(self) -> Flow:
        (flow,) = self.tally.flows({MAPPING_UUID: self.mapping.progress}, now()).values()
        return flow

    async def seen(self, seconds: float) -> list[Flow]:
        """The flow every tenth of a second of that time."""
        flows = []
        for _ in range(int(seconds * 10)):
            flows.append(self.flow)
            await asyncio.sleep(0.1)
        return flows

    def watch(self, *records: Record, seconds: float) -> list[Flow]:
        self.source.write(*records)
        return run(while_running(self.mapping, self.seen(seconds)))


def is_poison(records: list[Record]) -> object:
    return reported(*(each for each in records if number_of(each) == 2))


def test_a_record_is_waiting_in_flight_and_processed_in_turn() -> None:
    watched = Watched(lambda _: None, batchSize=1)

    flows = watched.watch(stream_record(1), stream_record(2), seconds=3)

    places = list(
        dict.fromkeys((each.waiting, each.in_flight, each.processed, each.age) for each in flows)
    )
    shown = [(waiting, flight, done) for waiting, flight, done, _ in places]
    assert list(dict.fromkeys(shown)) == [(0, 0, 0), (1, 1, 0), (0, 1, 1), (0, 0, 2)]
    assert max(each.age or 0 for each in flows) == pytest.approx(1.9, abs=0.2)
    assert flows[-1].age is None


def test_what_the_filter_keeps_away_and_what_is_given_up_have_places_of_their_own() -> None:
    watched = Watched(
        is_poison,
        batchSize=1,
        maximumRetryAttempts=1,
        functionResponseTypes=["ReportBatchItemFailures"],
        filterCriteria={"filters": INSERTS},
    )

    last = watched.watch(
        stream_record(1), stream_record(2), stream_record(3, event_name="REMOVE"), seconds=9
    )[-1]

    assert last == Flow(function="processor", filtered_out=1, processed=1, given_up=1)
    assert last.written == 3


@given(
    fails=st.lists(st.sampled_from(["no", "reports", "raises"]), max_size=8),
    settings=st.fixed_dictionaries(
        {
            "batchSize": st.integers(1, 4),
            "parallelizationFactor": st.integers(1, 3),
            "bisectBatchOnFunctionError": st.booleans(),
            "maximumRetryAttempts": st.integers(0, 2),
        }
    ),
)
def test_no_record_is_ever_counted_twice_or_not_at_all(
    fails: list[str], settings: Mapping[str, Any]
) -> None:
    script = iter(fails)

    def answer(records: list[Record]) -> object:
        does = next(script, "no")
        if does == "raises":
            raise FunctionError
        return reported(records[-1]) if does == "reports" else None

    watched = Watched(
        answer,
        functionResponseTypes=["ReportBatchItemFailures"],
        filterCriteria={"filters": INSERTS},
        **settings,
    )
    names = ["INSERT", "INSERT", "REMOVE", "INSERT", "INSERT", "INSERT", "INSERT"]
    records = [stream_record(n, event_name=name) for n, name in enumerate(names, 1)]

    flows = watched.watch(*records, seconds=40)

    assert {each.written for each in flows} == {0, len(records)}
    assert all(count >= 0 for each in flows for count in each.counts.values())
    assert flows[-1].is_at_rest


def outcome(became: Became) -> Outcome:
    return Outcome(record={}, became=became)


def test_a_rejected_record_is_not_among_the_processed() -> None:
    tally = Tally()
    outcomes = [outcome(Became.PROCESSED), outcome(Became.REJECTED), outcome(Became.WAITS)]

    tally.invoked(Invocation(request_id="a", event={}), outcomes)
    tally.delivered(Done(mapping="m", request_id="a", count=2))

    (flow,) = tally.flows({"m": Progress(function="f")}).values()
    assert (flow.processed, flow.rejected) == (1, 1)


def test_what_somebody_else_invokes_the_function_with_is_no_part_of_the_flow() -> None:
    tally = Tally()

    tally.invoked(Invocation(request_id="by hand", event={}), [outcome(Became.REJECTED)])

    (flow,) = tally.flows({"m": Progress(function="f")}).values()
    assert flow == Flow(function="f")


def test_the_figures_are_said_at_each_rest_and_only_once() -> None:
    rests = Rests()
    told = [
        Flow(function="f"),
        Flow(function="f", in_flight=1, waiting=2),
        Flow(function="f", in_flight=1, processed=2),
        Flow(function="f", processed=3),
        Flow(function="f", processed=3),
        Flow(function="f", processed=3, filtered_out=1),
    ]

    lines = [line for flow in told for line in rests.lines({"m": flow})]

    settled = "0 rejected, 0 given up"
    assert lines == [
        f"f has settled all: 3 written, 0 filtered out, 3 processed, {settled}",
        f"f has settled all: 4 written, 1 filtered out, 3 processed, {settled}",
    ]


def drawn(*flows: Flow) -> list[str]:
    console = Console(width=80, file=None)
    with console.capture() as capture:
        console.print(table({str(number): flow for number, flow in enumerate(flows)}))
    return capture.get().splitlines()


def test_the_table_fits_eighty_columns() -> None:
    _, head, figures = drawn(
        Flow(function="f", waiting=2_345, in_flight=10_000, processed=80_000, age=59.7)
    )

    assert head.split("  ")[-1] == "oldest"
    assert figures.split() == ["92,345", "0", "2,345", "10,000", "80,000", "0", "0", "60", "s"]


def test_each_of_several_mappings_has_a_line_with_its_function() -> None:
    lines = drawn(Flow(function="orders", processed=1), Flow(function="returns", processed=2))

    assert [line.split()[0] for line in lines[-2:]] == ["orders", "returns"]


def test_a_record_that_was_done_between_two_looks_shows_in_the_progress() -> None:
    before, after = Counter[str](), Counter({"InvokedEventCount": 1})

    assert progress("f", [], before) != progress("f", [], after)
