"""Which permissions an update adds: what no statement allowed before.

A statement is compared action by action and resource by resource, with IAM's own wildcards. What
takes a policy engine to answer (NotAction, NotResource, a condition that changed, a value that only
the update will tell) is not guessed at: it is said that it cannot be told.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from infra.impact.preview import SECRET
from infra.inputs import UNKNOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A policy document as a resource has it; `statements` is None where it cannot be read."""

    statements: Sequence[Mapping[str, Any]] | None

    @classmethod
    def of(cls, value: object) -> "Document | None":
        """None: the value is no policy document."""
        if isinstance(value, str) and value in {UNKNOWN, SECRET}:
            return cls(statements=None)
        decoded = _decoded(value)
        if not isinstance(decoded, Mapping) or "Statement" not in decoded:
            return None
        statements = decoded["Statement"]
        listed = statements if isinstance(statements, list) else [statements]
        is_clear = all(isinstance(each, Mapping) for each in listed)
        return cls(statements=listed if is_clear else None)


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """What is allowed anew, or may be."""

    allowed: Sequence[str]
    """Action and resource, in words."""
    untold: Sequence[str]
    """What cannot be told, and why."""


def added(before: Sequence[Document], after: Sequence[Document]) -> Added:
    """What the documents after allow that those before did not; all are of one role or resource."""
    if any(each.statements is None for each in after):
        return Added(allowed=(), untold=["its policy is known only once the update runs"])
    if any(each.statements is None for each in before):
        return Added(allowed=(), untold=["the policy that it has is kept secret"])
    old = [each for document in before for each in document.statements or ()]
    new = [each for document in after for each in document.statements or ()]
    allowed, untold = [], []
    for statement in new:
        if statement in old or statement.get("Effect") != "Allow":
            continue
        if unclear := _unclear(statement):
            untold.append(f"{_named(statement)} {unclear}")
        else:
            found, conditional = _new_in(statement, old)
            allowed += found
            untold += conditional
    untold += [
        f"{_named(each)} no longer denies what it did"
        for each in old
        if each.get("Effect") == "Deny" and each not in new
    ]
    return Added(allowed=allowed, untold=untold)


def _unclear(statement: Mapping[str, Any]) -> str | None:
    names = [key for key in ("NotAction", "NotResource", "NotPrincipal") if key in statement]
    if names:
        return f"has {' and '.join(names)}"
    if UNKNOWN in json.dumps(statement):
        return "has a value that is known only once the update runs"
    return None


def _new_in(
    statement: Mapping[str, Any], old: Sequence[Mapping[str, Any]]
) -> tuple[list[str], list[str]]:
    """What of a statement nothing allowed, and what something allowed under other conditions."""
    allowed, untold = [], []
    for action, resource, principal in _grants(statement):
        covering = [each for each in old if _covers(each, action, resource, principal)]
        to = f" to {principal}" if principal else ""
        grant = f"{action} on {resource or 'it'}{to}"
        if not covering:
            allowed.append(grant)
        elif not any(_is_as_wide(each, statement) for each in covering):
            untold.append(f"{grant}: its condition changed")
    return allowed, untold


def _grants(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    return itertools.product(
        _strings(statement.get("Action")),
        _strings(statement.get("Resource")) or [""],
        _principals(statement.get("Principal")) or [""],
    )


def _covers(statement: Mapping[str, Any], action: str, resource: str, principal: str) -> bool:
    principals = _principals(statement.get("Principal"))
    return (
        statement.get("Effect") == "Allow"
        and any(
            _matches(each, action, ignoring_case=True) for each in _strings(statement.get("Action"))
        )
        and any(_matches(each, resource) for each in _strings(statement.get("Resource")) or [""])
        and (not principal or principal in principals or "*" in principals or "AWS:*" in principals)
    )


def _is_as_wide(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    condition = old.get("Condition")
    return not condition or condition == new.get("Condition")


def _strings(value: object) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(each) for each in _iterated(value)]


def _iterated(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) else [value]


def _principals(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{kind}:{each}" for kind, names in value.items() for each in _strings(names)]
    return _strings(value)


def _named(statement: Mapping[str, Any]) -> str:
    return f"the statement {statement.get('Sid') or json.dumps(statement, sort_keys=True)}"


def _matches(pattern: str, value: str, *, ignoring_case: bool = False) -> bool:
    """With IAM's wildcards; a value's own wildcards are covered by a pattern's `*` only."""
    flags = re.IGNORECASE if ignoring_case else 0
    return _compiled(pattern, flags).fullmatch(value) is not None


@cache
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    # `?` is one character, and must not stand for another pattern's `*`.
    parts = {"*": ".*", "?": "[^*]"}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), flags | re.DOTALL)
