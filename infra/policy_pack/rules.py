"""The rules: what a resource must be like, as functions that say what is not as it should be.

The tests hold them against this program's plan; the engine against a user's too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from infra.inputs import UNKNOWN
from infra.policy_pack.resource import Resource, is_production
from infra.policy_pack.statements import (
    families_of_actions,
    public_grants,
    unscoped_grants,
    wide_policies,
)

Check: TypeAlias = Callable[[Resource], Iterator[str]]
"""Says what is wrong with a resource, each as the end of a sentence that begins with its name."""

TABLE: Final = "aws:dynamodb/table:Table"
BUCKET: Final = "aws:s3/bucket:Bucket"
MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule for each resource by itself."""

    name: str
    description: str
    check: Check


@dataclass(frozen=True, kw_only=True, slots=True)
class StackRule:
    """One rule for the resources of a stack together."""

    name: str
    description: str
    check: Callable[[Sequence[Resource]], Iterator[tuple[Resource, str]]]


def _encrypted(resource: Resource) -> Iterator[str]:
    wanted = _ENCRYPTED_BY.get(resource.type)
    if wanted is None:
        return
    if resource.type == TABLE and not is_production(resource.stack):
        return  # without a key of KMS it has DynamoDB's own
    if not any(resource.at(*path) for path in wanted):
        names = " or ".join(".".join(map(str, path)) for path in wanted)
        yield f"is not encrypted with a key: set {names}"


_ENCRYPTED_BY: Final[Mapping[str, tuple[tuple[str | int, ...], ...]]] = {
    TABLE: (("serverSideEncryption", "enabled"),),
    "aws:sqs/queue:Queue": (("sqsManagedSseEnabled",), ("kmsMasterKeyId",)),
    "aws:sns/topic:Topic": (("kmsMasterKeyId",),),
    "aws:kinesis/stream:Stream": (("kmsKeyId",),),
    "aws:efs/fileSystem:FileSystem": (("encrypted",),),
    "aws:rds/instance:Instance": (("storageEncrypted",),),
    "aws:rds/cluster:Cluster": (("storageEncrypted",),),
    "aws:ebs/volume:Volume": (("encrypted",),),
}
"""Inputs of which one encrypts."""


def _topic_key(resource: Resource) -> Iterator[str]:
    if resource.type == "aws:sns/topic:Topic" and resource.at("kmsMasterKeyId") == "alias/aws/sns":
        yield (
            "is encrypted with alias/aws/sns, whose policy lets no service publish: CloudWatch's "
            "alarms and EventBridge's events would be lost; use a key of your own"
        )


def _closed(resource: Resource) -> Iterator[str]:
    yield from public_grants(resource)
    acl = resource.at("acl")
    if isinstance(acl, str) and acl.startswith("public"):
        yield f"has the ACL {acl}"
    if resource.at("authorizationType") == "NONE" and resource.type.startswith("aws:lambda/"):
        yield "is a function's URL that anybody may call: authorizationType must be AWS_IAM"
    if resource.at("publiclyAccessible") is True:
        yield "is reachable from the internet: publiclyAccessible must be false"


def _log_retention(resource: Resource) -> Iterator[str]:
    if resource.type == "aws:cloudwatch/logGroup:LogGroup" and not resource.at("retentionInDays"):
        yield "keeps log lines for ever: set retentionInDays"


def _protected_in_production(resource: Resource) -> Iterator[str]:
    if not is_production(resource.stack):
        return
    if resource.type == TABLE and not _is_rebuilt(resource):
        if not resource.at("pointInTimeRecovery", "enabled"):
            yield "has no point-in-time recovery"
        if not resource.at("deletionProtectionEnabled"):
            yield "may be deleted: set deletionProtectionEnabled"
    for permit in ("forceDestroy", "forceDelete"):
        if resource.at(permit) is True:
            yield f"may be deleted with all that it holds: {permit} must be false"
    # What holds only what can be made anew needs none.
    if resource.type in {TABLE, BUCKET} and not resource.protect and not _is_rebuilt(resource):
        yield "is not protected: set protect, in its ResourceOptions"


def _is_rebuilt(resource: Resource) -> bool:
    """The memory of events, which Pulumi may replace when it must."""
    return "requests:infra:IdempotencyTable$" in resource.urn


def _partial_responses(resource: Resource) -> Iterator[str]:
    if resource.type != MAPPING or _is_no_stream(resource.at("eventSourceArn")):
        return
    types = resource.at("functionResponseTypes")
    if types != UNKNOWN and "ReportBatchItemFailures" not in (types or ()):
        yield "takes a batch as done whatever the handler reports: set ReportBatchItemFailures"
    if not resource.at("destinationConfig", "onFailure", "destinationArn"):
        yield "drops what it gives up: set an on-failure destination"


def _is_no_stream(arn: object) -> bool:
    return (
        isinstance(arn, str) and arn != UNKNOWN and "/stream/" not in arn and ":kinesis:" not in arn
    )


def _pinned_image(resource: Resource) -> Iterator[str]:
    uri = resource.at("imageUri")
    if resource.type != "aws:lambda/function:Function" or not isinstance(uri, str):
        return
    if uri != UNKNOWN and "@sha256:" not in uri:
        yield f"runs {uri}, which may be another image tomorrow: name it by its digest"


def _closed_buckets(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    blocks = [
        each
        for each in resources
        if each.type == "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
        and all(each.at(name) in {True, UNKNOWN} for name in _BLOCKS)
    ]
    closed = {name for block in blocks for name in block.depends_on}
    named = {block.at("bucket") for block in blocks}
    for bucket in resources:
        known = {bucket.name, bucket.at("bucket")} - {None, UNKNOWN}
        if bucket.type == BUCKET and bucket.name not in closed and not known & named:
            yield bucket, f"has no BucketPublicAccessBlock with {', '.join(_BLOCKS)}"


_BLOCKS: Final = (
    "blockPublicAcls",
    "blockPublicPolicy",
    "ignorePublicAcls",
    "restrictPublicBuckets",
)

RULES: Final = (
    Rule(
        name="encrypted-at-rest",
        description="Queues, topics, streams, file systems and databases are encrypted; in "
        "production tables too have a key of KMS.",
        check=_encrypted,
    ),
    Rule(
        name="topic-key-that-services-may-use",
        description="A topic's key lets CloudWatch publish.",
        check=_topic_key,
    ),
    Rule(
        name="no-public-access",
        description="Everybody is allowed nothing without a condition that says who.",
        check=_closed,
    ),
    Rule(
        name="no-wildcard-resources",
        description="A role is allowed something on all resources only where AWS takes it no "
        "other way, and no family of actions.",
        check=lambda resource: (
            sentence
            for sentences in (
                unscoped_grants(resource),
                families_of_actions(resource),
                wide_policies(resource),
            )
            for sentence in sentences
        ),
    ),
    Rule(
        name="log-retention",
        description="Every log group forgets.",
        check=_log_retention,
    ),
    Rule(
        name="protected-in-production",
        description="In production tables have point-in-time recovery and deletion protection, "
        "Pulumi protects tables and buckets, and nothing is deleted with what it holds.",
        check=_protected_in_production,
    ),
    Rule(
        name="partial-responses-and-destination",
        description="A stream's mapping takes partial batch responses and has an on-failure "
        "destination.",
        check=_partial_responses,
    ),
    Rule(
        name="image-by-digest",
        description="A function's image is named by its digest.",
        check=_pinned_image,
    ),
)
STACK_RULES: Final = (
    StackRule(
        name="closed-buckets",
        description="Every bucket blocks public access.",
        check=_closed_buckets,
    ),
)
