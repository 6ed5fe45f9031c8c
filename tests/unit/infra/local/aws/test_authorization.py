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


def topic(aws: Emulator) -> Prepared:
    arn = resources.create(aws, "aws:sns/topic:Topic", "scoped", {})["arn"]
    return arn, "publish", {"TopicArn": arn, "Message": "hello"}


def queue(aws: Emulator) -> Prepared:
    made = resources.create(aws, "aws:sqs/queue:Queue", "scoped", {})
    return made["arn"], "send_message", {"QueueUrl": made["url"], "MessageBody": "hello"}


def bus(aws: Emulator) -> Prepared:
    arn = resources.create(aws, "aws:cloudwatch/eventBus:EventBus", "scoped", {})["arn"]
    entry = {"Source": "orders", "DetailType": "placed", "Detail": "{}", "EventBusName": "scoped"}
    return arn, "put_events", {"Entries": [entry]}


def stream(aws: Emulator) -> Prepared:
    arn = resources.create(aws, "aws:kinesis/stream:Stream", "scoped", {})["arn"]
    return arn, "put_record", {"StreamName": "scoped", "Data": b"hello", "PartitionKey": "one"}


def parameter(aws: Emulator) -> Prepared:
    inputs = {"type": "String", "value": "hello"}
    arn = resources.create(aws, "aws:ssm/parameter:Parameter", "/orders/scoped", inputs)["arn"]
    return arn, "get_parameter", {"Name": "/orders/scoped"}


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


def key(aws: Emulator) -> Prepared:
    made = resources.create(aws, "aws:kms/key:Key", "scoped", {})
    return made["arn"], "encrypt", {"KeyId": made["keyId"], "Plaintext": b"hello"}


@pytest.mark.parametrize(
    ("service", "action", "code", "prepare"),
    [
        ("sns", "sns:Publish", "AuthorizationError", topic),
        ("sqs", "sqs:SendMessage", "AccessDeniedException", queue),
        ("events", "events:PutEvents", "AccessDeniedException", bus),
        ("kinesis", "kinesis:PutRecord", "AccessDeniedException", stream),
        ("ssm", "ssm:GetParameter", "AccessDeniedException", parameter),
        ("secretsmanager", "secretsmanager:GetSecretValue", "AccessDeniedException", secret),
        (
            "secretsmanager",
            "secretsmanager:GetSecretValue",
            "AccessDeniedException",
            secret_by_its_arn,
        ),
        ("stepfunctions", "states:StartExecution", "AccessDeniedException", state_machine),
        ("ses", "ses:SendEmail", "AccessDenied", identity),
        ("kms", "kms:Encrypt", "AccessDeniedException", key),
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
    assert f"is not authorized to perform: {action} on resource: {arn} because no" in message
    getattr(aws.client(service, right), call)(**parameters)
