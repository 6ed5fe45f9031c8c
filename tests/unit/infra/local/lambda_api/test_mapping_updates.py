"""Mappings that are changed while records are on their way: nothing is lost, nothing repeated.

AWS promises neither. The states, and what is refused meanwhile, are AWS's.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from tests.processes import wait_until
from tests.unit.infra.local.lambda_api.conftest import (
    EmbeddedLambda,
    is_gone,
    keys_of,
    records,
    refusal,
)

pytestmark = pytest.mark.slow  # they wait for functions and mappings

SLOW: Final = """
import time

def handler(event, context):
    time.sleep(0.02)
"""
BLOCKED: Final = """
import pathlib, time

FOLDER = pathlib.Path({folder!r})

def handler(event, context):
    (FOLDER / "begun").touch()
    while not (FOLDER / "go").exists():
        time.sleep(0.01)
"""
FAILS: Final = """
def handler(event, context):
    keys = [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]
    if any(key.startswith("bad") for key in keys):
        raise ValueError(keys)
"""
IN_USE: Final = "Cannot {} the event source mapping because it is in use."


def patterns(*of_keys: object) -> dict[str, Any]:
    """Filter criteria that let keys through that match."""
    document = {"dynamodb": {"Keys": {"id": {"S": list(of_keys)}}}}
    return {"Filters": [{"Pattern": json.dumps(document)}]}


ONLY_ITEMS: Final = patterns({"prefix": "item"})


UPDATES: Final[tuple[dict[str, Any], ...]] = (
    {"BatchSize": 50},
    {"BatchSize": 3},
    {"MaximumBatchingWindowInSeconds": 1},
    {"MaximumBatchingWindowInSeconds": 0},
    {"FilterCriteria": ONLY_ITEMS},
    {"FilterCriteria": {}},
    {"MaximumRetryAttempts": 2},
    {"MaximumRecordAgeInSeconds": 60},
    {"BisectBatchOnFunctionError": True},
    {"FunctionResponseTypes": ["ReportBatchItemFailures"]},
    {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::failures"}}},
    {"DestinationConfig": {"OnFailure": {"Destination": ""}}},
    {"MetricsConfig": {"Metrics": ["EventCount"]}},
)


@pytest.mark.slow
@pytest.mark.parametrize("update", UPDATES, ids=repr)
def test_no_update_loses_or_repeats_a_record_or_changes_their_order(
    lambda_: EmbeddedLambda, update: dict[str, Any]
) -> None:
    lambda_.create_bucket("failures")
    uuid = lambda_.pipe(SLOW, BatchSize=1)

    with lambda_.writing() as writer:
        writer.wait_until_processed()
        lambda_.update(uuid, **update)
        writer.wait_until_processed()

    assert lambda_.processed() == writer.written


def test_all_updates_one_after_the_other_lose_and_repeat_nothing(lambda_: EmbeddedLambda) -> None:
    lambda_.create_bucket("failures")
    uuid = lambda_.pipe(SLOW)
    described = []

    with lambda_.writing() as writer:
        for update in UPDATES:
            writer.wait_until_processed(1)
            lambda_.update(uuid, **update)
            described.append(lambda_.mapping(uuid))

    assert lambda_.processed() == writer.written
    for update, mapping in zip(UPDATES, described, strict=True):
        assert is_described(update, mapping)


def is_described(update: dict[str, Any], mapping: Any) -> bool:
    ((name, value),) = update.items()
    if name == "DestinationConfig" and not value["OnFailure"]["Destination"]:
        value = {"OnFailure": {}}
    return bool(mapping.get(name, {}) == value)


@pytest.mark.slow
def test_a_parallelization_factor_keeps_each_items_order_when_it_changes(
    lambda_: EmbeddedLambda,
) -> None:
    uuid = lambda_.pipe(SLOW, BatchSize=2)
    keys = [f"item-{number % 5}" for number in range(90)]
    for factor in (4, 10, 1):
        lambda_.put(*keys[:15], versions=True)
        lambda_.update(uuid, ParallelizationFactor=factor)
        lambda_.put(*keys[15:30], versions=True)
    lambda_.aws.drain()

    images = [image for event in events(lambda_) for image in event]
    assert len(images) == 90
    for key in set(keys):
        of_this = [int(version) for name, version in images if name == key]
        assert of_this == sorted(set(of_this))


def events(lambda_: EmbeddedLambda) -> Iterator[list[tuple[str, str]]]:
    """Key and version of the records of each invocation."""
    for invocation in lambda_.aws.invocations:
        images = [record["dynamodb"]["NewImage"] for record in records(invocation.event)]
        yield [(image["id"]["S"], image["version"]["N"]) for image in images]


@pytest.mark.slow
def test_the_batch_size_is_that_of_the_moment(lambda_: EmbeddedLambda) -> None:
    uuid = lambda_.pipe(SLOW)
    lambda_.update(uuid, Enabled=False)
    lambda_.put(*(f"item-{number}" for number in range(10)))
    lambda_.update(uuid, Enabled=True, BatchSize=4)
    lambda_.aws.drain()

    assert [len(batch) for batch in lambda_.batches()] == [4, 4, 2]


def test_a_new_filter_holds_for_what_is_not_delivered_yet(lambda_: EmbeddedLambda) -> None:
    uuid = lambda_.pipe(SLOW, BatchSize=2)

    with lambda_.writing("item", "other") as writer:
        writer.wait_until_processed()
        lambda_.update(uuid, FilterCriteria=ONLY_ITEMS)
        until = len(writer.written)
        writer.wait_until_processed()

    processed = lambda_.processed()
    items, others = (
        [key for key in writer.written if key.startswith(each)] for each in ("item", "other")
    )
    let_through = [key for key in processed if key.startswith("other")]
    assert [key for key in processed if key.startswith("item")] == items
    assert let_through == others[: len(let_through)]
    assert not set(let_through) & set(writer.written[until + 1 :])


@pytest.mark.slow
def test_what_a_filter_kept_away_does_not_come_back_when_it_is_taken_off(
    lambda_: EmbeddedLambda,
) -> None:
    uuid = lambda_.pipe(FilterCriteria=ONLY_ITEMS)
    lambda_.put("other-1", "item-1")
    lambda_.aws.drain()
    lambda_.update(uuid, FilterCriteria={})
    lambda_.put("other-2")
    lambda_.aws.drain()

    assert lambda_.processed() == ["item-1", "other-2"]
    assert "FilterCriteria" not in lambda_.mapping(uuid)


def test_a_mapping_goes_on_where_it_was_disabled(lambda_: EmbeddedLambda) -> None:
    uuid = lambda_.pipe(SLOW)

    with lambda_.writing() as writer:
        writer.wait_until_processed()
        disabling = lambda_.client.update_event_source_mapping(UUID=uuid, Enabled=False)
        lambda_.become(uuid, "Disabled")
        stopped = lambda_.processed()
        writer.wait_for(8)
        meanwhile = lambda_.processed()
        enabling = lambda_.client.update_event_source_mapping(UUID=uuid, Enabled=True)
        lambda_.become(uuid, "Enabled")

    assert (disabling["State"], enabling["State"]) == ("Disabling", "Enabling")
    assert stopped == meanwhile
    assert lambda_.processed() == writer.written


def test_a_mapping_from_latest_keeps_its_place_while_it_is_disabled(
    lambda_: EmbeddedLambda,
) -> None:
    lambda_.create_function("one")
    stream = lambda_.create_table()
    lambda_.put("before")
    uuid = lambda_.create_mapping(stream, StartingPosition="LATEST")
    lambda_.become(uuid, "Enabled")
    lambda_.update(uuid, Enabled=False)
    lambda_.put("meanwhile")
    lambda_.update(uuid, Enabled=True)
    lambda_.put("after")
    lambda_.aws.drain()

    assert lambda_.processed() == ["meanwhile", "after"]


@pytest.fixture
def blocked(lambda_: EmbeddedLambda, tmp_path: Path) -> tuple[EmbeddedLambda, str]:
    """With a batch that is being invoked until the file `go` is there, and the mapping's UUID."""
    uuid = lambda_.pipe(BLOCKED.format(folder=str(tmp_path)), timeout=60)
    lambda_.put("a")
    wait_until((tmp_path / "begun").exists)
    return lambda_, uuid


def test_an_update_waits_for_what_is_being_invoked(
    blocked: tuple[EmbeddedLambda, str], tmp_path: Path
) -> None:
    lambda_, uuid = blocked
    update = lambda_.client.update_event_source_mapping
    updating = update(UUID=uuid, BatchSize=2)
    lambda_.put("b", "c", "d")
    meanwhile = lambda_.mapping(uuid)
    again = refusal(update, UUID=uuid, BatchSize=3)
    deleted = refusal(lambda_.client.delete_event_source_mapping, UUID=uuid)
    (tmp_path / "go").touch()
    lambda_.become(uuid, "Enabled")
    lambda_.aws.drain()

    assert (updating["State"], updating["BatchSize"]) == ("Updating", 2)
    assert (meanwhile["State"], meanwhile["BatchSize"]) == ("Updating", 2)
    assert again == ("ResourceInUseException", IN_USE.format("update"), 400)
    assert deleted == ("ResourceInUseException", IN_USE.format("delete"), 400)
    assert lambda_.batches() == [["a"], ["b", "c"], ["d"]]


@pytest.mark.slow
def test_disabling_waits_for_what_is_being_invoked(
    blocked: tuple[EmbeddedLambda, str], tmp_path: Path
) -> None:
    lambda_, uuid = blocked
    lambda_.client.update_event_source_mapping(UUID=uuid, Enabled=False)
    lambda_.put("b")
    meanwhile = lambda_.mapping(uuid)["State"]
    (tmp_path / "go").touch()
    lambda_.become(uuid, "Disabled")
    disabled = lambda_.processed()
    lambda_.update(uuid, Enabled=True)
    lambda_.aws.drain()

    assert meanwhile == "Disabling"
    assert disabled == ["a"]
    assert lambda_.processed() == ["a", "b"]


def test_a_mapping_is_deleted_once_what_is_being_invoked_has_ended(
    blocked: tuple[EmbeddedLambda, str], tmp_path: Path
) -> None:
    lambda_, uuid = blocked
    client = lambda_.client
    lambda_.client.delete_event_source_mapping(UUID=uuid)
    lambda_.put("b")
    meanwhile = lambda_.mapping(uuid)["State"]
    again = refusal(client.delete_event_source_mapping, UUID=uuid)
    updated = refusal(client.update_event_source_mapping, UUID=uuid, Enabled=True)
    (tmp_path / "go").touch()
    wait_until(lambda: is_gone(lambda_, uuid))

    assert meanwhile == "Deleting"
    assert again == ("ResourceInUseException", IN_USE.format("delete"), 400)
    assert updated == ("ResourceInUseException", IN_USE.format("update"), 400)
    assert lambda_.processed() == ["a"]


def test_a_deleted_function_ends_what_it_has_begun(lambda_: EmbeddedLambda, tmp_path: Path) -> None:
    uuid = lambda_.pipe(
        BLOCKED.format(folder=str(tmp_path)), timeout=60, MaximumRetryAttempts=0, BatchSize=1
    )
    role = lambda_.client.get_function_configuration(FunctionName="one")["Role"]
    lambda_.put("a", "b")
    wait_until((tmp_path / "begun").exists)
    lambda_.client.delete_function(FunctionName="one")
    lambda_.create_function("one", "def handler(event, context): return 'another'", Role=role)
    (tmp_path / "go").touch()
    lambda_.aws.drain()

    assert lambda_.batches() == [["a"], ["b"]]
    assert [each.response for each in lambda_.aws.invocations] == [None, "another"]
    assert lambda_.mapping(uuid)["LastProcessingResult"] == "OK"


def test_another_role_during_a_batch_and_an_update_then_repeat_nothing(
    blocked: tuple[EmbeddedLambda, str], tmp_path: Path
) -> None:
    """The mapping is to be read anew for both, one after the other."""
    lambda_, uuid = blocked
    lambda_.client.update_function_configuration(FunctionName="one", Role=lambda_.role("other"))
    lambda_.client.update_event_source_mapping(UUID=uuid, BatchSize=1)
    lambda_.put("b", "c")
    (tmp_path / "go").touch()
    lambda_.become(uuid, "Enabled")
    lambda_.aws.drain()

    assert lambda_.batches() == [["a"], ["b"], ["c"]]


def test_a_role_without_the_stream_stops_nothing_but_the_reading(lambda_: EmbeddedLambda) -> None:
    uuid = lambda_.pipe()
    lambda_.put("a")
    lambda_.aws.drain()
    role = lambda_.client.get_function_configuration(FunctionName="one")["Role"]
    update = lambda_.client.update_function_configuration
    update(FunctionName="one", Role=lambda_.role("reads-nothing", "logs:*"))
    lambda_.put("b")
    wait_until(lambda: "not authorized" in lambda_.mapping(uuid)["LastProcessingResult"])
    meanwhile = lambda_.mapping(uuid)["State"], lambda_.processed()
    update(FunctionName="one", Role=role)
    lambda_.aws.drain()

    assert meanwhile == ("Enabled", ["a"])
    assert lambda_.processed() == ["a", "b"]


def test_a_mapping_that_cannot_read_can_be_deleted(lambda_: EmbeddedLambda) -> None:
    uuid = lambda_.pipe()
    lambda_.client.update_function_configuration(
        FunctionName="one", Role=lambda_.role("reads-nothing", "logs:*")
    )
    wait_until(lambda: "not authorized" in lambda_.mapping(uuid)["LastProcessingResult"])
    lambda_.client.delete_event_source_mapping(UUID=uuid)

    wait_until(lambda: is_gone(lambda_, uuid))


def test_another_role_does_not_bring_a_deleted_mapping_back(
    blocked: tuple[EmbeddedLambda, str], tmp_path: Path
) -> None:
    lambda_, uuid = blocked
    lambda_.client.delete_event_source_mapping(UUID=uuid)
    lambda_.client.update_function_configuration(FunctionName="one", Role=lambda_.role("other"))
    (tmp_path / "go").touch()
    wait_until(lambda: is_gone(lambda_, uuid))
    lambda_.put("b")
    other = lambda_.pipe(function="two", table="second")
    lambda_.put("c", table="second")
    lambda_.aws.drain()
    mappings = lambda_.client.list_event_source_mappings()["EventSourceMappings"]

    assert [each["UUID"] for each in mappings] == [other]
    assert lambda_.processed() == ["a"]


@pytest.mark.slow
def test_a_mapping_hands_its_records_to_the_function_that_it_is_changed_to(
    lambda_: EmbeddedLambda,
) -> None:
    uuid = lambda_.pipe(SLOW)
    lambda_.create_function("two", SLOW)

    with lambda_.writing() as writer:
        writer.wait_until_processed()
        lambda_.update(uuid, FunctionName="two")
        writer.wait_until_processed(function="two")

    first, second = lambda_.processed("one"), lambda_.processed("two")
    assert first + second == writer.written
    assert lambda_.mapping(uuid)["FunctionArn"].endswith(":function:two")


def test_fewer_retries_and_a_destination_end_what_would_be_retried_for_a_day(
    lambda_: EmbeddedLambda,
) -> None:
    lambda_.create_bucket("failures")
    uuid = lambda_.pipe(FAILS, BatchSize=1)
    lambda_.put("bad", "good")
    wait_until(lambda: len(lambda_.batches(failed=True)) >= 2)
    lambda_.update(
        uuid,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::failures"}},
    )
    lambda_.aws.drain()

    assert lambda_.processed() == ["good"]
    (kept,) = lambda_.objects("failures")
    assert kept["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert [keys_of(each) for each in json.loads(kept["payload"])["Records"]] == ["bad"]


@pytest.mark.slow
def test_attempts_count_anew_after_an_update(lambda_: EmbeddedLambda) -> None:
    """AWS does not say. A mapping "resumes from the same location", which holds no attempts."""
    lambda_.create_bucket("failures")
    destination = {"OnFailure": {"Destination": "arn:aws:s3:::failures"}}
    uuid = lambda_.pipe(FAILS, DestinationConfig=destination)
    lambda_.put("bad")
    wait_until(lambda: len(lambda_.batches(failed=True)) >= 2)
    lambda_.update(uuid, MaximumRetryAttempts=1)
    lambda_.aws.drain()

    (kept,) = lambda_.objects("failures")
    assert kept["requestContext"]["approximateInvokeCount"] == 2
    assert len(lambda_.batches(failed=True)) >= 4


@pytest.mark.slow
def test_bisecting_begins_with_the_update(lambda_: EmbeddedLambda) -> None:
    uuid = lambda_.pipe(FAILS)
    lambda_.update(uuid, Enabled=False)
    lambda_.put("good-1", "bad", "good-2", "good-3")
    lambda_.update(uuid, Enabled=True)
    wait_until(lambda: bool(lambda_.batches(failed=True)))
    lambda_.update(uuid, BisectBatchOnFunctionError=True, MaximumRetryAttempts=0)
    lambda_.aws.drain()

    assert sorted(lambda_.processed()) == ["good-1", "good-2", "good-3"]
    assert lambda_.aws.metrics["DroppedEventCount"] == 1


@pytest.mark.slow
def test_reported_failures_count_from_the_update_on(lambda_: EmbeddedLambda) -> None:
    """Without ReportBatchItemFailures the answer is not looked at."""
    code = """
def handler(event, context):
    number = event["Records"][-1]["dynamodb"]["SequenceNumber"]
    return {"batchItemFailures": [{"itemIdentifier": number}]}
"""
    uuid = lambda_.pipe(code, MaximumRetryAttempts=0)
    lambda_.put("a")
    lambda_.aws.drain()
    before = lambda_.aws.metrics["DroppedEventCount"]
    lambda_.update(uuid, FunctionResponseTypes=["ReportBatchItemFailures"])
    lambda_.put("b")
    lambda_.aws.drain()

    assert before == 0
    assert lambda_.aws.metrics["DroppedEventCount"] == 1


@pytest.mark.slow
def test_new_code_and_environment_run_from_the_next_batch_on(lambda_: EmbeddedLambda) -> None:
    tells = "import os, time\ndef handler(event, context): time.sleep(.02); return {!r}"
    lambda_.pipe(tells.format("old"), BatchSize=1)
    client = lambda_.client

    with lambda_.writing() as writer:
        writer.wait_until_processed()
        uri = lambda_.image("new", tells.format("new"))
        client.update_function_code(FunctionName="one", ImageUri=uri)
        code = len(lambda_.aws.invocations)
        writer.wait_until_processed()
        told = "import os\ndef handler(event, context): return os.environ['SAID']"
        uri = lambda_.image("told", told)
        client.update_function_configuration(
            FunctionName="one", Environment={"Variables": {"SAID": "from the environment"}}
        )
        client.update_function_code(FunctionName="one", ImageUri=uri)
        environment = len(lambda_.aws.invocations)
        writer.wait_until_processed()

    assert lambda_.processed() == writer.written
    responses = [each.response for each in lambda_.aws.invocations]
    # One batch may have been on its way to the code of before.
    assert set(responses[code + 1 : environment]) == {"new"}
    assert set(responses[environment + 1 :]) == {"from the environment"}


def test_without_concurrency_records_wait_and_lose_no_attempt(lambda_: EmbeddedLambda) -> None:
    uuid = lambda_.pipe(MaximumRetryAttempts=0)
    client = lambda_.client
    client.put_function_concurrency(FunctionName="one", ReservedConcurrentExecutions=0)
    lambda_.put("a", "b")
    wait_until(lambda: lambda_.aws.metrics["FailedInvokeEventCount"] > 0)
    waiting = lambda_.processed()
    client.delete_function_concurrency(FunctionName="one")
    lambda_.aws.drain()

    assert waiting == []
    assert lambda_.processed() == ["a", "b"]
    assert lambda_.mapping(uuid)["LastProcessingResult"] == "OK"


@pytest.mark.slow
def test_each_mapping_of_a_stream_is_changed_by_itself(lambda_: EmbeddedLambda) -> None:
    first = lambda_.pipe(SLOW)
    stream = lambda_.mapping(first)["EventSourceArn"]
    lambda_.create_function("two", SLOW)
    second = lambda_.create_mapping(stream, "two")

    with lambda_.writing() as writer:
        writer.wait_until_processed()
        lambda_.update(first, Enabled=False)
        writer.wait_until_processed(function="two")
        lambda_.update(first, Enabled=True, BatchSize=3)
        lambda_.update(second, BatchSize=2)

    assert lambda_.processed("one") == writer.written
    assert lambda_.processed("two") == writer.written


@pytest.mark.slow
def test_a_mapping_that_was_taken_away_under_an_update_is_said_to_be_gone(
    lambda_: EmbeddedLambda,
) -> None:
    uuid = lambda_.pipe()
    lambda_.client.delete_event_source_mapping(UUID=uuid)
    wait_until(lambda: is_gone(lambda_, uuid))

    with pytest.raises(ClientError) as gone:
        lambda_.client.update_event_source_mapping(UUID=uuid, Enabled=False)
    assert gone.value.response["Error"]["Code"] == "ResourceNotFoundException"
