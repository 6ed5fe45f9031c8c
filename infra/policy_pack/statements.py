"""What the statements of policies allow: to everybody, on everything, by families of actions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infra.inputs import UNKNOWN
from infra.policy_pack.resource import Resource

_ROLES_POLICIES: Final = frozenset(
    {"aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy", "aws:iam/userPolicy:UserPolicy"}
)

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
        if _is_everybody(statement.get("Principal")) and not statement.get("Condition"):
            yield f"allows {_joined(statement.get('Action'))} to everybody ({_named(statement)})"
    if resource.type == "aws:lambda/permission:Permission" and resource.at("principal") == "*":
        yield f"allows {resource.at('action')} to everybody"


def unscoped_grants(resource: Resource) -> Iterator[str]:
    """What a role is allowed on all resources, although AWS takes a resource's ARN."""
    if resource.type not in _ROLES_POLICIES:
        return
    for statement in _allowing(resource):
        actions = set(_strings(statement.get("Action"))) - ON_ALL_RESOURCES_ONLY
        if "*" in _strings(statement.get("Resource")) and actions:
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
    for key in resource.inputs:
        if key.lower().endswith("policy"):
            for statement in _statements(resource.at(key)):
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


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(each) for each in value] if isinstance(value, Sequence) else []


def _joined(value: object) -> str:
    return ", ".join(_strings(value)) or "actions"


def _named(statement: Mapping[str, Any]) -> str:
    return f"statement {statement['Sid']}" if "Sid" in statement else "a statement without a Sid"
