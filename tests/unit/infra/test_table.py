"""The table and its stream."""

from tests.plan import TABLE, plan_of

KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


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


def test_the_role_may_decrypt_with_that_key_and_only_with_that_one() -> None:
    policy = plan_of({"table": {"kmsKeyArn": KEY}}).policy("requests-mapping-stream")

    assert policy["DecryptTheStream"]["Action"] == ["kms:Decrypt"]
    assert policy["DecryptTheStream"]["Resource"] == KEY


def test_without_a_key_the_role_may_decrypt_nothing() -> None:
    policy = plan_of().policy("requests-mapping-stream")

    assert "DecryptTheStream" not in policy


def test_the_table_is_backed_up_continuously_unless_the_stack_says_otherwise() -> None:
    by_default = plan_of().inputs_of(TABLE, "requests-table")
    switched_off = plan_of({"table": {"pointInTimeRecovery": False}})

    assert by_default["pointInTimeRecovery"] == {"enabled": True}
    assert switched_off.inputs_of(TABLE, "requests-table")["pointInTimeRecovery"] == {
        "enabled": False
    }


def test_the_development_table_can_be_deleted() -> None:
    table = plan_of(stack="dev").resource(TABLE, "requests-table")

    assert table.inputs["deletionProtectionEnabled"] is False
    assert table.protect is False


def test_neither_aws_nor_pulumi_deletes_the_production_table() -> None:
    table = plan_of(stack="prod").resource(TABLE, "requests-table")

    assert table.inputs["deletionProtectionEnabled"] is True
    assert table.protect is True


def test_items_expire_by_the_attribute_that_the_stack_names() -> None:
    without = plan_of().inputs_of(TABLE, "requests-table")
    named = plan_of({"table": {"ttlAttribute": "expires_at"}}).inputs_of(TABLE, "requests-table")

    assert "ttl" not in without
    assert named["ttl"] == {"enabled": True, "attributeName": "expires_at"}
