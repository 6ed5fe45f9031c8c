"""Settings set, changed and taken back by Pulumi's own engine: what becomes of the records."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from infra.config.stack_file import merged
from tests.integration.conftest import JournalledFunction, item
from tests.integration.pulumi_stacks import WITHOUT_ALARMS, Stack, stack


class Writer:
    """Writes an item with each call, under a key that says when."""

    def __init__(self, stack: Stack, function: JournalledFunction) -> None:
        self.stack = stack
        self.function = function
        self.keys: list[str] = []
        # Asked for once: during an update the backend's file may be half written.
        self.table = stack.resource("aws:dynamodb/table:Table", "requests-table")["id"]

    @property
    def delivered(self) -> list[str]:
        """Of these items: another test's are in the same table, each under a key of its own."""
        return [key for key in self.function.keys if key in self.keys]

    def write(self, when: str, count: int = 3) -> None:
        for number in range(count):
            key = f"{when}-{number}"
            self.stack.aws.client("dynamodb").put_item(TableName=self.table, Item=item(key))
            self.keys.append(key)


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> JournalledFunction:
    return JournalledFunction(tmp_path_factory.mktemp("function"))


@pytest.fixture(scope="module")
def defaults(function: JournalledFunction) -> Iterator[Stack]:
    """A stack of defaults, deployed, with a function that journals each record."""
    with stack("defaults", WITHOUT_ALARMS, **function.deployed) as defaults:
        defaults.up()
        yield defaults


@pytest.fixture
def writer(defaults: Stack, function: JournalledFunction) -> Writer:
    """To the stack as it was deployed first."""
    if defaults.config != WITHOUT_ALARMS:
        defaults.config = dict(WITHOUT_ALARMS)
        defaults.up()
    return Writer(defaults, function)


IN_PLACE: Final[dict[str, Any]] = {
    "table": {"pointInTimeRecovery": False, "ttlEnabled": True, "deletionProtection": False},
    "function": {"memorySize": 512, "timeout": 61, "logRetentionDays": 7, "tracing": False},
    "eventSource": {
        "batchSize": 2,
        "maximumRetryAttempts": 3,
        "parallelizationFactor": 2,
        "bisectBatchOnFunctionError": False,
        "maximumRecordAgeInSeconds": 120,
    },
    "failures": {"retentionDays": 7},
    "tags": {"Owner": "payments"},
}
OTHERS: Final[dict[str, Any]] = {
    "table": {"ttlAttribute": "until", "ttlEnabled": False},
    "function": {"memorySize": 1024, "timeout": 62},
    "eventSource": {"batchSize": 3, "maximumRetryAttempts": 4},
    "tags": {"Owner": "orders"},
}


def test_nothing_is_lost_or_repeated_while_settings_change_in_place(writer: Writer) -> None:
    before = writer.stack.resource(
        "aws:lambda/eventSourceMapping:EventSourceMapping", "requests-mapping"
    )["id"]

    for values in (IN_PLACE, merged(IN_PLACE, OTHERS), {}):
        writer.write(f"before-{len(writer.keys)}")
        writer.stack.config = merged(WITHOUT_ALARMS, values)
        up = writer.stack.start("up", "--yes", "--skip-preview")
        while up.poll() is None:
            writer.write(f"during-{len(writer.keys)}", 1)
        told, _ = up.communicate()
        assert up.returncode == 0, told
        assert "replace" not in told
        writer.write(f"after-{len(writer.keys)}")
    writer.stack.aws.drain()

    # Two batches of a shard at once keep the order of each item only.
    assert sorted(writer.delivered) == sorted(writer.keys)
    mapping = writer.stack.aws.client("lambda").get_event_source_mapping(UUID=before)
    assert (mapping["BatchSize"], mapping["MaximumRetryAttempts"]) == (100, 10)
    assert mapping["MaximumRecordAgeInSeconds"] == 21600
    ttl = writer.stack.aws.client("dynamodb").describe_time_to_live(TableName=writer.table)
    assert ttl["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"


def test_a_disabled_mapping_goes_on_at_its_checkpoint(writer: Writer) -> None:
    writer.write("enabled")
    writer.stack.aws.drain()
    writer.stack.config = merged(WITHOUT_ALARMS, {"eventSource": {"enabled": False}})
    writer.stack.up()
    writer.write("disabled")
    assert writer.delivered == writer.keys[:3]
    writer.stack.config = WITHOUT_ALARMS
    writer.stack.up()
    writer.stack.aws.drain()

    assert writer.delivered == writer.keys


def test_another_filter_sends_nothing_that_the_old_one_kept_away(writer: Writer) -> None:
    only = {"eventSource": {"filters": [{"dynamodb": {"Keys": {"request_id": {"S": ["b-1"]}}}}]}}
    writer.write("a")
    writer.stack.aws.drain()
    writer.stack.config = merged(WITHOUT_ALARMS, only)
    writer.stack.up()
    writer.write("b")
    writer.stack.aws.drain()
    writer.stack.config = WITHOUT_ALARMS
    writer.stack.up()
    writer.write("c")
    writer.stack.aws.drain()

    assert writer.delivered == ["a-0", "a-1", "a-2", "b-1", "c-0", "c-1", "c-2"]


def test_another_view_type_begins_another_stream(writer: Writer) -> None:
    writer.write("old-stream")
    writer.stack.aws.drain()
    before = writer.stack.outputs
    writer.stack.config = merged(WITHOUT_ALARMS, {"stream": {"viewType": "NEW_AND_OLD_IMAGES"}})

    told = writer.stack.up()
    writer.write("new-stream")
    writer.stack.aws.drain()

    after = writer.stack.outputs
    assert "replaced" in told
    assert after["tableName"] == before["tableName"]
    assert after["streamArn"] != before["streamArn"]
    assert after["mappingUuid"] != before["mappingUuid"]
    assert writer.delivered == writer.keys


def test_a_mapping_from_the_beginning_delivers_all_again(writer: Writer) -> None:
    """The function of this test remembers nothing; the project's own passes over what was done."""
    writer.write("first")
    writer.stack.aws.drain()
    latest = {"eventSource": {"startingPosition": "LATEST"}}
    writer.stack.config = merged(WITHOUT_ALARMS, latest)
    writer.stack.up()
    writer.write("second")
    writer.stack.aws.drain()
    assert writer.delivered == writer.keys
    writer.stack.config = WITHOUT_ALARMS
    writer.stack.up()
    writer.stack.aws.drain()

    assert writer.delivered == writer.keys + writer.keys
