"""The way back: what failed is listed, shown and replayed, as somebody at a terminal does it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local import LocalDeployment
from tests.integration.conftest import Deploy
from tests.integration.faults import FaultyHandler, replay, replay_command
from tests.unit.infra.replay.scripted import BY_CONTRACT


@pytest.fixture
def up(deploy: Deploy, faulty: FaultyHandler) -> Iterator[LocalDeployment]:
    """A deployment with one poison request parked, and two of one item given up."""
    config = {"function": {"timeout": 3}, "eventSource": {"maximumRetryAttempts": 0}}
    with deploy(config=config, code=faulty.folder) as up:
        faulty.put(up, "good")
        faulty.put(up, "poison", "poison")
        faulty.put(up, "late", "fail")
        faulty.remove(up, "late")
        faulty.put(up, "late", "fail", number=1)
        up.drain(timeout=300)
        yield up


def listed(up: LocalDeployment) -> list[dict[str, Any]]:
    done = replay(up, "list", "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def effects(faulty: FaultyHandler) -> list[tuple[str, int]]:
    return [(key, number) for _, key, number in faulty.effects]


def test_what_failed_is_listed_with_the_reason_and_shown_decoded(up: LocalDeployment) -> None:
    rows = listed(up)

    assert sorted(row["condition"] for row in rows) == [
        "RecordRejected",
        "RetryAttemptsExhausted",
        "RetryAttemptsExhausted",
    ]
    (rejected,) = [row for row in rows if row["condition"] == "RecordRejected"]
    assert "RejectedRequestError: poison" in rejected["reason"]
    shown = replay_command(up, "show", rejected["key"])
    document = json.loads(shown.stdout)
    assert document["reason"] == rejected["reason"]
    (record,) = document["records"]
    assert record["dynamodb"]["NewImage"]["payload"]["fault"] == "poison"


def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    up: LocalDeployment, faulty: FaultyHandler
) -> None:
    faulty.mend()

    done = replay(up, "run", "--all", "--dry-run", *BY_CONTRACT)

    assert done.returncode == 0, done.stdout + done.stderr
    assert effects(faulty) == [("good", 0)]
    assert len(listed(up)) == 3


@pytest.mark.each_commit
def test_once_mended_all_but_the_poison_takes_effect_in_order_and_once(
    up: LocalDeployment, faulty: FaultyHandler
) -> None:
    faulty.mend()

    first = replay(up, "run", "--all")
    second = replay(up, "run", "--all")

    assert effects(faulty) == [("good", 0), ("late", 0), ("late", 1)]
    # The poison is poison still, and says so with the exit code.
    assert (first.returncode, second.returncode) == (1, 1)
    assert [row["condition"] for row in listed(up)] == ["RecordRejected"]


def test_replaying_over_a_newer_version_of_the_item_warns(
    up: LocalDeployment, faulty: FaultyHandler
) -> None:
    faulty.mend()
    faulty.put(up, "poison", number=7)

    done = replay(up, "run", "--all")

    assert "poison" in done.stderr
    assert "newer" in done.stderr


def test_an_item_that_never_went_through_is_backfilled_once(
    up: LocalDeployment, faulty: FaultyHandler
) -> None:
    up.pause()
    # Never read: the mapping that goes on begins at the stream's end.
    faulty.put(up, "written before the stream")
    arguments = ("backfill", "--filter", "begins_with(request_id, :start)")
    values = ("--values", json.dumps({":start": {"S": "written"}}))

    first = replay(up, *arguments, *values)
    second = replay(up, *arguments, *values)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert effects(faulty).count(("written before the stream", 0)) == 1
