"""The items that are made up from a type."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

import pytest

from handler.change import Change
from handler.config import RequestsStream
from handler.item_types import Attribute, Key, SortKey
from infra.sample_items import TypedItem, as_json, sample_item


@dataclass(kw_only=True)
class Line:
    sku: str
    quantity: int


@dataclass(kw_only=True)
class Order:
    order_id: Key[str]
    placed: SortKey[int]
    lines: list[Line]
    by_name: dict[str, Decimal]
    tags: set[str]
    hashes: list[set[bytes]]
    state: Annotated[bool | None, Attribute("is-open")]
    note: str = ""
    parents: "list[Order]" = field(default_factory=list)


@dataclass(kw_only=True)
class KeysOnly:
    id: Key[bytes]


ORDERS = RequestsStream(request=Change[Order])


def test_a_sample_is_an_item_of_its_type_with_all_that_must_be_there() -> None:
    item = sample_item(ORDERS, "0007")

    made = ORDERS.item.decode(lambda_form(item))
    assert (made.order_id, made.placed) == ("order-0007", 7)
    assert made.lines == [Line(sku="hello", quantity=5)]
    assert made.hashes == [{b"hello"}]
    assert not {"note", "tags"} & item.keys()


def test_another_word_is_a_change_and_no_other_key() -> None:
    before, after = (sample_item(ORDERS, "1", word=word) for word in ("hello", "changed"))

    assert before != after
    assert [before[key.name] for key in ORDERS.item.keys] == [
        after[key.name] for key in ORDERS.item.keys
    ]


def test_an_item_of_keys_alone_can_be_changed_too() -> None:
    stream = RequestsStream(request=Change[KeysOnly])

    assert sample_item(stream, "1") != sample_item(stream, "1", word="changed")


@pytest.mark.parametrize("stream", [ORDERS, RequestsStream(request=Change[KeysOnly])])
def test_a_sample_is_json_for_the_command_line(stream: RequestsStream) -> None:
    assert "b'" not in as_json(sample_item(stream, "1"))


def lambda_form(item: TypedItem) -> Any:
    """As a stream record has it: binary as base64."""
    return json.loads(as_json(item))
