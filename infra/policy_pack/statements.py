"""What the statements of policies allow: to everybody, on everything, by families of actions."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infra.inputs import UNKNOWN
from infra.policy_pack.resource import Resource

_ROLES_POLICIES: Final = frozenset(
    {
        "aws:iam/groupPolicy:GroupPolicy",
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/userPolicy:UserPolicy",
    }
)

_WIDE: Final = re.compile(
    r"arn:[\w-]+:iam::aws:policy/(.*/)?(Administrator|PowerUser|\w*Full)Access"
)
"""AWS's own policies that allow all of a service, or of all."""

_SAY_NOT_WHO: Final = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:referer",
        "aws:securetransport",
        "aws:useragent",
        "s3:tlsversion",
    }
)
"""Keys of a condition that everybody can meet."""

ON_ALL_RESOURCES_ONLY: Final = frozenset(
    {
        "cloudwatch:GetMetricData",
        "cloudwatch:PutMetricData",
        "dynamodb:ListStreams",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ecr:GetAuthorizationToken",
        "sts:GetCallerIdentity",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Actions that have no resource of their own (AWS's Service Authorization Reference)."""


def public_grants(resource: Resource) -> Iterator[str]:
    """What a resource's own policy allows to everybody."""
    for statement in _allowing(resource):
        if _is_everybody(statement.get("Principal")) and not _says_who(statement.get("Condition")):
            yield f"allows {_joined(statement.get('Action'))} to everybody ({_named(statement)})"
    if resource.type == "aws:lambda/permission:Permission" and resource.at("principal") == "*":
        yield f"allows {resource.at('action')} to everybody"


def wide_policies(resource: Resource) -> Iterator[str]:
    """Policies of AWS's own that are attached, and allow more than a function can need."""
    attached = [
        *(_strings(resource.at(key)) for key in ("managedPolicyArns", "policyArns")),
        [resource.at("policyArn")],
    ]
    for arn in (each for arns in attached for each in arns):
        if isinstance(arn, str) and _WIDE.fullmatch(arn):
            yield f"has the policy {arn}, which allows families of actions on all resources"


def unscoped_grants(resource: Resource) -> Iterator[str]:
    """What a role is allowed on all resources, although AWS takes a resource's ARN."""
    if resource.type not in _ROLES_POLICIES:
        return
    for statement in _allowing(resource):
        actions = set(_strings(statement.get("Action"))) - ON_ALL_RESOURCES_ONLY
        if actions and any(map(_is_everything, _strings(statement.get("Resource")))):
            yield f"allows {_joined(sorted(actions))} on all resources ({_named(statement)})"
        if "NotResource" in statement:
            yield f"allows all resources but some ({_named(statement)})"


def families_of_actions(resource: Resource) -> Iterator[str]:
    """Actions of a role with a wildcard: what a service adds tomorrow is allowed, too."""
    if resource.type not in _ROLES_POLICIES:
        return
    for statement in _allowing(resource):
        families = [each for each in _strings(statement.get("Action")) if "*" in each]
        if families:
            yield f"allows the family of actions {_joined(families)} ({_named(statement)})"
        if "NotAction" in statement:
            yield f"allows all actions but some ({_named(statement)})"


def _allowing(resource: Resource) -> Iterator[Mapping[str, Any]]:
    documents = [
        resource.at(key)
        for key in resource.inputs
        if key.lower().endswith(("policy", "policydocument", "accesspolicies"))
    ]
    inline = resource.at("inlinePolicies")
    if isinstance(inline, Sequence) and not isinstance(inline, str):
        documents += [each.get("policy") for each in inline if isinstance(each, Mapping)]
    for document in documents:
        for statement in _statements(document):
            if statement.get("Effect") == "Allow":
                yield statement


def _statements(policy: object) -> Sequence[Mapping[str, Any]]:
    document = policy
    if isinstance(policy, str) and policy != UNKNOWN:
        try:
            document = json.loads(policy)
        except ValueError:
            return []
    if not isinstance(document, Mapping):
        return []
    statements = document.get("Statement", [])
    return [statements] if isinstance(statements, Mapping) else list(statements)


def _is_everybody(principal: object) -> bool:
    if isinstance(principal, Mapping):
        return any("*" in _strings(value) for value in principal.values())
    return principal == "*"


def _says_who(condition: object) -> bool:
    """Whether a key is compared that not everybody can meet."""
    operators = condition.values() if isinstance(condition, Mapping) else ()
    keys = {key.lower() for each in operators if isinstance(each, Mapping) for key in each}
    return bool(keys - _SAY_NOT_WHO)


def _is_everything(arn: str) -> bool:
    """`*`, or all of a service, as `arn:aws:s3:::*`."""
    return not arn.split(":", 5)[-1].strip("*?")


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(each) for each in value] if isinstance(value, Sequence) else []


def _joined(value: object) -> str:
    return ", ".join(_strings(value)) or "actions"


def _named(statement: Mapping[str, Any]) -> str:
    return f"statement {statement['Sid']}" if "Sid" in statement else "a statement without a Sid"
