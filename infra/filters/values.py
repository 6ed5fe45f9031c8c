"""The values of a pattern's lists, as they are written: literals and operators.

The operators are those on Lambda's list (Lambda Developer Guide, "Control which events Lambda sends
to your function"). EventBridge has more; whether they work on Lambda, nobody says.
"""

import difflib
from typing import Final

from infra.filters.operators import (
    AnythingButNumbers,
    AnythingButStrings,
    EqualsConstant,
    EqualsIgnoreCase,
    EqualsNumber,
    EqualsString,
    Exists,
    Matcher,
    Number,
    NumericRange,
    Prefix,
    Suffix,
    is_double,
)
from infra.filters.pattern_json import JsonObject, shown

_UNDOCUMENTED: Final = {
    "wildcard": 'use {"prefix": ...} or {"suffix": ...}',
    "cidr": 'use {"prefix": ...}',
    "exactly": "write the string itself",
}
_NESTED: Final = frozenset({"equals-ignore-case", "prefix", "suffix", "wildcard"})


class InvalidMatchError(ValueError):
    """A value of a pattern's list that AWS refuses; the message completes the value's path."""


def matcher(value: object) -> Matcher:
    """Reads one value of a pattern's list.

    Raises `InvalidMatchError` for what AWS refuses, and for an operator that EventBridge has but
    Lambda does not document.
    """
    if isinstance(value, JsonObject):
        return _expression(value)
    if isinstance(value, str):
        return EqualsString(value)
    if value is None or isinstance(value, bool):
        return EqualsConstant(value)
    if isinstance(value, int | float):
        return EqualsNumber(value)
    raise InvalidMatchError(
        f"must be a string, a number, true, false, null or an operator, got {shown(value)}"
    )


def _expression(expression: JsonObject) -> Matcher:
    if len(expression) != 1:
        raise InvalidMatchError(f"must have exactly one operator, got {shown(expression)}")
    name, operand = expression[0]
    if name in _UNDOCUMENTED:
        raise _undocumented(f'the operator "{name}"', _UNDOCUMENTED[name])
    if name not in _OPERATORS:
        near = difflib.get_close_matches(name.lower(), _OPERATORS, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise InvalidMatchError(
            f'must have one of the operators {", ".join(_OPERATORS)}, got "{name}"{hint}'
        )
    return _OPERATORS[name](name, operand)


def _undocumented(what: str, instead: str) -> InvalidMatchError:
    return InvalidMatchError(
        f"has {what}, which EventBridge knows but Lambda does not document: {instead}"
    )


def _refuse_nested(name: str, operand: object, instead: str) -> None:
    if isinstance(operand, JsonObject) and operand and operand[0][0] in _NESTED:
        raise _undocumented(f'"{operand[0][0]}" within "{name}"', instead)


def _exists(_: str, operand: object) -> Matcher:
    if not isinstance(operand, bool):
        raise InvalidMatchError(f"must say exists true or false, got {shown(operand)}")
    return Exists(operand)


def _affix(name: str, operand: object) -> Matcher:
    _refuse_nested(name, operand, f"write the {name} itself")
    return Prefix(_text(name, operand)) if name == "prefix" else Suffix(_text(name, operand))


def _ignore_case(name: str, operand: object) -> Matcher:
    return EqualsIgnoreCase(_text(name, operand))


def _text(name: str, operand: object) -> str:
    if not isinstance(operand, str):
        raise InvalidMatchError(f"must have a string for {name}, got {shown(operand)}")
    return operand


def _anything_but(name: str, operand: object) -> Matcher:
    _refuse_nested(name, operand, "write strings or numbers")
    excluded = operand if isinstance(operand, list) else [operand]
    strings = frozenset(value for value in excluded if isinstance(value, str))
    numbers = [value for value in excluded if not isinstance(value, str)]
    if strings and not numbers:
        return AnythingButStrings(strings)
    if numbers and not strings and all(map(_is_number, numbers)):
        return AnythingButNumbers(frozenset(map(_comparable, numbers)))
    raise InvalidMatchError(
        "must have strings or numbers for anything-but, at least one and not both, "
        f"got {shown(operand)}"
    )


def _numeric(_: str, operand: object) -> Matcher:
    match operand:
        case ["=", number]:
            value = _comparable(number)
            return NumericRange(at_least=value, at_most=value)
        case ["<" | "<=" | ">" | ">=" as sign, number]:
            return NumericRange(**{_BOUNDS[sign]: _comparable(number)})
        case [">" | ">=" as lower, bottom, "<" | "<=" as upper, top]:
            bounds = {_BOUNDS[lower]: _comparable(bottom), _BOUNDS[upper]: _comparable(top)}
            if bounds[_BOUNDS[lower]] >= bounds[_BOUNDS[upper]]:
                raise InvalidMatchError(
                    f"must have a lower bound less than the upper one, got {shown(operand)}"
                )
            return NumericRange(**bounds)
    raise InvalidMatchError(
        'must have for numeric one comparison, as [">", 0], or a range with the lower bound '
        f'first, as [">=", 0, "<", 5], got {shown(operand)}'
    )


def _comparable(value: object) -> Number:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidMatchError(f"must compare with a number, got {shown(value)}")
    if isinstance(value, int) and not is_double(value):
        raise InvalidMatchError(f"must compare with a number that fits a double, got {value}")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_BOUNDS: Final = {">": "above", ">=": "at_least", "<": "below", "<=": "at_most"}
_OPERATORS: Final = {
    "anything-but": _anything_but,
    "equals-ignore-case": _ignore_case,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _affix,
    "suffix": _affix,
}
