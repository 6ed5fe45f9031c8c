"""What an item of the table is. This file is yours; the article's request stands here till then.

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Order:
        customer: Key[str]
        placed: SortKey[Decimal]
        status: str
        note: str | None = None


    Request = Change[Order]

The table's key, what a filter may compare and what `process` gets follow from it. Fields are
attributes; they may be str, int, Decimal, bool, bytes, None, list, dict, set, dataclasses and
unions of these. `Key` marks the partition key and `SortKey` the sort key. An attribute that not
every item has needs a default. Attributes that are not declared pass, and are in
`Change.attributes`. The infrastructure imports this module, so the standard library is all it uses.
"""

from handler.request import Item, Request

__all__ = ["Item", "Request"]
