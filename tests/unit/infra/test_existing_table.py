"""A table that exists: looked up, held against the contract, never made, changed or deleted."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any, Final

import pytest

from handler.config import RequestsStream
from infra.config.stack import ConfigError, StackConfig
from infra.existing_table import mistakes_of
from tests.plan import (
    EVENT_SOURCE_MAPPING,
    GET_TABLE,
    STACK_REFERENCE,
    TABLE,
    Plan,
    plan_of,
)

KEY: Final = "arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
STREAM: Final = (
    "arn:aws:dynamodb:ap-northeast-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"
)
ORDERS: Final = {
    "name": "orders",
    "arn": "arn:aws:dynamodb:ap-northeast-1:123456789012:table/orders",
    "attributes": [{"name": "status", "type": "S"}, {"name": "request_id", "type": "S"}],
    "hashKey": "request_id",
    "rangeKey": "",
    "streamEnabled": True,
    "streamViewType": "NEW_IMAGE",
    "streamArn": STREAM,
}
PROGRAM: Final = """
    import pulumi
    import pulumi_aws as aws
    from infra.additions import Additions
    from infra.config.stack import StackConfig
    from infra.pipeline import RequestsPipeline, export

    pipeline = RequestsPipeline(
        "requests", StackConfig.load(pulumi.Config()), Additions({additions})
    )
    export(pipeline)
"""


@pytest.mark.parametrize("preview", [True, False])
def test_no_table_is_made_and_its_stream_is_mapped(tmp_path: Path, preview: bool) -> None:
    plan = planned(tmp_path, preview=preview)

    assert [each.name for each in plan.of_type(TABLE)] == ["requests-idempotency"]
    assert plan.inputs_of(EVENT_SOURCE_MAPPING)["eventSourceArn"] == STREAM
    assert plan.policy("requests-mapping-stream")["ReadTheStream"]["Resource"] == STREAM
    assert plan.exports["tableName"] == "orders"
    assert plan.exports["ownsTable"] is False


@pytest.mark.parametrize(
    ("encryption", "resource"),
    [
        ({"enabled": True, "kmsKeyArn": KEY}, KEY),
        ({"enabled": True, "kmsKeyArn": ""}, None),
        (None, None),
    ],
)
def test_the_role_may_decrypt_with_the_key_that_the_table_has(
    tmp_path: Path, encryption: Mapping[str, object] | None, resource: str | None
) -> None:
    plan = planned(tmp_path, {"serverSideEncryption": encryption})

    statement = plan.policy("requests-mapping-stream").get("DecryptTheStream", {})
    assert statement.get("Resource") == resource


@pytest.mark.parametrize(
    ("differing", "count", "mistakes"),
    [
        ({"hashKey": "id", "attributes": [{"name": "id", "type": "S"}]}, 1, ["its key is id (S)"]),
        (
            {"attributes": [{"name": "request_id", "type": "N"}]},
            1,
            ["its key is request_id (N), and that of Item is request_id (S)"],
        ),
        ({"rangeKey": "status"}, 1, ["its key is request_id (S) and status (S)"]),
        (
            # AWS keeps the ARN of a stream that was switched off.
            {"streamEnabled": False, "streamViewType": ""},
            1,
            [
                "its stream is off",
                (
                    "update-table --table-name orders --stream-specification StreamEnabled=true,"
                    "StreamViewType=NEW_IMAGE"
                ),
            ],
        ),
        (
            {"streamViewType": "KEYS_ONLY"},
            1,
            ["its stream carries KEYS_ONLY, and the contract says NEW_IMAGE: set stream.viewType"],
        ),
        ({"rangeKey": "status", "streamEnabled": False}, 2, ["its key is", "its stream is off"]),
    ],
)
def test_what_does_not_fit_the_contract_is_told_at_once(
    differing: Mapping[str, object], count: int, mistakes: list[str]
) -> None:
    found = list(mistakes_of(_table({**ORDERS, **differing}), RequestsStream()))

    assert len(found) == count
    assert all(mistake in " ".join(found) for mistake in mistakes)


@pytest.mark.parametrize("preview", [True, False])
def test_it_is_told_before_the_mapping_is_made(tmp_path: Path, preview: bool) -> None:
    with pytest.raises(ConfigError) as caught:
        planned(tmp_path, {"streamEnabled": False}, preview=preview)

    assert "1 mistake in the table orders, which table.name names" in str(caught.value)


def _table(outputs: Mapping[str, Any]) -> Any:
    attributes = [SimpleNamespace(**each) for each in outputs["attributes"]]
    return SimpleNamespace(
        name=outputs["name"],
        attributes=attributes,
        hash_key=outputs["hashKey"],
        range_key=outputs["rangeKey"],
        stream_enabled=outputs["streamEnabled"],
        stream_view_type=outputs["streamViewType"],
    )


def test_a_table_that_is_not_there_is_one_clear_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"orders was not found: .*couldn't find resource"):
        planned(tmp_path, failing=[GET_TABLE])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("deletionProtection", True),
        ("deletionProtection", False),
        ("pointInTimeRecovery", True),
        ("serverSideEncryption", True),
        ("kmsKeyArn", KEY),
        ("ttlEnabled", False),
        ("ttlAttribute", "expires_at"),
        ("retainOnDelete", True),
    ],
)
def test_a_setting_of_an_own_table_is_a_mistake_whatever_its_value(key: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        StackConfig.parse({"table": {"name": "orders", key: value}}, namespace="shop")

    assert f"shop:table.{key} is for a table that the stack makes" in str(caught.value)
    assert "1 mistake" in str(caught.value)


@pytest.mark.parametrize("name", ["or", "orders/x", KEY])
def test_the_name_is_that_of_a_table(name: str) -> None:
    with pytest.raises(ConfigError, match=r"table\.name must be the name of a table, not its ARN"):
        StackConfig.parse({"table": {"name": name}}, namespace="shop")


def test_indexes_are_not_added_to_it(tmp_path: Path) -> None:
    additions = 'attributes=[aws.dynamodb.TableAttributeArgs(name="status", type="S")]'

    with pytest.raises(ConfigError, match="attributes cannot be given with"):
        planned(tmp_path, additions=additions)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param({"tableName": "requests-table-1a2b3c4", "ownsTable": True}, id="owned"),
        pytest.param({"tableName": "requests-table-1a2b3c4"}, id="of the release before"),
        pytest.param({"tableName": "orders", "ownsTable": True}, id="the same one"),
        pytest.param(
            {"tableName": "own", "functionName": "requests-processor-1a2b3c4"}, id="by its function"
        ),
        pytest.param({"requests": {"tableName": "own"}}, id="of several"),
    ],
)
def test_a_stack_that_still_owns_a_table_is_refused_with_the_steps(
    tmp_path: Path, before: Mapping[str, object]
) -> None:
    with pytest.raises(ConfigError) as caught:
        planned(tmp_path, before=before, preview=True)

    assert "has a table of its own, " in str(caught.value)
    assert "pulumi config set --path table.retainOnDelete true && pulumi up" in str(caught.value)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param({"tableName": "orders", "ownsTable": False}, id="handed over"),
        pytest.param({"tableName": "another", "ownsTable": False}, id="another one"),
        pytest.param({}, id="a new stack"),
        pytest.param(
            {"tableName": "own", "functionName": "payments-processor-1a2b3c4"}, id="another's"
        ),
        pytest.param({"payments": {"tableName": "own"}}, id="of several, another's"),
    ],
)
def test_a_stack_that_owns_none_takes_the_table(
    tmp_path: Path, before: Mapping[str, object]
) -> None:
    assert planned(tmp_path, before=before).exports["tableName"] == "orders"


def test_a_table_that_is_handed_over_is_forgotten_and_not_deleted() -> None:
    plan = plan_of({"table": {"retainOnDelete": True, "deletionProtection": True}})

    table = plan.resource(TABLE, "requests-table")
    assert table.retain_on_delete
    assert not table.protect  # Pulumi would not even forget it.
    assert table.inputs["deletionProtectionEnabled"] is True
    assert plan.exports["ownsTable"] is False


def test_by_default_the_table_is_the_stacks_own() -> None:
    plan = plan_of()

    assert not plan.resource(TABLE, "requests-table").retain_on_delete
    assert "ownsTable" not in plan.exports


def planned(
    folder: Path,
    differing: Mapping[str, object] | None = None,
    *,
    additions: str = "",
    before: Mapping[str, object] | None = None,
    failing: list[str] | None = None,
    preview: bool = False,
) -> Plan:
    program = dedent(PROGRAM).replace("{additions}", additions)
    (folder / "__main__.py").write_text(program, encoding="utf-8")
    (folder / "Pulumi.yaml").write_text("name: requests-processor\n", encoding="utf-8")
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n  aws:region: ap-northeast-1\n  requests-processor:table: {name: orders}\n",
        encoding="utf-8",
    )
    given: dict[str, Mapping[str, Any]] = {
        GET_TABLE: {**ORDERS, **(differing or {})},
        STACK_REFERENCE: {"outputs": before or {}},
    }
    return plan_of(project=folder, given=given, failing=failing or (), preview=preview)
