"""How what a user commonly adds is created in the embedded AWS: topics, queues, buses, streams, ...

Each takes the inputs of Pulumi's resource and gives back the provider's outputs and id.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from infra.local.aws.emulator import ACCOUNT, Emulator

Inputs: TypeAlias = Mapping[str, Any]
Outputs: TypeAlias = dict[str, Any]


def tags(inputs: Inputs) -> list[dict[str, str]]:
    """As most services take them."""
    return [{"Key": key, "Value": value} for key, value in inputs.get("tags", {}).items()]


def _attributes(inputs: Inputs, names: Mapping[str, str]) -> dict[str, str]:
    """The inputs that AWS takes as attributes, which are strings."""
    given = {names[key]: inputs[key] for key in names if inputs.get(key) is not None}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in given.items()
    }


def _topic(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    attributes = _attributes(inputs, _TOPIC)
    topic = emulator.client("sns").create_topic(Name=name, Attributes=attributes, Tags=tags(inputs))
    return {"id": topic["TopicArn"], "arn": topic["TopicArn"], "name": name}


_TOPIC: Final = {
    "displayName": "DisplayName",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "fifoTopic": "FifoTopic",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "kmsMasterKeyId": "KmsMasterKeyId",
}


def _topic_policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("sns").set_topic_attributes(
        TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
    )
    return {"id": inputs["arn"]}


def _topic_subscription(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    attributes = _attributes(
        inputs,
        {
            "filterPolicy": "FilterPolicy",
            "filterPolicyScope": "FilterPolicyScope",
            "rawMessageDelivery": "RawMessageDelivery",
            "redrivePolicy": "RedrivePolicy",
        },
    )
    arn = emulator.client("sns").subscribe(
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return {"id": arn, "arn": arn}


def _queue(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    sqs = emulator.client("sqs")
    url = sqs.create_queue(
        QueueName=name, Attributes=_attributes(inputs, _QUEUE), tags=dict(inputs.get("tags", {}))
    )["QueueUrl"]
    arn = f"arn:aws:sqs:{emulator.region}:{ACCOUNT}:{name}"
    return {"id": url, "url": url, "arn": arn, "name": name}


_QUEUE: Final = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}


def _queue_policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("sqs").set_queue_attributes(
        QueueUrl=inputs["queueUrl"], Attributes={"Policy": inputs["policy"]}
    )
    return {"id": inputs["queueUrl"]}


def _event_bus(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    bus = emulator.client("events").create_event_bus(Name=name, Tags=tags(inputs))
    return {"id": name, "name": name, "arn": bus["EventBusArn"]}


def _event_rule(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    request = _given(
        inputs,
        {
            "description": "Description",
            "eventBusName": "EventBusName",
            "eventPattern": "EventPattern",
            "scheduleExpression": "ScheduleExpression",
            "state": "State",
        },
    )
    arn = emulator.client("events").put_rule(Name=name, Tags=tags(inputs), **request)["RuleArn"]
    return {"id": name, "name": name, "arn": arn}


def _event_target(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    target = {"Id": inputs.get("targetId") or name, "Arn": inputs["arn"]}
    target |= _given(inputs, {"input": "Input", "inputPath": "InputPath", "roleArn": "RoleArn"})
    bus = _given(inputs, {"eventBusName": "EventBusName"})
    emulator.client("events").put_targets(Rule=inputs["rule"], Targets=[target], **bus)
    return {"id": f"{inputs['rule']}-{target['Id']}", "targetId": target["Id"]}


def _kinesis_stream(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    kinesis = emulator.client("kinesis")
    mode = inputs.get("streamModeDetails", {}).get("streamMode", "PROVISIONED")
    shards = {} if mode == "ON_DEMAND" else {"ShardCount": inputs.get("shardCount", 1)}
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": mode}, **shards)
    hours = inputs.get("retentionPeriod", 24)
    if hours > 24:
        kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
    if inputs.get("tags"):
        kinesis.add_tags_to_stream(StreamName=name, Tags=dict(inputs["tags"]))
    arn = f"arn:aws:kinesis:{emulator.region}:{ACCOUNT}:stream/{name}"
    return {"id": arn, "arn": arn, "name": name}


def _parameter(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    request = _given(
        inputs,
        {
            "allowedPattern": "AllowedPattern",
            "description": "Description",
            "keyId": "KeyId",
            "tier": "Tier",
        },
    )
    emulator.client("ssm").put_parameter(
        Name=name,
        Type=str(inputs["type"]),
        Value=inputs.get("value") or inputs.get("insecureValue"),
        Tags=tags(inputs),
        **request,
    )
    path = name if name.startswith("/") else f"/{name}"
    arn = f"arn:aws:ssm:{emulator.region}:{ACCOUNT}:parameter{path}"
    return {"id": name, "name": name, "arn": arn}


def _secret(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    request = _given(inputs, {"description": "Description", "kmsKeyId": "KmsKeyId"})
    arn = emulator.client("secretsmanager").create_secret(Name=name, Tags=tags(inputs), **request)[
        "ARN"
    ]
    return {"id": arn, "arn": arn, "name": name}


def _secret_version(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    value = _given(inputs, {"secretString": "SecretString", "secretBinary": "SecretBinary"})
    version = emulator.client("secretsmanager").put_secret_value(
        SecretId=inputs["secretId"], **value
    )
    return {
        "id": f"{version['ARN']}|{version['VersionId']}",
        "arn": version["ARN"],
        "versionId": version["VersionId"],
    }


def _key(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    kms = emulator.client("kms")
    request = _given(inputs, {"description": "Description", "policy": "Policy"})
    key_tags = [{"TagKey": each["Key"], "TagValue": each["Value"]} for each in tags(inputs)]
    key = kms.create_key(Tags=key_tags, **request)["KeyMetadata"]
    if inputs.get("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=key["KeyId"])
    return {"id": key["KeyId"], "keyId": key["KeyId"], "arn": key["Arn"]}


def _alias(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    name = name if name.startswith("alias/") else f"alias/{name}"
    emulator.client("kms").create_alias(AliasName=name, TargetKeyId=inputs["targetKeyId"])
    arn = f"arn:aws:kms:{emulator.region}:{ACCOUNT}:{name}"
    return {"id": name, "name": name, "arn": arn}


def _given(inputs: Inputs, names: Mapping[str, str]) -> dict[str, Any]:
    return {names[key]: inputs[key] for key in names if inputs.get(key) is not None}


def _caller_identity(_: Emulator, __: Inputs) -> Outputs:
    arn = f"arn:aws:iam::{ACCOUNT}:user/administrator"
    return {"accountId": ACCOUNT, "arn": arn, "userId": "administrator", "id": ACCOUNT}


def _region(emulator: Emulator, _: Inputs) -> Outputs:
    region = emulator.region
    return {"region": region, "name": region, "id": region, "description": region}


def _partition(_: Emulator, __: Inputs) -> Outputs:
    return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws"}


def _policy_document(_: Emulator, arguments: Inputs) -> Outputs:
    statements = [_statement(each) for each in arguments.get("statements", [])]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return {"json": document, "id": secrets.token_hex(4)}


def _statement(inputs: Inputs) -> dict[str, Any]:
    statement = {"Effect": "Allow"} | _given(
        inputs,
        {
            "sid": "Sid",
            "effect": "Effect",
            "actions": "Action",
            "notActions": "NotAction",
            "resources": "Resource",
            "notResources": "NotResource",
        },
    )
    if inputs.get("principals"):
        statement["Principal"] = {
            each["type"]: each["identifiers"] for each in inputs["principals"]
        }
    conditions: dict[str, Any] = {}
    for each in inputs.get("conditions", []):
        conditions.setdefault(each["test"], {})[each["variable"]] = each["values"]
    return {**statement, "Condition": conditions} if conditions else statement


CREATORS: Final[Mapping[str, Callable[[Emulator, str, Inputs], Outputs]]] = {
    "aws:cloudwatch/eventBus:EventBus": _event_bus,
    "aws:cloudwatch/eventRule:EventRule": _event_rule,
    "aws:cloudwatch/eventTarget:EventTarget": _event_target,
    "aws:kinesis/stream:Stream": _kinesis_stream,
    "aws:kms/alias:Alias": _alias,
    "aws:kms/key:Key": _key,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicPolicy:TopicPolicy": _topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": _topic_subscription,
    "aws:sqs/queue:Queue": _queue,
    "aws:sqs/queuePolicy:QueuePolicy": _queue_policy,
    "aws:ssm/parameter:Parameter": _parameter,
}
LOOK_UPS: Final[Mapping[str, Callable[[Emulator, Inputs], Outputs]]] = {
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
}
