"""From the contract and the stack's filters to the event source mapping's filter criteria.

AWS accepts a filter that can never match, and says nothing ever after; here it is refused.
`infra.filters.contract` says what a filter may ask of a record, `infra.filters.pattern` how a
pattern reads and matches.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from handler.config import EventName, RequestsStream
from infra.filters.contract import (
    event_name_problems,
    events_of,
    field_problems,
    needless_absence,
    undeclared_attributes,
)
from infra.filters.matcher import Field, Rule
from infra.filters.pattern import FilterPattern, InvalidFilterPatternError
from infra.filters.pattern_json import JsonObject, PatternMistake, canonical
from infra.filters.subsumption import matches_all_of

MOST_CHARACTERS: Final = 4096
"""AWS's limit for the text of one pattern [API model of CreateEventSourceMapping]."""

HIGHEST_QUOTA: Final = 10
"""Filters per mapping, once AWS has raised the quota from its default of 5."""


class FilterCriteriaError(ValueError):
    """Filters that AWS would refuse, or that would never match what the stream carries.

    `problems` has a path (`filters`, or into one filter) and a message for each mistake.
    """

    def __init__(self, problems: Iterable[PatternMistake]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path} {message}" for path, message in self.problems))


def filter_patterns(
    filters: Sequence[object], stream: RequestsStream, *, quota: int = 5
) -> tuple[str, ...]:
    """The patterns, each in its one canonical form; Lambda keeps a record that any of them matches.

    A filter is an object or a JSON text. It is for the contract's events alone: `eventName` is
    added where it does not say. Without filters the events are all that is asked for.
    Raises `FilterCriteriaError` with every mistake of every filter.
    """
    if not filters:
        return (canonical(_for_events(JsonObject(), stream)),)
    problems: list[PatternMistake] = []
    if len(filters) > quota:
        raised = (
            f" ({HIGHEST_QUOTA} once AWS has raised the quota)" if quota < HIGHEST_QUOTA else ""
        )
        problems.append(("filters", f"must be at most {quota}{raised}, got {len(filters)}"))
    patterns: dict[int, FilterPattern] = {}
    for position, filter_ in enumerate(filters):
        try:
            patterns[position] = _fitting(filter_, stream)
        except FilterCriteriaError as error:
            problems += [(_path(position, path), message) for path, message in error.problems]
    if problems:
        raise FilterCriteriaError(problems)
    # Two equal patterns are one to the provider, whose filters are a set.
    return tuple(dict.fromkeys(pattern.text for pattern in patterns.values()))


def doubtful_filters(filters: Sequence[object], stream: RequestsStream) -> Iterator[PatternMistake]:
    """What fits the contract, and is perhaps not meant so.

    An attribute that the items' type does not declare, a condition that something be absent which
    never is there, and a filter that another one makes needless: it does no harm, but counts
    against AWS's quota.
    Raises `FilterCriteriaError` for a filter that does not fit the contract.
    """
    patterns = [_fitting(filter_, stream) for filter_ in filters]
    for position, pattern in enumerate(patterns):
        for path, message in dict.fromkeys(_doubts(pattern, stream)):
            yield _path(position, path), message
    yield from _needless(patterns)


def _doubts(pattern: FilterPattern, stream: RequestsStream) -> Iterator[PatternMistake]:
    for rule in pattern.rules:
        events = _events_of(rule, stream)
        for field in rule.fields:
            needless = list(needless_absence(field, stream, events))
            yield from needless or undeclared_attributes(field, stream)


def _needless(patterns: Sequence[FilterPattern]) -> Iterator[PatternMistake]:
    """The filters that another one makes needless; of two equal ones the later."""
    for position, pattern in enumerate(patterns):
        for other, wider in enumerate(patterns):
            if other == position or not matches_all_of(wider, pattern):
                continue
            if other < position or not matches_all_of(pattern, wider):
                yield (
                    f"filters[{position}]",
                    f"is needless: filters[{other}] matches all it matches",
                )
                break


def _fitting(filter_: object, stream: RequestsStream) -> FilterPattern:
    """The filter with the contract's events, in canonical form.

    Raises `FilterCriteriaError` when it does not fit the contract.
    """
    written = _pattern(filter_)
    problems = list(dict.fromkeys(_pattern_problems(written, stream)))
    if problems:
        raise FilterCriteriaError(problems)
    definition = written.definition
    if not _event_fields(written.rules[0]):
        definition = _for_events(definition, stream)
    text = canonical(definition)
    if len(text) > MOST_CHARACTERS:
        problem = f"must be at most {MOST_CHARACTERS} characters, got {len(text)}"
        raise FilterCriteriaError([("", problem)])
    return FilterPattern(text)


def _pattern(filter_: object) -> FilterPattern:
    if not isinstance(filter_, str | Mapping):
        problem = f"must be a pattern, as an object or as JSON text, got {json.dumps(filter_)}"
        raise FilterCriteriaError([("", problem)])
    text = filter_ if isinstance(filter_, str) else json.dumps(filter_)
    try:
        return FilterPattern(text)
    except InvalidFilterPatternError as error:
        raise FilterCriteriaError(error.problems) from error


def _pattern_problems(pattern: FilterPattern, stream: RequestsStream) -> Iterator[PatternMistake]:
    for place in pattern.overridden:
        yield place, "is given twice, and AWS heeds only the last; put the values into one list"
    with_events = [rule for rule in pattern.rules if _event_fields(rule)]
    if 0 < len(with_events) < len(pattern.rules):
        yield "$or", "must have eventName in each of its objects, or in none"
    for rule in pattern.rules:
        for field in _event_fields(rule):
            yield from event_name_problems(field, stream)
        for field in rule.fields:
            yield from field_problems(field, stream, _events_of(rule, stream))


def _events_of(rule: Rule, stream: RequestsStream) -> Sequence[EventName]:
    events: Sequence[EventName] = stream.events
    for field in _event_fields(rule):
        events = events_of(field) or events
    return events


def _event_fields(rule: Rule) -> list[Field]:
    return [field for field in rule.fields if field.path == "eventName"]


def _for_events(definition: JsonObject, stream: RequestsStream) -> JsonObject:
    return JsonObject((*definition, ("eventName", sorted(stream.events))))


def _path(position: int, path: str) -> str:
    return f"filters[{position}].{path}" if path else f"filters[{position}]"
