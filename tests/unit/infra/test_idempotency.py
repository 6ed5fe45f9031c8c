"""The table that remembers which events were processed."""

from handler.config import (
    IDEMPOTENCY_EXPIRY_ATTRIBUTE,
    IDEMPOTENCY_KEY_ATTRIBUTE,
    HandlerConfig,
)
from tests.plan import FUNCTION, TABLE, plan_of


def test_the_table_has_the_key_and_the_expiry_that_the_handler_writes() -> None:
    table = plan_of().inputs_of(TABLE, "requests-idempotency")

    assert table["hashKey"] == IDEMPOTENCY_KEY_ATTRIBUTE
    assert table["attributes"] == [{"name": IDEMPOTENCY_KEY_ATTRIBUTE, "type": "S"}]
    assert table["ttl"] == {"enabled": True, "attributeName": IDEMPOTENCY_EXPIRY_ATTRIBUTE}


def test_the_table_is_paid_per_request_and_encrypted_and_has_no_stream() -> None:
    table = plan_of().inputs_of(TABLE, "requests-idempotency")

    assert table["billingMode"] == "PAY_PER_REQUEST"
    assert table["serverSideEncryption"] == {"enabled": True}
    assert "streamEnabled" not in table


def test_the_role_may_do_what_the_handler_does_and_no_more() -> None:
    policy = plan_of().policy("requests-processor-idempotency")

    assert set(policy["RememberEvents"]["Action"]) == {
        "dynamodb:BatchWriteItem",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PutItem",
    }
    assert policy["RememberEvents"]["Resource"].endswith(":table/requests-idempotency")


def test_switched_off_there_is_neither_table_nor_right_nor_word_of_it() -> None:
    plan = plan_of({"idempotency": {"enabled": False}})

    told = HandlerConfig.from_environ(plan.inputs_of(FUNCTION)["environment"]["variables"])
    assert [table.name for table in plan.of_type(TABLE)] == ["requests-table"]
    assert "requests-processor-idempotency" not in plan.names()
    assert "idempotencyTable" not in plan.exports
    assert told.idempotency_table is None
