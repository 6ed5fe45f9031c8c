"""What an update allows that was not allowed before, of each role and of each resource's policy."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from infra.impact.finding import Finding, risk
from infra.impact.kept import FUNCTION
from infra.impact.permissions import Document, added
from infra.impact.preview import Change, Operation, Preview, State
from infra.inputs import UNKNOWN

_ROLE: Final = "aws:iam/role:Role"
_ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
_ATTACHED: Final = re.compile(r"aws:iam/\w*[pP]olicyAttachment(sExclusive)?:")
_ATTACHED_TO: Final = ("role", "roles", "user", "users", "group", "groups")
_GRANT: Final = "aws:kms/grant:Grant"
_FUNCTION_URL: Final = "aws:lambda/functionUrl:FunctionUrl"
_PERMISSION: Final = "aws:lambda/permission:Permission"

_OF: Final = (
    "arn",
    "bucket",
    "keyId",
    "queueUrl",
    "repository",
    "resourceArn",
    "role",
    "secretArn",
)
"""Inputs that name what a policy is of."""

_LOOK: Final = "look whether each of them is meant"


def findings(preview: Preview) -> Iterator[Finding]:
    """Of all policies; of a stack that does not exist yet none."""
    if preview.is_new:
        return
    for change in preview.changes:
        if change.operation is Operation.SAME:
            continue
        if change.new is None:
            yield from _of_a_policy_that_goes(change, preview)
        else:
            yield from _of_one(change, change.old, change.new, preview)


def _of_a_policy_that_goes(change: Change, preview: Preview) -> Iterator[Finding]:
    """What it denied is allowed then, unless what it protects or restricts goes too."""
    if change.old is None or preview.are_gone([change.old.at(key) for key in _OF]):
        return
    for key, before in change.old.inputs.items():
        document = Document.of(before) if _may_be_a_policy(key) else None
        found = added([document], [Document(statements=())]) if document else None
        if found is not None and found.untold:
            yield _widened(change, found.allowed, found.untold)


def _of_one(change: Change, old: State | None, new: State, preview: Preview) -> Iterator[Finding]:
    if change.type == _ROLE:
        yield from _of_the_role(change, old or State(), new)
    if change.type == FUNCTION and old is not None and old.at("role") != new.at("role"):
        yield _widened(change, [], [f"it runs as {_known(new.at('role'))}, was {old.at('role')}"])
    if (
        change.type == _FUNCTION_URL
        and new.at("authorizationType") == "NONE"
        and not (old and old.at("authorizationType") == "NONE")
    ):
        yield _widened(change, ["lambda:InvokeFunctionUrl to everybody"], [])
    if _ATTACHED.match(change.type):
        yield from _attached(change, old or State(), new)
    if change.type == _GRANT and change.operation is not Operation.UPDATED:
        operations = ", ".join(map(str, _listed(new.at("operations"))))
        yield _widened(
            change, [f"{operations} on {new.at('keyId')} to {new.at('granteePrincipal')}"], []
        )
    if change.type == _PERMISSION and change.operation is not Operation.UPDATED:
        grant = f"{new.at('action')} on {new.at('function')} to {new.at('principal')}"
        yield _widened(change, [grant], [])
    for key, after in new.inputs.items():
        document = Document.of(after) if _may_be_a_policy(key) else None
        is_as_before = old is not None and old.at(key) == after and not _is_moved(old, new)
        if document is not None and not is_as_before:
            before = _before(change, key, old, preview)
            found = added(before, [document])
            if found.allowed or found.untold:
                yield _widened(change, found.allowed, found.untold)


def _attached(change: Change, old: State, new: State) -> Iterator[Finding]:
    """Of one policy to one or several, or of several policies: what is attached anew."""
    if change.operation is not Operation.UPDATED:
        old = State()
    added_to = [
        str(each)
        for key in _ATTACHED_TO
        for each in _listed(new.at(key))
        if each not in _listed(old.at(key))
    ]
    policies = [
        each for each in _listed(new.at("policyArns")) if each not in _listed(old.at("policyArns"))
    ]
    is_new = bool(added_to) or change.operation is not Operation.UPDATED
    if is_new and new.at("policyArns") is None:
        policies.append(new.at("policyArn"))
    to = f" to {', '.join(added_to)}" if added_to else ""
    if policies:
        yield _widened(
            change, [], [f"the policy {each} is attached{to}: see it there" for each in policies]
        )


def _of_the_role(change: Change, old: State, new: State) -> Iterator[Finding]:
    """What stands in the role itself: its boundary, and policies that are no resources."""
    boundary = old.at("permissionsBoundary")
    if boundary and boundary != new.at("permissionsBoundary"):
        yield _widened(change, [], [f"the permissions boundary {boundary} is not its own any more"])
    managed, before = (_listed(each.at("managedPolicyArns")) for each in (new, old))
    attached = [_known(each) for each in managed if each not in before]
    if attached:
        yield _widened(
            change, [], [f"the policy {each} is attached: see it there" for each in attached]
        )
    inline, inline_before = (
        [document for each in _listed(state.at("inlinePolicies")) if (document := _inline(each))]
        for state in (new, old)
    )
    found = added(inline_before, inline) if inline or inline_before else None
    if found is not None and (found.allowed or found.untold):
        yield _widened(change, found.allowed, found.untold)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if value is not None else []


def _inline(policy: Any) -> Document | None:
    return Document.of(policy.get("policy") if isinstance(policy, dict) else policy)


def _known(value: object) -> str:
    return "one that is known only once the update runs" if value == UNKNOWN else str(value)


def _may_be_a_policy(key: str) -> bool:
    # Lifecycle policies and the like have no statements; unknown ones are told by their name.
    return key.lower().endswith(("policy", "policydocument", "accesspolicies"))


def _before(change: Change, key: str, old: State | None, preview: Preview) -> Sequence[Document]:
    """What allowed something before: of a role all its policies, as far as the preview has them."""
    states = [old] if old is not None and not _is_moved(old, change.new) else []
    if change.type == _ROLE_POLICY and change.new is not None:
        role = change.new.at("role")
        states = [
            each.old
            for each in preview.of_type(_ROLE_POLICY)
            if each.old is not None and each.old.at("role") == role
        ] or states
    documents = (Document.of(state.at(key)) for state in states)
    return [each for each in documents if each is not None]


def _is_moved(old: State, new: State | None) -> bool:
    """Whether it is another's policy then: what it allowed where it was is no excuse."""
    pairs = ((old.at(key), new.at(key)) for key in _OF) if new is not None else ()
    return any(UNKNOWN not in pair and None not in pair and pair[0] != pair[1] for pair in pairs)


def _widened(change: Change, allowed: Sequence[str], untold: Sequence[str]) -> Finding:
    parts = [f"newly allowed: {'; '.join(allowed)}"] if allowed else []
    parts += [f"cannot be told: {'; '.join(untold)}"] if untold else []
    return risk("permissions-widened", change, ". ".join(parts), _LOOK)
