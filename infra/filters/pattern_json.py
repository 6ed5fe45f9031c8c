"""JSON as filter patterns need it: duplicate keys are kept, and each pattern has one text.

`json.loads` keeps the last of two equal keys, where AWS heeds both. What the keys and values of a
pattern mean stands in `infra.filters.pattern`.
"""

import json
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

PatternMistake: TypeAlias = tuple[str, str]
"""A path within a pattern (empty for all of it), and a message that completes it."""

_LONGEST_SHOWN: Final = 80


class JsonObject(tuple[tuple[str, object], ...]):
    """A JSON object as its pairs, in the order written, equal keys included."""

    __slots__ = ()


def decode(text: str) -> object:
    """The value of a JSON text, each object as a `JsonObject`.

    Raises `ValueError`, saying where and what, for what is not JSON (NaN and Infinity too) and for
    a number that does not fit into a double, because AWS compares numbers as doubles;
    `RecursionError` for JSON that is nested beyond Python's limit.
    """
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=JsonObject,
            parse_float=_double,
            parse_int=_integer,
            parse_constant=_not_json,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"must be JSON: {error.msg} at {place}") from error
    return value


def canonical(value: object) -> str:
    """The one text of a value: keys sorted, objects under equal keys merged, no spaces.

    Equal keys that cannot be merged (two `$or`) stay, in the order written.
    """
    if isinstance(value, JsonObject):
        pairs = sorted(_merged(value), key=lambda pair: pair[0])
        return "{" + ",".join(f"{_text(name)}:{canonical(of)}" for name, of in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return _text(value)


def shown(value: object) -> str:
    """A value as a message shows it."""
    text = canonical(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _merged(pairs: Iterable[tuple[str, object]]) -> list[tuple[str, object]]:
    merged: list[tuple[str, object]] = []
    place_of: dict[str, int] = {}
    for name, value in pairs:
        if isinstance(value, JsonObject) and name in place_of:
            earlier = merged[place_of[name]][1]
            merged[place_of[name]] = name, JsonObject((*_pairs(earlier), *value))
            continue
        if isinstance(value, JsonObject):
            place_of[name] = len(merged)
        merged.append((name, value))
    return merged


def _pairs(value: object) -> JsonObject:
    return value if isinstance(value, JsonObject) else JsonObject()


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _double(text: str) -> float:
    value = float(text)
    try:
        fits = Decimal(repr(value)) == Decimal(text)
    except InvalidOperation:  # of an exponent beyond all that Python counts
        fits = False
    if not fits:
        raise _no_double(text)
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:  # of more digits than Python takes
        raise _no_double(text) from error


def _no_double(text: str) -> ValueError:
    written = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."
    return ValueError(f"must have numbers that fit into a double, got {written}")


def _not_json(name: str) -> float:
    raise ValueError(f"must be JSON, which has no {name}")
