"""`pulumi destroy` by Pulumi's own engine: what AWS would refuse to delete stops it in time."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.conftest import item
from tests.integration.pulumi_stacks import DEFAULTS, Stack, stack

OPEN: Mapping[str, Any] = {
    "table": {"deletionProtection": False},
    "image": {"forceDelete": True},
    "failures": {"forceDestroy": True},
}
"""What the guide has one set before a stack is destroyed."""


@pytest.mark.parametrize(("name", "values"), [("defaults", DEFAULTS), ("prod", None)])
def test_what_aws_would_not_delete_stays_until_it_is_opened(
    name: str, values: Mapping[str, Any] | None
) -> None:
    with stack(name, values) as protected:
        protected.up()
        assert_the_preview_keeps_it_whole(protected)
        assert_what_is_protected_stays_without_the_preview(protected)
        opened = {
            f"requests-processor:{key}": {
                **protected.config.get(f"requests-processor:{key}", {}),
                **values,
            }
            for key, values in OPEN.items()
        }
        protected.config = protected.config | opened
        protected.up()
        fill(protected)

        protected.run("destroy", "--yes")

        assert_nothing_is_left(protected)


def assert_the_preview_keeps_it_whole(protected: Stack) -> None:
    before = len(protected.state)

    told = protected.run("destroy", "--yes", check=False)

    assert "cannot be deleted" in told or "protect" in told
    assert len(protected.state) == before


def assert_what_is_protected_stays_without_the_preview(protected: Stack) -> None:
    told = protected.run("destroy", "--yes", "--skip-preview", check=False)

    left = {each["urn"].rpartition("::")[2] for each in protected.state if each.get("protect")}
    assert "protect" in told
    assert {"requests-table", "requests-image", "requests-failures"} <= left
    tables = protected.aws.client("dynamodb").list_tables()["TableNames"]
    assert any(each.startswith("requests-table-") for each in tables)


def test_the_stack_dev_goes_at_once() -> None:
    with stack("dev") as dev:
        dev.up()
        fill(dev)

        told = dev.run("destroy", "--yes", "--skip-preview")

        assert "31 deleted" in told
        assert_nothing_is_left(dev)


def fill(stack: Stack) -> None:
    """An item that is processed, and an object in the bucket, with an older version."""
    outputs = stack.outputs
    stack.aws.client("dynamodb").put_item(TableName=outputs["tableName"], Item=item("last"))
    stack.aws.drain()
    for _ in range(2):
        stack.aws.client("s3").put_object(Bucket=outputs["failureBucket"], Key="a", Body=b"1")


def assert_nothing_is_left(stack: Stack) -> None:
    client = stack.aws.client
    assert stack.state == []
    assert client("dynamodb").list_tables()["TableNames"] == []
    assert client("s3").list_buckets()["Buckets"] == []
    assert client("iam").list_roles()["Roles"] == []
    assert client("ecr").describe_repositories()["repositories"] == []
    assert client("logs").describe_log_groups()["logGroups"] == []
    assert client("sns").list_topics()["Topics"] == []
    assert client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert client("lambda").list_functions()["Functions"] == []
    assert client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
