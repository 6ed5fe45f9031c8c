"""What an item is: how its attributes decode, and which declarations are refused."""

from dataclasses import dataclass, field, make_dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.attribute_values import InvalidAttributeValueError
from handler.change import Change
from handler.config import EventName, InvalidContractError, RequestsStream, StreamViewType
from handler.item_types import (
    Attribute,
    ItemType,
    Key,
    KeyAttribute,
    SortKey,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    sku: str
    quantity: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    customer: Key[str]
    placed: SortKey[Decimal]
    status: str
    lines: list[Line] = field(default_factory=list)
    note: Annotated[str | None, Attribute("special-note")] = None
    tags: set[str]
    price: Decimal | str = Decimal(0)
    parent: "Order | None" = None


ORDERS = ItemType(Order)
SMALL: dict[str, Any] = {"customer": {"S": "c"}, "placed": {"N": "1"}, "status": {"S": "new"}}


def test_the_key_schema_follows_from_the_marked_fields() -> None:
    assert ORDERS.keys == (
        KeyAttribute(name="customer", type="S"),
        KeyAttribute(name="placed", type="N"),
    )


def test_an_attribute_has_the_types_that_its_field_may_have() -> None:
    assert ORDERS.attributes["special-note"] == {"S", "NULL"}
    assert ORDERS.attributes["price"] == {"N", "S"}
    assert ORDERS.attributes["lines"] == {"L"}


def test_every_kind_of_field_decodes() -> None:
    image = {
        **SMALL,
        "lines": {"L": [{"M": {"sku": {"S": "a"}, "quantity": {"N": "2"}}}]},
        "special-note": {"NULL": True},
        "tags": {"SS": ["x", "y"]},
        "price": {"S": "free"},
        "parent": {"M": SMALL},
        "undeclared": {"BOOL": True},
    }

    assert ORDERS.decode(image) == Order(
        customer="c",
        placed=Decimal(1),
        status="new",
        lines=[Line(sku="a", quantity=2)],
        note=None,
        tags={"x", "y"},
        price="free",
        parent=Order(customer="c", placed=Decimal(1), status="new", tags=set()),
    )


def test_an_absent_attribute_has_its_default_and_an_absent_set_is_empty() -> None:
    order = ORDERS.decode(SMALL)

    assert (order.lines, order.note, order.tags, order.price) == ([], None, set(), Decimal(0))


@pytest.mark.parametrize(
    ("changes", "path", "expected"),
    [
        ({"status": {"N": "1"}}, ".status", 'a string, {"S": "..."}'),
        ({"status": "new"}, ".status", 'a string, {"S": "..."}'),
        ({"status": {"S": "a", "N": "1"}}, ".status", 'a string, {"S": "..."}'),
        ({"special-note": {"N": "1"}}, ".special-note", "or null"),
        ({"tags": {"L": []}}, ".tags", "a set of strings"),
        ({"lines": {"L": [{"M": {}}]}}, ".lines[0].sku", "a string"),
        (
            {"lines": {"L": [{"M": {"sku": {"S": "a"}, "quantity": {"N": "1.5"}}}]}},
            ".lines[0].quantity",
            "a whole number",
        ),
        ({"parent": {"M": {**SMALL, "placed": {"N": "x"}}}}, ".parent.placed", "a number"),
    ],
)
def test_a_misfit_says_where_and_what_would_be_right(
    changes: dict[str, Any], path: str, expected: str
) -> None:
    with pytest.raises(InvalidAttributeValueError) as caught:
        ORDERS.decode({**SMALL, **changes})

    (mistake,) = caught.value.mistakes
    assert mistake.path == path
    assert expected in mistake.expected


def test_all_misfits_are_said_at_once() -> None:
    with pytest.raises(InvalidAttributeValueError) as caught:
        ORDERS.decode({"placed": {"S": "x"}, "lines": {"L": [{"S": "a"}, {"M": {}}]}})

    paths = [mistake.path for mistake in caught.value.mistakes]
    assert paths == [".customer", ".placed", ".status", ".lines[0]", ".lines[1].sku"]


@dataclass
class Positive:
    id: Key[int]
    limit: int = 10

    def __post_init__(self) -> None:
        if self.id < 0:
            raise ValueError(f"id must not be negative, got {self.id}")
        if self.id > self.limit:
            raise LookupError(self.id)


def test_a_value_error_of_post_init_is_a_misfit_and_anything_else_a_failure() -> None:
    assert ItemType(Positive).decode({"id": {"N": "3"}}) == Positive(3)
    with pytest.raises(InvalidAttributeValueError, match="must not be negative, got -1"):
        ItemType(Positive).decode({"id": {"N": "-1"}})
    with pytest.raises(LookupError):
        ItemType(Positive).decode({"id": {"N": "11"}})


@dataclass(slots=True)
class OwnConstructor:
    id: Key[int]

    def __init__(self, **fields: int) -> None:
        self.id = 2 * fields["id"]


@dataclass(slots=True)
class OwnNew:
    id: Key[int]
    origin: ClassVar[str] = ""

    def __new__(cls, **fields: int) -> Self:
        made = object.__new__(cls)
        made.id = fields["id"]
        cls.origin += "made "
        return made


@dataclass(slots=True)
class OwnSetter:
    id: Key[int]

    def __setattr__(self, name: str, value: int) -> None:
        object.__setattr__(self, name, 2 * value)


@dataclass(frozen=True, slots=True)
class SlotsWithPostInit:
    id: Key[int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", 2 * self.id)


@dataclass(frozen=True)
class WithoutSlots:
    id: Key[int]
    note: str = "none"


@dataclass(frozen=True, slots=True)
class Inherited(SlotsWithPostInit):
    note: str = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class InheritedPlain(Line):
    id: Key[int]


@pytest.mark.parametrize(
    "kind", [OwnConstructor, OwnNew, OwnSetter, SlotsWithPostInit, WithoutSlots, Inherited]
)
def test_an_item_is_made_as_its_class_makes_it(kind: Any) -> None:
    made = ItemType(kind).decode({"id": {"N": "3"}})

    assert made == kind(id=3)
    assert kind is not OwnNew or OwnNew.origin == "made made "


def test_an_item_of_a_class_that_only_sets_its_fields_is_as_its_constructor_makes_it() -> None:
    image = {"id": {"N": "3"}, "sku": {"S": "a"}}

    assert ItemType(InheritedPlain).decode(image) == InheritedPlain(id=3, sku="a", quantity=1)


@dataclass
class NoKey:
    name: str


@dataclass
class TwoKeys:
    one: Key[str]
    two: Key[str]


@dataclass
class FloatPrice:
    id: Key[str]
    price: float


@dataclass
class ListKey:
    id: Key[list[str]]


@dataclass
class DefaultKey:
    id: Key[str] = ""


@dataclass
class OneAttributeTwice:
    id: Key[str]
    note: str
    other: Annotated[str, Attribute("note")]


@dataclass
class TwoMaps:
    id: Key[str]
    either: Line | dict[str, Any]


@dataclass
class MapOfNumbers:
    id: Key[str]
    by_number: dict[int, str]


@dataclass
class SetOfLines:
    id: Key[str]
    lines: set[Line]


@dataclass
class Unresolved:
    id: Key[str]
    other: "NowhereToBeFound"  # type: ignore[name-defined] # noqa: F821 - that is the point


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (NoKey, "NoKey has no partition key"),
        (TwoKeys, "TwoKeys has more than one HASH key: one and two"),
        (FloatPrice, r"FloatPrice.price is of a type .* float; use .*Decimal \(not float"),
        (ListKey, "ListKey.id is a key: it must be str, int, Decimal or bytes"),
        (DefaultKey, "DefaultKey.id is a key: it can have no default"),
        (OneAttributeTwice, "more than one field on the attribute note"),
        (TwoMaps, "TwoMaps.either is one of several types that are all M"),
        (MapOfNumbers, "MapOfNumbers.by_number has keys of int; those of a map are str"),
        (SetOfLines, "SetOfLines.lines is a set of Line"),
        (Unresolved, "Unresolved: a hint cannot be resolved: name 'NowhereToBeFound'"),
    ],
)
def test_a_type_that_cannot_be_an_items_is_refused_with_the_contract(
    kind: type[Any], message: str
) -> None:
    with pytest.raises(InvalidContractError, match=message):
        RequestsStream(request=Change[kind])  # type: ignore[valid-type] # one of many


def test_what_is_no_change_is_no_request() -> None:
    with pytest.raises(InvalidContractError, match="must be a Change of an item, got Order"):
        RequestsStream(request=Order)  # type: ignore[arg-type]


@dataclass
class OnlyKeys:
    id: Key[bytes]
    rank: SortKey[int]


def test_records_with_keys_only_are_requests_of_a_type_that_needs_no_more() -> None:
    RequestsStream(
        request=Change[OnlyKeys], view_type=StreamViewType.KEYS_ONLY, events=tuple(EventName)
    )
    with pytest.raises(InvalidContractError, match="INSERT records carry no image"):
        RequestsStream(request=Change[Order], view_type=StreamViewType.KEYS_ONLY)


def test_the_old_image_is_asked_for_where_there_is_one() -> None:
    everything = StreamViewType.NEW_AND_OLD_IMAGES
    RequestsStream(old=True, events=(EventName.INSERT,))
    RequestsStream(old=True, view_type=everything, events=tuple(EventName))
    with pytest.raises(InvalidContractError) as refused:
        RequestsStream(old=True, events=(EventName.INSERT, EventName.MODIFY))

    assert str(refused.value) == (
        "MODIFY records carry no old image under NEW_IMAGE, which process needs; "
        "it takes OLD_IMAGE or NEW_AND_OLD_IMAGES"
    )


def test_the_fingerprint_is_the_declarations_and_nothing_elses() -> None:
    @dataclass
    class Other:
        sku: str
        quantity: int = 1

    def fingerprint(line: type[Any]) -> str:
        line.__qualname__ = "Line"
        order = make_dataclass("Order", [("id", Key[str]), ("lines", list[line])])  # type: ignore[valid-type]
        return ItemType(order).fingerprint

    same, longer = fingerprint(Other), make_dataclass("Line", [("sku", str), ("price", int)])
    assert fingerprint(Line) == same
    assert fingerprint(longer) != same


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["S", "N", "M", "L", "SS", "NULL"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*ORDERS.attributes, "other"]), JSON))
def test_whatever_is_in_an_image_it_is_an_item_or_a_misfit(image: dict[str, Any]) -> None:
    try:
        made: object = ORDERS.decode(image)
    except InvalidAttributeValueError as error:
        made = error.mistakes
    assert made


def test_a_view_type_or_an_event_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidContractError) as refused:
        RequestsStream(view_type="NEW_IMAGES", events=("INSERT", EventName.MODIFY))  # type: ignore[arg-type]

    assert str(refused.value).startswith("view_type must be of StreamViewType.KEYS_ONLY, ")
    assert str(refused.value).endswith(
        "events must be of EventName.INSERT, EventName.MODIFY, EventName.REMOVE, got 'INSERT'"
    )
