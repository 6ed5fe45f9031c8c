"""Roles and their policies, in the embedded AWS.

Source: internal/service/iam of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType


def _role(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    boundary = inputs.get("permissionsBoundary")
    role = emulator.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Tags=services.tags(inputs),
        **({"PermissionsBoundary": boundary} if boundary else {}),
    )["Role"]
    return {"id": name, "name": name, "arn": role["Arn"], "uniqueId": role["RoleId"]}


def _update_role(emulator: Emulator, role: Existing, inputs: Inputs) -> Outputs:
    iam = emulator.client("iam")
    iam.update_assume_role_policy(RoleName=role.id, PolicyDocument=inputs["assumeRolePolicy"])
    if inputs.get("permissionsBoundary"):
        iam.put_role_permissions_boundary(
            RoleName=role.id, PermissionsBoundary=inputs["permissionsBoundary"]
        )
    elif role.get("permissionsBoundary"):
        iam.delete_role_permissions_boundary(RoleName=role.id)
    services.change_tags(
        role,
        inputs,
        tag=lambda tags: iam.tag_role(RoleName=role.id, Tags=tags),
        untag=lambda keys: iam.untag_role(RoleName=role.id, TagKeys=keys),
    )
    return {}


def _delete_role(emulator: Emulator, role: Existing) -> None:
    iam = emulator.client("iam")
    if role.get("forceDetachPolicies"):
        for name in iam.list_role_policies(RoleName=role.id)["PolicyNames"]:
            iam.delete_role_policy(RoleName=role.id, PolicyName=name)
        for each in iam.list_attached_role_policies(RoleName=role.id)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=role.id, PolicyArn=each["PolicyArn"])
    iam.delete_role(RoleName=role.id)


def _read_role(emulator: Emulator, name: str) -> Inputs | None:
    def found() -> Inputs:
        role = emulator.client("iam").get_role(RoleName=name)["Role"]
        return {"name": name, "arn": role["Arn"], "uniqueId": role["RoleId"]}

    return services.unless_gone(found)


def _role_policy(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    emulator.client("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=name, PolicyDocument=inputs["policy"]
    )
    return {"id": f"{inputs['role']}:{name}", "name": name}


def _update_role_policy(emulator: Emulator, policy: Existing, inputs: Inputs) -> Outputs:
    return _role_policy(emulator, policy["name"], inputs)


def _delete_role_policy(emulator: Emulator, policy: Existing) -> None:
    emulator.client("iam").delete_role_policy(RoleName=policy["role"], PolicyName=policy["name"])


def _read_role_policy(emulator: Emulator, id_: str) -> Inputs | None:
    role, _, name = id_.partition(":")

    def found() -> Inputs:
        emulator.client("iam").get_role_policy(RoleName=role, PolicyName=name)
        return {"role": role, "name": name}

    return services.unless_gone(found)


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:iam/role:Role": ResourceType(
        create=_role,
        update=_update_role,
        delete=_delete_role,
        read=_read_role,
        naming=Naming(longest=64),
        computed=("arn", "uniqueId"),
        replaced_by=frozenset({"name", "namePrefix", "path"}),
    ),
    "aws:iam/rolePolicy:RolePolicy": ResourceType(
        create=_role_policy,
        update=_update_role_policy,
        delete=_delete_role_policy,
        read=_read_role_policy,
        naming=Naming(longest=128),
        replaced_by=frozenset({"name", "namePrefix", "role"}),
    ),
}
