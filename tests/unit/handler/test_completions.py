"""Remembering beside the processing, with real threads: when a group is written, and who waits."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handler.completions import Completions
from handler.idempotency_table import IdempotencyTable
from handler.time_left import TimeLeft
from tests.unit.handler.fake_dynamodb import TABLE, Clock, FakeDynamoDB, Tables
from tests.unit.handler.stubs import FakeContext

LONG = 30
"""Seconds after which something that should happen soon will not happen."""


class Gate:
    """Calls that wait until they are let through."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.opened = threading.Event()
        self.groups: list[int] = []

    def __call__(self, name: str, items: int) -> None:
        assert name == "BatchWriteItem"
        self.groups.append(items)
        self.arrived.release()
        assert self.opened.wait(LONG)

    def has_arrived(self) -> bool:
        return self.arrived.acquire(timeout=LONG)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as executor:
        yield executor


def completions(
    executor: ThreadPoolExecutor, gate: Gate, saved: list[str], *, remaining: int = 60_000
) -> Completions:
    client: Any = FakeDynamoDB(Tables(Clock()), wait=gate)
    return Completions(
        IdempotencyTable(TABLE, client),
        executor,
        TimeLeft(FakeContext(lambda: remaining), floor=1),
        expires_after=60,
        on_saved=saved.extend,
    )


def test_a_group_is_written_when_25_effects_have_ended(executor: ThreadPoolExecutor) -> None:
    gate, saved = Gate(), list[str]()
    writer = completions(executor, gate, saved)
    for number in range(25):
        writer.add(str(number))

    assert gate.has_arrived()
    assert gate.groups == [25]
    gate.opened.set()
    assert writer.end() == frozenset()
    assert len(saved) == 25


def test_a_group_that_is_not_full_is_written_while_the_next_effect_takes_its_time(
    executor: ThreadPoolExecutor,
) -> None:
    gate = Gate()
    writer = completions(executor, gate, [])
    writer.add("1")
    writer.add("2")

    assert gate.has_arrived()
    assert gate.groups == [2]
    gate.opened.set()
    writer.end()


def test_up_to_four_groups_are_on_their_way_and_whoever_is_faster_waits(
    executor: ThreadPoolExecutor,
) -> None:
    gate = Gate()
    writer = completions(executor, gate, [])
    added: list[int] = []

    def add_all() -> None:
        for number in range(200):
            writer.add(str(number))
            added.append(number)

    adding = threading.Thread(target=add_all)
    adding.start()
    assert all(gate.has_arrived() for _ in range(4))
    assert len(gate.groups) == 4
    assert len(added) <= 4 * 25 + 24

    gate.opened.set()
    adding.join(LONG)
    assert writer.end() == frozenset()
    assert sum(gate.groups) == 200


def test_the_end_does_not_wait_longer_than_there_is_time(executor: ThreadPoolExecutor) -> None:
    gate = Gate()
    writer = completions(executor, gate, [], remaining=300)
    writer.add("1")

    assert writer.end() == {"1"}
    gate.opened.set()


def test_an_effect_is_written_once_however_often_it_is_added(executor: ThreadPoolExecutor) -> None:
    gate = Gate()
    gate.opened.set()
    writer = completions(executor, gate, [])
    writer.add("1")
    writer.add("1")
    writer.end()

    assert sum(gate.groups) == 1
