"""Items made up from their type: for the demo, and for the command that puts one."""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

from handler.config import RequestsStream
from handler.item_types import ItemType, KeyAttribute
from infra.events.stream_record import event_item

TypedItem = dict[str, dict[str, Any]]
"""Attribute names with typed values, binary as bytes: as boto3's client takes it."""

_DEEPEST: Final = 3
"""Levels of a type within itself that are made up."""


def sample_item(stream: RequestsStream, number: str, *, word: str = "hello") -> TypedItem:
    """An item of the contract's type; `number`, decimal digits, makes its key another one.

    `word` is the content of its strings: with another one the item is changed. Attributes that
    may be absent are left out.
    """
    item: TypedItem = _fields(stream.item.kind, word, 0)
    keys = stream.item.keys
    for key in keys:
        item[key.name] = _key(key, number)
    if len(item) == len(keys):
        item["note"] = {"S": word}
    return item


def as_json(item: Mapping[str, Any]) -> str:
    """An item as the AWS CLI takes it: binary as base64."""
    return json.dumps(event_item(item))


def _key(key: KeyAttribute, number: str) -> dict[str, Any]:
    if key.type == "N":
        return {"N": number}
    string = f"{key.name.removesuffix('_id')}-{number}"
    return {"S": string} if key.type == "S" else {"B": string.encode()}


def _fields(kind: type[Any], word: str, depth: int) -> TypedItem:
    required = ItemType(kind).required
    return {attribute: _value(hint, word, depth) for attribute, hint in required.items()}


def _value(hint: Any, word: str, depth: int) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is Annotated or origin in {typing.Union, types.UnionType}:
        return _value(arguments[0], word, depth)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return {"M": _fields(hint, word, depth + 1)}
    if origin is list:
        members = arguments if depth < _DEEPEST else ()
        return {"L": [_value(each, word, depth + 1) for each in members]}
    if origin is dict:
        return {"M": {"message": _value(arguments[1] if arguments else Any, word, depth + 1)}}
    if origin is set:
        ((kind, member),) = _value(arguments[0], word, depth).items()
        return {f"{kind}S": [member]}
    return _scalar(hint, word)


def _scalar(hint: Any, word: str) -> dict[str, Any]:
    number = str(len(word))  # another word, another number
    samples: dict[Any, dict[str, Any]] = {
        int: {"N": number},
        Decimal: {"N": number},
        bytes: {"B": word.encode()},
        bool: {"BOOL": True},
        type(None): {"NULL": True},
    }
    return samples.get(hint, {"S": word})
