"""Permissions scoped to an ARN, for the services that `process` commonly calls."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.aws import resources
from infra.local.aws.emulator import Emulator
from tests.unit.infra.local.aws.roles import role_with

ROLE = "arn:aws:iam::123456789012:role/states"
Prepared = tuple[str, str, dict[str, Any]]
"""The ARN that a policy names, the call, and its parameters."""
Call = tuple[str, dict[str, Any]]
"""A call and its parameters."""


def topic(aws: Emulator) -> Prepared:
    arn = resources.create(aws, "aws:sns/topic:Topic", "scoped", {})["arn"]
    return arn, "publish", {"TopicArn": arn, "Message": "hello"}


def topic_of_a_batch(aws: Emulator) -> Prepared:
    arn, _, _ = topic(aws)
    entries = [{"Id": "one", "Message": "hello"}]
    return arn, "publish_batch", {"TopicArn": arn, "PublishBatchRequestEntries": entries}


def queue(aws: Emulator) -> Prepared:
    made = resources.create(aws, "aws:sqs/queue:Queue", "scoped", {})
    return made["arn"], "send_message", {"QueueUrl": made["url"], "MessageBody": "hello"}


def queue_of_a_batch(aws: Emulator) -> Prepared:
    arn, _, parameters = queue(aws)
    entries = [{"Id": "one", "MessageBody": "hello"}]
    url = parameters["QueueUrl"]
    return arn, "send_message_batch", {"QueueUrl": url, "Entries": entries}


def queue_by_its_name(aws: Emulator) -> Prepared:
    arn, _, _ = queue(aws)
    return arn, "get_queue_url", {"QueueName": "scoped"}


def queue_that_is_received_from(aws: Emulator) -> Prepared:
    arn, _, parameters = queue(aws)
    return arn, "receive_message", {"QueueUrl": parameters["QueueUrl"]}


def bus(aws: Emulator) -> Prepared:
    arn = resources.create(aws, "aws:cloudwatch/eventBus:EventBus", "scoped", {})["arn"]
    entry = {"Source": "orders", "DetailType": "placed", "Detail": "{}", "EventBusName": "scoped"}
    return arn, "put_events", {"Entries": [entry]}


def bus_by_its_arn(aws: Emulator) -> Prepared:
    arn, call, parameters = bus(aws)
    return arn, call, {"Entries": [{**parameters["Entries"][0], "EventBusName": arn}]}


def default_bus(aws: Emulator) -> Prepared:
    entry = {"Source": "orders", "DetailType": "placed", "Detail": "{}"}
    arn = f"arn:aws:events:{aws.region}:123456789012:event-bus/default"
    return arn, "put_events", {"Entries": [entry]}


def stream(aws: Emulator) -> Prepared:
    arn = resources.create(aws, "aws:kinesis/stream:Stream", "scoped", {})["arn"]
    return arn, "put_record", {"StreamName": "scoped", "Data": b"hello", "PartitionKey": "one"}


def stream_by_its_arn(aws: Emulator) -> Prepared:
    arn, _, _ = stream(aws)
    records = [{"Data": b"hello", "PartitionKey": "one"}]
    return arn, "put_records", {"StreamARN": arn, "Records": records}


def parameter(aws: Emulator) -> Prepared:
    inputs = {"type": "String", "value": "hello"}
    arn = resources.create(aws, "aws:ssm/parameter:Parameter", "/orders/scoped", inputs)["arn"]
    return arn, "get_parameter", {"Name": "/orders/scoped"}


def parameters(aws: Emulator) -> Prepared:
    arn, _, _ = parameter(aws)
    return arn, "get_parameters", {"Names": ["/orders/scoped"]}


def path(aws: Emulator) -> Prepared:
    parameter(aws)
    arn = f"arn:aws:ssm:{aws.region}:123456789012:parameter/orders"
    return arn, "get_parameters_by_path", {"Path": "/orders"}


def secret(aws: Emulator) -> Prepared:
    arn = resources.create(aws, "aws:secretsmanager/secret:Secret", "scoped", {})["arn"]
    version = "aws:secretsmanager/secretVersion:SecretVersion"
    resources.create(aws, version, "scoped", {"secretId": arn, "secretString": "hidden"})
    return arn, "get_secret_value", {"SecretId": "scoped"}


def secret_by_its_arn(aws: Emulator) -> Prepared:
    arn, call, _ = secret(aws)
    return arn, call, {"SecretId": arn}


def state_machine(aws: Emulator) -> Prepared:
    definition = {"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}}
    arn = aws.client("stepfunctions").create_state_machine(
        name="scoped", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    return arn, "start_execution", {"stateMachineArn": arn}


def identity(aws: Emulator) -> Prepared:
    aws.client("ses").verify_email_identity(EmailAddress="shop@scoped.example")
    arn = f"arn:aws:ses:{aws.region}:123456789012:identity/shop@scoped.example"
    text = {"Data": "hello"}
    message = {"Subject": text, "Body": {"Text": text}}
    to = {"ToAddresses": ["you@scoped.example"]}
    return (
        arn,
        "send_email",
        {"Source": "shop@scoped.example", "Destination": to} | {"Message": message},
    )


def address_of_a_domain(aws: Emulator) -> Prepared:
    aws.client("ses").verify_domain_identity(Domain="scoped.example")
    _, call, parameters = identity(aws)
    aws.client("ses").delete_identity(Identity="shop@scoped.example")
    arn = f"arn:aws:ses:{aws.region}:123456789012:identity/scoped.example"
    return arn, call, {**parameters, "Source": "The shop <shop@scoped.example>"}


def identity_by_the_second_api(aws: Emulator) -> Prepared:
    arn, call, parameters = identity(aws)
    content = {"Simple": parameters["Message"]}
    to = parameters["Destination"]
    sender = parameters["Source"]
    return arn, call, {"FromEmailAddress": sender, "Destination": to, "Content": content}


def templated_mail(aws: Emulator) -> Prepared:
    arn, call, parameters = identity_by_the_second_api(aws)
    resources.create(aws, "aws:ses/template:Template", "placed", {"subject": "{{id}}", "text": ""})
    template = {"TemplateName": "placed", "TemplateData": '{"id": "one"}'}
    return arn, call, {**parameters, "Content": {"Template": template}}


def bucket(aws: Emulator) -> str:
    name = resources.create(aws, "aws:s3/bucket:Bucket", "scoped", {})["bucket"]
    aws.client("s3").put_object(Bucket=name, Key="in/one.json", Body=b"{}")
    return str(name)


def object_to_put(aws: Emulator) -> Prepared:
    parameters = {"Bucket": bucket(aws), "Key": "in/two.json", "Body": b"{}"}
    return "arn:aws:s3:::scoped/in/two.json", "put_object", parameters


def object_to_get(aws: Emulator) -> Prepared:
    parameters = {"Bucket": bucket(aws), "Key": "in/one.json"}
    return "arn:aws:s3:::scoped/in/one.json", "get_object", parameters


def bucket_to_list(aws: Emulator) -> Prepared:
    return "arn:aws:s3:::scoped", "list_objects_v2", {"Bucket": bucket(aws)}


def key_by_its_alias(aws: Emulator) -> Prepared:
    arn, call, parameters = key(aws)
    target = parameters["KeyId"]
    alias = resources.create(aws, "aws:kms/alias:Alias", "scoped", {"targetKeyId": target})
    return arn, call, {**parameters, "KeyId": alias["name"]}


def key_of_what_is_encrypted(aws: Emulator) -> Prepared:
    arn, _, parameters = key(aws)
    return (
        arn,
        "decrypt",
        {"CiphertextBlob": aws.client("kms").encrypt(**parameters)["CiphertextBlob"]},
    )


def key_of_data_keys(aws: Emulator) -> Prepared:
    arn, _, parameters = key(aws)
    return arn, "generate_data_key", {"KeyId": parameters["KeyId"], "KeySpec": "AES_256"}


def key(aws: Emulator) -> Prepared:
    made = resources.create(aws, "aws:kms/key:Key", "scoped", {})
    return made["arn"], "encrypt", {"KeyId": made["keyId"], "Plaintext": b"hello"}


DENIED = "AccessDeniedException"


@pytest.mark.parametrize(
    ("service", "action", "code", "prepare"),
    [
        ("sns", "sns:Publish", "AuthorizationError", topic),
        ("sns", "sns:Publish", "AuthorizationError", topic_of_a_batch),
        ("sqs", "sqs:SendMessage", "AccessDenied", queue),
        ("sqs", "sqs:SendMessage", "AccessDenied", queue_of_a_batch),
        ("sqs", "sqs:ReceiveMessage", "AccessDenied", queue_that_is_received_from),
        ("sqs", "sqs:GetQueueUrl", "AccessDenied", queue_by_its_name),
        ("events", "events:PutEvents", DENIED, bus),
        ("events", "events:PutEvents", DENIED, bus_by_its_arn),
        ("events", "events:PutEvents", DENIED, default_bus),
        ("kinesis", "kinesis:PutRecord", DENIED, stream),
        ("kinesis", "kinesis:PutRecords", DENIED, stream_by_its_arn),
        ("ssm", "ssm:GetParameter", DENIED, parameter),
        ("ssm", "ssm:GetParameters", DENIED, parameters),
        ("ssm", "ssm:GetParametersByPath", DENIED, path),
        ("secretsmanager", "secretsmanager:GetSecretValue", DENIED, secret),
        ("secretsmanager", "secretsmanager:GetSecretValue", DENIED, secret_by_its_arn),
        ("stepfunctions", "states:StartExecution", DENIED, state_machine),
        ("ses", "ses:SendEmail", "AccessDenied", identity),
        ("ses", "ses:SendEmail", "AccessDenied", address_of_a_domain),
        ("sesv2", "ses:SendEmail", DENIED, identity_by_the_second_api),
        ("s3", "s3:PutObject", "AccessDenied", object_to_put),
        ("s3", "s3:GetObject", "AccessDenied", object_to_get),
        ("s3", "s3:ListBucket", "AccessDenied", bucket_to_list),
        ("kms", "kms:Encrypt", DENIED, key),
        ("kms", "kms:Encrypt", DENIED, key_by_its_alias),
        ("kms", "kms:Decrypt", DENIED, key_of_what_is_encrypted),
        ("kms", "kms:GenerateDataKey", DENIED, key_of_data_keys),
    ],
)
def test_a_permission_scoped_to_an_arn_holds_for_that_arn_alone(
    aws: Emulator,
    service: str,
    action: str,
    code: str,
    prepare: Callable[[Emulator], Prepared],
) -> None:
    arn, call, parameters = prepare(aws)
    right = role_with(aws, "right", action, arn)
    wrong = role_with(aws, "wrong", action, f"{arn}-other")
    aws.enforce_permissions()

    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service, wrong), call)(**parameters)
    assert refused.value.response["Error"]["Code"] == code
    message = refused.value.response["Error"]["Message"]
    session = message.partition("role/wrong/")[2].partition(" ")[0].rstrip("'")
    user = f"arn:aws:sts::123456789012:assumed-role/wrong/{session}"
    assert message == refusal(service, user, action, arn)
    getattr(aws.client(service, right), call)(**parameters)


def refusal(service: str, user: str, action: str, arn: str) -> str:
    """In the service's own words, as they stand in reports of it."""
    if service in ("ses", "sesv2"):
        return f"User `{user}' is not authorized to perform `{action}' on resource `{arn}'"
    if service == "sqs":
        action = action.lower()
    if service == "sns":
        action = "SNS:Publish"
    if service == "s3":
        arn = f'"{arn}"'
    return (
        f"User: {user} is not authorized to perform: {action} on resource: {arn} "
        f"because no identity-based policy allows the {action} action"
    )


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("SQS:sendmessage", "arn:aws:sqs:*:*:scoped"),
        ("sqs:Send*", "arn:aws:sqs:*:123456789012:scop??"),
        ("*", "*"),
    ],
)
def test_wildcards_and_the_case_of_an_action_are_iams(
    aws: Emulator, action: str, resource: str
) -> None:
    _, call, parameters = queue(aws)
    right = role_with(aws, "right", action, resource)
    wrong = role_with(aws, "wrong", action, f"{resource}x") if resource != "*" else None
    aws.enforce_permissions()

    getattr(aws.client("sqs", right), call)(**parameters)
    if wrong is not None:
        with pytest.raises(ClientError, match="sqs:sendmessage"):
            getattr(aws.client("sqs", wrong), call)(**parameters)


def test_a_denial_goes_before_a_permission_and_is_told_apart(aws: Emulator) -> None:
    arn, call, parameters = topic(aws)
    role = role_with(aws, "role", "sns:*", "*")
    statement = {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:sns:*:*:other"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    aws.client("iam").put_role_policy(RoleName="role", PolicyName="two", PolicyDocument=document)
    aws.enforce_permissions()

    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        getattr(aws.client("sns", role), call)(**parameters)
    assert arn


def test_a_boundary_holds_beside_the_policies_where_its_policy_is_here(aws: Emulator) -> None:
    _, call, parameters = topic(aws)
    role = role_with(aws, "role", "sns:*", "*")
    iam = aws.client("iam")
    statement = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = iam.create_policy(PolicyName="boundary", PolicyDocument=document)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="role", PermissionsBoundary=policy)
    aws.enforce_permissions()

    with pytest.raises(ClientError, match="because no permissions boundary allows the SNS:Publish"):
        getattr(aws.client("sns", role), call)(**parameters)


def test_a_policy_that_is_attached_counts_as_one_of_the_roles_own(aws: Emulator) -> None:
    _, call, parameters = topic(aws)
    role = role_with(aws, "role", "sqs:*", "*")
    aws.client("iam").attach_role_policy(
        RoleName="role", PolicyArn="arn:aws:iam::aws:policy/AmazonSNSFullAccess"
    )
    aws.enforce_permissions()

    getattr(aws.client("sns", role), call)(**parameters)


def test_a_copy_needs_to_read_its_source(aws: Emulator) -> None:
    name = bucket(aws)
    role = role_with(aws, "role", "s3:PutObject", f"arn:aws:s3:::{name}/*")
    aws.enforce_permissions()

    with pytest.raises(ClientError, match='s3:GetObject on resource: "arn:aws:s3:::scoped/in/one'):
        aws.client("s3", role).copy_object(
            Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "in/one.json"}
        )


def test_a_mail_by_a_template_takes_the_permission_on_the_template_too(aws: Emulator) -> None:
    arn, call, parameters = templated_mail(aws)
    template = f"arn:aws:ses:{aws.region}:123456789012:template/placed"
    right = role_with(aws, "right", "ses:SendTemplatedEmail", [arn, template])
    wrong = role_with(aws, "wrong", "ses:SendTemplatedEmail", arn)
    other = role_with(aws, "other", "ses:SendEmail", "*")
    aws.enforce_permissions()

    sent = getattr(aws.client("sesv2", right), call)(**parameters)
    assert sent["MessageId"]
    with pytest.raises(ClientError, match=r"SendTemplatedEmail' on resource .*:template/placed'"):
        getattr(aws.client("sesv2", wrong), call)(**parameters)
    with pytest.raises(ClientError, match=r"SendTemplatedEmail' on resource .*:identity/shop"):
        getattr(aws.client("sesv2", other), call)(**parameters)
    parameters["Content"]["Template"]["TemplateName"] = "none"
    with pytest.raises(ClientError, match=r"NotFoundException.*Template none does not exist"):
        getattr(aws.client("sesv2"), call)(**parameters)


def test_who_may_not_list_the_bucket_is_not_told_that_an_object_is_missing(
    aws: Emulator,
) -> None:
    name = bucket(aws)
    reads = role_with(aws, "reads", "s3:GetObject", f"arn:aws:s3:::{name}/*")
    lists = role_with(aws, "lists", "s3:*", f"arn:aws:s3:::{name}*")
    aws.enforce_permissions()

    with pytest.raises(ClientError, match='s3:ListBucket on resource: "arn:aws:s3:::scoped"'):
        aws.client("s3", reads).get_object(Bucket=name, Key="none")
    with pytest.raises(ClientError, match="NoSuchKey"):
        aws.client("s3", lists).get_object(Bucket=name, Key="none")


def test_several_objects_are_deleted_with_a_permission_on_the_objects(aws: Emulator) -> None:
    name = bucket(aws)
    right = role_with(aws, "right", "s3:DeleteObject", f"arn:aws:s3:::{name}/in/*")
    wrong = role_with(aws, "wrong", "s3:DeleteObject", f"arn:aws:s3:::{name}/out/*")
    aws.enforce_permissions()

    delete = {"Objects": [{"Key": "in/one.json"}]}
    answer = aws.client("s3", wrong).delete_objects(Bucket=name, Delete=delete)
    assert [each["Code"] for each in answer["Errors"]] == ["AccessDenied"]
    answer = aws.client("s3", right).delete_objects(Bucket=name, Delete=delete)
    assert "Errors" not in answer


def test_a_bucket_is_looked_for_with_the_permission_to_list_it(aws: Emulator) -> None:
    name = bucket(aws)
    right = role_with(aws, "right", "s3:ListBucket", f"arn:aws:s3:::{name}")
    wrong = role_with(aws, "wrong", "s3:ListBucket", "arn:aws:s3:::other")
    aws.enforce_permissions()

    with pytest.raises(ClientError, match="403"):
        aws.client("s3", wrong).head_bucket(Bucket=name)
    aws.client("s3", right).head_bucket(Bucket=name)


def encrypted_queue(aws: Emulator, key: str) -> Call:
    url = resources.create(aws, "aws:sqs/queue:Queue", "own", {"kmsMasterKeyId": key})["url"]
    return "send_message", {"QueueUrl": url, "MessageBody": "hello"}


def encrypted_topic(aws: Emulator, key: str) -> Call:
    arn = resources.create(aws, "aws:sns/topic:Topic", "own", {"kmsMasterKeyId": key})["arn"]
    return "publish", {"TopicArn": arn, "Message": "hello"}


def encrypted_secret(aws: Emulator, key: str) -> Call:
    arn = resources.create(aws, "aws:secretsmanager/secret:Secret", "own", {"kmsKeyId": key})["arn"]
    version = "aws:secretsmanager/secretVersion:SecretVersion"
    resources.create(aws, version, "own", {"secretId": arn, "secretString": "hidden"})
    return "get_secret_value", {"SecretId": arn}


def encrypted_parameter(aws: Emulator, key: str) -> Call:
    inputs = {"type": "SecureString", "value": "hidden", "keyId": key}
    resources.create(aws, "aws:ssm/parameter:Parameter", "/own/one", inputs)
    return "get_parameters_by_path", {"Path": "/own", "WithDecryption": True}


def encrypted_stream(aws: Emulator, key: str) -> Call:
    inputs = {"encryptionType": "KMS", "kmsKeyId": key}
    resources.create(aws, "aws:kinesis/stream:Stream", "own", inputs)
    return "put_record", {"StreamName": "own", "Data": b"hello", "PartitionKey": "one"}


def encrypted_bucket(aws: Emulator, key: str) -> Call:
    name = resources.create(aws, "aws:s3/bucket:Bucket", "own", {})["bucket"]
    by_default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key}
    type_ = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    inputs = {"bucket": name, "rules": [{"applyServerSideEncryptionByDefault": by_default}]}
    resources.create(aws, type_, "own", inputs)
    return "put_object", {"Bucket": name, "Key": "one", "Body": b"{}"}


def encrypted_object(aws: Emulator, key: str) -> Call:
    _, parameters = encrypted_bucket(aws, key)
    aws.client("s3").put_object(**parameters)
    return "get_object", {"Bucket": parameters["Bucket"], "Key": parameters["Key"]}


def encrypted_table(aws: Emulator, key: str) -> Call:
    inputs = {
        "hashKey": "id",
        "attributes": [{"name": "id", "type": "S"}],
        "billingMode": "PAY_PER_REQUEST",
        "serverSideEncryption": {"enabled": True, "kmsKeyArn": key},
    }
    resources.create(aws, "aws:dynamodb/table:Table", "own", inputs)
    return "put_item", {"TableName": "own", "Item": {"id": {"S": "one"}}}


ENCRYPTED = [
    ("sqs", encrypted_queue, "KMS.AccessDeniedException", "kms:GenerateDataKey"),
    ("sns", encrypted_topic, "KMSAccessDenied", "kms:GenerateDataKey"),
    ("secretsmanager", encrypted_secret, DENIED, "Access to KMS is not allowed"),
    ("ssm", encrypted_parameter, DENIED, "kms:Decrypt"),
    ("kinesis", encrypted_stream, "KMSAccessDeniedException", "kms:GenerateDataKey"),
    ("s3", encrypted_bucket, "AccessDenied", "kms:GenerateDataKey"),
    ("s3", encrypted_object, "AccessDenied", "kms:Decrypt"),
    ("dynamodb", encrypted_table, DENIED, "kms:Decrypt"),
]


@pytest.mark.parametrize(("service", "prepare", "code", "said"), ENCRYPTED)
def test_what_has_a_customers_key_takes_the_permission_on_the_key_too(
    aws: Emulator, service: str, prepare: Callable[[Emulator, str], Call], code: str, said: str
) -> None:
    key = resources.create(aws, "aws:kms/key:Key", "own", {})["arn"]
    call, parameters = prepare(aws, key)
    right = role_with(aws, "right", [f"{service}:*", "kms:GenerateDataKey*", "kms:Decrypt"], "*")
    wrong = role_with(aws, "wrong", f"{service}:*", "*")
    aws.enforce_permissions()

    with pytest.raises(ClientError, match=said) as refused:
        getattr(aws.client(service, wrong), call)(**parameters)
    assert refused.value.response["Error"]["Code"] == code
    getattr(aws.client(service, right), call)(**parameters)


@pytest.mark.parametrize(("service", "prepare", "code", "said"), ENCRYPTED)
def test_a_key_whose_policy_lets_all_in_as_aws_keys_do_takes_none(
    aws: Emulator, service: str, prepare: Callable[[Emulator, str], Call], code: str, said: str
) -> None:
    del code, said
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    open_to_all = resources.create(aws, "aws:kms/key:Key", "own", {"policy": policy})["arn"]
    call, parameters = prepare(aws, open_to_all)
    role = role_with(aws, "role", f"{service}:*", "*")
    aws.enforce_permissions()

    getattr(aws.client(service, role), call)(**parameters)


@pytest.mark.parametrize(
    ("service", "prepare", "alias"),
    [("sqs", encrypted_queue, "alias/aws/sqs"), ("sns", encrypted_topic, "alias/aws/sns")],
)
def test_a_key_of_aws_takes_none(
    aws: Emulator, service: str, prepare: Callable[[Emulator, str], Call], alias: str
) -> None:
    call, parameters = prepare(aws, alias)
    role = role_with(aws, "role", f"{service}:*", "*")
    aws.enforce_permissions()

    getattr(aws.client(service, role), call)(**parameters)


def test_of_a_service_that_is_not_known_here_any_resource_counts(aws: Emulator) -> None:
    scoped = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:mine"
    right = role_with(aws, "right", "cloudwatch:PutMetricData", scoped)
    wrong = role_with(aws, "wrong", "cloudwatch:GetMetricData", "*")
    aws.enforce_permissions()

    data = {"Namespace": "orders", "MetricData": [{"MetricName": "placed", "Value": 1}]}
    aws.client("cloudwatch", right).put_metric_data(**data)
    with pytest.raises(ClientError, match="cloudwatch:PutMetricData on resource: \\*"):
        aws.client("cloudwatch", wrong).put_metric_data(**data)


@pytest.mark.parametrize("call", ["query", "scan"])
def test_an_index_needs_its_own_arn(aws: Emulator, call: str) -> None:
    table = resources.create(
        aws,
        "aws:dynamodb/table:Table",
        "scoped",
        {
            "hashKey": "id",
            "attributes": [{"name": name, "type": "S"} for name in ("id", "status")],
            "billingMode": "PAY_PER_REQUEST",
            "globalSecondaryIndexes": [
                {"name": "by-status", "hashKey": "status", "projectionType": "ALL"}
            ],
        },
    )["arn"]
    action = f"dynamodb:{call.capitalize()}"
    on_index = role_with(aws, "on-index", action, f"{table}/index/by-status")
    on_table = role_with(aws, "on-table", action, table)
    aws.enforce_permissions()
    condition = {
        "KeyConditionExpression": "#s = :s",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":s": {"S": "open"}},
    }
    parameters = condition if call == "query" else {}

    for role, refused in ((on_index, table), (on_table, f"{table}/index/by-status")):
        index = {"IndexName": "by-status"} if role is on_index else {}
        other = {} if index else {"IndexName": "by-status"}
        if call == "scan" or index:
            getattr(aws.client("dynamodb", role), call)(TableName="scoped", **index, **parameters)
        with pytest.raises(ClientError, match=f"{action} on resource: {refused} because"):
            getattr(aws.client("dynamodb", role), call)(TableName="scoped", **other, **parameters)
