"""Which permissions a call needs on the key of what it reads or writes, beside its own.

Of a key that AWS manages none: that lets in whoever the service lets in. Sources: the sections on
keys and their permissions of the developer guides of SQS, SNS, Kinesis, Secrets Manager, Systems
Manager and S3; of DynamoDB, aws-cdk issues 10010 and 19531: every call of an item decrypts.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from moto.kms.models import Key, kms_backends

from infra.local.aws.dynamodb.authorization import Permission

_DECRYPT: Final = ("kms:Decrypt",)
_ENCRYPT: Final = ("kms:GenerateDataKey",)
_BOTH: Final = (*_ENCRYPT, *_DECRYPT)

ITEM_CALLS: Final = frozenset({
    "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query",
    "dynamodb:Scan", "dynamodb:UpdateItem",
})  # fmt: skip

_NEEDED: Final = {
    "kinesis:GetRecords": _DECRYPT,
    "kinesis:PutRecord": _ENCRYPT,
    "kinesis:PutRecords": _ENCRYPT,
    "s3:GetObject": _DECRYPT,
    "s3:PutObject": _ENCRYPT,
    "secretsmanager:GetSecretValue": _DECRYPT,
    "secretsmanager:PutSecretValue": _BOTH,
    "secretsmanager:UpdateSecret": _BOTH,
    "sns:Publish": _BOTH,
    "sqs:ReceiveMessage": _DECRYPT,
    "sqs:SendMessage": _BOTH,
    "ssm:GetParameter": _DECRYPT,
    "ssm:GetParameters": _DECRYPT,
    "ssm:GetParametersByPath": _DECRYPT,
    **dict.fromkeys(ITEM_CALLS, _DECRYPT),
}
"""By the action of the call."""


def key_permissions(handler: Any, permissions: list[Permission]) -> Iterator[Permission]:
    """Beside these, on the keys of their resources."""
    for action, arn in permissions:
        find = _KEYS.get(action) or _KEYS.get(action.partition(":")[0])
        if action in _NEEDED and find is not None:
            for id_ in filter(None, find(handler, arn)):
                yield from of_key(handler, id_, action)


def of_key(handler: Any, id_: str, action: str) -> Iterator[Permission]:
    """What the action needs on a key, that has this id, ARN or alias."""
    backend = kms_backends[handler.current_account][handler.region]
    if "alias/aws/" in id_:
        return
    try:
        key = backend.keys[backend.any_id_to_key_id(id_)]
    except (AttributeError, KeyError):  # it is not of this account or region
        return
    if not any(alias.startswith("alias/aws/") for alias in key.aliases):
        yield from ((each, key.arn) for each in _NEEDED[action] if not lets_all_in(key, each))


def lets_all_in(key: Key, action: str) -> bool:
    """Whether the key's own policy lets in whoever the service lets in, as AWS's keys do."""
    statements = json.loads(key.policy).get("Statement", [])
    for each in statements if isinstance(statements, list) else [statements]:
        principal, actions = each.get("Principal"), each.get("Action", [])
        to_all = principal == "*" or (isinstance(principal, dict) and principal.get("AWS") == "*")
        actions = actions if isinstance(actions, list) else [actions]
        names = {action, "kms:*", "*", f"{action}*"}
        if each.get("Effect") == "Allow" and to_all and names.intersection(actions):
            return True
    return False


def _of_queue(handler: Any, arn: str) -> Iterator[str]:
    queue = handler.sqs_backend.queues.get(arn.rpartition(":")[2])
    yield queue.kms_master_key_id if queue is not None else ""


def _of_topic(handler: Any, arn: str) -> Iterator[str]:
    topic = handler.backend.topics.get(arn)
    yield topic.kms_master_key_id if topic is not None else ""


def _of_secret(handler: Any, arn: str) -> Iterator[str]:
    for each in handler.backend.secrets.values():
        if each.arn == arn:
            yield each.kms_key_id


def _of_parameter(handler: Any, arn: str) -> Iterator[str]:
    """Of those that are decrypted, whatever the path."""
    if str(handler._get_param("WithDecryption")).lower() != "true":  # noqa: SLF001 - moto's way to read it
        return
    under = arn.partition(":parameter")[2]
    for versions in handler.ssm_backend._parameters.values():  # noqa: SLF001 - they are nowhere else
        latest = versions[-1]
        name = f"/{latest.name.lstrip('/')}"
        if latest.parameter_type == "SecureString" and (
            name == under or name.startswith(f"{under}/")
        ):
            yield latest.keyid


def _of_stream(handler: Any, arn: str) -> Iterator[str]:
    name = arn.rpartition("/")[2]
    stream = handler.kinesis_backend.streams.get(name)
    yield stream.key_id if stream is not None and stream.encryption_type == "KMS" else ""


def _of_object(handler: Any, arn: str) -> Iterator[str]:
    """The one with which it was written."""
    bucket, _, path = arn.removeprefix("arn:aws:s3:::").partition("/")
    found = handler.backend.get_object(bucket, path) if path else None
    yield found.kms_key_id if found is not None and found.encryption == "aws:kms" else ""


def _of_new_object(handler: Any, arn: str) -> Iterator[str]:
    """The one that the call names, or the bucket's."""
    bucket = handler.backend.buckets.get(arn.removeprefix("arn:aws:s3:::").partition("/")[0])
    rule = (bucket.encryption or {}).get("Rule", {}) if bucket is not None else {}
    yield handler.headers.get("x-amz-server-side-encryption-aws-kms-key-id") or rule.get(
        "ApplyServerSideEncryptionByDefault", {}
    ).get("KMSMasterKeyID", "")


_KEYS: Final[dict[str, Callable[[Any, str], Iterator[str]]]] = {
    "kinesis": _of_stream,
    "s3:GetObject": _of_object,
    "s3:PutObject": _of_new_object,
    "secretsmanager": _of_secret,
    "sns": _of_topic,
    "sqs": _of_queue,
    "ssm": _of_parameter,
}
"""By the service or the action, the keys of a resource."""
