"""What the provider's functions answer: who asks and where, policy documents, what exists on AWS.

What a program says exists on AWS is not in an embedded AWS that has just been started. Where a
name is enough it is made, empty, so that the function can use it; the answer says so.
"""

import itertools
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from infra.local.aws import buckets, log_groups, services
from infra.local.aws.emulator import ACCOUNT, Emulator
from infra.local.aws.not_made import EXISTS, MADE_HERE, NOT_MADE_HERE, PLACEHOLDER
from infra.local.aws.resource_type import Inputs, Outputs

LookUp: TypeAlias = Callable[[Emulator, Inputs], Outputs]


def _caller_identity(_: Emulator, __: Inputs) -> Outputs:
    arn = f"arn:aws:iam::{ACCOUNT}:user/administrator"
    return {"accountId": ACCOUNT, "arn": arn, "userId": "administrator", "id": ACCOUNT}


def _region(emulator: Emulator, _: Inputs) -> Outputs:
    region = emulator.region
    return {"region": region, "name": region, "id": region, "description": region}


def _partition(_: Emulator, __: Inputs) -> Outputs:
    return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws"}


def _zones(emulator: Emulator, _: Inputs) -> Outputs:
    names = [f"{emulator.region}{letter}" for letter in "abc"]
    return {"names": names, "zoneIds": names, "groupNames": [emulator.region], "id": "zones"}


def _service_principal(_: Emulator, arguments: Inputs) -> Outputs:
    name = f"{arguments['serviceName']}.amazonaws.com"
    return {"name": name, "id": name, "suffix": "amazonaws.com"}


def _policy_document(_: Emulator, arguments: Inputs) -> Outputs:
    """The sources' statements, its own, and the overrides; of those of one Sid the last."""
    sources, overrides = (
        [json.loads(each) for each in arguments.get(key, []) if each]
        for key in ("sourcePolicyDocuments", "overridePolicyDocuments")
    )
    own = {"Statement": [_statement(each) for each in arguments.get("statements", [])]}
    statements: dict[str, dict[str, Any]] = {}
    for each in itertools.chain.from_iterable(map(_statements, [*sources, own, *overrides])):
        statements[each.get("Sid") or f" {len(statements)}"] = each
    document = {
        "Version": arguments.get("version") or "2012-10-17",
        **services.given(arguments, {"policyId": "Id"}),
        "Statement": list(statements.values()),
    }
    written = json.dumps(document, indent=2)
    return {"json": written, "minifiedJson": json.dumps(document), "id": secrets.token_hex(4)}


def _statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    statements = document.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _statement(inputs: Inputs) -> dict[str, Any]:
    statement = {"Effect": "Allow"} | services.given(
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
    for key, name in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if inputs.get(key):
            statement[name] = _principals(inputs[key])
    conditions: dict[str, Any] = {}
    for each in inputs.get("conditions", []):
        conditions.setdefault(each["test"], {})[each["variable"]] = each["values"]
    return {**statement, "Condition": conditions} if conditions else statement


def _principals(given: Sequence[Inputs]) -> str | dict[str, list[str]]:
    principals: dict[str, list[str]] = {}
    for each in given:
        principals.setdefault(each["type"], []).extend(each["identifiers"])
    return "*" if "*" in principals else principals


def _ensured(find: Callable[[], object], make: Callable[[], object]) -> Outputs:
    """What is to be said of it: nothing of what the program itself has made."""
    if services.unless_gone(find) is not None:
        return {}
    make()
    return {NOT_MADE_HERE: MADE_HERE}


def _topic(emulator: Emulator, arguments: Inputs) -> Outputs:
    name, sns = arguments["name"], emulator.client("sns")
    arn = services.arn(emulator, "sns", name)
    said = _ensured(
        lambda: sns.get_topic_attributes(TopicArn=arn), lambda: sns.create_topic(Name=name)
    )
    return {"id": arn, "arn": arn, "name": name, "tags": {}, **said}


def _queue(emulator: Emulator, arguments: Inputs) -> Outputs:
    name, sqs = arguments["name"], emulator.client("sqs")
    said = _ensured(
        lambda: sqs.get_queue_url(QueueName=name), lambda: sqs.create_queue(QueueName=name)
    )
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    arn = services.arn(emulator, "sqs", name)
    return {"id": url, "url": url, "arn": arn, "name": name, "tags": {}, **said}


def _bucket(emulator: Emulator, arguments: Inputs) -> Outputs:
    name = arguments["bucket"]
    type_ = buckets.TYPES["aws:s3/bucket:Bucket"]
    said = _ensured(
        lambda: emulator.client("s3").head_bucket(Bucket=name),
        lambda: type_.create(emulator, name, {}),
    )
    return {**buckets.outputs(emulator, name), "bucketRegion": emulator.region, **said}


def _bus(emulator: Emulator, arguments: Inputs) -> Outputs:
    name, events = arguments["name"], emulator.client("events")
    said = _ensured(
        lambda: events.describe_event_bus(Name=name), lambda: events.create_event_bus(Name=name)
    )
    return {
        "id": name,
        "name": name,
        "arn": services.arn(emulator, "events", f"event-bus/{name}"),
    } | said


def _stream(emulator: Emulator, arguments: Inputs) -> Outputs:
    name, kinesis = arguments["name"], emulator.client("kinesis")
    said = _ensured(
        lambda: kinesis.describe_stream_summary(StreamName=name),
        lambda: kinesis.create_stream(StreamName=name, ShardCount=1),
    )
    arn = services.arn(emulator, "kinesis", f"stream/{name}")
    return {"id": arn, "arn": arn, "name": name, "status": "ACTIVE", **said}


_VALUE: Final = {NOT_MADE_HERE: f"{EXISTS}made here with the value {PLACEHOLDER}"}


def _parameter(emulator: Emulator, arguments: Inputs) -> Outputs:
    name, ssm = arguments["name"], emulator.client("ssm")

    def find() -> Any:
        return ssm.get_parameter(Name=name, WithDecryption=True)

    said = _ensured(find, lambda: ssm.put_parameter(Name=name, Type="String", Value=PLACEHOLDER))
    found = find()["Parameter"]
    return {
        "id": name,
        "name": name,
        "arn": found["ARN"],
        "type": found["Type"],
        "value": found["Value"],
        "insecureValue": found["Value"],
        "version": found["Version"],
        **(_VALUE if said else {}),
    }


def _secret(emulator: Emulator, arguments: Inputs) -> Outputs:
    found, said = _ensured_secret(emulator, arguments.get("name") or arguments["arn"])
    return {"id": found["ARN"], "arn": found["ARN"], "name": found["Name"], **said}


def _secret_version(emulator: Emulator, arguments: Inputs) -> Outputs:
    found, said = _ensured_secret(emulator, arguments["secretId"])
    stage = services.given(arguments, {"versionId": "VersionId", "versionStage": "VersionStage"})
    value = emulator.client("secretsmanager").get_secret_value(SecretId=found["ARN"], **stage)
    return {
        "id": f"{found['ARN']}|{value['VersionId']}",
        "arn": found["ARN"],
        "secretArn": found["ARN"],
        "secretString": value.get("SecretString", ""),
        "versionId": value["VersionId"],
        "versionStages": value["VersionStages"],
        **said,
    }


def _ensured_secret(emulator: Emulator, id_: str) -> tuple[Mapping[str, Any], Outputs]:
    """By its name or its ARN, which ends in six letters of AWS's."""
    secrets_ = emulator.client("secretsmanager")
    name = re.sub("-[A-Za-z0-9]{6}$", "", id_.split(":")[6]) if id_.startswith("arn:") else id_

    def find() -> Any:
        return secrets_.describe_secret(SecretId=name)

    said = _ensured(find, lambda: secrets_.create_secret(Name=name, SecretString=PLACEHOLDER))
    return find(), dict(_VALUE) if said else {}


def _key(emulator: Emulator, arguments: Inputs) -> Outputs:
    """By its id, its ARN, or an alias, which is made when there is none."""
    id_, kms = arguments["keyId"], emulator.client("kms")
    said: Outputs = {}
    if "alias/" in id_:
        id_ = id_[id_.index("alias/") :]
        said = _alias(emulator, {"name": id_})
    found = kms.describe_key(KeyId=id_)["KeyMetadata"]
    said = services.given(said, {NOT_MADE_HERE: NOT_MADE_HERE})
    return {"id": found["KeyId"], "keyId": found["KeyId"], "arn": found["Arn"], **said}


def _alias(emulator: Emulator, arguments: Inputs) -> Outputs:
    name, kms = arguments["name"], emulator.client("kms")

    def make() -> None:
        kms.create_alias(AliasName=name, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])

    said = _ensured(lambda: kms.describe_key(KeyId=name), make)
    key = kms.describe_key(KeyId=name)["KeyMetadata"]
    return {
        "id": services.arn(emulator, "kms", name),
        "arn": services.arn(emulator, "kms", name),
        "name": name,
        "targetKeyArn": key["Arn"],
        "targetKeyId": key["KeyId"],
        **said,
    }


def _role(emulator: Emulator, arguments: Inputs) -> Outputs:
    name, iam = arguments["name"], emulator.client("iam")

    def find() -> Any:
        return iam.get_role(RoleName=name)

    said = _ensured(
        find, lambda: iam.create_role(RoleName=name, AssumeRolePolicyDocument=_TRUSTS_LAMBDA)
    )
    found = find()["Role"]
    return {"id": name, "name": name, "arn": found["Arn"], "uniqueId": found["RoleId"], **said}


_TRUSTS_LAMBDA: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }
        ],
    }
)


def _log_group(emulator: Emulator, arguments: Inputs) -> Outputs:
    name = arguments["name"]
    type_ = log_groups.TYPES["aws:cloudwatch/logGroup:LogGroup"]

    def find() -> Any:
        return type_.read(emulator, name) if type_.read else None

    said = _ensured(find, lambda: type_.create(emulator, name, {}))
    return {"id": name, "name": name, **(find() or {}), **said}


LOOK_UPS: Final[Mapping[str, LookUp]] = {
    "aws:cloudwatch/getEventBus:getEventBus": _bus,
    "aws:cloudwatch/getLogGroup:getLogGroup": _log_group,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:iam/getRole:getRole": _role,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getServicePrincipal:getServicePrincipal": _service_principal,
    "aws:kinesis/getStream:getStream": _stream,
    "aws:kms/getAlias:getAlias": _alias,
    "aws:kms/getKey:getKey": _key,
    "aws:s3/getBucket:getBucket": _bucket,
    "aws:secretsmanager/getSecret:getSecret": _secret,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": _secret_version,
    "aws:sns/getTopic:getTopic": _topic,
    "aws:sqs/getQueue:getQueue": _queue,
    "aws:ssm/getParameter:getParameter": _parameter,
}
