"""DynamoDB's attribute values: `{"N": "1"}` in, plain Python out.

Strict, because a value that DynamoDB cannot have written means that the record is not what it
seems. The deserializers of Powertools and boto3 are not: both leave a stream record's binaries in
base64, and of a malformed value they make something or raise whatever comes along.
"""

import base64
from collections.abc import Callable, Collection, Mapping
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from typing import Any, Final, NamedTuple

MAXIMUM_DEPTH: Final = 32
"""Levels that values nest below an attribute; the limit is AWS's."""

# AWS: "up to 38 digits of precision", up to 9.9...E+125.
_NUMBERS: Final = Context(prec=38, Emin=-128, Emax=125, traps=[Inexact, InvalidOperation, Overflow])
# Decimal takes more: underscores, blanks, NaN, and the digits of other scripts.
_IN_NUMBERS: Final = frozenset("0123456789+-.eE")


class Mistake(NamedTuple):
    """One thing that is wrong: where inside the value, what is there, what would be right."""

    path: str
    found: object
    expected: str
    """Completes "must be ..."."""


class InvalidAttributeValueError(ValueError):
    """No attribute value, or none of the type that is declared; says all that is wrong."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("; ".join(f"{one.path} must be {one.expected}" for one in mistakes))
        self.mistakes = mistakes

    def within(self, step: str) -> list[Mistake]:
        """The mistakes as seen from one level further out."""
        return [Mistake(step + one.path, one.found, one.expected) for one in self.mistakes]


def invalid(found: object, expected: str) -> InvalidAttributeValueError:
    """That a value is not as it must be, whole."""
    return InvalidAttributeValueError(Mistake("", found, expected))


ContentDecoder = Callable[[object, int], Any]
"""Decodes the content of a typed value; the number is how deep it lies."""


def plain_map(content: object) -> dict[str, Any]:
    """The plain form of the content of an M. Raises `InvalidAttributeValueError`.

    S becomes str, N Decimal, B bytes, BOOL bool, NULL None, M dict, L list; SS, NS and BS sets.
    """
    plain: dict[str, Any] = DECODERS["M"](content, 0)
    return plain


UNTYPED: Final = (LookupError, TypeError, ValueError)
"""What taking a value apart raises when it has no type, several, or one that is not expected."""


def in_words(kinds: Collection[str]) -> str:
    """A typed value of one of these DynamoDB types, completing "must be ..."."""
    if len(kinds) == len(_IN_WORDS):
        return f'a typed value such as {{"S": "text"}}, of the types {", ".join(_IN_WORDS)}'
    return " or ".join(_IN_WORDS[kind] for kind in kinds)


_IN_WORDS: Final = {
    "S": 'a string, {"S": "..."}',
    "N": 'a number, {"N": "..."}',
    "B": 'binary, {"B": "..."}',
    "BOOL": 'a boolean, {"BOOL": ...}',
    "NULL": 'null, {"NULL": true}',
    "SS": 'a set of strings, {"SS": [...]}',
    "NS": 'a set of numbers, {"NS": [...]}',
    "BS": 'a set of binaries, {"BS": [...]}',
    "M": 'a map, {"M": {...}}',
    "L": 'a list, {"L": [...]}',
}


def map_of(decoders: Mapping[str, ContentDecoder]) -> ContentDecoder:
    """Decodes the content of an M whose values all have one of these DynamoDB types."""

    def decode_map(content: object, depth: int) -> dict[str, Any]:
        if not isinstance(content, dict):
            raise invalid(content, "an object, being an M")
        inner = depth + 1 if depth < MAXIMUM_DEPTH else one_deeper(content, depth)
        plain: dict[str, Any] = {}
        mistakes: list[Mistake] = []
        for name, value in content.items():
            try:
                (kind,) = value
                decode, typed = decoders[kind], value[kind]
            except UNTYPED:
                mistakes.append(Mistake(f".{name}", value, in_words(decoders)))
                continue
            try:
                plain[name] = decode(typed, inner)
            except InvalidAttributeValueError as error:
                mistakes += error.within(f".{name}")
        if mistakes:
            raise InvalidAttributeValueError(*mistakes)
        return plain

    return decode_map


def list_of(decoders: Mapping[str, ContentDecoder]) -> ContentDecoder:
    """Decodes the content of an L whose elements all have one of these DynamoDB types."""

    def decode_list(content: object, depth: int) -> list[Any]:
        if not isinstance(content, list):
            raise invalid(content, "a list, being an L")
        inner = depth + 1 if depth < MAXIMUM_DEPTH else one_deeper(content, depth)
        plain: list[Any] = []
        mistakes: list[Mistake] = []
        for index, value in enumerate(content):
            try:
                (kind,) = value
                decode, typed = decoders[kind], value[kind]
            except UNTYPED:
                mistakes.append(Mistake(f"[{index}]", value, in_words(decoders)))
                continue
            try:
                plain.append(decode(typed, inner))
            except InvalidAttributeValueError as error:
                mistakes += error.within(f"[{index}]")
        if mistakes:
            raise InvalidAttributeValueError(*mistakes)
        return plain

    return decode_list


def set_of(kind: str, decode: ContentDecoder) -> ContentDecoder:
    """Decodes the content of a set: SS, NS or BS, whose members are of the type `kind`."""

    def decode_set(content: object, depth: int) -> set[Any]:
        if not isinstance(content, list):
            raise invalid(content, f"a list, being of the type {kind}S")
        return {decode(member, depth) for member in content}

    return decode_set


def one_deeper(content: dict[Any, Any] | list[Any], depth: int) -> int:
    """The depth of what a map or list holds. Raises `InvalidAttributeValueError` past the limit."""
    if content and depth >= MAXIMUM_DEPTH:
        raise invalid(content, f"nested no deeper than {MAXIMUM_DEPTH} levels")
    return depth + 1


def _string(content: object, _: int) -> str:
    if isinstance(content, str):
        return content
    raise invalid(content, "a string, being an S")


def _number(content: object, _: int) -> Decimal:
    if isinstance(content, str) and _may_be_number(content):
        try:
            return _to_number(content)
        except DecimalException:
            pass
    raise invalid(content, "a number of at most 38 digits as a string, being an N")


def _binary(content: object, _: int) -> bytes:
    if isinstance(content, str):
        try:
            return base64.b64decode(content, validate=True)
        except ValueError:
            pass
    raise invalid(content, "base64, being a B")


def _bool(content: object, _: int) -> bool:
    if isinstance(content, bool):
        return content
    raise invalid(content, "true or false, being a BOOL")


def _null(content: object, _: int) -> None:
    if content is not True:
        raise invalid(content, "true, being a NULL")


_CAREFUL: Final[dict[str, ContentDecoder]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _bool,
    "NULL": _null,
    "SS": set_of("S", _string),
    "NS": set_of("N", _number),
    "BS": set_of("B", _binary),
}
_CAREFUL["M"] = map_of(_CAREFUL)
_CAREFUL["L"] = list_of(_CAREFUL)


def _quickly(kind: str, quick: ContentDecoder) -> ContentDecoder:
    """The careful way is for what the quick one does not take, and says what is wrong with it."""
    careful = _CAREFUL[kind]

    def decode(content: object, depth: int) -> Any:
        try:
            return quick(content, depth)
        except (*UNTYPED, ArithmeticError):
            return careful(content, depth)

    return decode


def _quick_map(content: Any, depth: int) -> dict[str, Any]:
    """Of what is as it should be. Of anything else it raises whatever comes, and says nothing."""
    if depth >= MAXIMUM_DEPTH or type(content) is not dict:
        raise ValueError
    depth += 1
    plain: dict[str, Any] = {}
    for name, value in content.items():
        (kind,) = value
        typed = value[kind]
        # What there is most of is decoded here: calling its decoder would take as long again.
        if kind == "S" and type(typed) is str:
            plain[name] = typed
        elif kind == "N" and type(typed) is str and _may_be_number(typed):
            plain[name] = _to_number(typed)
        else:
            plain[name] = _QUICK[kind](typed, depth)
    return plain


def _quick_list(content: Any, depth: int) -> list[Any]:
    if depth >= MAXIMUM_DEPTH or type(content) is not list:
        raise ValueError
    depth += 1
    plain: list[Any] = []
    for value in content:
        (kind,) = value
        plain.append(_QUICK[kind](value[kind], depth))
    return plain


_may_be_number: Final = _IN_NUMBERS.issuperset
_to_number: Final = _NUMBERS.create_decimal
_QUICK: Final[Mapping[str, ContentDecoder]] = {**_CAREFUL, "M": _quick_map, "L": _quick_list}

DECODERS: Final[Mapping[str, ContentDecoder]] = {
    **_CAREFUL,
    "M": _quickly("M", _quick_map),
    "L": _quickly("L", _quick_list),
}
"""Of each DynamoDB type, what its content becomes in plain Python."""
