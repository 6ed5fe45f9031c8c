"""What a user's program commonly adds, as the embedded AWS has it afterwards."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.aws import resources
from infra.local.aws.emulator import Emulator
from infra.local.aws.resources import NOT_MADE_HERE

TAGS = {"Team": "orders"}


def made(aws: Emulator, type_: str, name: str, **inputs: Any) -> Mapping[str, Any]:
    outputs = resources.create(aws, type_, name, inputs)
    assert NOT_MADE_HERE not in outputs
    return outputs


def test_a_topic_reaches_the_queue_that_is_subscribed_to_it(aws: Emulator) -> None:
    topic = made(aws, "aws:sns/topic:Topic", "t-orders", displayName="Orders", tags=TAGS)
    queue = made(aws, "aws:sqs/queue:Queue", "q-orders", visibilityTimeoutSeconds=90)
    made(aws, "aws:sqs/queuePolicy:QueuePolicy", "p", queueUrl=queue["id"], policy=ANYBODY)
    made(aws, "aws:sns/topicPolicy:TopicPolicy", "p", arn=topic["arn"], policy=ANYBODY)
    made(
        aws,
        "aws:sns/topicSubscription:TopicSubscription",
        "s",
        topic=topic["id"],
        protocol="sqs",
        endpoint=queue["arn"],
        rawMessageDelivery=True,
    )

    aws.client("sns").publish(TopicArn=topic["arn"], Message="hello")
    sqs = aws.client("sqs")
    (message,) = sqs.receive_message(QueueUrl=queue["url"])["Messages"]
    assert message["Body"] == "hello"
    attributes = sqs.get_queue_attributes(QueueUrl=queue["url"], AttributeNames=["All"])
    assert attributes["Attributes"]["VisibilityTimeout"] == "90"


def test_a_rule_of_a_bus_has_its_target(aws: Emulator) -> None:
    bus = made(aws, "aws:cloudwatch/eventBus:EventBus", "b-orders")
    queue = made(aws, "aws:sqs/queue:Queue", "q-events")
    pattern = json.dumps({"source": ["orders"]})
    rule = made(
        aws,
        "aws:cloudwatch/eventRule:EventRule",
        "r-orders",
        eventBusName=bus["name"],
        eventPattern=pattern,
    )
    made(
        aws,
        "aws:cloudwatch/eventTarget:EventTarget",
        "target",
        rule=rule["name"],
        arn=queue["arn"],
        eventBusName=bus["name"],
    )

    events = aws.client("events")
    (target,) = events.list_targets_by_rule(Rule="r-orders", EventBusName="b-orders")["Targets"]
    assert target["Arn"] == queue["arn"]
    assert events.describe_rule(Name="r-orders", EventBusName="b-orders")["EventPattern"] == pattern


def test_a_stream_a_parameter_a_secret_and_a_key_are_as_they_were_asked_for(
    aws: Emulator,
) -> None:
    stream = made(aws, "aws:kinesis/stream:Stream", "k-orders", shardCount=2, retentionPeriod=48)
    parameter = made(
        aws, "aws:ssm/parameter:Parameter", "/orders/url", type="String", value="https://x"
    )
    secret = made(aws, "aws:secretsmanager/secret:Secret", "s-orders", description="a token")
    version = "aws:secretsmanager/secretVersion:SecretVersion"
    made(aws, version, "v", secretId=secret["id"], secretString="hidden")
    key = made(aws, "aws:kms/key:Key", "k", enableKeyRotation=True, tags=TAGS)
    made(aws, "aws:kms/alias:Alias", "alias/orders", targetKeyId=key["keyId"])

    described = aws.client("kinesis").describe_stream(StreamName=stream["name"])
    assert described["StreamDescription"]["RetentionPeriodHours"] == 48
    assert len(described["StreamDescription"]["Shards"]) == 2
    value = aws.client("ssm").get_parameter(Name=parameter["name"])["Parameter"]["Value"]
    assert value == "https://x"
    secrets = aws.client("secretsmanager")
    assert secrets.get_secret_value(SecretId=secret["arn"])["SecretString"] == "hidden"
    kms = aws.client("kms")
    assert kms.get_key_rotation_status(KeyId=key["keyId"])["KeyRotationEnabled"]
    assert kms.describe_key(KeyId="alias/orders")["KeyMetadata"]["Arn"] == key["arn"]


def test_a_table_has_its_sort_key_indexes_and_capacity(aws: Emulator) -> None:
    made(
        aws,
        "aws:dynamodb/table:Table",
        "orders",
        hashKey="customer",
        rangeKey="placed",
        readCapacity=5,
        writeCapacity=2,
        attributes=[
            {"name": name, "type": type_}
            for name, type_ in [("customer", "S"), ("placed", "N"), ("status", "S")]
        ],
        globalSecondaryIndexes=[
            {
                "name": "by-status",
                "keySchemas": [{"attributeName": "status", "keyType": "HASH"}],
                "projectionType": "KEYS_ONLY",
                "readCapacity": 3,
                "writeCapacity": 1,
            }
        ],
        localSecondaryIndexes=[
            {"name": "local", "rangeKey": "status", "projectionType": "ALL"},
        ],
    )

    table = aws.client("dynamodb").describe_table(TableName="orders")["Table"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["customer", "placed"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["KeySchema"] == [{"AttributeName": "status", "KeyType": "HASH"}]
    assert index["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
    (local,) = table["LocalSecondaryIndexes"]
    assert [key["AttributeName"] for key in local["KeySchema"]] == ["customer", "status"]


@pytest.mark.parametrize(
    ("type_", "inputs", "left_out"),
    [
        ("aws:appsync/graphQLApi:GraphQLApi", {"name": "api"}, "all of it"),
        ("aws:sns/topic:Topic", {"signatureVersion": 2, "tracingConfig": "Active"}, "signature"),
    ],
)
def test_what_is_left_out_is_said(
    aws: Emulator, type_: str, inputs: dict[str, Any], left_out: str
) -> None:
    outputs = resources.create(aws, type_, "odd", inputs)

    assert left_out in outputs[NOT_MADE_HERE]
    assert outputs["arn"].startswith("arn:aws:")


def test_the_common_look_ups_are_answered(aws: Emulator) -> None:
    identity = resources.look_up(aws, "aws:index/getCallerIdentity:getCallerIdentity", {})
    region = resources.look_up(aws, "aws:index/getRegion:getRegion", {})
    document = resources.look_up(
        aws,
        "aws:iam/getPolicyDocument:getPolicyDocument",
        {
            "statements": [
                {
                    "actions": ["sns:Publish"],
                    "resources": ["*"],
                    "principals": [{"type": "Service", "identifiers": ["lambda.amazonaws.com"]}],
                    "conditions": [{"test": "StringEquals", "variable": "a", "values": ["b"]}],
                }
            ]
        },
    )

    assert (identity["accountId"], region["region"]) == ("123456789012", aws.region)
    (statement,) = json.loads(document["json"])["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": ["sns:Publish"],
        "Resource": ["*"],
        "Principal": {"Service": ["lambda.amazonaws.com"]},
        "Condition": {"StringEquals": {"a": ["b"]}},
    }


ANYBODY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
)
