"""S3 buckets and what is set for them, in the embedded AWS.

Source: internal/service/s3 of terraform-provider-aws 6. Each of a bucket's settings is a resource
of its own there, which replaces what was set before.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.resource_type import (
    Create,
    Existing,
    Inputs,
    Naming,
    Outputs,
    ResourceType,
)


def _bucket(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    request: dict[str, Any] = {"Bucket": name}
    if emulator.region != "us-east-1":
        request["CreateBucketConfiguration"] = {"LocationConstraint": emulator.region}
    s3 = emulator.client("s3")
    s3.create_bucket(**request)
    if inputs.get("tags"):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": services.tags(inputs)})
    return {"id": name, "bucket": name, "arn": f"arn:aws:s3:::{name}"}


def _update_bucket(emulator: Emulator, bucket: Existing, inputs: Inputs) -> Outputs:
    s3 = emulator.client("s3")
    if inputs.get("tags"):
        s3.put_bucket_tagging(Bucket=bucket.id, Tagging={"TagSet": services.tags(inputs)})
    else:
        s3.delete_bucket_tagging(Bucket=bucket.id)
    return {}


def _delete_bucket(emulator: Emulator, bucket: Existing) -> None:
    s3 = emulator.client("s3")
    if bucket.get("forceDestroy"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket.id):
            for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                s3.delete_object(Bucket=bucket.id, Key=each["Key"], VersionId=each["VersionId"])
    s3.delete_bucket(Bucket=bucket.id)


def _read_bucket(emulator: Emulator, name: str) -> Inputs | None:
    return services.unless_gone(
        lambda: (
            emulator.client("s3").head_bucket(Bucket=name)
            and {"bucket": name, "arn": f"arn:aws:s3:::{name}"}
        )
    )


def _versioning(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    status = inputs["versioningConfiguration"]["status"]
    emulator.client("s3").put_bucket_versioning(
        Bucket=inputs["bucket"], VersioningConfiguration={"Status": status}
    )
    return {"id": inputs["bucket"]}


def _suspend_versioning(emulator: Emulator, versioning: Existing) -> None:
    emulator.client("s3").put_bucket_versioning(
        Bucket=versioning.id, VersioningConfiguration={"Status": "Suspended"}
    )


def _encryption(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    algorithms = [
        rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] for rule in inputs["rules"]
    ]
    emulator.client("s3").put_bucket_encryption(
        Bucket=inputs["bucket"],
        ServerSideEncryptionConfiguration={
            "Rules": [
                {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
                for algorithm in algorithms
            ]
        },
    )
    return {"id": inputs["bucket"]}


def _public_access_block(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("s3").put_public_access_block(
        Bucket=inputs["bucket"],
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": inputs["blockPublicAcls"],
            "BlockPublicPolicy": inputs["blockPublicPolicy"],
            "IgnorePublicAcls": inputs["ignorePublicAcls"],
            "RestrictPublicBuckets": inputs["restrictPublicBuckets"],
        },
    )
    return {"id": inputs["bucket"]}


def _ownership(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    ownership = inputs["rule"]["objectOwnership"]
    emulator.client("s3").put_bucket_ownership_controls(
        Bucket=inputs["bucket"],
        OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]},
    )
    return {"id": inputs["bucket"]}


def _lifecycle(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("s3").put_bucket_lifecycle_configuration(
        Bucket=inputs["bucket"],
        LifecycleConfiguration={"Rules": [_rule(each) for each in inputs["rules"]]},
    )
    return {"id": inputs["bucket"]}


def _rule(rule: Inputs) -> dict[str, Any]:
    result = {
        "ID": rule["id"],
        "Status": rule["status"],
        "Filter": {"Prefix": rule["filter"]["prefix"]},
        "Expiration": {"Days": rule["expiration"]["days"]},
    }
    if noncurrent := rule.get("noncurrentVersionExpiration"):
        days = noncurrent["noncurrentDays"]
        result["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if abort := rule.get("abortIncompleteMultipartUpload"):
        days = abort["daysAfterInitiation"]
        result["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days}
    return result


def _policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    """Without the statements that refuse plain HTTP: that is what the embedded AWS speaks."""
    bucket = inputs["bucket"]
    document = json.loads(inputs["policy"])
    document["Statement"] = [
        statement
        for statement in document["Statement"]
        if "aws:SecureTransport" not in statement.get("Condition", {}).get("Bool", {})
    ]
    if document["Statement"]:
        policy = json.dumps(document)
        emulator.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    return {"id": bucket}


def _setting(create: Create, *, delete: str = "", without: Any = None) -> ResourceType:
    """A bucket's setting: `delete` names the call that takes it back, `without` does so itself."""

    def deleted(emulator: Emulator, setting: Existing) -> None:
        getattr(emulator.client("s3"), delete)(Bucket=setting.id)

    return ResourceType(
        create=create,
        delete=without or deleted,
        read=_exists,
        replaced_by=frozenset({"bucket", "expectedBucketOwner"}),
    )


def _exists(emulator: Emulator, bucket: str) -> Inputs | None:
    return None if _read_bucket(emulator, bucket) is None else {"bucket": bucket}


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:s3/bucket:Bucket": ResourceType(
        create=_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
        read=_read_bucket,
        naming=Naming(key="bucket", longest=63, lowercase=True),
        computed=("arn",),
        replaced_by=frozenset({"bucket", "bucketPrefix", "objectLockEnabled"}),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _setting(
        _lifecycle, delete="delete_bucket_lifecycle"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _setting(
        _ownership, delete="delete_bucket_ownership_controls"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _setting(_policy, delete="delete_bucket_policy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _setting(
        _public_access_block, delete="delete_public_access_block"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _setting(_encryption, delete="delete_bucket_encryption")
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _setting(_versioning, without=_suspend_versioning),
}
