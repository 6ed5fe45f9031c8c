"""The tools for bad days on a bad day: what became of every request, and how often it took effect.

What a row of docs/faults.md quotes as repeated is what is expected of it: nothing, but where a
backfill is told to send what the stream has delivered already.
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from infra.local import LocalDeployment
from tests import pages
from tests.integration.conftest import Deploy, Outcomes, parked
from tests.integration.faults import FaultyHandler, replay, request, target
from tests.processes import wait_until
from tests.project import PROJECT
from tests.proof import TABLE_HEAD, Outcome

GIVE_UP = {"function": {"timeout": 3}, "eventSource": {"maximumRetryAttempts": 0, "batchSize": 5}}
EVERY = ("backfill", "--all", "--yes")

HOSTILE = {
    "no JSON": b"\xff\xfe",
    "deeply nested": b"[" * 100_000,
    "no records": b'{"requestContext": {}, "payload": "{}"}',
    "half a surrogate pair": (
        b'{"requestContext": {}, "payload": {"Records": [{"eventID": "\\ud800"}]}}'
    ),
    "a long number": json.dumps(
        {
            "requestContext": {},
            "payload": {"Records": [{"dynamodb": {"SequenceNumber": "9" * 5000}}]},
        }
    ).encode(),
    "an unknown type": json.dumps(
        {
            "requestContext": {},
            "payload": {"Records": [{"dynamodb": {"Keys": {"request_id": {"X": 1}}}}]},
        }
    ).encode(),
}


def outcome(faulty: FaultyHandler, fault: str, up: LocalDeployment) -> Outcome:
    """Of requests, not of events: a backfill's event is another one than the stream's."""
    effects = Counter((key, number) for _, key, number in faulty.effects)
    return dataclasses.replace(faulty.outcome(fault, up), duplicates=effects.total() - len(effects))


def put_failing(faulty: FaultyHandler, up: LocalDeployment, count: int) -> None:
    """Requests that are given up, and one of the first item that is to follow it."""
    for number in range(count):
        faulty.put(up, f"late-{number}", "fail")
    faulty.remove(up, "late-0")
    faulty.put(up, "late-0", "fail", number=1)
    up.drain(timeout=300)


def test_what_lies_in_the_bucket_stops_no_replay(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=GIVE_UP, code=faulty.folder) as up:
        put_failing(faulty, up, 3)
        s3, bucket = up.client("s3"), up.outputs["failureBucket"]
        for name, body in HOSTILE.items():
            s3.put_object(Bucket=bucket, Key=f"rejected/{name}", Body=body)
        faulty.mend()

        done = replay(up, "run", "--all")
        left = parked(up)
        for key in left:
            s3.delete_object(Bucket=bucket, Key=key)
        outcomes.add(outcome(faulty, "six odd objects in the bucket, replay run --all", up))

    assert done.returncode == 1
    assert left == sorted(f"rejected/{name}" for name in HOSTILE)
    assert all(name in done.stderr for name in HOSTILE)


def test_a_replay_while_the_service_is_gone_still_keeps_every_record(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=GIVE_UP, code=faulty.folder) as up:
        put_failing(faulty, up, 3)
        done = replay(up, "run", "--all")
        outcomes.add(outcome(faulty, "replay run --all, and the service is gone still", up))

    assert done.returncode == 1
    assert "0 processed, 0 processed before, 0 rejected, 0 ignored, 3 failed, 1 held back" in (
        done.stdout
    )


def test_a_throttled_function_is_waited_for(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    config = {**GIVE_UP, "function": {"timeout": 3, "reservedConcurrency": 1}}
    with deploy(config=config, code=faulty.folder) as up:
        put_failing(faulty, up, 3)
        event: Any = up.invocations[0].event
        record = event["Records"][0]
        busy = {**record, "eventID": "busy"}
        busy["dynamodb"] = {**record["dynamodb"], "NewImage": request("busy", "hang")}
        busy["dynamodb"]["Keys"] = {"request_id": {"S": "busy"}}
        up.client("lambda").invoke(
            FunctionName=up.outputs["functionName"],
            InvocationType="Event",
            Payload=json.dumps({"Records": [busy]}),
        )
        wait_until((faulty.folder / "attempts" / "busy").exists)
        faulty.mend()

        done = replay(up, "run", "--all")
        outcomes.add(outcome(faulty, "the function is throttled, replay run --all", up))

    assert "the function is throttled" in done.stderr
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_rejected_again_stays_whatever_else_was_done(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=GIVE_UP, code=faulty.folder) as up:
        put_failing(faulty, up, 3)
        faulty.put(up, "poison", "poison")
        up.drain(timeout=300)
        faulty.mend()
        first, second = replay(up, "run", "--all"), replay(up, "run", "--all")
        outcomes.add(outcome(faulty, "poison among them, replay run --all twice", up))

    assert (first.returncode, second.returncode) == (1, 1)
    assert "4 processed, 0 processed before, 1 rejected" in first.stdout
    assert "0 processed, 0 processed before, 1 rejected" in second.stdout


@pytest.mark.slow
def test_a_replay_that_is_killed_is_done_by_the_next_one(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=GIVE_UP, code=faulty.folder) as up:
        put_failing(faulty, up, 30)
        faulty.mend()
        killed = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "infra.replay",
                "run",
                "--all",
                "--batch-size",
                "1",
                *target(up),
            ],
            cwd=PROJECT,
            env={**os.environ, **up.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: len(faulty.effects) > 2)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        # What the function was given as its caller died goes on to its end.
        ended = len(up.invocations)
        done = replay(up, "run", "--all")
        outcomes.add(outcome(faulty, "replay run --all is killed, then run again", up))

    assert ended > 2
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_backfill_of_what_the_stream_has_delivered_repeats_it_once_and_says_so(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=GIVE_UP, code=faulty.folder) as up:
        for key in ("a", "b", "c"):
            faulty.put(up, key)
        up.drain()
        first = replay(up, *EVERY)
        outcomes.add(outcome(faulty, "backfill --all of what the stream has delivered", up))
        second = replay(up, *EVERY)
        outcomes.add(outcome(faulty, "the same a second time", up))

    assert "3 items will be sent. Those that the stream has delivered take effect again" in (
        first.stderr
    )
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "0 processed, 3 processed before" in second.stdout


def test_a_backfill_with_a_selection_sends_what_was_written_before_the_stream(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=GIVE_UP, code=faulty.folder) as up:
        faulty.put(up, "a-delivered")
        up.drain()
        up.pause()
        faulty.put(up, "b-before")
        faulty.put(up, "c-before", "poison")
        since = ("backfill", "--since", "request_id=b")
        first, second = replay(up, *since), replay(up, *since)
        outcomes.add(outcome(faulty, "backfill --since, twice, poison among the items", up))
        objects = parked(up)

    assert "1 processed, 0 processed before, 1 rejected" in first.stdout
    assert (first.returncode, second.returncode) == (1, 1)
    assert len(objects) == 1


def test_an_item_that_was_rewritten_since_the_last_backfill_takes_effect(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=GIVE_UP, code=faulty.folder) as up:
        up.pause()
        faulty.put(up, "a")
        faulty.put(up, "b")
        first = replay(up, *EVERY)
        faulty.put(up, "b", number=1)
        second = replay(up, *EVERY)
        outcomes.add(outcome(faulty, "an item is rewritten between two backfills", up))

    assert "2 processed, 0 processed before" in first.stdout
    assert "1 processed, 1 processed before" in second.stdout


def test_a_backfill_sends_what_the_mapping_lets_through(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    pattern = {"dynamodb": {"NewImage": {"request_id": {"S": [{"prefix": "yes"}]}}}}
    config = {**GIVE_UP, "eventSource": {"filters": [pattern]}}
    with deploy(config=config, code=faulty.folder) as up:
        up.pause()
        faulty.put(up, "yes-1")
        faulty.put(up, "yes-2")
        up.client("dynamodb").put_item(
            TableName=up.outputs["tableName"], Item={"request_id": {"S": "no"}}
        )
        done = replay(up, *EVERY)
        outcomes.add(outcome(faulty, "backfill --all, and the mapping has a filter", up))

    assert done.returncode == 0, done.stderr
    assert "2 to send, 0 left out by the selection, 1 kept away" in done.stdout


def test_every_row_that_the_documentation_quotes_is_tested() -> None:
    quoted = pages.text("faults.md")
    rows = quoted.rpartition("\n".join(TABLE_HEAD) + "\n")[2].splitlines()
    source = Path(__file__).read_text(encoding="utf-8")

    assert rows
    assert [
        row for row in rows if f'"{row.split(" | ")[0].removeprefix("| ")}"' not in source
    ] == []
