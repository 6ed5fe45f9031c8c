"""How what a user commonly adds lives in the embedded AWS: topics, queues, buses, streams, ...

Each takes the inputs of Pulumi's resource and gives back the provider's outputs and id. What
replaces one follows internal/service of terraform-provider-aws 6.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from infra.local.aws.emulator import ACCOUNT, Emulator
from infra.local.aws.resource_type import (
    Create,
    Existing,
    Inputs,
    Naming,
    Outputs,
    ResourceType,
    Update,
)

T = TypeVar("T")


def tags(inputs: Inputs) -> list[dict[str, str]]:
    """As most services take them."""
    return [{"Key": key, "Value": value} for key, value in inputs.get("tags", {}).items()]


def change_tags(
    existing: Existing,
    inputs: Inputs,
    *,
    tag: Callable[[list[dict[str, str]]], object],
    untag: Callable[[list[str]], object],
) -> None:
    """Sets the tags that are new or other ones, and takes those away that are no longer wanted."""
    before, wanted = existing.get("tags", {}), inputs.get("tags") or {}
    if gone := [key for key in before if key not in wanted]:
        untag(gone)
    new = {key: value for key, value in wanted.items() if before.get(key) != value}
    if new:
        tag(tags({"tags": new}))


def unless_gone(find: Callable[[], T]) -> T | None:
    """What is found; None where AWS says that there is no such thing."""
    try:
        return find()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in {"404", "NoSuchEntity"} or "NotFound" in code:
            return None
        raise


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
    inputs.get("deletionWindowInDays")  # of its deletion
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


def _set_topic(emulator: Emulator, topic: Existing, inputs: Inputs) -> Outputs:
    for name, value in _attributes(inputs, _TOPIC).items():
        emulator.client("sns").set_topic_attributes(
            TopicArn=topic.id, AttributeName=name, AttributeValue=value
        )
    return {}


def _set_queue(emulator: Emulator, queue: Existing, inputs: Inputs) -> Outputs:
    # FifoQueue is no attribute that can be set.
    attributes = _attributes(inputs, {key: _QUEUE[key] for key in _QUEUE if key != "fifoQueue"})
    emulator.client("sqs").set_queue_attributes(QueueUrl=queue.id, Attributes=attributes)
    return {}


def _set_secret(emulator: Emulator, secret: Existing, inputs: Inputs) -> Outputs:
    request = _given(inputs, {"description": "Description", "kmsKeyId": "KmsKeyId"})
    emulator.client("secretsmanager").update_secret(SecretId=secret.id, **request)
    return {}


def _set_parameter(emulator: Emulator, parameter: Existing, inputs: Inputs) -> Outputs:
    emulator.client("ssm").put_parameter(
        Name=parameter.id,
        Type=str(inputs["type"]),
        Value=inputs.get("value") or inputs.get("insecureValue"),
        Overwrite=True,
        **_given(inputs, {"description": "Description", "tier": "Tier"}),
    )
    return {}


def _again(create: Create) -> Update:
    """An update by the call that creates: it replaces what is there."""

    def update(emulator: Emulator, existing: Existing, inputs: Inputs) -> Outputs:
        return create(emulator, existing.get("name", existing.id), inputs)

    return update


def _unchanged(emulator: Emulator, existing: Existing, inputs: Inputs) -> Outputs:
    """Nothing is changed here, and whatever was asked for is said to be left out."""
    del emulator, existing, inputs
    return {}


def _deleted(service: str, call: str, parameter: str, key: str = "id", **others: Any) -> Any:
    def delete(emulator: Emulator, existing: Existing) -> None:
        value = existing.id if key == "id" else existing[key]
        getattr(emulator.client(service), call)(**{parameter: value}, **others)

    return delete


def _delete_event_rule(emulator: Emulator, rule: Existing) -> None:
    bus = _given(rule.state, {"eventBusName": "EventBusName"})
    emulator.client("events").delete_rule(Name=rule["name"], **bus)


def _delete_event_target(emulator: Emulator, target: Existing) -> None:
    bus = _given(target.state, {"eventBusName": "EventBusName"})
    emulator.client("events").remove_targets(Rule=target["rule"], Ids=[target["targetId"]], **bus)


def _stays(emulator: Emulator, existing: Existing) -> None:
    """Goes with what it is set for."""
    del emulator, existing


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:cloudwatch/eventBus:EventBus": ResourceType(
        create=_event_bus,
        update=_unchanged,
        delete=_deleted("events", "delete_event_bus", "Name", "name"),
        naming=Naming(longest=256),
        computed=("arn",),
        replaced_by=frozenset({"name", "eventSourceName"}),
    ),
    "aws:cloudwatch/eventRule:EventRule": ResourceType(
        create=_event_rule,
        update=_again(_event_rule),
        delete=_delete_event_rule,
        naming=Naming(longest=64),
        computed=("arn",),
        replaced_by=frozenset({"name", "namePrefix", "eventBusName"}),
    ),
    "aws:cloudwatch/eventTarget:EventTarget": ResourceType(
        create=_event_target,
        update=_again(_event_target),
        delete=_delete_event_target,
        naming=Naming(key="targetId", longest=64),
        replaced_by=frozenset({"eventBusName", "rule", "targetId"}),
    ),
    "aws:kinesis/stream:Stream": ResourceType(
        create=_kinesis_stream,
        update=_unchanged,
        delete=_deleted("kinesis", "delete_stream", "StreamName", "name"),
        naming=Naming(longest=128),
        computed=("arn",),
        replaced_by=frozenset({"name"}),
    ),
    "aws:kms/alias:Alias": ResourceType(
        create=_alias,
        update=_unchanged,
        delete=_deleted("kms", "delete_alias", "AliasName"),
        naming=Naming(longest=256, prefix="alias/"),
        computed=("arn", "targetKeyArn"),
        replaced_by=frozenset({"name", "namePrefix"}),
    ),
    "aws:kms/key:Key": ResourceType(
        create=_key,
        update=_unchanged,
        delete=_deleted("kms", "schedule_key_deletion", "KeyId", PendingWindowInDays=7),
        computed=("arn", "keyId"),
        replaced_by=frozenset({"customerMasterKeySpec", "keyUsage", "multiRegion"}),
    ),
    "aws:secretsmanager/secret:Secret": ResourceType(
        create=_secret,
        update=_set_secret,
        delete=_deleted(
            "secretsmanager", "delete_secret", "SecretId", ForceDeleteWithoutRecovery=True
        ),
        naming=Naming(longest=512),
        computed=("arn",),
        replaced_by=frozenset({"name", "namePrefix"}),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": ResourceType(
        create=_secret_version,
        delete=_stays,
        computed=("arn", "versionId"),
        replaced_by=frozenset({"secretId", "secretString", "secretBinary"}),
    ),
    "aws:sns/topic:Topic": ResourceType(
        create=_topic,
        update=_set_topic,
        delete=_deleted("sns", "delete_topic", "TopicArn"),
        naming=Naming(longest=256, ending_if={"fifoTopic": ".fifo"}),
        computed=("arn",),
        replaced_by=frozenset({"name", "namePrefix", "fifoTopic"}),
    ),
    "aws:sns/topicPolicy:TopicPolicy": ResourceType(
        create=_topic_policy, delete=_stays, replaced_by=frozenset({"arn"})
    ),
    "aws:sns/topicSubscription:TopicSubscription": ResourceType(
        create=_topic_subscription,
        update=_unchanged,
        delete=_deleted("sns", "unsubscribe", "SubscriptionArn"),
        computed=("arn",),
        replaced_by=frozenset({"endpoint", "protocol", "topic"}),
    ),
    "aws:sqs/queue:Queue": ResourceType(
        create=_queue,
        update=_set_queue,
        delete=_deleted("sqs", "delete_queue", "QueueUrl"),
        naming=Naming(longest=80, ending_if={"fifoQueue": ".fifo"}),
        computed=("arn", "url"),
        replaced_by=frozenset({"name", "namePrefix", "fifoQueue"}),
    ),
    "aws:sqs/queuePolicy:QueuePolicy": ResourceType(
        create=_queue_policy, delete=_stays, replaced_by=frozenset({"queueUrl"})
    ),
    "aws:ssm/parameter:Parameter": ResourceType(
        create=_parameter,
        update=_set_parameter,
        delete=_deleted("ssm", "delete_parameter", "Name"),
        naming=Naming(longest=2048),
        computed=("arn", "version"),
        replaced_by=frozenset({"name"}),
    ),
}
LOOK_UPS: Final[Mapping[str, Callable[[Emulator, Inputs], Outputs]]] = {
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
}
