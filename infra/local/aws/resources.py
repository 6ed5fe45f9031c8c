"""How each type of resource that the program registers is created in the embedded AWS.

From the registered inputs to the outputs that the program reads. What users commonly add stands in
`infra.local.aws.services`, tables in `infra.local.aws.tables`.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from infra.local.aws import services
from infra.local.aws.emulator import ACCOUNT, Emulator
from infra.local.aws.tables import create_table, get_table

Inputs: TypeAlias = Mapping[str, Any]
Outputs: TypeAlias = dict[str, Any]
Create: TypeAlias = Callable[[Emulator, str, Inputs], Outputs]

FUNCTION: Final = "aws:lambda/function:Function"
EVENT_SOURCE_MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"
IMAGE: Final = "docker:index/image:Image"


NOT_MADE_HERE: Final = "notMadeHere"
"""The output that says what the local run leaves out: the whole resource, or some of its inputs."""

_OF_PULUMI: Final = frozenset({"forceDelete", "forceDestroy", "forceDetachPolicies", "region"})
"""Inputs that the provider keeps to itself, or that every resource here has alike."""


class UnknownLookUpError(Exception):
    """The local run does not know how to answer a look-up."""


def create(emulator: Emulator, type_: str, name: str, inputs: Inputs) -> Outputs:
    """Creates one resource. Raises what AWS refuses, as boto3 does.

    The physical name is the given one, else the resource's own; Pulumi adds random letters. A type
    that is not known is not made, and an input that nothing reads has no effect: both are said in
    the output `NOT_MADE_HERE`, so that nothing looks done that is not.
    """
    creator = _CREATORS.get(type_)
    if creator is None:
        arn = f"arn:aws:{type_.partition(':')[2].partition('/')[0]}:::not-made-here/{name}"
        return {"arn": arn, "name": name, NOT_MADE_HERE: "all of it"}
    noting = _NotingInputs(inputs)
    outputs = creator(emulator, str(noting.get("name") or name), noting)
    if type_ not in _MADE_LATER and noting.unread:
        return {**outputs, NOT_MADE_HERE: ", ".join(noting.unread)}
    return outputs


class _NotingInputs(Mapping[str, Any]):
    """Inputs that know which of them were asked for."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._read = set[str]()

    @property
    def unread(self) -> list[str]:
        """What has a value, and nobody asked for."""
        return [
            key
            for key, value in self._inputs.items()
            if value is not None and key not in self._read | _OF_PULUMI
        ]

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return self._inputs[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)


def look_up(emulator: Emulator, token: str, arguments: Inputs) -> Outputs:
    """Answers a call of a provider's function. Raises `UnknownLookUpError`."""
    if token not in _LOOK_UPS:
        raise UnknownLookUpError(f"the local run cannot answer {token}")
    return _LOOK_UPS[token](emulator, arguments)


def _bucket(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    request: dict[str, Any] = {"Bucket": name}
    if emulator.region != "us-east-1":
        request["CreateBucketConfiguration"] = {"LocationConstraint": emulator.region}
    s3 = emulator.client("s3")
    s3.create_bucket(**request)
    if inputs.get("tags"):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": services.tags(inputs)})
    return {"id": name, "bucket": name, "arn": f"arn:aws:s3:::{name}"}


def _bucket_versioning(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    status = inputs["versioningConfiguration"]["status"]
    emulator.client("s3").put_bucket_versioning(
        Bucket=inputs["bucket"], VersioningConfiguration={"Status": status}
    )
    return {}


def _bucket_encryption(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
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
    return {}


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
    return {}


def _bucket_ownership(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    ownership = inputs["rule"]["objectOwnership"]
    emulator.client("s3").put_bucket_ownership_controls(
        Bucket=inputs["bucket"],
        OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]},
    )
    return {}


def _bucket_lifecycle(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    rules = [
        {
            "ID": rule["id"],
            "Status": rule["status"],
            "Filter": {"Prefix": rule["filter"]["prefix"]},
            "Expiration": {"Days": rule["expiration"]["days"]},
        }
        for rule in inputs["rules"]
    ]
    emulator.client("s3").put_bucket_lifecycle_configuration(
        Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": rules}
    )
    return {}


def _bucket_policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
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
    return {}


def _role(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    role = emulator.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Tags=services.tags(inputs),
    )["Role"]
    return {"id": name, "name": name, "arn": role["Arn"]}


def _role_policy(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    emulator.client("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=name, PolicyDocument=inputs["policy"]
    )
    return {}


def _log_group(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName=name, tags=dict(inputs.get("tags", {})))
    logs.put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
    return {"name": name, "arn": f"arn:aws:logs:{emulator.region}:{ACCOUNT}:log-group:{name}"}


def _repository(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    repository = emulator.client("ecr").create_repository(
        repositoryName=name,
        imageTagMutability=inputs["imageTagMutability"],
        imageScanningConfiguration=inputs.get("imageScanningConfiguration", {}),
        encryptionConfiguration=_encryption(inputs),
        tags=services.tags(inputs),
    )["repository"]
    return {
        "name": name,
        "arn": repository["repositoryArn"],
        "repositoryUrl": repository["repositoryUri"],
        "registryId": repository["registryId"],
    }


def _encryption(inputs: Inputs) -> dict[str, str]:
    for each in inputs.get("encryptionConfigurations", []):
        own_key = {"kmsKey": each["kmsKey"]} if each.get("kmsKey") else {}
        return {"encryptionType": each["encryptionType"], **own_key}
    return {"encryptionType": "AES256"}


def _repository_policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("ecr").set_repository_policy(
        repositoryName=inputs["repository"], policyText=inputs["policy"]
    )
    return {}


def _lifecycle_policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("ecr").put_lifecycle_policy(
        repositoryName=inputs["repository"], lifecyclePolicyText=inputs["policy"]
    )
    return {}


def _image(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    """Nothing is built: the local run starts the handler from its folder.

    The digest is one of the right form, made of the tag, which is made of the content.
    """
    del emulator, name
    repository, _, tag = inputs["imageName"].rpartition(":")
    return {"repoDigest": f"{repository}@sha256:{hashlib.sha256(tag.encode()).hexdigest()}"}


def _function(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    """Runs as a process of its own (`infra.local.function`); moto would run it in Docker."""
    del inputs
    return {"name": name, "arn": f"arn:aws:lambda:{emulator.region}:{ACCOUNT}:function:{name}"}


def _event_source_mapping(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    """Polled by `infra.local.mapping`: in moto it would empty the stream, whatever its settings."""
    del emulator, name, inputs
    return {"uuid": str(uuid.uuid4())}


def _stack_reference(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    """There is no state here, and so no other stack, and no earlier update of this one."""
    del emulator, inputs
    return {"name": name, "outputs": {}, "secretOutputNames": []}


def _authorization_token(emulator: Emulator, arguments: Inputs) -> Outputs:
    del emulator, arguments
    return {"userName": "AWS", "password": "local"}


def _get_repository(emulator: Emulator, arguments: Inputs) -> Outputs:
    name = arguments["name"]
    return {"repositoryUrl": f"{ACCOUNT}.dkr.ecr.{emulator.region}.amazonaws.com/{name}"}


def _get_image(emulator: Emulator, arguments: Inputs) -> Outputs:
    """An image that exists on AWS is not here: its digest is made of the tag."""
    del emulator
    tag = str(arguments.get("imageTag", ""))
    made_of_tag = f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"
    return {"imageDigest": arguments.get("imageDigest") or made_of_tag}


_CREATORS: Final[Mapping[str, Create]] = {
    **services.CREATORS,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:dynamodb/table:Table": create_table,
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _lifecycle_policy,
    "aws:ecr/repository:Repository": _repository,
    "aws:ecr/repositoryPolicy:RepositoryPolicy": _repository_policy,
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket_lifecycle,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket_ownership,
    "aws:s3/bucketPolicy:BucketPolicy": _bucket_policy,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _public_access_block,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _bucket_encryption
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _bucket_versioning,
    EVENT_SOURCE_MAPPING: _event_source_mapping,
    FUNCTION: _function,
    IMAGE: _image,
    "pulumi:pulumi:StackReference": _stack_reference,
}
_MADE_LATER: Final = frozenset({EVENT_SOURCE_MAPPING, FUNCTION, IMAGE})
"""Types whose inputs are read when the run starts them."""

_LOOK_UPS: Final[Mapping[str, Callable[[Emulator, Inputs], Outputs]]] = {
    **services.LOOK_UPS,
    "aws:dynamodb/getTable:getTable": get_table,
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _authorization_token,
    "aws:ecr/getImage:getImage": _get_image,
    "aws:ecr/getRepository:getRepository": _get_repository,
}
