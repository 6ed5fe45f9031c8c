"""Bytes as DynamoDB counts them (Developer Guide, "DynamoDB item sizes and formats")."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeAlias

AttributeValue: TypeAlias = Mapping[str, Any]
"""A typed value, binaries as bytes."""


def item_size(item: Mapping[str, AttributeValue]) -> int:
    """Of an item or an image: its attributes' names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: AttributeValue) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            size = len(content.encode())
        case "N":
            size = _number_size(content)
        case "B":
            size = len(content)
        case "SS" | "NS" | "BS":
            size = sum(_value_size({kind[0]: element}) for element in content)
        case "L":
            size = 3 + sum(1 + _value_size(element) for element in content)
        case "M":
            size = 3 + len(content) + item_size(content)
        case _:
            size = 1
    return size


def _number_size(text: str) -> int:
    """One byte for two significant digits, one more, and one for a minus."""
    sign, digits, _ = Decimal(text).as_tuple()
    significant = "".join(map(str, digits)).strip("0")
    return (len(significant) + 1) // 2 + 1 + sign
