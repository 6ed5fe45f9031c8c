"""DynamoDB's attribute values: `{"N": "1"}` in, plain Python out.

Strict, because a value that DynamoDB cannot have written means that the record is not what it
seems. The deserializers of Powertools and boto3 are not: both leave a stream record's binaries
base64 text, and of a malformed value they make something or raise whatever comes along.
"""

import base64
import re
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from typing import Any, Final

MAXIMUM_DEPTH: Final = 32
"""Levels that values nest below an attribute; the limit is AWS's."""

# AWS: "up to 38 digits of precision", up to 9.9...E+125.
_NUMBERS: Final = Context(prec=38, Emin=-128, Emax=125, traps=[Inexact, InvalidOperation, Overflow])
_NUMBER: Final = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


class InvalidAttributeValueError(ValueError):
    """No attribute value: where inside the attribute, what is there, what would be right."""

    def __init__(self, found: object, expected: str) -> None:
        super().__init__(expected)
        self.path = ""
        self.found = found
        self.expected = expected


def plain_map(content: object) -> dict[str, Any]:
    """The plain form of the content of an M. Raises `InvalidAttributeValueError`.

    S becomes str, N Decimal, B bytes, BOOL bool, NULL None, M dict, L list; SS, NS and BS sets.
    """
    return _map(content, 0)


def _plain(value: object, depth: int) -> Any:
    if not isinstance(value, dict) or len(value) != 1:
        raise InvalidAttributeValueError(value, 'a typed value such as {"S": "text"}')
    ((kind, content),) = value.items()
    decode = _DECODERS.get(kind)
    if decode is None:
        raise InvalidAttributeValueError(kind, f"of one of the types {', '.join(_DECODERS)}")
    return decode(content, depth)


def _string(content: object, _: int) -> str:
    if isinstance(content, str):
        return content
    raise InvalidAttributeValueError(content, "a text, being an S")


def _number(content: object, _: int) -> Decimal:
    if isinstance(content, str) and _NUMBER.fullmatch(content):
        try:
            return _NUMBERS.create_decimal(content)
        except DecimalException:
            pass
    raise InvalidAttributeValueError(content, "a number of at most 38 digits as a text, being an N")


def _binary(content: object, _: int) -> bytes:
    if isinstance(content, str):
        try:
            return base64.b64decode(content, validate=True)
        except ValueError:
            pass
    raise InvalidAttributeValueError(content, "base64 text, being a B")


def _bool(content: object, _: int) -> bool:
    if isinstance(content, bool):
        return content
    raise InvalidAttributeValueError(content, "true or false, being a BOOL")


def _null(content: object, _: int) -> None:
    if content is not True:
        raise InvalidAttributeValueError(content, "true, being a NULL")


def _map(content: object, depth: int) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InvalidAttributeValueError(content, "an object, being an M")
    plain = {}
    for name, value in content.items():
        try:
            plain[name] = _nested(value, depth)
        except InvalidAttributeValueError as error:
            error.path = f".{name}{error.path}"
            raise
    return plain


def _list(content: object, depth: int) -> list[Any]:
    if not isinstance(content, list):
        raise InvalidAttributeValueError(content, "a list, being an L")
    plain = []
    for index, value in enumerate(content):
        try:
            plain.append(_nested(value, depth))
        except InvalidAttributeValueError as error:
            error.path = f"[{index}]{error.path}"
            raise
    return plain


def _nested(value: object, depth: int) -> Any:
    if depth >= MAXIMUM_DEPTH:
        raise InvalidAttributeValueError(value, f"nested no deeper than {MAXIMUM_DEPTH} levels")
    return _plain(value, depth + 1)


def _set_of(kind: str) -> Callable[[object, int], set[Any]]:
    def decode(content: object, depth: int) -> set[Any]:
        if not isinstance(content, list):
            raise InvalidAttributeValueError(content, f"a list, being of the type {kind}S")
        member = _DECODERS[kind]
        return {member(one, depth) for one in content}

    return decode


_DECODERS: Final[dict[str, Callable[[object, int], Any]]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _bool,
    "NULL": _null,
    "M": _map,
    "L": _list,
    "SS": _set_of("S"),
    "NS": _set_of("N"),
    "BS": _set_of("B"),
}
