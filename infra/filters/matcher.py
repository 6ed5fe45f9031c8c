"""Where a filter pattern's fields lie in a record, and whether one record satisfies them together.

It follows AWS's own library, aws/event-ruler: a record is its leaves, each under the dotted path
that leads to it; lists add nothing to the path; all fields must be satisfied by leaves that agree
on the element of every list they lie in. `infra.filters.pattern` reads a pattern,
`infra.filters.operators` compare a leaf.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.filters.operators import Exists, Leaf, Matcher
from infra.filters.pattern_json import shown

Location = tuple[str | int, ...]
"""The keys and positions that lead to a list in a record: which list it is."""
Membership = tuple[tuple[Location, int], ...]
"""The lists that a leaf lies in, each with the position of the element that holds the leaf."""
_Steps = tuple[tuple[str, "_Steps"], ...]
Occurrence = tuple[Leaf, Membership]
"""A leaf at a field's path. A plain tuple: it is made for every leaf that is looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One path of a pattern and the list of values that it accepts."""

    names: tuple[str, ...]
    """The path's keys as written; a key may itself contain dots."""
    places: tuple[str, ...]
    """Where each key stands in the pattern, `$or` included, for messages."""
    values: tuple[object, ...]
    matchers: tuple[Matcher, ...]
    accepts_absence: bool = field(init=False)
    _steps: _Steps = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "accepts_absence", Exists(False) in self.matchers)
        object.__setattr__(self, "_steps", _steps(self.path.split(".")))

    @property
    def path(self) -> str:
        """The dotted path, which is all that AWS compares: a.b is b within a and the key "a.b"."""
        return ".".join(self.names)

    def accepts(self, leaf: Leaf) -> bool:
        """Whether one of the values matches the leaf."""
        for matcher in self.matchers:  # noqa: SIM110 - any() takes twice the time, per leaf
            if matcher.matches(leaf):
                return True
        return False

    def occurrences(self, record: Mapping[str, object]) -> list[Occurrence]:
        """Every leaf of the record at this path."""
        found: list[Occurrence] = []
        _collect(record, self._steps, (), (), found)
        return found

    def mismatch(self, record: Mapping[str, object]) -> str | None:
        """Why no leaf of the record satisfies this field; None when one does, or none is needed."""
        found = self.occurrences(record)
        if any(self.accepts(leaf) for leaf, _ in found) or (self.accepts_absence and not found):
            return None
        wanted = f"the pattern wants {shown(list(self.values))}"
        if found:
            leaves = ", ".join(shown(leaf) for leaf, _ in found)
            return f"{self.places[-1]} is {leaves}, {wanted}"
        return f"{self.places[-1]} is not a leaf of the record ({self._nearest(record)}), {wanted}"

    def _nearest(self, record: Mapping[str, object]) -> str:
        """How far into the record the path leads."""
        node: object = record
        for depth, name in enumerate(self.names):
            within = ".".join(self.names[:depth]) or "the record"
            if not isinstance(node, Mapping):
                return f"{within} is {_kind(node)}"
            if name not in node:
                return f"{within} has {', '.join(map(str, node)) or 'nothing'}"
            node = node[name]
        return f"it is {_kind(node)} there"


class Rule:
    """Fields that must be satisfied together: a pattern without `$or`, or one combination of it."""

    def __init__(self, fields: Sequence[Field]) -> None:
        # In the order of their paths: event-ruler looks at them so, which decides what
        # {"exists": false} means within a list.
        self.fields = tuple(sorted(fields, key=lambda field: field.path))
        shallow_first = sorted(range(len(self.fields)), key=lambda i: len(self.fields[i].names))
        self._cheapest_first = tuple((i, self.fields[i]) for i in shallow_first)

    def matches(self, record: Mapping[str, object]) -> bool:
        """Whether the record has a leaf for each field, in consistent elements of its lists."""
        occurrences: list[list[Occurrence]] = [[]] * len(self.fields)
        in_lists = False
        for i, field_ in self._cheapest_first:
            found = field_.occurrences(record)
            fitting = [leaf for leaf, _ in found if field_.accepts(leaf)]
            memberships = [membership for _, membership in found if membership]
            # Where a leaf outside of every list is found, nothing makes the field absent.
            if not fitting and not (field_.accepts_absence and len(memberships) == len(found)):
                return False
            occurrences[i] = found
            in_lists = in_lists or bool(memberships)
        return not in_lists or self._is_consistent(occurrences, 0, {})

    def mismatches(self, record: Mapping[str, object]) -> str:
        """Why a record that does not match does not."""
        mismatches = [mismatch for field_ in self.fields if (mismatch := field_.mismatch(record))]
        if mismatches:
            return "; ".join(mismatches)
        paths = ", ".join(field_.path for field_ in self.fields)
        return f"{paths} match only in different elements of a list, and must match in one"

    def _is_consistent(
        self, occurrences: list[list[Occurrence]], i: int, chosen: Mapping[Location, int]
    ) -> bool:
        if i == len(self.fields):
            return True
        field_ = self.fields[i]
        within = [each for each in occurrences[i] if _agrees(each[1], chosen)]
        absent = field_.accepts_absence and not within
        if absent and self._is_consistent(occurrences, i + 1, chosen):
            return True
        choices = {membership for leaf, membership in within if field_.accepts(leaf)}
        return any(
            self._is_consistent(occurrences, i + 1, {**chosen, **dict(membership)})
            for membership in choices
        )


def _steps(names: Sequence[str]) -> _Steps:
    """The keys that lead on from each point of a path: the next name, or several joined by dots."""
    from_here: list[_Steps] = [()]
    for at in reversed(range(len(names))):
        from_here.append(
            tuple(
                (".".join(names[at:to]), from_here[len(names) - to])
                for to in range(at + 1, len(names) + 1)
            )
        )
    return from_here[-1]


def _collect(
    node: Any, steps: _Steps, location: Location, membership: Membership, found: list[Occurrence]
) -> None:
    if isinstance(node, dict):
        for name, onward in steps:
            if name in node:
                _collect(node[name], onward, (*location, name), membership, found)
    elif isinstance(node, list):
        for position, element in enumerate(node):
            # A plain element belongs to its list, but to no element of it [event-ruler].
            nested = isinstance(element, dict | list)
            inner = (*membership, (location, position)) if nested else membership
            _collect(element, steps, (*location, position), inner, found)
    elif not steps:
        found.append((node, membership))


def _agrees(membership: Membership, chosen: Mapping[Location, int]) -> bool:
    return all(chosen.get(location, position) == position for location, position in membership)


def _kind(node: object) -> str:
    if isinstance(node, Mapping):
        return f"an object with {', '.join(map(str, node)) or 'nothing'}"
    if isinstance(node, list):
        return "a list"
    return shown(node)
