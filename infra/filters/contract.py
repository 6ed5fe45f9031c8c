"""What a filter may ask of a record of the stream: its keys, its events and its images.

AWS accepts a filter that asks for anything else, and the filter never matches, without a word.
`infra.filters.pattern` has AWS's own rules for a pattern, `infra.filters.attributes` those for the
types and values of attributes.
"""

import difflib
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from handler.config import EventName, Image, RequestsStream, StreamViewType
from infra.filters.attributes import (
    TYPES,
    Kind,
    constant_problems,
    leaf_problems,
    object_problem,
    typed_problems,
)
from infra.filters.item_shape import Shape
from infra.filters.matcher import Field
from infra.filters.operators import EqualsString
from infra.filters.pattern_json import PatternMistake, shown

_NEAR_MISS: Final = 0.8
"""How alike an undeclared name must be to a declared one to be taken for a slip: 1 is the same."""

_TOP_LEVEL: Final = (
    "awsRegion", "dynamodb", "eventID", "eventName", "eventSource", "eventSourceARN",
    "eventVersion", "userIdentity",
)  # fmt: skip
_DYNAMODB: Final = (
    "ApproximateCreationDateTime", "Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes",
    "StreamViewType",
)  # fmt: skip
_USER_IDENTITY: Final = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
"""What DynamoDB writes into the record of an item that its TTL removed, and into no other."""
_MEANT: Final = {
    "body": "dynamodb",  # SQS
    "data": "dynamodb",  # Kinesis
    "detail": "dynamodb",  # EventBridge
    **{name: f"dynamodb.{name}" for name in _DYNAMODB},
}


def events_of(field: Field) -> list[EventName]:
    """The events that a field on `eventName` lets through."""
    return [event for event in EventName if field.accepts(str(event))]


def event_name_problems(field: Field, stream: RequestsStream) -> Iterator[PatternMistake]:
    """Why a field on `eventName` goes beyond the contract's events, or matches none of them."""
    contract, got = " or ".join(stream.events), shown(list(field.values))
    admitted = events_of(field)
    problems: list[PatternMistake] = []
    if any(event not in stream.events for event in admitted):
        problems.append(
            (field.places[-1], f"must admit only {contract} (stream.events), got {got}")
        )
    for position, matcher in enumerate(field.matchers):
        if isinstance(matcher, EqualsString) and matcher.text not in list(EventName):
            place = f"{field.places[-1]}[{position}]"
            problems.append((place, f'must be {contract}, got "{matcher.text}"'))
    if not problems and not admitted:
        problems.append((field.places[-1], f"must admit {contract}, got {got}"))
    yield from problems


def field_problems(
    field: Field, stream: RequestsStream, events: Sequence[EventName]
) -> Iterator[PatternMistake]:
    """Why a field can match no record that the stream has of these events."""
    absence = _absence(field, stream, events)
    if absence is None:
        yield from _problems(field, stream)
    elif not field.accepts_absence:
        yield absence


def needless_absence(
    field: Field, stream: RequestsStream, events: Sequence[EventName]
) -> Iterator[PatternMistake]:
    """That a field lets every record through, because what must not be there never is."""
    absence = _absence(field, stream, events) if field.accepts_absence else None
    if absence is not None:
        place, message = absence
        yield place, f"{message}; so exists: false there matches every record"


def undeclared_attributes(field: Field, stream: RequestsStream) -> Iterator[PatternMistake]:
    """That a field asks for an attribute which the items' type does not declare."""
    for at, within in _attribute_names(field, stream):
        if within.declared is not None and field.names[at] not in within.declared:
            undeclared = f"is not declared in {_called(within, stream)}"
            yield field.places[at], f"{undeclared}: it matches only if your items have it"


def _absence(
    field: Field, stream: RequestsStream, events: Sequence[EventName]
) -> PatternMistake | None:
    """Why no record of these events has anything where the field looks."""
    match field.names:
        case ["userIdentity", *_]:
            return _user_identity_absence(field, events)
        case ["dynamodb", name, *_]:
            return _dynamodb_absence(field, name, stream, events)
        case [name, *_] if name not in _TOP_LEVEL:
            return _unknown(field, 0, _TOP_LEVEL)
    return None


def _dynamodb_absence(
    field: Field, name: str, stream: RequestsStream, events: Sequence[EventName]
) -> PatternMistake | None:
    if name not in _DYNAMODB:
        return _unknown(field, 1, _DYNAMODB)
    if name in list(Image) and (missing := _missing_image(Image(name), stream.view_type, events)):
        return field.places[1], missing
    if name == "Keys" and len(field.names) > 2 and field.names[2] not in _keys(stream):
        return field.places[2], f"is not a key; the table's {_keys_in_words(stream)}"
    return _other_type(field, stream)


def _problems(field: Field, stream: RequestsStream) -> Iterator[PatternMistake]:
    """Why a field cannot match what is there."""
    match field.names:
        case ["eventName" | "eventID" | "eventSourceARN" | "awsRegion", *_]:
            yield from leaf_problems(field, 1, Kind.STRING)
        case ["eventSource", *_]:
            yield from constant_problems(field, 1, "aws:dynamodb")
        case ["eventVersion", *_]:
            yield from constant_problems(field, 1, "1.1")
        case ["userIdentity", *_]:
            yield from _user_identity_problems(field)
        case _:
            yield from _dynamodb_problems(field, stream)


def _dynamodb_problems(field: Field, stream: RequestsStream) -> Iterator[PatternMistake]:
    match field.names[1:]:
        case []:
            yield object_problem(field, '{"NewImage": {"attribute": {"S": ["string"]}}}')
        case ["ApproximateCreationDateTime" | "SizeBytes", *_]:
            yield from leaf_problems(field, 2, Kind.NUMBER)
        case ["SequenceNumber", *_]:
            yield from leaf_problems(field, 2, Kind.STRING)
        case ["StreamViewType", *_]:
            yield from constant_problems(field, 2, str(stream.view_type))
        case _:
            yield from _item_problems(field, stream)


def _user_identity_absence(field: Field, events: Sequence[EventName]) -> PatternMistake | None:
    if EventName.REMOVE not in events:
        got = " and ".join(events)
        return (
            field.places[0],
            f"is only in REMOVE records, of items that TTL removed, and the events are {got}",
        )
    if len(field.names) > 1 and field.names[1] not in _USER_IDENTITY:
        return _unknown(field, 1, tuple(_USER_IDENTITY))
    return None


def _user_identity_problems(field: Field) -> Iterator[PatternMistake]:
    if len(field.names) == 1:
        yield object_problem(field, '{"type": ["Service"]}')
    elif field.accepts_absence:
        yield from leaf_problems(field, 2, Kind.STRING)  # What a user removed, TTL did not.
    else:
        yield from constant_problems(field, 2, _USER_IDENTITY[field.names[1]])


def _item_problems(field: Field, stream: RequestsStream) -> Iterator[PatternMistake]:
    """A field within Keys or an image: an attribute, then its type."""
    if len(field.names) == 2:
        yield object_problem(field, '{"attribute": {"S": ["string"]}}')
        return
    slips = list(_slips(field, stream))
    yield from slips or typed_problems(field, 3, _item(stream).attribute(field.names[2]).types)


def _slips(field: Field, stream: RequestsStream) -> Iterator[PatternMistake]:
    """The names that are declared but for a slip."""
    for at, within in _attribute_names(field, stream):
        if near := _near_miss(field.names[at], within.declared or ()):
            called = _called(within, stream)
            yield field.places[at], f"is no attribute of {called}; did you mean {near}?"


def _other_type(field: Field, stream: RequestsStream) -> PatternMistake | None:
    """That a value in the field's path never has the DynamoDB type that the field gives it."""
    for at, within in _attribute_names(field, stream):
        named, shape = field.names[at], within.attribute(field.names[at])
        for place in range(at + 1, len(field.names)):
            type_, types = field.names[place], shape.types
            if type_ in TYPES and type_ not in types:
                declared = " or ".join(sorted(types))
                return field.places[place], f"must be {declared}, the type of {named}, got {type_}"
            if type_ != "L":
                break
            named, shape = f"the elements of {field.names[at]}", shape.element
    return None


def _attribute_names(field: Field, stream: RequestsStream) -> Iterator[tuple[int, Shape]]:
    """Where an attribute's name stands in the field's path, with the M that it is in."""
    match field.names:
        case ["dynamodb", "Keys" | "NewImage" | "OldImage", _, *_]:
            pass
        case _:
            return
    at, within = 2, _item(stream)
    while at < len(field.names):
        yield at, within
        within, at = within.attribute(field.names[at]), at + 1
        # A list adds nothing but its type.
        while at < len(field.names) and field.names[at] == "L":
            within, at = within.element, at + 1
        if at == len(field.names) or field.names[at] != "M":
            return
        at += 1


def _item(stream: RequestsStream) -> Shape:
    return Shape(stream.item.kind)


def _called(within: Shape, stream: RequestsStream) -> str:
    return "the items' type" if within == _item(stream) else within.name


def _near_miss(name: str, declared: Collection[str]) -> str | None:
    """The attribute that is meant, of a name that is declared but for a slip."""
    if name in declared:
        return None
    lower = {each.lower(): each for each in declared}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=_NEAR_MISS)
    return lower[near[0]] if near else None


def _keys_in_words(stream: RequestsStream) -> str:
    names = _keys(stream)
    return f"only key is {names[0]}" if len(names) == 1 else f"keys are {' and '.join(names)}"


def _keys(stream: RequestsStream) -> list[str]:
    return [key.name for key in stream.item.keys]


def _missing_image(
    image: Image, view_type: StreamViewType, events: Sequence[EventName]
) -> str | None:
    if any(image in view_type.images(event) for event in events):
        return None
    if image in _images(view_type):
        other = Image.OLD if image is Image.NEW else Image.NEW
        return f"is never in {' or '.join(events)} records, which have the {other} only"
    carriers = [str(other) for other in StreamViewType if image in _images(other)]
    return f"is not in a stream of view type {view_type}; it takes {' or '.join(carriers)}"


def _images(view_type: StreamViewType) -> frozenset[Image]:
    return frozenset(image for event in EventName for image in view_type.images(event))


def _unknown(field: Field, at: int, known: Sequence[str]) -> PatternMistake:
    name = field.names[at]
    if at == 0 and name in _MEANT:
        hint = f"did you mean {_MEANT[name]}?"
    elif at == 0 and name.partition(".")[0] in known:
        hint = f"write its parts as nested objects, {name.partition('.')[0]} outermost"
    else:
        lower = {key.lower(): key for key in known}
        near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.7)
        hint = f"did you mean {lower[near[0]]}?" if near else f"it has {', '.join(known)}"
    within = field.names[at - 1] if at else "a stream record"
    return field.places[at], f"is no key of {within}; {hint}"
