"""What a user's program commonly adds, as the embedded AWS has it afterwards."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.local.aws import resources
from infra.local.aws.emulator import Emulator
from infra.local.aws.not_made import NOT_MADE_HERE
from infra.local.aws.resource_type import Existing

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


TRUSTS_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }
    ],
}
READS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def test_a_message_reaches_the_subscriptions_whose_filter_policy_it_matches(aws: Emulator) -> None:
    topic = made(aws, "aws:sns/topic:Topic", "orders", fifoTopic=False)
    paid, whole = (made(aws, "aws:sqs/queue:Queue", name) for name in ("paid", "whole"))
    for queue, policy in ((paid, {"status": ["paid"]}), (whole, {"status": ["open"]})):
        made(
            aws,
            "aws:sns/topicSubscription:TopicSubscription",
            "s",
            topic=topic["arn"],
            protocol="sqs",
            endpoint=queue["arn"],
            filterPolicy=json.dumps(policy),
            filterPolicyScope="MessageBody",
            rawMessageDelivery=queue is paid,
        )

    for status in ("open", "paid"):
        aws.client("sns").publish(TopicArn=topic["arn"], Message=json.dumps({"status": status}))

    assert bodies(aws, paid) == [{"status": "paid"}]
    (envelope,) = bodies(aws, whole)
    assert json.loads(envelope["Message"]) == {"status": "open"}


def bodies(aws: Emulator, queue: Mapping[str, Any]) -> list[Any]:
    received = aws.client("sqs").receive_message(QueueUrl=queue["url"], MaxNumberOfMessages=10)
    return [json.loads(each["Body"]) for each in received.get("Messages", [])]


def test_a_queue_keeps_its_policy_when_it_gets_a_redrive_policy(aws: Emulator) -> None:
    dead = made(aws, "aws:sqs/queue:Queue", "dead", fifoQueue=True)
    queue = made(aws, "aws:sqs/queue:Queue", "live", fifoQueue=True, contentBasedDeduplication=True)
    redrive = {"deadLetterTargetArn": dead["arn"], "maxReceiveCount": 3}
    made(aws, "aws:sqs/queuePolicy:QueuePolicy", "p", queueUrl=queue["id"], policy=READS)
    made(
        aws,
        "aws:sqs/redrivePolicy:RedrivePolicy",
        "r",
        queueUrl=queue["id"],
        redrivePolicy=json.dumps(redrive),
    )
    made(
        aws,
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "a",
        queueUrl=dead["id"],
        redriveAllowPolicy=json.dumps({"redrivePermission": "allowAll"}),
    )

    assert (queue["name"], dead["name"]) == ("live.fifo", "dead.fifo")
    attributes = aws.client("sqs").get_queue_attributes(
        QueueUrl=queue["url"], AttributeNames=["All"]
    )["Attributes"]
    assert json.loads(attributes["Policy"]) == READS
    assert json.loads(attributes["RedrivePolicy"]) == redrive


def test_an_event_reaches_the_targets_of_the_rules_that_it_matches(aws: Emulator) -> None:
    queue = made(aws, "aws:sqs/queue:Queue", "events")
    bus = made(aws, "aws:cloudwatch/eventBus:EventBus", "orders", description="orders")
    rules = [
        made(
            aws,
            "aws:cloudwatch/eventRule:EventRule",
            f"{source}-placed",
            eventBusName=bus["name"],
            eventPattern=json.dumps({"source": [source]}),
            description="each order",
            tags=TAGS,
        )
        for source in ("shop", "depot")
    ]
    transformer = {
        "inputPaths": {"order": "$.detail.order"},
        "inputTemplate": '{"order": "<order>"}',
    }
    made(
        aws,
        "aws:cloudwatch/eventTarget:EventTarget",
        "t",
        rule=rules[0]["name"],
        eventBusName=bus["name"],
        arn=queue["arn"],
        roleArn="arn:aws:iam::123456789012:role/events",
        inputTransformer=transformer,
    )

    entries = [
        {
            "Source": source,
            "DetailType": "placed",
            "Detail": json.dumps({"order": source}),
            "EventBusName": bus["name"],
        }
        for source in ("shop", "depot")
    ]
    aws.client("events").put_events(Entries=entries)

    assert bodies(aws, queue) == [{"order": "shop"}]


@pytest.mark.parametrize(
    ("inputs", "body"),
    [
        ({"input": '{"kind": "placed"}'}, {"kind": "placed"}),
        ({"inputPath": "$.detail"}, {"order": 7}),
    ],
)
def test_a_target_gets_the_input_that_it_is_to_have(
    aws: Emulator, inputs: dict[str, str], body: dict[str, Any]
) -> None:
    queue = made(aws, "aws:sqs/queue:Queue", "events")
    pattern = json.dumps({"source": ["shop"]})
    rule = made(aws, "aws:cloudwatch/eventRule:EventRule", "r", eventPattern=pattern)
    type_ = "aws:cloudwatch/eventTarget:EventTarget"
    made(aws, type_, "t", rule=rule["name"], arn=queue["arn"], **inputs)

    entry = {"Source": "shop", "DetailType": "placed", "Detail": '{"order": 7}'}
    aws.client("events").put_events(Entries=[entry])

    assert bodies(aws, queue) == [body]


def test_a_target_to_which_nothing_is_put_here_refuses_no_event(aws: Emulator) -> None:
    rule = made(
        aws, "aws:cloudwatch/eventRule:EventRule", "r", eventPattern=json.dumps({"source": ["s"]})
    )
    function = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    target = resources.create(
        aws,
        "aws:cloudwatch/eventTarget:EventTarget",
        "t",
        {"rule": rule["name"], "arn": function},
    )

    entry = {"Source": "s", "DetailType": "placed", "Detail": "{}"}
    assert aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert target[NOT_MADE_HERE] == "all of it: no event is put to lambda here"


def test_a_stream_on_demand_is_encrypted_and_measured_as_asked_for(aws: Emulator) -> None:
    made(
        aws,
        "aws:kinesis/stream:Stream",
        "s",
        streamModeDetails={"streamMode": "ON_DEMAND"},
        encryptionType="KMS",
        kmsKeyId="alias/aws/kinesis",
        shardLevelMetrics=["IncomingBytes"],
        tags=TAGS,
    )

    kinesis = aws.client("kinesis")
    stream = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]
    assert stream["StreamModeDetails"]["StreamMode"] == "ON_DEMAND"
    assert (stream["EncryptionType"], stream["KeyId"]) == ("KMS", "alias/aws/kinesis")
    assert stream["EnhancedMonitoring"] == [{"ShardLevelMetrics": ["IncomingBytes"]}]


def test_a_secret_has_its_policy_and_each_kind_of_value(aws: Emulator) -> None:
    secret = made(
        aws,
        "aws:secretsmanager/secret:Secret",
        "orders/token",
        policy=READS,
        recoveryWindowInDays=0,
        tags=TAGS,
    )
    version = "aws:secretsmanager/secretVersion:SecretVersion"
    secrets = aws.client("secretsmanager")

    made(aws, version, "v1", secretId=secret["id"], secretBinary="aGlkZGVu")
    assert secrets.get_secret_value(SecretId="orders/token")["SecretBinary"] == b"hidden"
    made(aws, version, "v2", secretId=secret["id"], secretStringWo="new", secretStringWoVersion=1)
    assert secrets.get_secret_value(SecretId="orders/token")["SecretString"] == "new"
    policy = secrets.get_resource_policy(SecretId=secret["arn"])["ResourcePolicy"]
    assert json.loads(policy) == READS


def test_a_secure_parameter_has_its_key_and_its_pattern(aws: Emulator) -> None:
    made(
        aws,
        "aws:ssm/parameter:Parameter",
        "token",
        type="SecureString",
        value="abc",
        allowedPattern="[a-z]+",
        keyId="alias/aws/ssm",
        overwrite=True,
        dataType="text",
        tier="Standard",
    )

    ssm = aws.client("ssm")
    assert ssm.get_parameter(Name="token", WithDecryption=True)["Parameter"]["Value"] == "abc"
    (described,) = ssm.describe_parameters()["Parameters"]
    assert (described["KeyId"], described["AllowedPattern"]) == ("alias/aws/ssm", "[a-z]+")


def test_a_key_has_its_use_its_policy_and_its_alias(aws: Emulator) -> None:
    key = made(
        aws,
        "aws:kms/key:Key",
        "k",
        description="signs",
        keyUsage="SIGN_VERIFY",
        customerMasterKeySpec="RSA_2048",
        deletionWindowInDays=7,
        isEnabled=False,
    )
    made(aws, "aws:kms/keyPolicy:KeyPolicy", "p", keyId=key["keyId"], policy=READS)
    alias = made(aws, "aws:kms/alias:Alias", "signing", targetKeyId=key["keyId"])

    kms = aws.client("kms")
    found = kms.describe_key(KeyId="alias/signing")["KeyMetadata"]
    assert (found["KeyUsage"], found["KeySpec"], found["Enabled"]) == (
        "SIGN_VERIFY",
        "RSA_2048",
        False,
    )
    assert alias["targetKeyArn"] == found["Arn"]
    policy = kms.get_key_policy(KeyId=key["keyId"], PolicyName="default")["Policy"]
    assert json.loads(policy) == READS


@pytest.mark.parametrize("days", [None, 14])
def test_a_log_group_keeps_its_events_as_long_as_asked_for(aws: Emulator, days: int | None) -> None:
    group = made(aws, "aws:cloudwatch/logGroup:LogGroup", "/orders", retentionInDays=days)
    made(aws, "aws:cloudwatch/logStream:LogStream", "one", logGroupName=group["name"])

    logs = aws.client("logs")
    (found,) = logs.describe_log_groups(logGroupNamePrefix="/orders")["logGroups"]
    assert found.get("retentionInDays") == days
    (stream,) = logs.describe_log_streams(logGroupName="/orders")["logStreams"]
    assert stream["logStreamName"] == "one"


def test_a_state_machine_notes_its_executions(aws: Emulator) -> None:
    role = made(aws, "aws:iam/role:Role", "states", assumeRolePolicy=TRUSTS_LAMBDA)
    definition = {"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}}
    destination = f"arn:aws:logs:{aws.region}:123456789012:log-group:states:*"
    machine = made(
        aws,
        "aws:sfn/stateMachine:StateMachine",
        "orders",
        roleArn=role["arn"],
        definition=json.dumps(definition),
        type="STANDARD",
        loggingConfiguration={
            "level": "ALL",
            "includeExecutionData": True,
            "logDestination": destination,
        },
        tracingConfiguration={"enabled": True},
        tags=TAGS,
    )

    states = aws.client("stepfunctions")
    states.start_execution(stateMachineArn=machine["arn"], input='{"order": 1}')
    found = states.describe_state_machine(stateMachineArn=machine["arn"])
    assert json.loads(found["definition"]) == definition
    assert found["loggingConfiguration"]["level"] == "ALL"
    assert len(states.list_executions(stateMachineArn=machine["arn"])["executions"]) == 1


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        ("aws:ses/emailIdentity:EmailIdentity", {"email": "shop@example.com"}),
        ("aws:ses/domainIdentity:DomainIdentity", {"domain": "example.com"}),
        ("aws:sesv2/emailIdentity:EmailIdentity", {"emailIdentity": "shop@example.com"}),
        ("aws:sesv2/emailIdentity:EmailIdentity", {"emailIdentity": "example.com", "tags": TAGS}),
    ],
)
def test_a_mail_goes_out_from_an_identity_by_either_api(
    aws: Emulator, type_: str, inputs: dict[str, Any]
) -> None:
    made(aws, type_, "shop", **inputs)
    made(aws, "aws:ses/template:Template", "placed", subject="Placed", text="Thank you")

    to, said = {"ToAddresses": ["you@example.org"]}, {"Data": "hello"}
    message = {"Subject": said, "Body": {"Text": said}}
    aws.client("ses").send_email(Source="shop@example.com", Destination=to, Message=message)
    aws.client("sesv2").send_email(
        FromEmailAddress="shop@example.com", Destination=to, Content={"Simple": message}
    )
    assert aws.client("ses").get_template(TemplateName="placed")["Template"]["TextPart"]


def test_a_role_has_its_inline_and_its_attached_policies(aws: Emulator) -> None:
    made(
        aws,
        "aws:iam/role:Role",
        "orders",
        assumeRolePolicy=TRUSTS_LAMBDA,
        path="/service/",
        description="of orders",
        maxSessionDuration=7200,
        inlinePolicies=[{"name": "inline", "policy": json.dumps(READS)}],
        managedPolicyArns=[BASIC],
        tags=TAGS,
    )
    policy = made(aws, "aws:iam/policy:Policy", "reads", policy=READS, description="reads")
    attachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    made(aws, attachment, "a", role="orders", policyArn=policy["arn"])
    made(aws, "aws:iam/rolePolicy:RolePolicy", "own", role="orders", policy=READS)

    iam = aws.client("iam")
    attached = iam.list_attached_role_policies(RoleName="orders")["AttachedPolicies"]
    assert {each["PolicyArn"] for each in attached} == {BASIC, policy["arn"]}
    assert set(iam.list_role_policies(RoleName="orders")["PolicyNames"]) == {"inline", "own"}
    assert iam.get_role(RoleName="orders")["Role"]["Path"] == "/service/"


@pytest.mark.parametrize("of", ["aws", "123456789012"])
def test_a_policy_that_is_not_here_is_named_and_the_role_made(aws: Emulator, of: str) -> None:
    arn = f"arn:aws:iam::{of}:policy/Elsewhere"
    inputs = {"assumeRolePolicy": TRUSTS_LAMBDA, "managedPolicyArns": [BASIC, arn]}

    role = resources.create(aws, "aws:iam/role:Role", "orders", inputs)
    type_ = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    attachment = resources.create(aws, type_, "a", {"role": "orders", "policyArn": arn})

    said = f"{arn}, which is no policy of this program's or known here"
    assert role[NOT_MADE_HERE] == said
    assert attachment[NOT_MADE_HERE] == f"all of it: {said}"
    with pytest.raises(resources.RefusedError, match="NoSuchEntity"):
        resources.create(aws, type_, "a", {"role": "nobody", "policyArn": BASIC})


def test_a_policy_is_attached_to_several_roles(aws: Emulator) -> None:
    for name in ("one", "two"):
        made(aws, "aws:iam/role:Role", name, assumeRolePolicy=TRUSTS_LAMBDA)
    made(
        aws,
        "aws:iam/policyAttachment:PolicyAttachment",
        "both",
        roles=["one", "two"],
        policyArn=BASIC,
    )

    for name in ("one", "two"):
        (attached,) = aws.client("iam").list_attached_role_policies(RoleName=name)[
            "AttachedPolicies"
        ]
        assert attached["PolicyArn"] == BASIC


def test_a_bucket_has_what_is_set_for_it_in_resources_of_their_own(aws: Emulator) -> None:
    bucket = made(aws, "aws:s3/bucket:Bucket", "archive", forceDestroy=True, tags=TAGS)["bucket"]
    made(
        aws,
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "b",
        bucket=bucket,
        blockPublicAcls=True,
    )
    made(
        aws,
        "aws:s3/bucketVersioning:BucketVersioning",
        "v",
        bucket=bucket,
        versioningConfiguration={"status": "Enabled"},
    )
    made(
        aws,
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "e",
        bucket=bucket,
        rules=[
            {
                "applyServerSideEncryptionByDefault": {
                    "sseAlgorithm": "aws:kms",
                    "kmsMasterKeyId": "alias/aws/s3",
                },
                "bucketKeyEnabled": True,
            }
        ],
    )
    made(
        aws,
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "l",
        bucket=bucket,
        rules=[
            {
                "id": "cold",
                "status": "Enabled",
                "filter": {"prefix": "old/"},
                "transitions": [{"days": 30, "storageClass": "GLACIER"}],
                "expiration": {"days": 365},
            },
            {
                "id": "tagged",
                "status": "Enabled",
                "filter": {"and": {"prefix": "new/", "tags": {"kind": "draft"}}},
                "expiration": {"days": 7},
            },
        ],
    )
    made(aws, "aws:s3/bucketPolicy:BucketPolicy", "p", bucket=bucket, policy=READS)
    made(
        aws,
        "aws:s3/bucketObject:BucketObject",
        "o",
        bucket=bucket,
        key="k",
        content="hello",
        serverSideEncryption="AES256",
        tags={"kind": "a draft"},
    )

    s3 = aws.client("s3")
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert block == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": False,
        "IgnorePublicAcls": False,
        "RestrictPublicBuckets": False,
    }
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (encryption,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"][
        "Rules"
    ]
    assert encryption["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == "alias/aws/s3"
    rule, tagged = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert tagged["Filter"]["And"]["Tags"] == [{"Key": "kind", "Value": "draft"}]
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "kind", "Value": "a draft"}]
    assert (rule["Filter"]["Prefix"], rule["Expiration"]["Days"]) == ("old/", 365)
    assert rule["Transitions"][0]["StorageClass"] == "GLACIER"
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == READS
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"


@pytest.mark.parametrize("type_", ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"])
def test_a_bucket_has_what_is_set_within_it(aws: Emulator, type_: str) -> None:
    default = {"sseAlgorithm": "AES256"}
    bucket = made(
        aws,
        type_,
        "In",
        bucketPrefix="within-",
        acl="private",
        versioning={"enabled": True},
        serverSideEncryptionConfiguration={"rule": {"applyServerSideEncryptionByDefault": default}},
        corsRules=[{"allowedMethods": ["GET"], "allowedOrigins": ["*"], "maxAgeSeconds": 60}],
        policy=READS,
    )["bucket"]

    s3 = aws.client("s3")
    assert bucket == "within-in"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"][0]["MaxAgeSeconds"] == 60


def test_a_table_has_its_items(aws: Emulator) -> None:
    key = {"name": "id", "type": "S"}
    inputs = {"hashKey": "id", "attributes": [key], "billingMode": "PAY_PER_REQUEST"}
    made(aws, "aws:dynamodb/table:Table", "settings", **inputs)
    made(
        aws,
        "aws:dynamodb/tableItem:TableItem",
        "one",
        tableName="settings",
        hashKey="id",
        item=json.dumps({"id": {"S": "one"}, "on": {"BOOL": True}}),
    )

    found = aws.client("dynamodb").get_item(TableName="settings", Key={"id": {"S": "one"}})
    assert found["Item"]["on"] == {"BOOL": True}


@pytest.mark.parametrize(
    ("type_", "inputs", "left_out"),
    [
        ("aws:appsync/graphQLApi:GraphQLApi", {"name": "api"}, "all of it"),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, "all of it"),
        ("aws:nothing/known:Here", {}, "all of it"),
        (
            "aws:sns/topic:Topic",
            {"signatureVersion": 2, "tracingConfig": "Active"},
            "signatureVersion, tracingConfig",
        ),
        ("aws:sns/topic:Topic", {"region": "mars-north-1"}, "region"),
        (
            "aws:cloudwatch/eventRule:EventRule",
            {"scheduleExpression": "rate(1 hour)"},
            "scheduleExpression: nothing runs by the clock here",
        ),
        (
            "aws:sns/topicSubscription:TopicSubscription",
            {"topic": "arn:aws:sns:x:1:t", "protocol": "https", "endpoint": "https://x"},
            "all of it: nothing is delivered to https here",
        ),
        (
            "aws:sqs/queuePolicy:QueuePolicy",
            {"queueUrl": "not-made-here", "policy": "{}"},
            "all of it (it needs what is not made here)",
        ),
        (
            "aws:s3/bucket:Bucket",
            {"website": {"indexDocument": "index.html"}, "versioning": {"mfaDelete": True}},
            "website, versioning.mfaDelete",
        ),
        (
            "aws:dynamodb/tableItem:TableItem",
            {"tableName": "t", "hashKey": "id"},
            "all of it (its inputs are not understood: KeyError: 'item')",
        ),
        (
            "aws:lambda/eventSourceMapping:EventSourceMapping",
            {"eventSourceArn": "arn:aws:sqs:x:1:q", "functionName": "f"},
            "all of it (only streams of DynamoDB are polled here, not arn:aws:sqs:x:1:q)",
        ),
        (
            "pulumi:providers:aws",
            {"region": "mars-north-1", "profile": "shop"},
            "region mars-north-1: all is in ap-northeast-1 here",
        ),
    ],
)
def test_what_is_left_out_is_said(
    aws: Emulator, type_: str, inputs: dict[str, Any], left_out: str
) -> None:
    outputs = resources.create(aws, type_, "odd", inputs)

    assert outputs[NOT_MADE_HERE] == left_out


def test_a_program_can_go_on_with_what_is_made_up(aws: Emulator) -> None:
    outputs = resources.create(aws, "aws:acm/certificate:Certificate", "c", {"domainName": "d"})
    looked_up = resources.look_up(aws, "aws:ec2/getVpc:getVpc", {"default": True})

    assert outputs["arn"] == "arn:aws:acm:::not-made-here/c"
    assert outputs["domainValidationOptions"][0]["resourceRecordName"] == "not-made-here"
    assert len(outputs["subjectAlternativeNames"]) == 3
    assert "domainName" not in outputs
    assert looked_up["id"] == "not-made-here"
    assert looked_up["enableDnsSupport"] is False
    assert looked_up[NOT_MADE_HERE] == "its answer is made up"


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        ("aws:ecr/repository:Repository", {}),
        ("aws:kinesis/stream:Stream", {}),
        ("aws:sns/topic:Topic", {}),
        ("aws:sqs/queue:Queue", {}),
        ("aws:kms/key:Key", {}),
        ("aws:secretsmanager/secret:Secret", {}),
        ("aws:cloudwatch/logGroup:LogGroup", {}),
        ("aws:s3/bucket:Bucket", {}),
        (
            "aws:s3/bucket:Bucket",
            {"serverSideEncryptionConfiguration": {"rule": {"bucketKeyEnabled": True}}},
        ),
    ],
)
@pytest.mark.parametrize("name", ["x", "y" * 600])
def test_what_may_be_left_out_may_be_left_out_the_name_too(
    aws: Emulator, type_: str, inputs: dict[str, Any], name: str
) -> None:
    assert made(aws, type_, name, **inputs)["arn"]


def test_what_aws_refuses_is_one_line(aws: Emulator) -> None:
    nowhere = {"queueUrl": f"{aws.endpoint}/123456789012/none", "policy": "{}"}

    with pytest.raises(resources.RefusedError, match=r"QueuePolicy p: .*NonExistentQueue"):
        resources.create(aws, "aws:sqs/queuePolicy:QueuePolicy", "p", nowhere)
    with pytest.raises(resources.RefusedError, match="Role r: Parameter validation failed"):
        resources.create(aws, "aws:iam/role:Role", "r", {"assumeRolePolicy": "{}", "path": 1})


SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/token-AbCdEf"
EXISTING = {
    "aws:cloudwatch/getEventBus:getEventBus": ("orders", "aws:cloudwatch/eventBus:EventBus"),
    "aws:iam/getRole:getRole": ("orders", None),
    "aws:kinesis/getStream:getStream": ("orders", "aws:kinesis/stream:Stream"),
    "aws:kms/getAlias:getAlias": ("alias/orders", None),
    "aws:sns/getTopic:getTopic": ("orders", "aws:sns/topic:Topic"),
    "aws:sqs/getQueue:getQueue": ("orders", "aws:sqs/queue:Queue"),
    "aws:cloudwatch/getLogGroup:getLogGroup": ("/orders", "aws:cloudwatch/logGroup:LogGroup"),
}


@pytest.mark.parametrize("token", EXISTING)
def test_what_exists_on_aws_is_made_here_when_it_is_looked_up(aws: Emulator, token: str) -> None:
    name, type_ = EXISTING[token]

    assert resources.look_up(aws, token, {"name": name})[NOT_MADE_HERE]
    assert NOT_MADE_HERE not in resources.look_up(aws, token, {"name": name})
    if type_ is not None:
        own = made(aws, type_, "own")
        found = resources.look_up(aws, token, {"name": "own"})
        assert NOT_MADE_HERE not in found
        assert (found["arn"], found["id"]) == (own["arn"], own["id"])


def test_a_value_that_exists_on_aws_stands_here_as_one_that_is_made_up(aws: Emulator) -> None:
    parameter = "aws:ssm/getParameter:getParameter"
    secret = "aws:secretsmanager/getSecretVersion:getSecretVersion"
    on_aws = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/token-AbCdEf"

    found = resources.look_up(aws, parameter, {"name": "/shop/url"})
    assert (found["value"], found["type"]) == ("not-made-here", "String")
    found = resources.look_up(aws, secret, {"secretId": on_aws})
    assert found["secretString"] == "not-made-here"
    made(aws, "aws:ssm/parameter:Parameter", "/own", type="String", value="own")
    found = resources.look_up(aws, parameter, {"name": "/own"})
    assert (found["value"], NOT_MADE_HERE in found) == ("own", False)


def test_a_resource_that_the_program_gets_is_made_here_by_its_id(aws: Emulator) -> None:
    arn = f"arn:aws:sns:{aws.region}:123456789012:existing"

    found = resources.read(aws, "aws:sns/topic:Topic", "mine", arn)

    assert (found["arn"], found["name"]) == (arn, "existing")
    aws.client("sns").publish(TopicArn=arn, Message="hello")


@pytest.mark.parametrize(
    ("type_", "id_", "output", "value"),
    [
        ("aws:iam/role:Role", "shop", "arn", "arn:aws:iam::123456789012:role/shop"),
        ("aws:ssm/parameter:Parameter", "/shop/url", "value", "not-made-here"),
        ("aws:secretsmanager/secret:Secret", SECRET, "name", "shop/token"),
        ("aws:cloudwatch/eventBus:EventBus", "default", "name", "default"),
        ("aws:s3/bucket:Bucket", "shop-files", "arn", "arn:aws:s3:::shop-files"),
        ("aws:cloudwatch/logGroup:LogGroup", "/aws/lambda/shop", "name", "/aws/lambda/shop"),
        ("aws:ec2/vpc:Vpc", "vpc-1", "cidrBlock", "not-made-here"),
        ("aws:dynamodb/table:Table", "catalogue", "hashKey", "not-made-here"),
    ],
)
def test_each_kind_of_resource_can_be_got(
    aws: Emulator, type_: str, id_: str, output: str, value: str
) -> None:
    found = resources.read(aws, type_, "mine", id_)

    assert found.get(output) == value


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        ("aws:sqs/queuePolicy:QueuePolicy", {"queueUrl": "not-made-here", "policy": "{}"}),
        (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": "gone", "policyArn": "arn:aws:iam::aws:policy/Elsewhere"},
        ),
        (
            "aws:sns/topicSubscription:TopicSubscription",
            {"topic": "arn:aws:sns:x:1:t", "protocol": "sms", "endpoint": "1"},
        ),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}),
    ],
)
def test_what_was_not_made_or_is_gone_is_deleted_without_a_word(
    aws: Emulator, type_: str, inputs: dict[str, Any]
) -> None:
    made(aws, "aws:iam/role:Role", "gone", assumeRolePolicy=TRUSTS_LAMBDA)
    outputs = resources.create(aws, type_, "p", inputs)
    existing = Existing(id=str(outputs["id"]), state={**inputs, **outputs})

    resources.delete(aws, type_, existing)


def test_a_reference_to_another_stack_is_no_resource(aws: Emulator) -> None:
    found = resources.read(aws, resources.STACK_REFERENCE, "platform", "org/platform/prod")

    assert found == {"name": "org/platform/prod", "outputs": {}, "secretOutputNames": []}


def test_a_table_is_made_where_the_program_says_its_key(aws: Emulator) -> None:
    state = {"hashKey": "id", "attributes": [{"name": "id", "type": "S"}]}

    known = resources.read(aws, resources.TABLE, "counts", "counts", state)
    unknown = resources.read(aws, resources.TABLE, "others", "others")

    assert known[NOT_MADE_HERE] == "exists on AWS; made here, empty"
    aws.client("dynamodb").put_item(TableName="counts", Item={"id": {"S": "one"}})
    assert unknown[NOT_MADE_HERE].endswith("with hash_key and attributes in its get it is made")


def test_a_local_index_has_the_partition_key_of_either_form(aws: Emulator) -> None:
    names = ("id", "at", "size")
    key = [{"attributeName": "id", "keyType": "HASH"}, {"attributeName": "at", "keyType": "RANGE"}]
    index = {"name": "by-size", "rangeKey": "size", "projectionType": "ALL"}
    inputs = {
        "keySchemas": key,
        "attributes": [{"name": name, "type": "S"} for name in names],
        "billingMode": "PAY_PER_REQUEST",
        "localSecondaryIndexes": [index],
    }

    made(aws, resources.TABLE, "sized", **inputs)

    found = aws.client("dynamodb").describe_table(TableName="sized")["Table"]
    (local,) = found["LocalSecondaryIndexes"]
    assert [each["AttributeName"] for each in local["KeySchema"]] == ["id", "size"]


def test_what_a_delivery_stream_gets_stands_in_the_bucket(aws: Emulator) -> None:
    bucket = made(aws, "aws:s3/bucket:Bucket", "archive")
    type_ = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
    to = {
        "bucketArn": bucket["arn"],
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "prefix": "in/",
    }
    inputs = {
        "destination": "extended_s3",
        "extendedS3Configuration": {**to, "bufferingSize": 64, "compressionFormat": "GZIP"},
    }

    outputs = resources.create(aws, type_, "archive", inputs)

    assert outputs[NOT_MADE_HERE] == "extendedS3Configuration.compressionFormat"
    records = [{"Data": b"one"}, {"Data": b"two"}]
    aws.client("firehose").put_record_batch(DeliveryStreamName="archive", Records=records)
    (found,) = aws.client("s3").list_objects_v2(Bucket="archive", Prefix="in/")["Contents"]
    body = aws.client("s3").get_object(Bucket="archive", Key=found["Key"])["Body"].read()
    assert body == b"onetwo"
    elsewhere = resources.create(aws, type_, "search", {"destination": "opensearch"})
    assert "elsewhere than to S3" in elsewhere[NOT_MADE_HERE]


def test_a_file_says_what_other_stacks_export(aws: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "tests/yours/stack-outputs.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("org/platform/prod: {vpcId: vpc-1, zones: [a, b]}")
    aws.folder = tmp_path

    found = resources.read(aws, resources.STACK_REFERENCE, "platform", "org/platform/prod")

    assert found["outputs"] == {"vpcId": "vpc-1", "zones": ["a", "b"]}
    file.write_text("- vpc-1")
    with pytest.raises(resources.RefusedError, match=r"stack-outputs\.yaml must be a mapping"):
        resources.read(aws, resources.STACK_REFERENCE, "platform", "org/platform/prod")


@pytest.mark.parametrize("type_", ["aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"])
def test_a_permission_on_what_is_made_up_is_one_on_anything(aws: Emulator, type_: str) -> None:
    role = made(aws, "aws:iam/role:Role", "caller", assumeRolePolicy=TRUSTS_LAMBDA)["name"]
    made_up, own = "not-made-here/*", "arn:aws:s3:::own"
    statements = [
        {"Effect": effect, "Action": "s3:GetObject", "Resource": resource}
        for effect in ("Allow", "Deny")
        for resource in (made_up, own)
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})

    inputs = {"policy": policy} | ({"role": role} if "role" in type_ else {})
    outputs = resources.create(aws, type_, "read", inputs)

    assert outputs[NOT_MADE_HERE].startswith("what the policy names")
    iam = aws.client("iam")
    if "role" in type_:
        found = iam.get_role_policy(RoleName=role, PolicyName="read")["PolicyDocument"]
    else:
        version = {"PolicyArn": outputs["arn"], "VersionId": "v1"}
        found = iam.get_policy_version(**version)["PolicyVersion"]["Document"]
    resources_of = [(each["Effect"], each["Resource"]) for each in found["Statement"]]
    assert resources_of == [("Allow", "*"), ("Allow", own), ("Deny", own)]


def test_the_source_of_an_object_is_a_file_beside_the_program(
    aws: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("<p>hello</p>")
    aws.folder = tmp_path
    bucket = made(aws, "aws:s3/bucket:Bucket", "pages")["bucket"]
    type_ = "aws:s3/bucketObjectv2:BucketObjectv2"
    made(aws, type_, "o", bucket=bucket, key="page", source=pulumi.FileAsset("page.html"))

    found = aws.client("s3").get_object(Bucket=bucket, Key="page")["Body"].read()
    assert found == b"<p>hello</p>"
    inputs = {"bucket": bucket, "key": "all", "source": pulumi.FileArchive(".")}
    assert "an archive is not packed" in resources.create(aws, type_, "a", inputs)[NOT_MADE_HERE]
    inputs["source"] = pulumi.FileAsset("nowhere.html")
    with pytest.raises(resources.RefusedError, match=r"No such file.*nowhere\.html"):
        resources.create(aws, type_, "n", inputs)


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
