"""Which actions on which resources a request needs, as the Service Authorization Reference has it.

A call's action is not always named as the call is: a batch needs the single one's. Of a service
that is not here, and of an action that takes no resource, any resource in a policy counts.
"""

import contextlib
import html
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from infra.local.aws.access import ANY
from infra.local.aws.dynamodb.authorization import Permission
from infra.local.aws.templated_mail import name_of

_Resources: TypeAlias = Callable[[Any], Iterator[str]]

_OWN: Final = frozenset({"iam", "sts"})
"""Services of which moto knows the resources; sts looks at the role's trust too."""


def permissions(handler: Any) -> list[Permission] | None:
    """What a request needs; None where moto knows it."""
    service = handler.service_name
    if service in _OWN:
        return None
    action = _action(handler)
    resources = _RESOURCES.get(service)
    if resources is None:
        return [(action, ANY)]
    return [(action, arn) for arn in dict.fromkeys(resources(handler))]


_PREFIXES: Final = {
    "awslambda": "lambda",
    "iot-data": "iot",
    "apigatewaymanagementapi": "execute-api",
    "resourcegroupstaggingapi": "tag",
    "sesv2": "ses",
    "stepfunctions": "states",
}
"""Of actions, where it is not moto's name of the service."""

_ACTIONS: Final = {
    "execute-api:PostToConnection": "execute-api:ManageConnections",
    "ses:SendBulkEmail": "ses:SendEmail",
    "sns:PublishBatch": "sns:Publish",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}


def _action(handler: Any) -> str:
    service = _PREFIXES.get(handler.service_name, handler.service_name)
    action = f"{service}:{handler._get_action()}"  # noqa: SLF001 - moto's way to tell it
    if action == "ses:SendEmail":
        return next((each for key, each in _MAIL.items() if key in _content(handler)), action)
    return _ACTIONS.get(action, action)


_MAIL: Final = {"Raw": "ses:SendRawEmail", "Template": "ses:SendTemplatedEmail"}
"""By the content of a mail, the action that SES's second API asks for: the first one's
(aws-actionmailer-ses-ruby, issue 10)."""


def _content(handler: Any) -> dict[str, Any]:
    """Of a mail by the second API."""
    content = _parameter(handler, "Content")
    return content if isinstance(content, dict) else {}


def _arn(handler: Any, service: str, resource: str) -> str:
    if resource.startswith("arn:"):
        return resource
    return f"arn:aws:{service}:{handler.region}:{handler.current_account}:{resource}"


def _given(handler: Any, *names: str) -> str:
    values = (_parameter(handler, name) for name in names)
    return next((value for value in values if value), "")


def _parameter(handler: Any, name: str) -> Any:
    return handler._get_param(name)  # noqa: SLF001 - moto's way to read it


def _topics(handler: Any) -> Iterator[str]:
    yield _given(handler, "TopicArn", "TargetArn", "SubscriptionArn", "ResourceArn") or ANY


def _queues(handler: Any) -> Iterator[str]:
    """By the queue's URL, or by its name, which AWS takes too."""
    url = _given(handler, "QueueUrl", "QueueName")
    yield _arn(handler, "sqs", url.rpartition("/")[2]) if url else ANY


def _events(handler: Any) -> Iterator[str]:
    entries = _parameter(handler, "Entries")
    if isinstance(entries, list):
        for each in entries:
            yield _bus(handler, each.get("EventBusName"))
    elif rule := _given(handler, "Rule") or (
        _given(handler, "Name") if handler._get_action().endswith("Rule") else ""  # noqa: SLF001 - as above
    ):
        bus = _given(handler, "EventBusName")
        path = f"{bus}/{rule}" if bus not in ("", "default") else rule
        yield _arn(handler, "events", f"rule/{path}")
    else:
        yield _bus(handler, _given(handler, "EventBusName", "Name"))


def _bus(handler: Any, name: str | None) -> str:
    name = name or "default"
    return name if name.startswith("arn:") else _arn(handler, "events", f"event-bus/{name}")


def _named(service: str, kind: str, *parameters: str) -> _Resources:
    """By the ARN or the name that a parameter gives."""

    def resources(handler: Any) -> Iterator[str]:
        name = _given(handler, *parameters)
        whole = name if name.startswith("arn:") else f"{kind}/{name}"
        yield _arn(handler, service, whole) if name else ANY

    return resources


def _parameters(handler: Any) -> Iterator[str]:
    names = _parameter(handler, "Names")
    names = names if isinstance(names, list) else [_given(handler, "Name", "Path")]
    for name in filter(None, names):
        path = name if name.startswith("/") else f"/{name}"
        yield _arn(handler, "ssm", name if name.startswith("arn:") else f"parameter{path}")
    if not any(names):
        yield ANY


def _secrets(handler: Any) -> Iterator[str]:
    secret = _given(handler, "SecretId", "Name")
    if not secret:
        yield ANY
        return
    known = {each.name: each.arn for each in handler.backend.secrets.values()}
    name = known.get(secret, secret)
    yield _arn(handler, "secretsmanager", name if name.startswith("arn:") else f"secret:{name}")


def _state_machines(handler: Any) -> Iterator[str]:
    yield _given(handler, "stateMachineArn", "executionArn", "activityArn", "resourceArn") or ANY


def _identities(handler: Any) -> Iterator[str]:
    """The address where it is an identity of its own, else the domain where that is one."""
    sender = _given(handler, "Source", "FromEmailAddress")
    if not sender:
        yield ANY
        return
    address = sender.rpartition("<")[2].rstrip("> ")
    domain = address.rpartition("@")[2]
    second = getattr(handler, "sesv2_backend", None)
    known = (second.core_backend if second else handler.backend).email_identities
    identity = domain if address not in known and domain in known else address
    yield _arn(handler, "ses", f"identity/{identity}")
    if template := _template(handler):
        # On the template too (serverless-application-model, issue 2844).
        yield _arn(handler, "ses", f"template/{template}")
    if configuration := _given(handler, "ConfigurationSetName"):
        yield _arn(handler, "ses", f"configuration-set/{configuration}")


def _template(handler: Any) -> str:
    """The name of the template of a mail; empty: it has none."""
    return _given(handler, "Template") or name_of(_content(handler).get("Template", {}))


def _keys(handler: Any) -> Iterator[str]:
    """A key's own ARN, whatever it is called by: its alias is none that a policy can name."""
    id_ = _given(handler, "KeyId")
    if not id_ and (encrypted := _parameter(handler, "CiphertextBlob")):
        # moto writes the key's id before what it encrypts.
        id_ = encrypted[:36].decode(errors="replace")
    if not id_:
        yield ANY
        return
    with contextlib.suppress(AttributeError):  # there is no such alias
        id_ = handler.kms_backend.any_id_to_key_id(id_)
    yield _arn(handler, "kms", f"key/{id_}")


def _log_streams(handler: Any) -> Iterator[str]:
    group, stream = _given(handler, "logGroupName"), _given(handler, "logStreamName")
    yield _arn(handler, "logs", f"log-group:{group}:log-stream:{stream}") if group else ANY


_RESOURCES: Final[dict[str, _Resources]] = {
    "events": _events,
    "firehose": _named("firehose", "deliverystream", "DeliveryStreamName"),
    "kinesis": _named("kinesis", "stream", "StreamARN", "StreamName"),
    "kms": _keys,
    "logs": _log_streams,
    "secretsmanager": _secrets,
    "ses": _identities,
    "sesv2": _identities,
    "sns": _topics,
    "sqs": _queues,
    "ssm": _parameters,
    "stepfunctions": _state_machines,
}
"""By moto's name of the service."""


def s3_permissions(handler: Any, bucket: str | None, key: str | None) -> list[Permission]:
    """What a request of S3 needs; of a copy the reading of its source too."""
    action = handler._get_action()  # noqa: SLF001 - moto's way to tell it
    if action == "ListAllMyBuckets":
        return [(f"s3:{action}", ANY)]
    if action == "DeleteObject" and not key:
        keys = re.findall(r"<Key>(.*?)</Key>", handler.body.decode(), re.DOTALL)
        return [(f"s3:{action}", f"arn:aws:s3:::{bucket}/{html.unescape(each)}") for each in keys]
    path = f"{bucket}/{key}" if key else str(bucket)
    needed = [(f"s3:{_OF_BUCKETS.get(action, action)}", f"arn:aws:s3:::{path}")]
    source = handler.headers.get("x-amz-copy-source")
    if source:
        copied = unquote(source).partition("?")[0].removeprefix("/")
        needed.append(("s3:GetObject", f"arn:aws:s3:::{copied}"))
    if action == "PutObject" and handler.headers.get("x-amz-tagging"):
        needed.append(("s3:PutObjectTagging", f"arn:aws:s3:::{path}"))
    if action in _READING and handler.backend.get_object(bucket, key) is None:
        # Only who may list the bucket is told that there is no such object.
        needed.append(("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    return needed


_READING: Final = frozenset({"GetObject", "GetObjectVersion"})


_OF_BUCKETS: Final = {"HeadBucket": "ListBucket"}
"""Calls that have no action of their own."""
