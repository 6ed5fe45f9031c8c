"""KMS in the embedded AWS: keys, their policies and aliases.

Source: internal/service/kms of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.resource_type import Inputs, Naming, Outputs, ResourceType

_KEY: Final = {
    "customerMasterKeySpec": "KeySpec",
    "description": "Description",
    "keyUsage": "KeyUsage",
    "multiRegion": "MultiRegion",
    "policy": "Policy",
}


def _key(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    kms = emulator.client("kms")
    tags = [{"TagKey": each["Key"], "TagValue": each["Value"]} for each in services.tags(inputs)]
    key = kms.create_key(Tags=tags, **services.given(inputs, _KEY))["KeyMetadata"]
    if inputs.get("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=key["KeyId"])
    if inputs.get("isEnabled") is False:
        kms.disable_key(KeyId=key["KeyId"])
    return {"id": key["KeyId"], "keyId": key["KeyId"], "arn": key["Arn"]}


def _key_policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("kms").put_key_policy(
        KeyId=inputs["keyId"], PolicyName="default", Policy=inputs["policy"]
    )
    return {"id": inputs["keyId"]}


def _alias(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    name = name if name.startswith("alias/") else f"alias/{name}"
    kms = emulator.client("kms")
    kms.create_alias(AliasName=name, TargetKeyId=inputs["targetKeyId"])
    key = kms.describe_key(KeyId=inputs["targetKeyId"])["KeyMetadata"]["Arn"]
    arn = services.arn(emulator, "kms", name)
    return {"id": name, "name": name, "arn": arn, "targetKeyArn": key}


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:kms/alias:Alias": ResourceType(
        create=_alias,
        update=services.unchanged,
        delete=services.deleted("kms", "delete_alias", "AliasName"),
        naming=Naming(longest=256, prefix="alias/"),
        computed=("arn", "targetKeyArn"),
        replaced_by=frozenset({"name", "namePrefix"}),
    ),
    "aws:kms/key:Key": ResourceType(
        create=_key,
        update=services.unchanged,
        delete=services.deleted("kms", "schedule_key_deletion", "KeyId", PendingWindowInDays=7),
        computed=("arn", "keyId"),
        replaced_by=frozenset({"customerMasterKeySpec", "keyUsage", "multiRegion"}),
    ),
    "aws:kms/keyPolicy:KeyPolicy": ResourceType(
        create=_key_policy, delete=services.stays, replaced_by=frozenset({"keyId"})
    ),
}
