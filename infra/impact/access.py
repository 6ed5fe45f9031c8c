"""What an update allows that was not allowed before, of each role and of each resource's policy."""

from collections.abc import Iterator, Sequence
from typing import Final

from infra.impact.finding import Finding, risk
from infra.impact.permissions import Document, added
from infra.impact.preview import Change, Operation, Preview, State

_ROLE: Final = "aws:iam/role:Role"
_ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
_ATTACHED: Final = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_PERMISSION: Final = "aws:lambda/permission:Permission"

_LOOK: Final = "look whether each of them is meant"


def findings(preview: Preview) -> Iterator[Finding]:
    """Of all policies; of a stack that does not exist yet none."""
    if preview.is_new:
        return
    for change in preview.changes:
        if change.operation in {Operation.SAME, Operation.DELETED} or change.new is None:
            continue
        yield from _of_one(change, change.old, change.new, preview)


def _of_one(change: Change, old: State | None, new: State, preview: Preview) -> Iterator[Finding]:
    if change.type == _ROLE and old is not None:
        boundary = "permissionsBoundary"
        if old.at(boundary) and old.at(boundary) != new.at(boundary):
            yield _widened(
                change, [], [f"the permissions boundary {old.at(boundary)} is not its own any more"]
            )
    if change.type == _ATTACHED and change.operation is not Operation.UPDATED:
        yield _widened(change, [], [f"the policy {new.at('policyArn')} is attached: see it there"])
    if change.type == _PERMISSION and change.operation is not Operation.UPDATED:
        grant = f"{new.at('action')} on {new.at('function')} to {new.at('principal')}"
        yield _widened(change, [grant], [])
    for key, after in new.inputs.items():
        document = Document.of(after) if _may_be_a_policy(key) else None
        if document is not None and not (old and old.at(key) == after):
            before = _before(change, key, old, preview)
            found = added(before, [document])
            if found.allowed or found.untold:
                yield _widened(change, found.allowed, found.untold)


def _may_be_a_policy(key: str) -> bool:
    # Lifecycle policies and the like have no statements; unknown ones are told by their name.
    return key.lower().endswith("policy")


def _before(change: Change, key: str, old: State | None, preview: Preview) -> Sequence[Document]:
    """What allowed something before: of a role all its policies, as far as the preview has them."""
    states = [old] if old is not None else []
    if change.type == _ROLE_POLICY and change.new is not None:
        role = change.new.at("role")
        states = [
            each.old
            for each in preview.of_type(_ROLE_POLICY)
            if each.old is not None and (each is change or each.old.at("role") == role)
        ]
    documents = (Document.of(state.at(key)) for state in states)
    return [each for each in documents if each is not None]


def _widened(change: Change, allowed: Sequence[str], untold: Sequence[str]) -> Finding:
    parts = [f"newly allowed: {'; '.join(allowed)}"] if allowed else []
    parts += [f"cannot be told: {'; '.join(untold)}"] if untold else []
    return risk("permissions-widened", change, ". ".join(parts), _LOOK)
