"""Pulumi's property values on the wire, as plain Python and back."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped] # comes with pulumi
from pulumi.runtime import rpc

from infra.local.program.engine import UNKNOWN, plain


def read(struct: Any) -> dict[str, Any]:
    """The values, with whole numbers whole and `UNKNOWN` for what a preview does not know."""
    values = rpc.deserialize_properties(struct, keep_unknowns=True, keep_internal=True)
    return {key: plain(value) for key, value in values.items()}


def written(values: Mapping[str, Any]) -> Any:
    """The values as the engine takes them; what is None is left out."""
    struct = struct_pb2.Struct()
    struct.update(_known(values))
    return struct


def _known(value: Any) -> Any:
    if value is UNKNOWN:
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {key: _known(each) for key, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [_known(each) for each in value]
    return value
