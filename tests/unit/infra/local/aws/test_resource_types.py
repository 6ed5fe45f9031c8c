"""The program's resources change and go in the embedded AWS as they came."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.aws import resources
from infra.local.aws.emulator import Emulator
from infra.local.aws.not_made import NOT_MADE_HERE
from infra.local.aws.resource_type import Existing

TABLE = "aws:dynamodb/table:Table"
BUCKET = "aws:s3/bucket:Bucket"
ROLE = "aws:iam/role:Role"
REPOSITORY = "aws:ecr/repository:Repository"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)


def made(aws: Emulator, type_: str, inputs: Mapping[str, Any], name: str = "made") -> Existing:
    outputs = resources.create(aws, type_, name, inputs)
    return Existing(id=outputs["id"], state={**inputs, **outputs})


def changed(aws: Emulator, type_: str, old: Existing, **inputs: Any) -> Existing:
    others = {key for key, value in inputs.items() if old.get(key) != value}
    outputs = resources.update(aws, type_, old, inputs, changed=others)
    assert NOT_MADE_HERE not in outputs
    return Existing(id=old.id, state={**old.state, **inputs, **outputs})


def found(aws: Emulator, type_: str, id_: str) -> Mapping[str, Any] | None:
    read = resources.type_of(type_).read
    assert read is not None
    return read(aws, id_)


def delete(aws: Emulator, type_: str, existing: Existing) -> None:
    resources.type_of(type_).delete(aws, existing)


KEYED: dict[str, Any] = {
    "attributes": [{"name": "id", "type": "S"}],
    "hashKey": "id",
    "billingMode": "PAY_PER_REQUEST",
    "streamEnabled": True,
    "streamViewType": "NEW_IMAGE",
    "ttl": {"enabled": False, "attributeName": "until"},
    "pointInTimeRecovery": {"enabled": False},
    "deletionProtectionEnabled": True,
    "tags": {"Team": "orders", "Old": "1"},
}


def test_a_table_takes_over_what_is_changed(aws: Emulator) -> None:
    before = made(aws, TABLE, KEYED)

    changed(
        aws,
        TABLE,
        before,
        **{
            **KEYED,
            "ttl": {"enabled": True, "attributeName": "until"},
            "pointInTimeRecovery": {"enabled": True},
            "deletionProtectionEnabled": False,
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": "arn:aws:kms:x:1:key/1"},
            "tags": {"Team": "payments"},
        },
    )

    after = found(aws, TABLE, "made")
    assert after is not None
    assert after["ttl"] == {"enabled": True, "attributeName": "until"}
    assert after["pointInTimeRecovery"] == {"enabled": True}
    assert after["deletionProtectionEnabled"] is False
    assert after["tags"] == {"Team": "payments"}
    assert after["streamArn"] == before["streamArn"]
    table = aws.client("dynamodb").describe_table(TableName="made")["Table"]
    assert table["SSEDescription"]["KMSMasterKeyArn"] == "arn:aws:kms:x:1:key/1"


def test_a_table_gets_and_loses_an_index(aws: Emulator) -> None:
    attributes = [*KEYED["attributes"], {"name": "by", "type": "N"}]
    index = {"name": "by-by", "hashKey": "by", "projectionType": "ALL"}
    with_index = {**KEYED, "attributes": attributes, "globalSecondaryIndexes": [index]}

    table = changed(aws, TABLE, made(aws, TABLE, KEYED), **with_index)
    names = aws.client("dynamodb").describe_table(TableName="made")["Table"]
    assert [each["IndexName"] for each in names["GlobalSecondaryIndexes"]] == ["by-by"]
    changed(aws, TABLE, table, **{**KEYED, "globalSecondaryIndexes": []})
    gone = aws.client("dynamodb").describe_table(TableName="made")["Table"]
    assert not gone.get("GlobalSecondaryIndexes")


def test_another_view_type_is_another_stream(aws: Emulator) -> None:
    before = made(aws, TABLE, KEYED)

    after = changed(aws, TABLE, before, **{**KEYED, "streamViewType": "NEW_AND_OLD_IMAGES"})

    assert after["streamArn"] != before["streamArn"]
    table = found(aws, TABLE, "made")
    assert table is not None
    assert table["streamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["streamArn"] == after["streamArn"]


def test_a_table_is_found_as_it_was_made(aws: Emulator) -> None:
    made(aws, TABLE, KEYED)

    assert found(aws, TABLE, "made") is not None
    as_found = dict(found(aws, TABLE, "made") or {})
    assert {key: as_found.get(key) for key in KEYED if key != "ttl"} == {
        key: value for key, value in KEYED.items() if key != "ttl"
    }


def test_a_protected_table_is_not_deleted(aws: Emulator) -> None:
    table = made(aws, TABLE, KEYED)

    with pytest.raises(ClientError, match="DeletionProtectionEnabled"):
        delete(aws, TABLE, table)
    delete(aws, TABLE, changed(aws, TABLE, table, **{**KEYED, "deletionProtectionEnabled": False}))
    assert found(aws, TABLE, "made") is None


def test_a_bucket_with_objects_goes_by_force_only(aws: Emulator) -> None:
    bucket = made(aws, BUCKET, {"bucket": "made"})
    aws.client("s3").put_bucket_versioning(
        Bucket="made", VersioningConfiguration={"Status": "Enabled"}
    )
    aws.client("s3").put_object(Bucket="made", Key="a", Body=b"1")

    with pytest.raises(ClientError, match="BucketNotEmpty"):
        delete(aws, BUCKET, bucket)
    delete(aws, BUCKET, Existing(id="made", state={**bucket.state, "forceDestroy": True}))
    assert found(aws, BUCKET, "made") is None


def test_a_role_goes_with_policies_that_outlived_their_setting(aws: Emulator) -> None:
    role = made(aws, ROLE, {"assumeRolePolicy": TRUST, "forceDetachPolicies": True})
    policy = made(aws, "aws:iam/rolePolicy:RolePolicy", {"role": "made", "policy": POLICY}, "p")

    assert policy.id == "made:p"
    delete(aws, ROLE, role)
    assert found(aws, ROLE, "made") is None


def test_a_log_group_keeps_its_lines_for_another_time(aws: Emulator) -> None:
    group = made(aws, LOG_GROUP, {"retentionInDays": 30})

    changed(aws, LOG_GROUP, group, retentionInDays=7)

    assert (found(aws, LOG_GROUP, "made") or {})["retentionInDays"] == 7
    delete(aws, LOG_GROUP, group)
    assert found(aws, LOG_GROUP, "made") is None


def test_an_unknown_type_is_said_not_to_be_made(aws: Emulator) -> None:
    unknown = made(aws, "aws:x/y:Y", {"a": 1})

    outputs = resources.update(aws, "aws:x/y:Y", unknown, {"a": 2}, changed={"a"})

    assert outputs == {NOT_MADE_HERE: "all of it"}
    delete(aws, "aws:x/y:Y", unknown)


def test_an_input_that_is_not_changed_here_is_said(aws: Emulator) -> None:
    stream = made(aws, "aws:kinesis/stream:Stream", {"shardCount": 1})

    outputs = resources.update(
        aws, "aws:kinesis/stream:Stream", stream, {"shardCount": 2}, changed={"shardCount"}
    )

    assert outputs == {NOT_MADE_HERE: "shardCount"}
