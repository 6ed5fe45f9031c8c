"""A filter against the items' type, at any depth: other types, near misses, what is undeclared."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

import pytest

from handler.change import Change
from handler.config import EventName, RequestsStream, StreamViewType
from handler.item_types import Attribute, Key, SortKey
from infra.filters.criteria import doubtful_filters, filter_patterns
from tests.unit.infra.filters.filter_problems import image, problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    sku: str
    price: Decimal
    parts: "list[Line]" = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    street: str
    zip_code: Annotated[str, Attribute("zip-code")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    customer: Key[str]
    placed: SortKey[Decimal]
    status: str
    paid: bool
    lines: list[Line] = field(default_factory=list)
    address: Address | None = None
    tags: set[str] = field(default_factory=set)
    sizes: set[int] = field(default_factory=set)
    totals: dict[str, Decimal] = field(default_factory=dict)
    reference: str | int | None = None
    extra: Any = None


ORDERS = RequestsStream(
    request=Change[Order], view_type=StreamViewType.NEW_IMAGE, events=(EventName.INSERT,)
)


@pytest.mark.parametrize(
    "attributes",
    [
        {"status": {"S": ["new"]}},
        {"placed": {"N": ["1700000000"]}},
        {"placed": {"N": [{"anything-but": ["5"]}]}},
        {"status": {"S": [{"anything-but": ["new", "old"]}]}},
        {"paid": {"BOOL": [True]}},
        {"address": {"NULL": [True]}},
        {"address": {"M": {"zip-code": {"S": [{"prefix": "8"}]}}}},
        {"lines": {"L": {"M": {"sku": {"S": ["a"]}}}}},
        {"lines": {"L": {"M": {"parts": {"L": {"M": {"price": {"N": ["1"]}}}}}}}},
        {"tags": {"SS": ["red"]}},
        {"sizes": {"NS": ["5"]}},
        {"totals": {"M": {"anything": {"N": ["5"]}}}},
        {"reference": {"S": ["x"]}},
        {"reference": {"N": ["5"]}},
        {"reference": {"NULL": [True]}},
        {"extra": {"M": {"deep": {"L": {"S": ["x"]}}}}},
        {"extra": {"BS": ["AAAA"]}},
    ],
)
def test_what_the_type_has_can_be_asked_for_without_a_doubt(attributes: dict[str, Any]) -> None:
    assert filter_patterns([image(attributes)], ORDERS)
    assert [*doubtful_filters([image(attributes)], ORDERS)] == []


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"status": {"N": ["5"]}}, "status.N must be S, the type of status, got N"),
        ({"paid": {"S": ["true"]}}, "paid.S must be BOOL, the type of paid, got S"),
        ({"tags": {"L": {"S": ["x"]}}}, "tags.L must be SS, the type of tags, got L"),
        ({"tags": {"NS": ["5"]}}, "tags.NS must be SS, the type of tags, got NS"),
        (
            {"reference": {"BOOL": [True]}},
            "reference.BOOL must be N or NULL or S, the type of reference, got BOOL",
        ),
        (
            {"address": {"M": {"street": {"N": ["5"]}}}},
            "address.M.street.N must be S, the type of street, got N",
        ),
        (
            {"totals": {"M": {"net": {"S": ["5"]}}}},
            "totals.M.net.S must be N, the type of net, got S",
        ),
        (
            {"lines": {"L": {"S": ["5"]}}},
            "lines.L.S must be M, the type of the elements of lines, got S",
        ),
        (
            {"lines": {"L": {"M": {"parts": {"L": {"M": {"sku": {"N": ["5"]}}}}}}}},
            "lines.L.M.parts.L.M.sku.N must be S, the type of sku, got N",
        ),
    ],
)
def test_another_type_is_a_mistake_at_any_depth(attributes: dict[str, Any], message: str) -> None:
    assert problem(image(attributes), ORDERS) == f"filters[0].dynamodb.NewImage.{message}"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (
            {"Status": {"S": ["x"]}},
            "Status is no attribute of the items' type; did you mean status?",
        ),
        (
            {"address": {"M": {"zip_code": {"S": ["x"]}}}},
            "address.M.zip_code is no attribute of Address; did you mean zip-code?",
        ),
        (
            {"lines": {"L": {"M": {"prices": {"N": ["1"]}}}}},
            "lines.L.M.prices is no attribute of Line; did you mean price?",
        ),
    ],
)
def test_a_near_miss_is_a_mistake_at_any_depth(attributes: dict[str, Any], message: str) -> None:
    assert problem(image(attributes), ORDERS) == f"filters[0].dynamodb.NewImage.{message}"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"colour": {"S": ["red"]}}, "colour is not declared in the items' type"),
        (
            {"address": {"M": {"country": {"S": ["de"]}}}},
            "address.M.country is not declared in Address",
        ),
        (
            {"lines": {"L": {"M": {"weight": {"N": ["1"]}}}}},
            "lines.L.M.weight is not declared in Line",
        ),
    ],
)
def test_what_is_not_declared_is_doubtful_at_any_depth(
    attributes: dict[str, Any], message: str
) -> None:
    assert filter_patterns([image(attributes)], ORDERS)
    [(path, said)] = doubtful_filters([image(attributes)], ORDERS)
    assert f"{path} {said}" == (
        f"filters[0].dynamodb.NewImage.{message}: it matches only if your items have it"
    )


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (
            {"status": {"S": [{"numeric": [">", 5]}]}},
            'status.S[0] must compare with a string, got {"numeric":[">",5]}',
        ),
        (
            {"placed": {"N": [{"numeric": [">", 5]}]}},
            (
                "placed.N[0] must compare with a string, because N holds its number as a string: "
                'ranges are for process, got {"numeric":[">",5]}'
            ),
        ),
        (
            {"placed": {"N": [{"anything-but": [5]}]}},
            (
                "placed.N[0] must compare with a string, because N holds its number as a string, "
                'got {"anything-but":[5]}'
            ),
        ),
    ],
)
def test_a_value_is_compared_as_its_type_holds_it(attributes: dict[str, Any], message: str) -> None:
    assert problem(image(attributes), ORDERS) == f"filters[0].dynamodb.NewImage.{message}"


ABSENT = [{"exists": False}]


@pytest.mark.parametrize(
    ("filter_", "where"),
    [
        ({"dynamodb": {"OldImage": {"status": {"S": ABSENT}}}}, "dynamodb.OldImage"),
        ({"userIdentity": {"type": ABSENT}}, "userIdentity"),
        ({"dynamodb": {"Keys": {"status": {"S": ABSENT}}}}, "dynamodb.Keys.status"),
        (image({"status": {"N": ABSENT}}), "dynamodb.NewImage.status.N"),
        (image({"lines": {"L": {"S": ABSENT}}}), "dynamodb.NewImage.lines.L.S"),
        ({"source": ABSENT}, "source"),
        ({"dynamodb": {"Approximate": ABSENT}}, "dynamodb.Approximate"),
        (image({"status": {"N": [{"exists": False}, "5"]}}), "dynamodb.NewImage.status.N"),
    ],
)
def test_absence_of_what_is_never_there_is_called_needless(
    filter_: dict[str, Any], where: str
) -> None:
    assert filter_patterns([filter_], ORDERS)
    [(path, message)] = doubtful_filters([filter_], ORDERS)
    assert path == f"filters[0].{where}"
    assert message.endswith("; so exists: false there matches every record")


def test_absence_of_what_may_be_there_is_no_doubt() -> None:
    filters = [image({"status": {"S": ABSENT}, "address": {"M": {"street": {"S": ABSENT}}}})]

    assert filter_patterns(filters, ORDERS)
    assert [*doubtful_filters(filters, ORDERS)] == []
