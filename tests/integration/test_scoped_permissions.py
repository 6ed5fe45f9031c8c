"""A user's `process` that calls many services, each by a permission on one ARN and no other."""

from pathlib import Path
from textwrap import dedent
from typing import Final

import pytest

from infra.local import LocalDeployment
from tests.integration.conftest import Deploy, item, parked
from tests.project import copy_of_project

SETTINGS: Final = """
    import dataclasses


    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        topic_arn: str
        queue_url: str
        bus: str
        stream: str
        parameter: str
        secret_arn: str
        machine_arn: str
        bucket: str
        key_arn: str
        orders: str
"""
PROCESS: Final = """
    import json
    import os

    import boto3
    from botocore.exceptions import ClientError

    from handler.environ import settings_from
    from handler.records import RejectedRequestError, Request
    from handler.settings import Settings

    SETTINGS = settings_from(os.environ, Settings)
    SENDER = "shop@example.com"


    def process(request: Request) -> None:
        try:
            call_all()
        except ClientError as error:
            raise RejectedRequestError(str(error)) from error


    def call_all() -> None:
        text = boto3.client("ssm").get_parameter(Name=SETTINGS.parameter)["Parameter"]["Value"]
        secrets = boto3.client("secretsmanager")
        text += secrets.get_secret_value(SecretId=SETTINGS.secret_arn)["SecretString"]
        boto3.client("sns").publish(TopicArn=SETTINGS.topic_arn, Message=text)
        entries = [{"Id": "one", "MessageBody": text}]
        boto3.client("sqs").send_message_batch(QueueUrl=SETTINGS.queue_url, Entries=entries)
        event = {"Source": "shop", "DetailType": "placed", "EventBusName": SETTINGS.bus}
        detail = json.dumps({"text": text})
        boto3.client("events").put_events(Entries=[{**event, "Detail": detail}])
        records = [{"Data": text.encode(), "PartitionKey": "one"}]
        boto3.client("kinesis").put_records(StreamName=SETTINGS.stream, Records=records)
        boto3.client("stepfunctions").start_execution(
            stateMachineArn=SETTINGS.machine_arn, input=detail
        )
        body = {"Data": text}
        boto3.client("sesv2").send_email(
            FromEmailAddress=SENDER,
            Destination={"ToAddresses": ["you@example.com"]},
            Content={"Simple": {"Subject": body, "Body": {"Text": body}}},
        )
        kms = boto3.client("kms")
        kept = kms.encrypt(KeyId=SETTINGS.key_arn, Plaintext=text.encode())["CiphertextBlob"]
        s3 = boto3.client("s3")
        s3.put_object(Bucket=SETTINGS.bucket, Key="kept/one", Body=kept)
        found = s3.get_object(Bucket=SETTINGS.bucket, Key="kept/one")["Body"].read()
        assert kms.decrypt(CiphertextBlob=found)["Plaintext"].decode() == text
        dynamodb = boto3.client("dynamodb")
        key = {"id": {"S": "one"}}
        put = {"PutRequest": {"Item": {**key, "status": {"S": "open"}}}}
        dynamodb.batch_write_item(RequestItems={SETTINGS.orders: [put]})
        dynamodb.batch_get_item(RequestItems={SETTINGS.orders: {"Keys": [key]}})
        change = {"TableName": SETTINGS.orders, "Key": key}
        dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        **change,
                        "UpdateExpression": "SET paid = :paid",
                        "ExpressionAttributeValues": {":paid": {"BOOL": True}},
                    }
                }
            ]
        )
        dynamodb.transact_get_items(TransactItems=[{"Get": change}])
        dynamodb.query(
            TableName=SETTINGS.orders,
            IndexName="by-status",
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": {"S": "open"}},
        )
"""
YOURS: Final = """
    import json

    import pulumi
    import pulumi_aws as aws

    from infra.additions import Additions, allow

    TRUST = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "states.amazonaws.com"},
            }
        ],
    }
    MACHINE = {"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}}


    def additions() -> Additions:
        key = aws.kms.Key("shop", enable_key_rotation=True)
        queue = aws.sqs.Queue("mail")
        topic = aws.sns.Topic("placed")
        aws.sns.TopicSubscription(
            "mail", topic=topic.arn, protocol="sqs", endpoint=queue.arn, raw_message_delivery=True
        )
        bus = aws.cloudwatch.EventBus("shop")
        rule = aws.cloudwatch.EventRule(
            "placed", event_bus_name=bus.name, event_pattern=json.dumps({"source": ["shop"]})
        )
        aws.cloudwatch.EventTarget(
            "mail", rule=rule.name, event_bus_name=bus.name, arn=queue.arn, input_path="$.detail"
        )
        stream = aws.kinesis.Stream("shop", shard_count=1)
        parameter = aws.ssm.Parameter("greeting", name="/shop/greeting", type="String", value="hi ")
        secret = aws.secretsmanager.Secret("name")
        aws.secretsmanager.SecretVersion("name", secret_id=secret.id, secret_string="you")
        role = aws.iam.Role("machine", assume_role_policy=TRUST)
        statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue.arn}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        aws.iam.RolePolicy("machine", role=role, policy=policy)
        machine = aws.sfn.StateMachine(
            "shop", role_arn=role.arn, definition=json.dumps(MACHINE)
        )
        domain = aws.sesv2.EmailIdentity("shop", email_identity="example.com")
        bucket = aws.s3.Bucket("kept")
        orders = aws.dynamodb.Table(
            "orders",
            hash_key="id",
            billing_mode="PAY_PER_REQUEST",
            attributes=[{"name": "id", "type": "S"}, {"name": "status", "type": "S"}],
            global_secondary_indexes=[
                {"name": "by-status", "hash_key": "status", "projection_type": "ALL"}
            ],
        )
        items = [f"dynamodb:{each}" for each in (
            "BatchWriteItem", "BatchGetItem", "UpdateItem", "GetItem"
        )]
        return Additions(
            settings={
                "topic_arn": topic.arn,
                "queue_url": queue.url,
                "bus": bus.name,
                "stream": stream.name,
                "parameter": parameter.name,
                "secret_arn": secret.arn,
                "machine_arn": machine.arn,
                "bucket": bucket.bucket,
                "key_arn": key.arn,
                "orders": orders.name,
            },
            policies={
                "sns": allow("sns:Publish", topic.arn),
                "sqs": allow("sqs:SendMessage", queue.arn),
                "events": allow("events:PutEvents", bus.arn),
                "kinesis": allow("kinesis:PutRecords", stream.arn),
                "ssm": allow("ssm:GetParameter", parameter.arn),
                "secretsmanager": allow("secretsmanager:GetSecretValue", secret.arn),
                "states": allow("states:StartExecution", machine.arn),
                "ses": allow("ses:SendEmail", domain.arn),
                "s3": allow(
                    ["s3:PutObject", "s3:GetObject"],
                    pulumi.Output.concat(bucket.arn, "/kept/*"),
                ),
                "kms": allow(["kms:Encrypt", "kms:Decrypt"], key.arn),
                "dynamodb": allow(items, orders.arn),
                "index": allow(
                    "dynamodb:Query", pulumi.Output.concat(orders.arn, "/index/by-status")
                ),
            },
        )
"""


PROGRAM: Final = """
    import pulumi

    from handler.contract import CONTRACT
    from infra.config.stack import StackConfig
    from infra.pipeline import RequestsPipeline, export
    from infra.yours import additions

    config = StackConfig.load(pulumi.Config(), CONTRACT)
    export(RequestsPipeline("requests", config, additions()))
"""


def files(yours: str = YOURS) -> dict[str, str]:
    """What the user writes, by the paths."""
    return {
        "__main__.py": dedent(PROGRAM),
        "handler/settings.py": dedent(SETTINGS),
        "handler/process.py": dedent(PROCESS),
        "infra/yours.py": dedent(yours),
    }


def project(folder: Path, yours: str = YOURS) -> Path:
    copied = copy_of_project(folder)
    for name, text in files(yours).items():
        (copied / name).write_text(text, encoding="utf-8")
    return copied


def received(deployment: LocalDeployment) -> list[str]:
    url = deployment.client("sqs").get_queue_url(QueueName="mail")["QueueUrl"]
    answer = deployment.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return sorted(each["Body"] for each in answer.get("Messages", []))


def test_each_call_is_allowed_by_a_permission_on_its_own_arn(
    deploy: Deploy, tmp_path: Path
) -> None:
    with deploy(project=project(tmp_path / "project"), code=None) as deployment:
        put(deployment)

        assert deployment.metrics["FailedInvokeEventCount"] == 0
        assert parked(deployment) == []
        assert received(deployment) == ["hi you", "hi you", '{"text": "hi you"}']


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ('"sns:Publish", topic.arn', "SNS:Publish on resource: arn:aws:sns:"),
        ('"kms:Decrypt"], key.arn', "kms:Encrypt on resource: arn:aws:kms:"),
        ("items, orders.arn", "dynamodb:BatchWriteItem on resource: arn:aws:dynamodb:"),
    ],
)
def test_a_permission_on_another_arn_is_none(
    deploy: Deploy, tmp_path: Path, given: str, refused: str
) -> None:
    assert given in YOURS
    elsewhere = YOURS.replace(given, f'{given.rpartition(", ")[0]}, "{OTHER}"')

    with deploy(project=project(tmp_path / "project", elsewhere), code=None) as deployment:
        put(deployment)
        (key,) = parked(deployment)
        bucket = deployment.outputs["failureBucket"]
        found = deployment.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    assert refused in found.decode()


OTHER: Final = "arn:aws:service:ap-northeast-1:123456789012:another"


def put(deployment: LocalDeployment) -> None:
    deployment.client("dynamodb").put_item(
        TableName=deployment.outputs["tableName"], Item=item("order-1")
    )
    deployment.drain(timeout=300)
