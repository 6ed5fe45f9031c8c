"""The table and its stream."""

import pytest

from tests.plan import TABLE, plan_of

KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TABLE_OUTPUTS = {
    "name": "requests-table",
    "arn": "arn:aws:dynamodb:ap-northeast-1:123456789012:table/requests-table",
    "streamArn": (
        "arn:aws:dynamodb:ap-northeast-1:123456789012:table/requests-table/"
        "stream/2026-01-01T00:00:00.000"
    ),
}


def test_the_table_has_the_contracts_key_and_no_other() -> None:
    table = plan_of().inputs_of(TABLE, "requests-table")

    assert table["hashKey"] == "request_id"
    assert table["attributes"] == [{"name": "request_id", "type": "S"}]
    assert "rangeKey" not in table


def test_the_table_is_paid_per_request() -> None:
    assert plan_of().inputs_of(TABLE, "requests-table")["billingMode"] == "PAY_PER_REQUEST"


def test_the_stream_carries_new_images() -> None:
    table = plan_of().inputs_of(TABLE, "requests-table")

    assert table["streamEnabled"] is True
    assert table["streamViewType"] == "NEW_IMAGE"


def test_the_table_is_encrypted_with_the_aws_managed_key() -> None:
    table = plan_of().inputs_of(TABLE, "requests-table")

    assert table["serverSideEncryption"] == {"enabled": True}


def test_the_table_is_encrypted_with_a_key_of_the_stack() -> None:
    table = plan_of({"table": {"kmsKeyArn": KEY}}).inputs_of(TABLE, "requests-table")

    assert table["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}


def test_the_table_goes_over_to_dynamodbs_own_key_on_its_way_back_from_another() -> None:
    plan = plan_of({"table": {"serverSideEncryption": False}})

    assert plan.inputs_of(TABLE, "requests-table")["serverSideEncryption"] == {"enabled": False}


def test_the_role_may_decrypt_with_that_key_and_only_with_that_one() -> None:
    policy = plan_of({"table": {"kmsKeyArn": KEY}}).policy("requests-mapping-stream")

    assert policy["DecryptTheStream"]["Action"] == ["kms:Decrypt"]
    assert policy["DecryptTheStream"]["Resource"] == KEY


def test_the_role_may_decrypt_as_long_as_the_table_reports_the_key() -> None:
    reported = {"serverSideEncryption": {"enabled": True, "kmsKeyArn": KEY}}
    plan = plan_of(given={TABLE: {**TABLE_OUTPUTS, **reported}})

    assert plan.policy("requests-mapping-stream")["DecryptTheStream"]["Resource"] == KEY


@pytest.mark.parametrize(
    "encryption",
    [
        pytest.param(None, id="DynamoDB's own key"),
        pytest.param({"enabled": True}, id="the AWS-managed key"),
        pytest.param({"enabled": True, "kmsKeyArn": ""}, id="no ARN"),
    ],
)
def test_the_role_may_decrypt_nothing_when_the_table_reports_no_key(
    encryption: dict[str, object] | None,
) -> None:
    plan = plan_of(given={TABLE: {**TABLE_OUTPUTS, "serverSideEncryption": encryption}})

    assert "DecryptTheStream" not in plan.policy("requests-mapping-stream")


def test_the_table_is_backed_up_continuously_unless_the_stack_says_otherwise() -> None:
    by_default = plan_of().inputs_of(TABLE, "requests-table")
    switched_off = plan_of({"table": {"pointInTimeRecovery": False}})

    assert by_default["pointInTimeRecovery"] == {"enabled": True}
    assert switched_off.inputs_of(TABLE, "requests-table")["pointInTimeRecovery"] == {
        "enabled": False
    }


@pytest.mark.parametrize("is_protected", [True, False])
def test_pulumi_protects_the_table_exactly_as_long_as_aws_does(is_protected: bool) -> None:
    plan = plan_of({"table": {"deletionProtection": is_protected}})

    table = plan.resource(TABLE, "requests-table")
    assert table.inputs["deletionProtectionEnabled"] is is_protected
    assert table.protect is is_protected


def test_items_expire_by_the_attribute_that_the_stack_names() -> None:
    plan = plan_of({"table": {"ttlEnabled": True, "ttlAttribute": "gone_at"}})

    assert plan.inputs_of(TABLE, "requests-table")["ttl"] == {
        "enabled": True,
        "attributeName": "gone_at",
    }


@pytest.mark.parametrize(
    "taken_back",
    [
        pytest.param({}, id="both"),
        pytest.param({"ttlAttribute": "expires_at"}, id="the switch"),
        pytest.param({"ttlEnabled": False}, id="the attribute"),
    ],
)
def test_expiry_is_switched_off_by_saying_so_with_the_attributes_name(
    taken_back: dict[str, object],
) -> None:
    table = plan_of({"table": taken_back}).inputs_of(TABLE, "requests-table")

    assert table["ttl"] == {"enabled": False, "attributeName": "expires_at"}


@pytest.mark.parametrize("preview", [True, False])
def test_a_key_of_another_name_or_type_replaces_the_table(preview: bool) -> None:
    table = plan_of(preview=preview).resource(TABLE, "requests-table")

    # With protection on, which is the default, the preview refuses it.
    assert table.replacement_trigger == [["request_id", "S"]]
