"""Which items a backfill takes, in DynamoDB's own expression language.

DynamoDB keeps no time of its own: an attribute of the item must tell what is old and what is new.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from handler.attribute_values import InvalidAttributeValueError, plain_map
from infra.events.stream_record import client_item
from infra.replay.dynamodb_json import is_number
from infra.replay.target import ReplayError

_COMPARED: Final = {"since": ">=", "before": "<"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """A filter expression; None: every item."""

    expression: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    """As boto3's client takes them."""

    @classmethod
    def of(
        cls,
        *,
        since: str | None = None,
        before: str | None = None,
        expression: str | None = None,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> "Selection":
        """Items that satisfy all that is given; `values` in DynamoDB's JSON. Raises `ReplayError`.

        `since` and `before` are `ATTRIBUTE=VALUE`: at least the value, and less than it.
        """
        conditions = [expression] if expression else []
        bound_names, bound = dict[str, str](), dict[str, Any]()
        for option, text in (("since", since), ("before", before)):
            if text is not None:
                attribute, kinds = _bound(option, text)
                bound_names[f"#{option}"] = attribute
                conditions.append(" OR ".join(_conditions(option, kinds)))
                bound |= {f":{option}{kind}": {kind: value} for kind, value in kinds.items()}
                bound |= {f":type{kind}": {"S": kind} for kind in kinds}
        return cls(
            expression=_all_of(conditions),
            names={**bound_names, **(names or {})},
            values={**bound, **typed("--values", values or {})},
        )


def typed(option: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values in DynamoDB's JSON, as boto3's client takes them. Raises `ReplayError`."""
    try:
        plain_map(values)
    except (InvalidAttributeValueError, RecursionError) as error:
        raise ReplayError(f"{option}: {error}") from error
    return client_item(values)


def _bound(option: str, text: str) -> tuple[str, dict[str, str]]:
    """The attribute, and the value by the types that it can have."""
    attribute, equals, value = text.partition("=")
    if not (attribute and equals and value):
        raise ReplayError(f"--{option} takes ATTRIBUTE=VALUE, got {text}")
    if is_number(value):
        # Strings and numbers do not compare: the attribute's own type decides which bound counts.
        return attribute, {"S": value, "N": value}
    if _looks_like_a_number(value):
        raise ReplayError(
            f"--{option} {text}: {value} is no number of DynamoDB's, which have at most 38 digits "
            "and no nan or infinity; a string is compared with --filter"
        )
    return attribute, {"S": value}


def _all_of(conditions: Sequence[str]) -> str | None:
    if len(conditions) < 2:
        return next(iter(conditions), None)
    return " AND ".join(each if _is_parenthesised(each) else f"({each})" for each in conditions)


def _is_parenthesised(expression: str) -> bool:
    """DynamoDB refuses redundant parentheses. Its expressions hold no strings: they count."""
    depth = 0
    stripped = expression.strip()
    for place, character in enumerate(stripped):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place == len(stripped) - 1 and character == ")"
    return False


def _looks_like_a_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _conditions(option: str, kinds: Mapping[str, str]) -> Iterator[str]:
    for kind in kinds:
        compared = f"#{option} {_COMPARED[option]} :{option}{kind}"
        condition = f"attribute_type(#{option}, :type{kind}) AND {compared}"
        yield condition if len(kinds) == 1 else f"({condition})"
