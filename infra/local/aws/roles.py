"""Roles, their policies, and policies that are attached to them, in the embedded AWS.

Source: internal/service/iam of terraform-provider-aws 6.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.not_made import NOT_MADE_HERE, is_made_up
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType


def _role(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    iam = emulator.client("iam")
    role = iam.create_role(
        RoleName=name, Tags=services.tags(inputs), **services.given(inputs, _ROLE)
    )["Role"]
    for policy in inputs.get("inlinePolicies", []):
        iam.put_role_policy(
            RoleName=name, PolicyName=policy["name"], PolicyDocument=_document(policy["policy"])
        )
    missing = [
        arn for arn in inputs.get("managedPolicyArns", []) if not _attach(emulator, name, arn)
    ]
    said = {NOT_MADE_HERE: _not_here(missing)} if missing else {}
    return {"id": name, "name": name, "arn": role["Arn"], "uniqueId": role["RoleId"], **said}


_ROLE: Final = {
    "assumeRolePolicy": "AssumeRolePolicyDocument",
    "description": "Description",
    "maxSessionDuration": "MaxSessionDuration",
    "path": "Path",
    "permissionsBoundary": "PermissionsBoundary",
}


def _attach(emulator: Emulator, role: str, policy_arn: str) -> bool:
    """Whether there is such a policy here: it may exist on AWS only."""
    iam = emulator.client("iam")
    try:
        iam.attach_role_policy(RoleName=_name(role), PolicyArn=policy_arn)
    except iam.exceptions.NoSuchEntityException as error:
        if "Policy" not in error.response["Error"]["Message"]:
            raise
        return False
    return True


def _not_here(policy_arns: list[str]) -> str:
    return f"{', '.join(policy_arns)}, which is no policy of this program's or known here"


def _name(role: str) -> str:
    """Of a role that is named by its ARN or its name."""
    return role.rpartition("/")[2]


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
        return {
            "name": name,
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "assumeRolePolicy": json.dumps(role["AssumeRolePolicyDocument"]),
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get(
                "PermissionsBoundaryArn", ""
            ),
            "tags": services.tags_found(role.get("Tags", [])),
        }

    return services.unless_gone(found)


def _role_policy(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    emulator.client("iam").put_role_policy(
        RoleName=_name(inputs["role"]), PolicyName=name, PolicyDocument=_document(inputs["policy"])
    )
    return {"id": f"{inputs['role']}:{name}", "name": name, **_said_of(inputs["policy"])}


def _document(policy: str) -> str:
    """With any resource in place of what is made up: what is denied for it, would be for its name.

    The call is then answered by the service, which says that there is no such thing.
    """
    if not is_made_up(policy):
        return policy
    document = json.loads(policy)
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return json.dumps({**document, "Statement": [*_allowed_here(listed)]})


def _allowed_here(statements: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in statements:
        if not is_made_up(each.get("Resource")):
            yield each
        elif each.get("Effect") == "Allow":
            yield {**each, "Resource": "*"}


def _said_of(policy: str) -> Outputs:
    if not is_made_up(policy):
        return {}
    return {NOT_MADE_HERE: "what the policy names; its actions are allowed on any resource"}


def _update_role_policy(emulator: Emulator, policy: Existing, inputs: Inputs) -> Outputs:
    return _role_policy(emulator, policy["name"], inputs)


def _delete_role_policy(emulator: Emulator, policy: Existing) -> None:
    emulator.client("iam").delete_role_policy(RoleName=policy["role"], PolicyName=policy["name"])


def _read_role_policy(emulator: Emulator, id_: str) -> Inputs | None:
    role, _, name = id_.partition(":")

    def found() -> Inputs:
        answer = emulator.client("iam").get_role_policy(RoleName=role, PolicyName=name)
        return {"role": role, "name": name, "policy": json.dumps(answer["PolicyDocument"])}

    return services.unless_gone(found)


def _policy(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    policy = emulator.client("iam").create_policy(
        PolicyName=name,
        PolicyDocument=_document(inputs["policy"]),
        Tags=services.tags(inputs),
        **services.given(inputs, {"description": "Description", "path": "Path"}),
    )["Policy"]
    arn = policy["Arn"]
    said = _said_of(inputs["policy"])
    return {"id": arn, "arn": arn, "name": name, "policyId": policy["PolicyId"], **said}


def _update_policy(emulator: Emulator, policy: Existing, inputs: Inputs) -> Outputs:
    """By a new version; AWS keeps five, of which the provider lets the oldest go."""
    iam = emulator.client("iam")
    versions = iam.list_policy_versions(PolicyArn=policy.id)["Versions"]
    others = [each["VersionId"] for each in versions if not each["IsDefaultVersion"]]
    if len(versions) >= _MOST_VERSIONS:
        iam.delete_policy_version(PolicyArn=policy.id, VersionId=min(others, key=_number))
    iam.create_policy_version(
        PolicyArn=policy.id, PolicyDocument=_document(inputs["policy"]), SetAsDefault=True
    )
    return _said_of(inputs["policy"])


_MOST_VERSIONS: Final = 5


def _number(version: str) -> int:
    return int(version.removeprefix("v"))


def _delete_policy(emulator: Emulator, policy: Existing) -> None:
    iam = emulator.client("iam")
    for each in iam.list_policy_versions(PolicyArn=policy.id)["Versions"]:
        if not each["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=policy.id, VersionId=each["VersionId"])
    iam.delete_policy(PolicyArn=policy.id)


def _role_attachment(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    outputs = {"id": f"{_name(inputs['role'])}/{inputs['policyArn']}"}
    if _attach(emulator, inputs["role"], inputs["policyArn"]):
        return outputs
    return {**outputs, NOT_MADE_HERE: f"all of it: {_not_here([inputs['policyArn']])}"}


def _detach(emulator: Emulator, attachment: Existing) -> None:
    for role in attachment.get("roles") or [attachment["role"]]:
        emulator.client("iam").detach_role_policy(
            RoleName=_name(role), PolicyArn=attachment["policyArn"]
        )


def _attachment(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    outputs = {"id": name, "name": name}
    attached = [_attach(emulator, role, inputs["policyArn"]) for role in inputs.get("roles", [])]
    if all(attached):
        return outputs
    return {**outputs, NOT_MADE_HERE: f"all of it: {_not_here([inputs['policyArn']])}"}


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:iam/policy:Policy": ResourceType(
        create=_policy,
        update=_update_policy,
        delete=_delete_policy,
        naming=Naming(longest=128),
        computed=("arn", "policyId"),
        replaced_by=frozenset({"description", "name", "namePrefix", "path"}),
    ),
    "aws:iam/policyAttachment:PolicyAttachment": ResourceType(
        create=_attachment,
        delete=_detach,
        replaced_by=frozenset({"name", "policyArn", "roles"}),
    ),
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
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ResourceType(
        create=_role_attachment,
        delete=_detach,
        replaced_by=frozenset({"policyArn", "role"}),
    ),
}
