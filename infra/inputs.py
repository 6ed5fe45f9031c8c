"""A resource's inputs as plain data, from whoever hands them over: a preview, a policy pack."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for what only the update will tell (sdk/go/common/resource/plugin)."""


def at(inputs: Mapping[str, Any], *path: str | int) -> Any:
    """The input at a path; None where there is none, UNKNOWN within what is not known."""
    value: Any = inputs
    for part in path:
        if isinstance(value, str) and value == UNKNOWN:
            return UNKNOWN
        if isinstance(value, Mapping) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, Sequence) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value
