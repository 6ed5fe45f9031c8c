"""A Lambda filter pattern: read, checked, and matched against a record.

What AWS would refuse is refused here, and so is an operator that Lambda does not document. Whether
a pattern can ever match what a given stream carries, `infra.filters.criteria` says.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from infra.filters.matcher import Field, Rule
from infra.filters.operators import Matcher
from infra.filters.pattern_json import JsonObject, decode, shown
from infra.filters.values import InvalidMatchError, matcher
from infra.wording import counted

MOST_COMBINATIONS: Final = 1000
"""Combinations of `$or` in one pattern; a limit of this module, to stay clear of explosions."""

MOST_NAMES: Final = 100
"""Names on a path; a limit of this module. DynamoDB nests 32 levels, a name and a type for each."""

_OR: Final = "$or"
_RESERVED_WITHIN_OR: Final = frozenset({
    "=", "<", "<=", ">", ">=", "anything-but", "cidr", "date-after", "date-before",
    "date-on-or-after", "date-on-or-before", "equals-ignore-case", "exactly", "exists",
    "in-date-range", "ip-address-in-range", "ip-address-not-in-range", "not-equals-ignore-case",
    "not-wildcard", "numeric", "prefix", "regex", "suffix", "wildcard",
})  # fmt: skip
"""What event-ruler reserves, so that an operator within `$or` is never taken for a field."""


class InvalidFilterPatternError(ValueError):
    """AWS would refuse the pattern, or Lambda does not document what it uses.

    `problems` has a path within the pattern (empty for all of it) and a message for each mistake.
    """

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        reasons = "; ".join(f"{path or 'pattern'} {message}" for path, message in self.problems)
        super().__init__(f"Invalid filter pattern definition. {reasons}")


class FilterPattern:
    """A compiled pattern.

    Raises `InvalidFilterPatternError` with every mistake of the text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        compiler = _Compiler()
        try:
            self.definition = _definition(text)
            """The pattern as JSON, equal keys included."""
            self.rules = compiler.rules(self.definition)
            """The combinations of `$or`, of which one must match; without `$or` it is one."""
        except RecursionError as error:
            raise InvalidFilterPatternError([("", "must be nested less deeply")]) from error
        self.overridden = tuple(compiler.overridden)
        """Where a path is given again; AWS heeds only the last [EventBridge, event-ruler]."""
        if compiler.problems:
            raise InvalidFilterPatternError(dict.fromkeys(compiler.problems))

    def matches(self, record: Mapping[str, object]) -> bool:
        """Whether Lambda would keep the record, which is one of a batch in Lambda's form."""
        for rule in self.rules:  # noqa: SIM110 - as in Field.accepts
            if rule.matches(record):
                return True
        return False

    def explain(self, record: Mapping[str, object]) -> str | None:
        """None when the record matches; else which part of the pattern decided against it."""
        if self.matches(record):
            return None
        mismatches = [rule.mismatches(record) for rule in self.rules]
        if len(mismatches) == 1:
            return mismatches[0]
        numbered = " ".join(
            f"({number}) {mismatch}" for number, mismatch in enumerate(mismatches, 1)
        )
        return f"none of the {counted(len(mismatches), 'combination')} of $or matches: {numbered}"


def _definition(text: str) -> JsonObject:
    try:
        definition = decode(text)
    except ValueError as error:
        raise InvalidFilterPatternError([("", str(error))]) from error
    if not isinstance(definition, JsonObject):
        problem = f"must be a JSON object, got {shown(definition)}"
        raise InvalidFilterPatternError([("", problem)])
    if wrapper := _wrapper(definition):
        problem = f"must be the pattern itself, without {wrapper} around it"
        raise InvalidFilterPatternError([("", problem)])
    return definition


def _wrapper(definition: JsonObject) -> str | None:
    """What was copied with the pattern: the request's or the template's own keys around it."""
    match definition:
        case [["FilterCriteria" | "filterCriteria" | "filter_criteria" as name, JsonObject()]]:
            return f'{{"{name}": {{...}}}}'
        case [["Filters" | "filters" as name, [JsonObject(), *_]]]:
            return f'{{"{name}": [...]}}'
        case [["Pattern" | "pattern" as name, str() | JsonObject()]]:
            return f'{{"{name}": ...}}'
    return None


_Fields = dict[str, Field]


class _Place(NamedTuple):
    """Where the compiler is: the keys so far, and for messages the text of each one's place."""

    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    text: str = ""

    def key(self, name: str) -> "_Place":
        text = f"{self.text}.{name}" if self.text else name
        return _Place((*self.names, name), (*self.texts, text), text)

    def within(self, text: str) -> "_Place":
        """The same keys, but a place within `$or`."""
        return self._replace(text=text)


class _Compiler:
    """Turns a pattern into rules and remembers every mistake, so that all is said at once."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []
        self.overridden: list[str] = []

    def rules(self, definition: JsonObject) -> tuple[Rule, ...]:
        combinations = self._object(definition, _Place(), [{}], frozenset())
        return tuple(Rule(tuple(fields.values())) for fields in combinations)

    def _object(
        self,
        pairs: JsonObject,
        place: _Place,
        combinations: list[_Fields],
        reserved: frozenset[str],
    ) -> list[_Fields]:
        if not pairs:
            self._problem(place, "must not be an empty object")
        for name, value in pairs:
            inner = place.key(name)
            if name == _OR:
                combinations = self._any_of(value, place.within(inner.text), combinations)
            elif len(".".join(inner.names).split(".")) > MOST_NAMES:
                self._problem(inner, f"must not be a path of more than {MOST_NAMES} names")
            elif name in reserved:
                self._problem(inner, "is an operator's name, which no field within $or may have")
            elif isinstance(value, JsonObject):
                combinations = self._object(value, inner, combinations, reserved)
            elif isinstance(value, list):
                self._add(self._field(value, inner), combinations)
            else:
                self._problem(inner, f"must be a list, as [{shown(value)}], got {shown(value)}")
        return combinations

    def _any_of(
        self, alternatives: object, place: _Place, combinations: list[_Fields]
    ) -> list[_Fields]:
        if not isinstance(alternatives, list) or len(alternatives) < 2:
            problem = f"must be a list of at least two objects, got {shown(alternatives)}"
            self._problem(place, problem)
            return combinations
        either: list[_Fields] = []
        for position, alternative in enumerate(alternatives):
            inner = place.within(f"{place.text}[{position}]")
            if not isinstance(alternative, JsonObject):
                self._problem(inner, f"must be an object, got {shown(alternative)}")
                continue
            copies = [dict(fields) for fields in combinations]
            either += self._object(alternative, inner, copies, _RESERVED_WITHIN_OR)
            if len(either) > MOST_COMBINATIONS:
                problem = f"must not make more than {MOST_COMBINATIONS} combinations of $or"
                raise InvalidFilterPatternError([*self.problems, (place.text, problem)])
        return either

    def _field(self, values: list[object], place: _Place) -> Field:
        if not values:
            self._problem(place, 'must not be an empty list; null is [null], the empty string [""]')
        matchers: list[Matcher] = []
        for position, value in enumerate(values):
            try:
                matchers.append(matcher(value))
            except InvalidMatchError as error:
                self._problem(place.within(f"{place.text}[{position}]"), str(error))
        return Field(
            names=place.names, places=place.texts, values=tuple(values), matchers=tuple(matchers)
        )

    def _add(self, field: Field, combinations: list[_Fields]) -> None:
        if any(field.path in fields for fields in combinations):
            self.overridden.append(field.places[-1])
        for fields in combinations:
            fields[field.path] = field

    def _problem(self, place: _Place, message: str) -> None:
        self.problems.append((place.text, message))
