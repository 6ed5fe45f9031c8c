"""S3 buckets and what is set for them, in the embedded AWS.

Source: internal/service/s3 of terraform-provider-aws 6. Each of a bucket's settings is a resource
of its own there, which replaces what was set before.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import pulumi

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.inputs import heeded
from infra.local.aws.not_made import NotMadeHereError
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
    if inputs.get("objectLockEnabled"):
        request["ObjectLockEnabledForBucket"] = True
    s3 = emulator.client("s3")
    s3.create_bucket(**request)
    if inputs.get("tags"):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": services.tags(inputs)})
    _inline(emulator, name, inputs)
    return outputs(emulator, name)


def _inline(emulator: Emulator, name: str, inputs: Inputs) -> None:
    """Settings that the provider takes within the bucket, where it has resources for them too."""
    if inputs.get("versioning", {}).get("enabled"):
        enabled = {"bucket": name, "versioningConfiguration": {"status": "Enabled"}}
        _versioning(emulator, name, enabled)
    if inputs.get("serverSideEncryptionConfiguration"):
        rule = inputs["serverSideEncryptionConfiguration"]["rule"]
        _encryption(emulator, name, {"bucket": name, "rules": [rule]})
    if inputs.get("corsRules"):
        _cors(emulator, name, {"bucket": name, "corsRules": inputs["corsRules"]})
    if inputs.get("policy"):
        _policy(emulator, name, {"bucket": name, "policy": inputs["policy"]})
    if inputs.get("acl"):
        _acl(emulator, name, {"bucket": name, "acl": inputs["acl"]})


_CORS: Final = {
    "allowedHeaders": "AllowedHeaders",
    "allowedMethods": "AllowedMethods",
    "allowedOrigins": "AllowedOrigins",
    "exposeHeaders": "ExposeHeaders",
    "id": "ID",
    "maxAgeSeconds": "MaxAgeSeconds",
}


def _cors(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    rules = [services.given(each, _CORS) for each in inputs["corsRules"]]
    emulator.client("s3").put_bucket_cors(
        Bucket=inputs["bucket"], CORSConfiguration={"CORSRules": rules}
    )
    return {"id": inputs["bucket"]}


def _acl(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("s3").put_bucket_acl(Bucket=inputs["bucket"], ACL=inputs["acl"])
    return {"id": f"{inputs['bucket']},{inputs['acl']}"}


def outputs(emulator: Emulator, name: str) -> Outputs:
    """What the provider tells of a bucket."""
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{emulator.region}.amazonaws.com",
    }


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
    emulator.client("s3").put_bucket_encryption(
        Bucket=inputs["bucket"],
        ServerSideEncryptionConfiguration={
            "Rules": [_encryption_rule(each) for each in inputs["rules"]]
        },
    )
    return {"id": inputs["bucket"]}


def _encryption_rule(rule: Inputs) -> dict[str, Any]:
    default = services.given(
        rule.get("applyServerSideEncryptionByDefault", {"sseAlgorithm": "AES256"}),
        {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"},
    )
    return {
        "ApplyServerSideEncryptionByDefault": default,
        **services.given(rule, {"bucketKeyEnabled": "BucketKeyEnabled"}),
    }


def _public_access_block(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("s3").put_public_access_block(
        Bucket=inputs["bucket"],
        # Each is false unless it is given.
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": inputs.get("blockPublicAcls", False),
            "BlockPublicPolicy": inputs.get("blockPublicPolicy", False),
            "IgnorePublicAcls": inputs.get("ignorePublicAcls", False),
            "RestrictPublicBuckets": inputs.get("restrictPublicBuckets", False),
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
    result: dict[str, Any] = {"ID": rule["id"], "Status": rule["status"], "Filter": _filter(rule)}
    for key, (parameter, names) in _OF_A_RULE.items():
        if isinstance(given := rule.get(key), list):
            result[parameter] = [services.given(each, names) for each in given]
        elif given is not None:
            result[parameter] = services.given(given, names)
    return result


def _filter(rule: Inputs) -> dict[str, Any]:
    """Of a rule without one: every object."""
    selected = rule.get("filter", {})
    if both := selected.get("and"):
        tags = [{"Key": key, "Value": value} for key, value in both.get("tags", {}).items()]
        return {"And": {**services.given(both, {"prefix": "Prefix"}), "Tags": tags}}
    if tag := selected.get("tag"):
        return {"Tag": {"Key": tag["key"], "Value": tag["value"]}}
    return {"Prefix": selected.get("prefix") or rule.get("prefix", "")}


_EXPIRATION: Final = {
    "date": "Date",
    "days": "Days",
    "expiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}
_TRANSITION: Final = {"date": "Date", "days": "Days", "storageClass": "StorageClass"}
_OF_A_RULE: Final = {
    "abortIncompleteMultipartUpload": (
        "AbortIncompleteMultipartUpload",
        {"daysAfterInitiation": "DaysAfterInitiation"},
    ),
    "expiration": ("Expiration", _EXPIRATION),
    "noncurrentVersionExpiration": (
        "NoncurrentVersionExpiration",
        {"noncurrentDays": "NoncurrentDays", "newerNoncurrentVersions": "NewerNoncurrentVersions"},
    ),
    "noncurrentVersionTransitions": (
        "NoncurrentVersionTransitions",
        {"noncurrentDays": "NoncurrentDays", "storageClass": "StorageClass"},
    ),
    "transitions": ("Transitions", _TRANSITION),
}


def _object(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    bucket, key = inputs["bucket"], inputs["key"]
    answer = emulator.client("s3").put_object(
        Bucket=bucket,
        Key=key,
        Body=_content(emulator, inputs),
        **services.given(
            inputs,
            {
                "acl": "ACL",
                "bucketKeyEnabled": "BucketKeyEnabled",
                "cacheControl": "CacheControl",
                "contentDisposition": "ContentDisposition",
                "contentEncoding": "ContentEncoding",
                "contentLanguage": "ContentLanguage",
                "contentType": "ContentType",
                "kmsKeyId": "SSEKMSKeyId",
                "metadata": "Metadata",
                "serverSideEncryption": "ServerSideEncryption",
                "storageClass": "StorageClass",
                "websiteRedirect": "WebsiteRedirectLocation",
            },
        ),
        **({"Tagging": urlencode(inputs["tags"])} if inputs.get("tags") else {}),
    )
    heeded(inputs, "etag", "sourceHash")  # they only tell the provider of a change
    return {"id": key, "key": key, "arn": f"arn:aws:s3:::{bucket}/{key}", "etag": answer["ETag"]}


def _content(emulator: Emulator, inputs: Inputs) -> bytes:
    if inputs.get("content") is not None:
        return str(inputs["content"]).encode()
    if inputs.get("contentBase64") is not None:
        return base64.b64decode(inputs["contentBase64"])
    source = inputs["source"]
    if isinstance(source, pulumi.StringAsset):
        return source.text.encode()
    if isinstance(source, pulumi.Archive) or not isinstance(source, (str, pulumi.FileAsset)):
        raise NotMadeHereError("an archive is not packed here, nor fetched")
    path = source if isinstance(source, str) else source.path
    return (emulator.folder / path).read_bytes()


def _delete_object(emulator: Emulator, existing: Existing) -> None:
    emulator.client("s3").delete_object(Bucket=existing["bucket"], Key=existing["key"])


_OBJECT: Final = ResourceType(
    create=_object,
    delete=_delete_object,
    computed=("arn", "etag", "versionId"),
    replaced_by=frozenset({"bucket", "key"}),
)


def _policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    """Without the statements that refuse plain HTTP: that is what the embedded AWS speaks."""
    bucket = inputs["bucket"]
    document = json.loads(inputs["policy"])
    statements = document["Statement"]
    document["Statement"] = [
        statement
        for statement in (statements if isinstance(statements, list) else [statements])
        if "aws:SecureTransport" not in statement.get("Condition", {}).get("Bool", {})
    ]
    if document["Statement"]:
        policy = json.dumps(document)
        emulator.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    return {"id": bucket}


def _setting(
    create: Create, *, delete: str = "", without: Any = None, found: Any = None
) -> ResourceType:
    """A bucket's setting: `delete` names the call that takes it back, `without` does so itself.

    `found` tells of it, as far as it is read.
    """

    def deleted(emulator: Emulator, setting: Existing) -> None:
        getattr(emulator.client("s3"), delete)(Bucket=setting.id)

    def read(emulator: Emulator, bucket: str) -> Inputs | None:
        s3 = emulator.client("s3")
        return services.unless_gone(lambda: {"bucket": bucket, **found(s3, bucket)})

    return ResourceType(
        create=create,
        delete=without or deleted,
        read=read if found else _exists,
        replaced_by=frozenset({"bucket", "expectedBucketOwner"}),
    )


def _exists(emulator: Emulator, bucket: str) -> Inputs | None:
    return None if _read_bucket(emulator, bucket) is None else {"bucket": bucket}


def _versioning_found(s3: Any, bucket: str) -> Outputs:
    status = s3.get_bucket_versioning(Bucket=bucket).get("Status", "Disabled")
    return {"versioningConfiguration": {"status": status}}


def _public_access_block_found(s3: Any, bucket: str) -> Outputs:
    answer = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    return {key[:1].lower() + key[1:]: each for key, each in answer.items()}


def _ownership_found(s3: Any, bucket: str) -> Outputs:
    (rule,) = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    return {"rule": {"objectOwnership": rule["ObjectOwnership"]}}


def _lifecycle_found(s3: Any, bucket: str) -> Outputs:
    """Without the rules' filters, which are written in many ways."""
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return {"rules": [dict(_rule_found(each)) for each in rules]}


def _rule_found(rule: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from (("id", rule["ID"]), ("status", rule["Status"]))
    for key, (parameter, names) in _OF_A_RULE.items():
        inputs = {name: key for key, name in names.items()}
        if isinstance(answered := rule.get(parameter), list):
            yield key, [services.given(each, inputs) for each in answered]
        elif answered is not None:
            yield key, services.given(answered, inputs)


_TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:s3/bucket:Bucket": ResourceType(
        create=_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
        read=_read_bucket,
        naming=Naming(key="bucket", longest=63, shortest=3, lowercase=True),
        computed=("arn",),
        replaced_by=frozenset({"bucket", "bucketPrefix", "objectLockEnabled"}),
    ),
    "aws:s3/bucketAcl:BucketAcl": ResourceType(
        create=_acl, delete=services.stays, replaced_by=frozenset({"bucket"})
    ),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _setting(
        _cors, delete="delete_bucket_cors"
    ),
    "aws:s3/bucketObject:BucketObject": _OBJECT,
    "aws:s3/bucketObjectv2:BucketObjectv2": _OBJECT,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _setting(
        _lifecycle, delete="delete_bucket_lifecycle", found=_lifecycle_found
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _setting(
        _ownership, delete="delete_bucket_ownership_controls", found=_ownership_found
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _setting(_policy, delete="delete_bucket_policy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _setting(
        _public_access_block,
        delete="delete_public_access_block",
        found=_public_access_block_found,
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _setting(_encryption, delete="delete_bucket_encryption")
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _setting(
        _versioning, without=_suspend_versioning, found=_versioning_found
    ),
}


def _second_version(token: str) -> str:
    """pulumi-aws 6's name of the type, which 7 still takes."""
    return f"{token}V2".replace(":", "V2:", 2).replace("awsV2:", "aws:")


TYPES: Final[Mapping[str, ResourceType]] = {
    **_TYPES,
    **{_second_version(token): each for token, each in _TYPES.items()},
}
