"""The article's request: what an item of the table is as long as the contract names no other type.

It is part of the contract, so the standard library is all it uses.
"""

from dataclasses import dataclass
from typing import Any

from handler.change import Change
from handler.item_types import Key


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A request, as it stands in the table."""

    request_id: Key[str]
    payload: dict[str, Any]


class Request(Change[Item]):
    """A change of such an item, with its attributes at hand."""

    @property
    def request_id(self) -> str:
        """The item's key."""
        return self.item.request_id

    @property
    def payload(self) -> dict[str, Any]:
        """Plain Python: str, Decimal, bytes, bool, None, dict, list, sets of the first three."""
        return self.item.payload
