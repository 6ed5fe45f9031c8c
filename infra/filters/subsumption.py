"""Whether one filter pattern matches every record that another one matches.

Yes is certain; no may also mean that it was not seen.
"""

from collections.abc import Sequence

from infra.filters.matcher import Field, Rule
from infra.filters.operators import (
    AnythingButNumbers,
    AnythingButStrings,
    EqualsConstant,
    EqualsNumber,
    EqualsString,
    Exists,
    Matcher,
    Prefix,
    Suffix,
)
from infra.filters.pattern import FilterPattern


def matches_all_of(wider: FilterPattern, narrower: FilterPattern) -> bool:
    """Whether every record that `narrower` matches is one that `wider` matches too."""
    return all(
        any(_rule_matches_all_of(wide, narrow) for wide in wider.rules) for narrow in narrower.rules
    )


def _rule_matches_all_of(wide: Rule, narrow: Rule) -> bool:
    fields = {field.path: field for field in narrow.fields}
    if not all(
        field.path in fields and _accepts_all_of(field, fields[field.path]) for field in wide.fields
    ):
        return False
    # Within a list, absence is seen from the element that the fields before it have chosen, so one
    # field less can turn absence into presence.
    return (
        len(wide.fields) == len(narrow.fields)
        or not any(field.accepts_absence for field in wide.fields)
        or not _is_in_a_list(narrow.fields)
    )


def _accepts_all_of(wide: Field, narrow: Field) -> bool:
    return all(any(_is_implied(of, by=one) for of in wide.matchers) for one in narrow.matchers)


def _is_implied(of: Matcher, *, by: Matcher) -> bool:
    match of, by:
        case Exists(exists=True), _:
            implied = by != Exists(exists=False)
        case (
            (_, EqualsString(text=leaf))
            | (_, EqualsNumber(number=leaf))
            | (_, EqualsConstant(constant=leaf))
        ):
            implied = of.matches(leaf)
        case Prefix(), Prefix():
            implied = by.text.startswith(of.text)
        case Suffix(), Suffix():
            implied = by.text.endswith(of.text)
        case AnythingButStrings(), AnythingButStrings():
            implied = by.strings >= of.strings
        case AnythingButNumbers(), AnythingButNumbers():
            implied = by.numbers >= of.numbers
        case _:
            implied = of == by
    return implied


def _is_in_a_list(fields: Sequence[Field]) -> bool:
    """Whether a field leads through a DynamoDB list; nothing else in a record has elements."""
    return any("L" in field.names for field in fields)
