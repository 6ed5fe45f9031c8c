"""Secrets Manager in the embedded AWS: secrets, their versions and policies.

Source: internal/service/secretsmanager of terraform-provider-aws 6.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.inputs import heeded
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType

_SECRET: Final = {"description": "Description", "kmsKeyId": "KmsKeyId"}


def _secret(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    secrets = emulator.client("secretsmanager")
    arn = secrets.create_secret(
        Name=name, Tags=services.tags(inputs), **services.given(inputs, _SECRET)
    )["ARN"]
    if inputs.get("policy"):
        secrets.put_resource_policy(SecretId=arn, ResourcePolicy=inputs["policy"])
    return {"id": arn, "arn": arn, "name": name}


def _set_secret(emulator: Emulator, secret: Existing, inputs: Inputs) -> Outputs:
    emulator.client("secretsmanager").update_secret(
        SecretId=secret.id, **services.given(inputs, _SECRET)
    )
    return {}


def _version(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    heeded(inputs, "secretStringWoVersion")
    version = emulator.client("secretsmanager").put_secret_value(
        SecretId=inputs["secretId"],
        **_value(inputs),
        **services.given(inputs, {"versionStages": "VersionStages"}),
    )
    arn, id_ = version["ARN"], version["VersionId"]
    return {"id": f"{arn}|{id_}", "arn": arn, "versionId": id_}


def _value(inputs: Inputs) -> dict[str, Any]:
    if inputs.get("secretBinary") is not None:
        return {"SecretBinary": base64.b64decode(inputs["secretBinary"])}
    of_text = (inputs.get("secretString"), inputs.get("secretStringWo"))
    return {"SecretString": next(each for each in of_text if each is not None)}


def _policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("secretsmanager").put_resource_policy(
        SecretId=inputs["secretArn"],
        ResourcePolicy=inputs["policy"],
        **services.given(inputs, {"blockPublicPolicy": "BlockPublicPolicy"}),
    )
    return {"id": inputs["secretArn"]}


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:secretsmanager/secret:Secret": ResourceType(
        create=_secret,
        update=_set_secret,
        delete=services.deleted(
            "secretsmanager", "delete_secret", "SecretId", ForceDeleteWithoutRecovery=True
        ),
        naming=Naming(longest=512),
        computed=("arn",),
        replaced_by=frozenset({"name", "namePrefix"}),
    ),
    "aws:secretsmanager/secretPolicy:SecretPolicy": ResourceType(
        create=_policy,
        delete=services.deleted("secretsmanager", "delete_resource_policy", "SecretId"),
        replaced_by=frozenset({"secretArn"}),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": ResourceType(
        create=_version,
        delete=services.stays,
        computed=("arn", "versionId"),
        replaced_by=frozenset({"secretId", "secretString", "secretBinary"}),
    ),
}
