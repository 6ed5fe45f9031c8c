"""Whether a caller may do something, by the policies it has: IAM's evaluation of them.

IAM User Guide, "Policy evaluation logic" and "Troubleshoot access denied error messages". Of a
condition nothing is known here: a permission under one holds, a denial under one does not.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

ANY: Final = ""
"""In place of a resource: whichever one, where it is not known what the call is about."""


class Caller(Protocol):
    """Whoever signed a request, as moto finds it."""

    @property
    def arn(self) -> str:
        """The ARN of the user, or of the role's session."""
        ...

    def collect_policies(self) -> Sequence[Any]:
        """Inline and attached, in moto's several forms."""
        ...


def why_refused(caller: Caller, action: str, resource: str) -> str | None:
    """AWS's words for why the caller may not; None: it may."""
    own = [each for policy in caller.collect_policies() for each in _statements(policy)]
    boundary = _boundary(caller)
    for statements, kind in ((own, "identity-based policy"), (boundary, "permissions boundary")):
        if statements is not None and _applies(statements, "Deny", action, resource):
            article = "an" if kind.startswith("i") else "a"
            return f"with an explicit deny in {article} {kind}"
    for statements, kind in ((own, "identity-based policy"), (boundary, "permissions boundary")):
        if statements is not None and not _applies(statements, "Allow", action, resource):
            return f"because no {kind} allows the {action} action"
    return None


def _applies(
    statements: Sequence[Mapping[str, Any]], effect: str, action: str, resource: str
) -> bool:
    return any(
        each.get("Effect") == effect
        and not (effect == "Deny" and each.get("Condition"))
        and _concerns(each, "Action", action)
        and (not resource or _concerns(each, "Resource", resource))
        for each in statements
    )


def _concerns(statement: Mapping[str, Any], element: str, value: str) -> bool:
    # Actions have no case, resources have.
    flags = re.IGNORECASE if element == "Action" else 0
    if element in statement:
        return any(_matches(each, value, flags) for each in _listed(statement[element]))
    excepted = _listed(statement.get(f"Not{element}", []))
    return not any(_matches(each, value, flags) for each in excepted)


def _matches(pattern: str, value: str, flags: int) -> bool:
    return _compiled(pattern, flags).fullmatch(value) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(each, re.escape(each)) for each in pattern), flags)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _boundary(caller: Any) -> list[Mapping[str, Any]] | None:
    """The statements of a role's boundary; None without one, or where its policy is not here."""
    name = getattr(caller, "_owner_role_name", None)
    if name is None:
        return None
    arn = caller.backend.get_role(name).permissions_boundary_arn
    policy = caller.backend.managed_policies.get(arn)
    return None if policy is None else list(_statements(policy))


def _statements(policy: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(policy, Mapping):
        policy = policy["policy_document"]
    elif not isinstance(policy, str):
        policy = next(each.document for each in policy.versions if each.is_default)
    yield from _parsed(policy)


@lru_cache(maxsize=256)
def _parsed(document: str) -> list[Mapping[str, Any]]:
    return _listed(json.loads(document).get("Statement", []))
