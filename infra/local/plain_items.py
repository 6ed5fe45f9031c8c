"""An item as plain JSON, and all for which DynamoDB would refuse it.

The limits are AWS's: DynamoDB Developer Guide, "Quotas in Amazon DynamoDB", "Naming rules and data
types", and "DynamoDB item sizes and formats" for how the bytes are counted.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from handler.config import RequestsStream
from handler.item_types import KeyAttribute
from infra.config.declaration import joined
from infra.sample_items import TypedItem

LARGEST_ITEM: Final = 400 * 1024
LONGEST_NAME: Final = 65_535
LONGEST_KEYS: Final = (("partition", 2048), ("sort", 1024))
DEEPEST: Final = 32
MOST_DIGITS: Final = 38
LEAST_EXPONENT, GREATEST_EXPONENT = -130, 125
_OUT_OF_RANGE: Final = f"1E+{GREATEST_EXPONENT + 1}"


class InvalidItemError(ValueError):
    """Nothing that the table can hold; says all that is wrong."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def typed_item(line: str, stream: RequestsStream) -> TypedItem:
    """The item of a line of JSON, typed as the contract has it. Raises `InvalidItemError`.

    Where the contract has a set, it is a list, and where it has binary, a string of base64.
    """
    item = _json(line)
    if not isinstance(item, dict):
        raise InvalidItemError(f"must be a JSON object, one to a line, got {_in_words(item)}")
    reader = _Reader()
    typed = reader.members(item, "", 0, stream.item.attributes)
    problems = [*reader.problems, *_problems_of_keys(typed, stream.item.keys)]
    if not problems and (size := item_size(typed)) > LARGEST_ITEM:
        problems.append(f"must be at most {LARGEST_ITEM:,} bytes (400 KB), has {size:,}")
    if problems:
        raise InvalidItemError(*problems)
    return typed


def _json(line: str) -> Any:
    try:
        return json.loads(
            line,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_no_constant,
            object_pairs_hook=_Object,
        )
    except json.JSONDecodeError as error:
        raise InvalidItemError(_not_json(line, error)) from error
    except RecursionError as error:
        raise InvalidItemError(_TOO_DEEP) from error


def _number(string: str) -> Decimal:
    try:
        return Decimal(string)
    except InvalidOperation:  # of an exponent beyond all that Python counts
        return Decimal(_OUT_OF_RANGE)


def _no_constant(name: str) -> float:
    raise InvalidItemError(f"is not JSON: {name} is none of its numbers")


def _not_json(line: str, error: json.JSONDecodeError) -> str:
    found = line[error.pos : error.pos + 1]
    # The eye would take these for nothing, or for the end of the line.
    odd = f" (U+{ord(found):04X})" if found and not found.isprintable() else ""
    if error.msg == "Extra data":
        more = "another" if found == "{" else "more"
        return f"must be one JSON object; {more} begins in column {error.colno}{odd}"
    what = (error.msg[:1].lower() + error.msg[1:]).removesuffix(" at")
    return f"is not JSON: {what} in column {error.colno}{odd}"


class _Object(dict[str, Any]):
    """An object of JSON, with the names that stand in it twice."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        is_clear = len(self) == len(names)
        self.twice = [] if is_clear else sorted({each for each in names if names.count(each) > 1})


class _Reader:
    """Types plain values, and collects what is wrong on the way."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def members(
        self,
        value: Mapping[str, Any],
        path: str,
        depth: int,
        declared: Mapping[str, frozenset[str]] | None = None,
    ) -> TypedItem:
        for name in getattr(value, "twice", ()):
            self.problems.append(f"{joined(path, name)} must be there once")
        for name in value:
            self._check_name(name, path)
        types = declared or {}
        return {
            name: self.value(each, joined(path, name), depth, types.get(name, frozenset()))
            for name, each in value.items()
        }

    def _check_name(self, name: str, path: str) -> None:
        where = f"of {path} " if path else ""
        if not name:
            self.problems.append(f"the name of an attribute {where}must not be empty")
        elif not _is_text(name):
            self.problems.append(f"the name {name!a} {where}must have no half of a surrogate pair")
        elif _length(name) > LONGEST_NAME:
            self.problems.append(
                f"the name {name[:20]}... {where}must be at most {LONGEST_NAME:,} bytes"
            )

    def value(
        self, value: Any, path: str, depth: int, declared: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """The typed value; `declared` are the types that the contract allows it."""
        if isinstance(value, bool):
            return {"BOOL": value}
        if isinstance(value, Decimal):
            self.problems += _problems_of_number(value, path)
            return {"N": str(value)}
        if isinstance(value, str):
            return self._string(value, path, declared)
        if value is not None and depth < DEEPEST:
            return self._document(value, path, depth, declared)
        if value is not None:
            self._too_deep(re.split(r"[.\[]", path, maxsplit=1)[0])
        return {"NULL": True}

    def _too_deep(self, attribute: str) -> None:
        problem = f"{attribute} {_TOO_DEEP}"
        if problem not in self.problems:
            self.problems.append(problem)

    def _string(self, value: str, path: str, declared: frozenset[str]) -> dict[str, Any]:
        if "B" in declared and "S" not in declared:
            try:
                return {"B": base64.b64decode(value, validate=True)}
            except (binascii.Error, ValueError):
                self.problems.append(f"{path} must be binary as a string of base64")
        elif not _is_text(value):
            self.problems.append(f"{path} must have no half of a surrogate pair, got {value!a}")
        return {"S": value}

    def _document(
        self, value: Any, path: str, depth: int, declared: frozenset[str]
    ) -> dict[str, Any]:
        if isinstance(value, dict):
            return {"M": self.members(value, path, depth + 1)}
        sets = sorted(declared & {"SS", "NS", "BS"})
        if sets and "L" not in declared:
            return self._set(value, path, sets)
        return {
            "L": [
                self.value(each, f"{path}[{place}]", depth + 1) for place, each in enumerate(value)
            ]
        }

    def _set(self, value: list[Any], path: str, declared: list[str]) -> dict[str, Any]:
        of = frozenset(each[0] for each in declared)
        members = [self.value(each, f"{path}[{place}]", 1, of) for place, each in enumerate(value)]
        kinds = {kind for each in members for kind in each}
        if len(kinds) != 1 or not kinds <= of:
            are = " or ".join(_SETS_IN_WORDS[each] for each in declared)
            self.problems.append(f"{path} must be a list of at least one, all {are}: it is a set")
            return {"NULL": True}
        (kind,) = kinds
        contents = [each[kind] for each in members]
        same = {Decimal(each) if kind == "N" else each for each in contents}
        if len(same) < len(contents):
            self.problems.append(f"{path} must have no member twice: it is a set")
        return {f"{kind}S": contents}


_SETS_IN_WORDS: Final = {"SS": "strings", "NS": "numbers", "BS": "strings of base64"}
_TOO_DEEP: Final = f"must nest at most {DEEPEST} levels of lists and objects"


def _problems_of_number(number: Decimal, path: str) -> Iterator[str]:
    digits = _significant_digits(number)
    if digits > MOST_DIGITS:
        yield f"{path} must have at most {MOST_DIGITS} digits, has {digits}"
    if number and not LEAST_EXPONENT <= number.adjusted() <= GREATEST_EXPONENT:
        yield (
            f"{path} must be 0 or of a magnitude between 1E{LEAST_EXPONENT} and "
            f"9.99...E+{GREATEST_EXPONENT}"
        )


def _significant_digits(number: Decimal) -> int:
    # Not normalize(): it rounds to the context's precision.
    digits = "".join(str(digit) for digit in number.as_tuple().digits)
    return len(digits.strip("0")) or 1


def _problems_of_keys(item: TypedItem, keys: Iterable[KeyAttribute]) -> Iterator[str]:
    for key, (part, longest) in zip(keys, LONGEST_KEYS, strict=False):
        content = item.get(key.name, {}).get(key.type)
        if content is None:
            yield f"must have {key.name}, {_KEYS_IN_WORDS[key.type]}"
        elif not content:
            yield f"{key.name} must not be empty, being the {part} key"
        elif key.type != "N" and (size := _size({key.type: content})) > longest:
            yield (
                f"{key.name} must be at most {longest:,} bytes, being the {part} key, has {size:,}"
            )


_KEYS_IN_WORDS: Final = {"S": "a string", "N": "a number", "B": "binary as a string of base64"}


def _length(string: str) -> int:
    return len(string.encode(errors="replace"))


def item_size(item: Mapping[str, Any]) -> int:
    """An item's size in bytes, as DynamoDB counts it."""
    return sum(_length(name) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    counted = _SIZES.get(kind)
    return counted(content) if counted else 1


_SIZES: Final[Mapping[str, Callable[[Any], int]]] = {
    "S": _length,
    "N": lambda number: (_significant_digits(Decimal(number)) + 1) // 2 + 1,
    "B": len,
    "M": lambda members: 3 + len(members) + item_size(members),
    "L": lambda members: 3 + sum(1 + _size(each) for each in members),
    "SS": lambda members: sum(_size({"S": each}) for each in members),
    "NS": lambda members: sum(_size({"N": each}) for each in members),
    "BS": lambda members: sum(len(each) for each in members),
}


def _is_text(string: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in string)


def _in_words(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    return {bool: "true or false", str: "a string", Decimal: "a number"}.get(type(value), "null")
