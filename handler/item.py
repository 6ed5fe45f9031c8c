"""What an item of the table is. This is the type to replace with your own.

The table's key, what a filter may compare and what `process` gets follow from it. Fields are
attributes; they may be str, int, Decimal, bool, bytes, None, list, dict, set, dataclasses and
unions of these. `Key` marks the partition key and `SortKey` the sort key. An attribute that not
every item has needs a default. Attributes that are not declared pass, and are in
`Change.attributes`. The infrastructure imports this module, so the standard library is all it uses.
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
    """What `process` gets: with a type of your own, `Request = Change[Order]` is all it takes."""

    @property
    def request_id(self) -> str:
        """The item's key."""
        return self.item.request_id

    @property
    def payload(self) -> dict[str, Any]:
        """Plain Python: str, Decimal, bytes, bool, None, dict, list, sets of the first three."""
        return self.item.payload
