"""Whatever breaks, every insert takes effect or stands in the failure bucket whole.

It takes effect once, except where a process is killed before the effect is remembered: there the
number of repeated effects is stated.

The real program, the real handler in its process, and faults that are real where they can be: a
signal, a limit, a permission taken away. What became of the records is printed at the end of the
test run. Back-off between retries is real time here, so that the number of retries is kept small.
"""

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from infra.local import LocalDeployment
from tests import pages
from tests.integration.conftest import Deploy, Outcomes, refuse_parking
from tests.integration.faults import (
    BATCH_PROCESS,
    FOREVER,
    WRITING_PROCESS,
    FaultyHandler,
    replay,
    request,
)
from tests.processes import wait_until
from tests.proof import TABLE_HEAD, Outcome

SHORT = {"function": {"timeout": 3}}


def put_around(faulty: FaultyHandler, up: LocalDeployment, fault: str, *, times: int) -> None:
    """Requests of which one meets the fault, and another of its item that must follow it."""
    up.pause()
    for key in ("a", "b", "c"):
        faulty.put(up, key)
    faulty.put(up, "faulty", fault, times=times)
    faulty.remove(up, "faulty")
    faulty.put(up, "faulty", number=1)
    faulty.put(up, "d")
    up.resume()


def assert_nothing_is_lost(outcome: Outcome) -> None:
    assert (outcome.lost, outcome.duplicates, outcome.out_of_order) == (0, 0, 0)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("fail", "the handler raises, twice"),
        pytest.param("kill", "the process is killed in mid-batch", marks=pytest.mark.each_commit),
        ("hang", "the handler hangs past the timeout"),
        ("memory", "the handler takes more memory than it has"),
    ],
)
def test_a_request_that_fails_and_then_passes_takes_effect_once(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes, fault: str, name: str
) -> None:
    with deploy(config=SHORT, code=faulty.folder) as up:
        put_around(faulty, up, fault, times=2 if fault == "fail" else 1)
        up.drain(timeout=300)
        outcome = outcomes.add(faulty.outcome(name, up))

    assert_nothing_is_lost(outcome)
    assert (outcome.records, outcome.processed) == (6, 6)


@pytest.mark.parametrize(
    ("operation", "kind", "name", "repeated"),
    [
        ("BatchExecuteStatement", "kill-after", "killed between claim and effect", 0),
        ("BatchWriteItem", "kill-before", "killed between effect and memory", 1),
        ("BatchWriteItem", "kill-after", "killed between memory and answer", 0),
    ],
)
def test_a_kill_repeats_the_effect_that_is_not_remembered_and_no_other(
    deploy: Deploy,
    faulty: FaultyHandler,
    outcomes: Outcomes,
    *,
    operation: str,
    kind: str,
    name: str,
    repeated: int,
) -> None:
    faulty.fail_calls(operation, kind, times=1)
    config = {**SHORT, "eventSource": {"batchSize": 1}}
    with deploy(config=config, code=faulty.folder, entry_point="faulty.handler") as up:
        for key in ("a", "b", "c"):
            faulty.put(up, key)
        up.drain(timeout=300)
        outcome = outcomes.add(faulty.outcome(name, up))

    assert (outcome.processed, outcome.lost, outcome.duplicates) == (3, 0, repeated)


@pytest.mark.slow
def test_each_kill_repeats_what_it_kept_from_being_remembered(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    faulty.fail_calls("BatchWriteItem", "kill-before", times=FOREVER)
    config = {**SHORT, "eventSource": {"batchSize": 1}}
    with deploy(config=config, code=faulty.folder, entry_point="faulty.handler") as up:
        for number in range(10):
            faulty.put(up, f"item-{number}")
        up.drain(timeout=200)
        fault = "10 kills, each between effect and memory"
        outcome = outcomes.add(faulty.outcome(fault, up))

    assert (outcome.processed, outcome.lost, outcome.duplicates) == (10, 0, 10)


@pytest.mark.slow
def test_a_process_batch_meets_failures_and_poison_and_is_replayed(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    faulty.process.write_text(BATCH_PROCESS)
    config = {
        "function": {"timeout": 3, "processBatchSize": 2},
        "eventSource": {"maximumRetryAttempts": 1},
    }
    with deploy(config=config, code=faulty.folder) as up:
        put_around(faulty, up, "fail", times=FOREVER)
        faulty.put(up, "poison", "poison")
        up.drain(timeout=300)
        before = faulty.outcome("", up)
        faulty.mend()
        replay(up, "run", "--all")
        outcome = outcomes.add(faulty.outcome("process_batch fails, and is replayed", up))

    assert (before.processed, before.parked, before.lost) == (5, 2, 0)
    assert (outcome.processed, outcome.parked, outcome.lost, outcome.duplicates) == (6, 1, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kill-before", "kill-after"])
def test_writes_that_process_returns_take_place_once_through_ten_kills(
    deploy: Deploy, faulty: FaultyHandler, kind: str
) -> None:
    faulty.process.write_text(WRITING_PROCESS)
    faulty.fail_calls("TransactWriteItems", kind, times=FOREVER)
    config = {**SHORT, "eventSource": {"batchSize": 1}}
    with deploy(config=config, code=faulty.folder, entry_point="faulty.handler") as up:
        dynamodb = up.client("dynamodb")
        table = dynamodb.create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )["TableDescription"]["TableArn"]
        may = {"Effect": "Allow", "Action": "dynamodb:UpdateItem", "Resource": table}
        up.client("iam").put_role_policy(
            RoleName="requests-processor-role",
            PolicyName="orders",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}),
        )
        for number in range(10):
            faulty.put(up, f"item-{number}")
        up.drain(timeout=200)
        orders = dynamodb.scan(TableName="orders")["Items"]
        memory = dynamodb.scan(TableName=up.outputs["idempotencyTable"])["Items"]

    assert sorted(order["id"]["S"] for order in orders) == [f"item-{n}" for n in range(10)]
    assert {order["times"]["N"] for order in orders} == {"1"}
    assert {event["status"]["S"] for event in memory} == {"COMPLETED"}
    assert faulty.failed_calls == 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operation", "kind", "times", "name"),
    [
        ("BatchExecuteStatement", "throttle", 1, "a claim is throttled, once"),
        ("BatchExecuteStatement", "throttle", 12, "claims are throttled for seconds"),
        ("BatchExecuteStatement", "lost", 1, "a claim's reply is lost, once"),
        ("BatchExecuteStatement", "lost", 12, "claims' replies are lost for seconds"),
        ("BatchWriteItem", "throttle", 1, "a memory's write is throttled, once"),
        ("BatchWriteItem", "throttle", 12, "memory's writes are throttled for seconds"),
        ("BatchWriteItem", "lost", 1, "a memory's reply is lost, once"),
        ("BatchWriteItem", "lost", 12, "memory's replies are lost for seconds"),
    ],
)
def test_a_call_of_the_table_of_events_that_fails_delays_the_requests(
    deploy: Deploy,
    faulty: FaultyHandler,
    outcomes: Outcomes,
    *,
    operation: str,
    kind: str,
    times: int,
    name: str,
) -> None:
    faulty.fail_calls(operation, kind, times=times)
    with deploy(config=SHORT, code=faulty.folder, entry_point="faulty.handler") as up:
        for key in ("a", "b", "c"):
            faulty.put(up, key)
        up.drain(timeout=90)
        outcome = outcomes.add(faulty.outcome(name, up))

    assert_nothing_is_lost(outcome)
    assert outcome.processed == 3
    assert faulty.failed_calls > times


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("dynamodb:PartiQLInsert", "claims are denied until somebody sees it"),
        ("dynamodb:BatchWriteItem", "memory's writes are denied until somebody sees it"),
    ],
)
def test_a_permission_that_is_missing_for_a_while_delays_the_requests(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes, action: str, name: str
) -> None:
    role = {"RoleName": "requests-processor-role", "PolicyName": "requests-processor-idempotency"}
    with deploy(config=SHORT, code=faulty.folder) as up:
        iam = up.client("iam")
        policy = iam.get_role_policy(**role)["PolicyDocument"]
        without = json.loads(json.dumps(policy).replace(action, "dynamodb:ListTagsOfResource"))
        iam.put_role_policy(**role, PolicyDocument=json.dumps(without))
        for key in ("a", "b", "c"):
            faulty.put(up, key)
        wait_until(lambda: len(up.invocations) > 2)

        iam.put_role_policy(**role, PolicyDocument=json.dumps(policy))
        up.drain(timeout=300)
        outcome = outcomes.add(faulty.outcome(name, up))

    assert_nothing_is_lost(outcome)
    assert outcome.processed == 3


@pytest.mark.each_commit
def test_poison_is_parked_whole_and_what_is_behind_it_follows(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=SHORT, code=faulty.folder) as up:
        put_around(faulty, up, "poison", times=FOREVER)
        up.drain(timeout=300)
        outcome = outcomes.add(faulty.outcome("a request is poison", up))

    assert_nothing_is_lost(outcome)
    assert (outcome.processed, outcome.parked) == (5, 1)


def test_what_fails_for_longer_than_its_retries_is_replayed_once_mended(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    config = {**SHORT, "eventSource": {"maximumRetryAttempts": 1}}
    with deploy(config=config, code=faulty.folder) as up:
        faulty.put(up, "a")
        faulty.put(up, "faulty", "fail")
        faulty.remove(up, "faulty")
        faulty.put(up, "faulty", "fail", number=1)
        faulty.put(up, "b")
        up.drain(timeout=300)
        before = faulty.outcome("a service is gone", up)
        faulty.mend()

        done = replay(up, "run", "--all")
        outcome = outcomes.add(faulty.outcome("a service is gone, then replay run --all", up))

    assert (before.processed, before.parked, before.lost) == (2, 2, 0)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_nothing_is_lost(outcome)
    assert outcome.processed == 4


def test_nonsense_for_an_answer_is_a_failure_of_the_batch_that_takes_effect_once(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=SHORT, code=faulty.folder, entry_point="faulty.nonsense") as up:
        for key in ("a", "b", "c"):
            faulty.put(up, key)
        up.drain(timeout=300)
        outcome = outcomes.add(faulty.outcome("the function answers nonsense", up))

    assert_nothing_is_lost(outcome)
    assert (outcome.processed, outcome.parked) == (3, 0)
    assert len((faulty.folder / "nonsense").read_text()) > 4


def test_code_that_cannot_be_imported_loses_nothing_until_it_is_mended(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    code = faulty.process.read_text()
    with deploy(config=SHORT, code=faulty.folder) as up:
        faulty.put(up, "a")
        up.drain()
        faulty.process.write_text("import nothing_like_this\n")
        up.reload()
        faulty.put(up, "b")
        faulty.put(up, "c")
        wait_until(lambda: any(one.error for one in up.invocations))

        faulty.process.write_text(code)
        up.reload()
        up.drain(timeout=300)
        outcome = outcomes.add(faulty.outcome("new code cannot be imported", up))

    assert_nothing_is_lost(outcome)
    assert outcome.processed == 3


def test_a_stream_that_answers_500_is_read_on_from_where_it_was(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=SHORT, code=faulty.folder) as up:
        refused: list[str] = []

        def internal_error(request: Any, **_: Any) -> Any:
            refused.append(request.url)
            response: Any = AWSResponse(request.url, 500, HTTPHeaders(), None)
            response._content = b'{"__type": "InternalServerError", "message": "Internal error"}'
            return response

        # The mapping's own client, short of the network: moto itself never fails.
        events = up.emulator.client("dynamodbstreams", up.role_credentials).meta.events
        faulty.put(up, "a")
        up.drain()
        events.register("before-send.dynamodb-streams.*", internal_error)
        faulty.put(up, "b")
        wait_until(lambda: len(refused) > 3)
        events.unregister("before-send.dynamodb-streams.*", internal_error)
        faulty.put(up, "c")
        up.drain(timeout=300)
        outcome = outcomes.add(faulty.outcome("the stream answers 500", up))

    assert_nothing_is_lost(outcome)
    assert outcome.processed == 3


@pytest.mark.slow
def test_an_aws_that_is_gone_for_a_while_costs_time_only(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=SHORT, code=faulty.folder) as up:
        up.pause()
        for number in range(20):
            faulty.put(up, f"item-{number}")
        up.resume()
        os.kill(up.emulator.process_id, signal.SIGSTOP)
        try:
            time.sleep(4)  # longer than the function has
        finally:
            os.kill(up.emulator.process_id, signal.SIGCONT)
        up.drain(timeout=90)
        outcome = outcomes.add(faulty.outcome("all of AWS stops answering for 4 s", up))

    assert_nothing_is_lost(outcome)
    assert outcome.processed == 20


def test_a_bucket_that_refuses_keeps_the_poison_in_the_stream(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=SHORT, code=faulty.folder) as up:
        refuse_parking(up)
        put_around(faulty, up, "poison", times=FOREVER)
        wait_until(lambda: len(up.invocations) > 2)
        while_refused = faulty.outcome("", up)

        up.client("s3").delete_bucket_policy(Bucket=up.outputs["failureBucket"])
        up.drain(timeout=300)
        outcome = outcomes.add(faulty.outcome("the failure bucket refuses a poison request", up))

    assert while_refused.parked == 0
    assert_nothing_is_lost(outcome)
    assert (outcome.processed, outcome.parked) == (5, 1)


@pytest.mark.each_commit
def test_a_mapping_that_is_stopped_in_the_middle_goes_on_from_its_checkpoint(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config={**SHORT, "eventSource": {"batchSize": 5}}, code=faulty.folder) as up:
        for number in range(60):
            faulty.put(up, f"item-{number}")
            if number % 10 == 5:
                up.pause()
            if number % 10 == 8:
                up.resume()
        up.drain(timeout=300)
        outcome = outcomes.add(faulty.outcome("the mapping is stopped and resumed, 6 times", up))

    assert_nothing_is_lost(outcome)
    assert outcome.processed == 60


def test_a_batch_that_is_delivered_again_takes_no_second_effect(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    with deploy(config=SHORT, code=faulty.folder) as up:
        for number in range(20):
            faulty.put(up, f"item-{number}")
        up.drain()
        for invocation in list(up.invocations):
            answer = up.client("lambda").invoke(
                FunctionName=up.outputs["functionName"], Payload=json.dumps(invocation.event)
            )
            assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
        outcome = outcomes.add(faulty.outcome("every batch is delivered twice", up))

    assert_nothing_is_lost(outcome)
    assert outcome.processed == 20


def five_thousand(number: int) -> list[Mapping[str, Any]]:
    """1 in 100 is poison, 5 in 100 fail once; of these one in ten for longer than its retries."""
    requests = []
    for index in range(5_000):
        fault = "poison" if index % 100 == 7 else "fail" if index % 20 == 3 else None
        times = 1 if fault == "fail" and index % 200 != 3 else FOREVER
        requests.append(request(f"item-{index}", fault, times=times, number=number))
    return requests


@pytest.mark.slow
def test_of_ten_thousand_requests_the_poison_is_parked_and_all_others_are_done(
    deploy: Deploy, faulty: FaultyHandler, outcomes: Outcomes
) -> None:
    config = {
        "function": {"timeout": 60},
        "eventSource": {"maximumRetryAttempts": 1, "parallelizationFactor": 5},
    }
    with deploy(config=config, code=faulty.folder) as up:
        faulty.put_all(up, five_thousand(number=0))
        faulty.remove(up, *(f"item-{index}" for index in range(5_000)))
        faulty.put_all(up, five_thousand(number=1))
        up.drain(timeout=500)
        before = outcomes.add(faulty.outcome("1 % poison, 5 % transient", up))
        faulty.mend()
        done = replay(up, "run", "--all")
        after = outcomes.add(faulty.outcome("the same, then replay run --all", up))

    assert_nothing_is_lost(before)
    assert (before.records, before.processed, before.parked) == (10_000, 9_850, 150)
    # The poison stays in the bucket, for a person to look at.
    assert done.returncode == 1, done.stdout + done.stderr
    assert_nothing_is_lost(after)
    assert (after.processed, after.parked) == (9_900, 100)


@pytest.mark.each_commit
def test_every_fault_that_the_documentation_quotes_is_tested() -> None:
    quoted = pages.text("faults.md")
    _, _, table = quoted.partition("\n".join(TABLE_HEAD) + "\n")
    rows = table.partition("\n\n")[0].splitlines()
    source = Path(__file__).read_text(encoding="utf-8")

    assert rows
    assert [
        row for row in rows if f'"{row.split(" | ")[0].removeprefix("| ")}"' not in source
    ] == []
