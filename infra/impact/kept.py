"""What an update does to what is kept: data that is deleted, kept for less long, or unprotected."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from infra import inputs
from infra.impact.finding import Finding, lossy, notice, risk
from infra.impact.preview import Change, Operation, Preview, State
from infra.impact.stream import TABLE
from infra.inputs import UNKNOWN

BUCKET: Final = "aws:s3/bucket:Bucket"
FUNCTION: Final = "aws:lambda/function:Function"

_HOLDS: Final[Mapping[str, str]] = {
    TABLE: "all items",
    BUCKET: "all objects",
    "aws:s3/bucketV2:BucketV2": "all objects",
    "aws:ecr/repository:Repository": "all images",
    "aws:cloudwatch/logGroup:LogGroup": "all log lines",
    "aws:sqs/queue:Queue": "all messages that wait",
    "aws:kinesis/stream:Stream": "all records",
    "aws:kms/key:Key": "whatever was encrypted with it, once its waiting period is over",
    "aws:secretsmanager/secret:Secret": "the secret, once its recovery window is over",
    "aws:ssm/parameter:Parameter": "its value and its history",
    "aws:efs/fileSystem:FileSystem": "all files",
    "aws:rds/instance:Instance": "all data",
    "aws:rds/cluster:Cluster": "all data",
    "aws:opensearch/domain:Domain": "all documents",
    "aws:elasticache/replicationGroup:ReplicationGroup": "all data",
}
"""Types that keep something, and what is gone with them."""

_OF_COMPONENT: Final[Mapping[str, str]] = {
    "requests:infra:IdempotencyTable": (
        "the memory of all events: what is delivered or replayed again takes effect again"
    ),
    "requests:infra:FailureBucket": (
        "all failed batches and rejected records, which then cannot be replayed"
    ),
}


def findings(preview: Preview) -> Iterator[Finding]:
    """Of all resources that exist."""
    for change in preview.changes:
        if change.operation is Operation.CREATED and change.new is not None:
            yield from _first_limit(change, change.new, preview)
        if change.old is None or change.operation is Operation.SAME:
            continue
        if change.is_gone:
            yield from _gone(change, change.old)
        if change.operation is Operation.DELETED:
            yield from _protected_by_it(change, change.old, preview)
        if change.new is not None:
            yield from _unprotected(change, change.old, change.new)
            # What holds nothing itself is a rule for something else, which stays.
            if change.operation is Operation.UPDATED or change.type not in _HOLDS:
                yield from _kept_less(change, change.old, change.new)


def _gone(change: Change, old: State) -> Iterator[Finding]:
    if change.type not in _HOLDS:
        return
    held = next(
        (_OF_COMPONENT[parent] for parent in change.parents if parent in _OF_COMPONENT),
        _HOLDS[change.type],
    )
    noun = change.type.rpartition(":")[2]
    kind = {TABLE: "table", BUCKET: "bucket"}.get(change.type, "data")
    done = change.operation.value
    if old.retain_on_delete or old.at("skipDestroy"):
        yield notice(
            f"{kind}-left",
            change,
            f"the {noun} leaves the stack and stays in AWS, billed and unmanaged",
            "delete or import it by hand",
        )
        return
    streamed = " and unread records" if old.at("streamEnabled") else ""
    yield lossy(
        f"{kind}-{done}",
        change,
        f"the {noun} is {done}: {held}{streamed} are gone"
        if held.startswith("all")
        else f"the {noun} is {done}, and with it {held}",
        "export or back up what must stay; a change that only renames it in the program wants "
        "`aliases`",
    )


_PROTECTS: Final[Mapping[str, str]] = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "the block of public access",
    "aws:s3/bucketVersioning:BucketVersioning": "versioning",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": "the lock of objects",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "encryption with a key of one's own choice"
    ),
}
"""Resources that protect a bucket as long as they are there."""


def _protected_by_it(change: Change, old: State, preview: Preview) -> Iterator[Finding]:
    if change.type in _PROTECTS and not preview.are_gone([old.at("bucket")]):
        yield risk(
            "protection-removed",
            change,
            f"no longer: {_PROTECTS[change.type]} of the bucket {old.at('bucket')}",
            "put it back with the next update, unless the bucket is to be deleted",
        )


def _first_limit(change: Change, new: State, preview: Preview) -> Iterator[Finding]:
    """A limit for what exists already: a new bucket's name is known only once the update runs."""
    of = new.at("bucket") or new.at("repository")
    if change.type not in _LIMITS or of in (None, UNKNOWN) or preview.is_made(of):
        return
    for what, measure in _RETENTIONS[change.type]:
        limit = measure(new)
        if limit is not None and limit < _FOR_EVER:
            yield lossy(
                "retention-shortened",
                change,
                f"{what} {_shown(limit)}, and {of} had no limit: what is beyond it is deleted",
                "export what must stay",
            )


def _unprotected(change: Change, old: State, new: State) -> Iterator[Finding]:
    gone = [*_protections_gone(old, new)]
    if gone:
        yield risk(
            "protection-removed",
            change,
            f"no longer: {', '.join(gone)}",
            "put it back with the next update, unless it is to be deleted",
        )


_PROTECTIONS: Final[tuple[tuple[str, ...], ...]] = (
    ("deletionProtectionEnabled",),
    ("deletionProtection",),
    ("serverSideEncryption", "enabled"),
    ("blockPublicAcls",),
    ("blockPublicPolicy",),
    ("ignorePublicAcls",),
    ("restrictPublicBuckets",),
    ("skipDestroy",),
    ("sqsManagedSseEnabled",),
    ("enableKeyRotation",),
)
"""Inputs that protect while they are true."""

_KEYS: Final = ("kmsKeyId", "kmsMasterKeyId")
"""Inputs that encrypt with a key of one's own while they are set."""

_PERMITS: Final[tuple[str, ...]] = ("forceDestroy", "forceDelete")
"""Inputs that permit a deletion with all content once they are true."""


def _protections_gone(old: State, new: State) -> Iterator[str]:
    if old.protect and not new.protect:
        yield "Pulumi's protect"
    if old.retain_on_delete and not new.retain_on_delete:
        yield "Pulumi's retainOnDelete"
    for path in _PROTECTIONS:
        if old.at(*path) is True and new.at(*path) is not True:
            yield ".".join(path)
    for name in _KEYS:
        if old.at(name) and not new.at(name):
            yield f"encryption with {old.at(name)} ({name})"
    for name in _PERMITS:
        if not old.at(name) and new.at(name) is True:
            yield f"a refusal to delete what is not empty ({name})"
    versioning = ("versioningConfiguration", "status")
    if old.at(*versioning) == "Enabled" and new.at(*versioning) != "Enabled":
        yield "versioning"


def _kept_less(change: Change, old: State, new: State) -> Iterator[Finding]:
    for what, measure in _RETENTIONS.get(change.type, ()):
        before, after = measure(old), measure(new)
        if before is not None and after is not None and after < before:
            yield lossy(
                "retention-shortened",
                change,
                f"{what} {_shown(after)}, was {_shown(before)}: what is beyond it is deleted",
                "export what must stay",
            )
    if change.type == TABLE:
        yield from _of_the_table(change, old, new)


def _shown(amount: float) -> str:
    return "for ever" if amount == _FOR_EVER else f"{amount:g}"


_FOR_EVER: Final = float("inf")

Measure = Callable[[State], float | None]


def _at(*path: str | int, forever: object = None, default: float | None = None) -> Measure:
    """The number at a path; `forever` stands for no end, `default` is AWS's where none is set."""

    def measure(state: State) -> float | None:
        value = state.at(*path)
        if value is None:
            return default
        if value == forever:
            return _FOR_EVER
        return float(value) if isinstance(value, int | float) else None

    return measure


def _shortest_rule(state: State) -> float | None:
    """Days after which the first of a bucket's objects expires."""
    rules = state.at("rules")
    if rules == UNKNOWN:
        return None
    days = [
        inputs.at(rule, "expiration", "days")
        for rule in (rules if isinstance(rules, list) else ())
        if isinstance(rule, Mapping) and rule.get("status") == "Enabled"
    ]
    return min((float(each) for each in days if isinstance(each, int | float)), default=_FOR_EVER)


def _images_kept(state: State) -> float | None:
    policy: Any = state.at("policy")
    if not isinstance(policy, str) or policy == UNKNOWN:
        return None
    try:
        rules = inputs.at(json.loads(policy), "rules")
    except ValueError:
        return None
    counts = [
        inputs.at(rule, "selection", "countNumber")
        for rule in (rules if isinstance(rules, list) else ())
    ]
    return min((float(each) for each in counts if isinstance(each, int | float)), default=_FOR_EVER)


def _memory(state: State) -> float | None:
    value = state.at("environment", "variables", "REQUESTS_IDEMPOTENCY_EXPIRES_AFTER")
    return float(value) if isinstance(value, str) and value.isdecimal() else None


_RETENTIONS: Final[Mapping[str, tuple[tuple[str, Measure], ...]]] = {
    TABLE: (
        (
            "backups are kept for days:",
            _at("pointInTimeRecovery", "recoveryPeriodInDays", default=35),
        ),
    ),
    FUNCTION: (("events are remembered for seconds:", _memory),),
    "aws:cloudwatch/logGroup:LogGroup": (
        ("log lines are kept for days:", _at("retentionInDays", forever=0, default=float("inf"))),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        ("objects are kept for days:", _shortest_rule),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": (("images are kept:", _images_kept),),
    "aws:sqs/queue:Queue": (
        ("messages are kept for seconds:", _at("messageRetentionSeconds", default=345_600)),
    ),
    "aws:kinesis/stream:Stream": (
        ("records are kept for hours:", _at("retentionPeriod", default=24)),
    ),
}
"""How long a type keeps what it holds; where it is not set, AWS's default."""

_LIMITS: Final = frozenset(
    {
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    }
)
"""Resources that do nothing but to set one."""


def _of_the_table(change: Change, old: State, new: State) -> Iterator[Finding]:
    if old.at("pointInTimeRecovery", "enabled") and not new.at("pointInTimeRecovery", "enabled"):
        yield lossy(
            "backups-ended",
            change,
            "point-in-time recovery is off: every backup of the past 35 days is gone, and on again "
            "they begin anew",
            "`aws dynamodb create-backup` keeps one",
        )
    expiry = ("ttl", "attributeName")
    if _is_on(new) and (not _is_on(old) or old.at(*expiry) != new.at(*expiry)):
        yield risk(
            "expiry-enabled",
            change,
            f"items whose {new.at(*expiry)} is past are deleted within days",
            "look how many those are",
        )
    key = ("serverSideEncryption", "kmsKeyArn")
    if old.at(*key) != new.at(*key):
        yield risk(
            "encryption-key-changed",
            change,
            f"the table's key becomes {_key(new.at(*key))}, was {_key(old.at(*key))}: backups and "
            "what the stream holds from before still need the old one",
            "keep the old key, and wait until IteratorAge is near 0",
        )
    retyped = sorted(_types(old).items() - _types(new).items())
    for name, type_ in retyped:
        if name in _types(new) and name in (old.at("hashKey"), old.at("rangeKey")):
            yield risk(
                "key-changed",
                change,
                f"the key {name} becomes {_types(new)[name]}, was {type_}: the provider changes "
                "nothing in AWS, and every item is then one that does not fit",
                "make a new table for it",
            )


def _is_on(table: State) -> bool:
    return table.at("ttl", "enabled") is True


def _key(arn: object) -> str:
    if arn is None:
        return "AWS's own"
    return "one that is known only once the update runs" if arn == UNKNOWN else str(arn)


def _types(table: State) -> dict[str, str]:
    attributes = table.at("attributes")
    return {
        str(each.get("name")): str(each.get("type"))
        for each in (attributes if isinstance(attributes, list) else ())
        if isinstance(each, Mapping)
    }
