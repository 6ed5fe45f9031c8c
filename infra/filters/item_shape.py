"""What the items' type says of each place within an item, for what a filter may compare there."""

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from handler.item_types import ItemType, types_of


@dataclass(frozen=True, slots=True)
class Shape:
    """One place within an item: an attribute, a map's value, a list's element; `Any` says nothing.

    An image of the stream is the M of the items' type.
    """

    hint: Any = Any

    @property
    def types(self) -> frozenset[str]:
        """The DynamoDB types that a value there may have."""
        return types_of(self.hint)

    @property
    def declared(self) -> Mapping[str, Any] | None:
        """The attributes of the M there, with their hints; None: a map of whatever names."""
        kind = self._of_type("M")
        is_dataclass = isinstance(kind, type) and dataclasses.is_dataclass(kind)
        return ItemType(kind).hints if is_dataclass else None

    @property
    def name(self) -> str:
        """The name of the dataclass there."""
        return str(getattr(self._of_type("M"), "__name__", ""))

    def attribute(self, name: str) -> "Shape":
        """What the M there holds under a name; one that is not declared may be anything."""
        declared = self.declared
        if declared is not None:
            return Shape(declared.get(name, Any))
        arguments = typing.get_args(self._of_type("M"))
        return Shape(arguments[1] if len(arguments) == 2 else Any)

    @property
    def element(self) -> "Shape":
        """Each element of the L there."""
        arguments = typing.get_args(self._of_type("L"))
        return Shape(arguments[0] if arguments else Any)

    def _of_type(self, type_: str) -> Any:
        """The member of the hint that has this type."""
        return next((each for each in _members(self.hint) if type_ in types_of(each)), Any)


def _members(hint: Any) -> Iterator[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        yield from _members(arguments[0])
    elif origin in {typing.Union, types.UnionType}:
        for each in arguments:
            yield from _members(each)
    else:
        yield hint
