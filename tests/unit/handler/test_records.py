"""From a stream record to a request."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handler.attribute_values import (
    _CAREFUL,
    DECODERS,
    ContentDecoder,
    InvalidAttributeValueError,
)
from handler.change import Change
from handler.config import EventName, RequestsStream, StreamViewType
from handler.item_types import Key
from handler.records import (
    MalformedRecordError,
    Request,
    RequestReader,
    event_name,
    request_of,
)
from handler.request import Item
from tests.unit.handler.events import article_insert, record

STREAM = RequestsStream()


def payload_of(value: Any) -> Any:
    return request_of(record(payload={"M": {"value": value}}), STREAM).payload["value"]


def test_an_insert_becomes_a_request() -> None:
    request = request_of(record(7, request_id="r-7"), STREAM)

    assert request == Request(
        item=Item(request_id="r-7", payload={"key": "val"}),
        event_id=f"{7:032x}",
        event_name=EventName.INSERT,
        sequence_number=f"{7:026d}",
        time=datetime(2024, 4, 22, 8, 21, 59, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ({"S": "text"}, "text"),
        ({"S": ""}, ""),
        ({"N": "12"}, Decimal(12)),
        ({"N": "-1.5E+3"}, Decimal(-1500)),
        ({"N": "+.5"}, Decimal("0.5")),
        ({"N": "9." + "9" * 37 + "E+125"}, Decimal("9." + "9" * 37 + "E+125")),
        ({"N": "1E-130"}, Decimal("1E-130")),
        ({"N": "0." + "1234567890" * 3}, Decimal("0." + "1234567890" * 3)),
        ({"B": "Zm9vYmFy"}, b"foobar"),
        ({"BOOL": True}, True),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"M": {}}, {}),
        ({"L": []}, []),
        ({"L": [{"S": "a"}, {"M": {"b": {"L": [{"N": "1"}]}}}]}, ["a", {"b": [Decimal(1)]}]),
        ({"SS": ["a", "b"]}, {"a", "b"}),
        ({"NS": ["1", "2.5"]}, {Decimal(1), Decimal("2.5")}),
        ({"BS": ["Zm9v", "YmFy"]}, {b"foo", b"bar"}),
    ],
)  # fmt: skip
def test_every_dynamodb_type_becomes_plain_python(typed: Any, plain: Any) -> None:
    value = payload_of(typed)

    assert value == plain
    assert type(value) is type(plain)


def test_values_nest_as_deep_as_dynamodb_stores_them() -> None:
    value: Any = {"S": "bottom"}
    for _ in range(31):
        value = {"L": [value]}

    found = payload_of(value)
    for _ in range(31):
        (found,) = found
    assert found == "bottom"


@pytest.mark.parametrize(
    ("changes", "where", "expected"),
    [
        ({"payload": {"M": {"key": "val"}}}, "NewImage.payload.key must be", "a typed value"),
        ({"payload": {"S": "x"}}, "NewImage.payload must be", "a map"),
        ({"payload": {}}, "NewImage.payload must be", "a map"),
        ({"payload": {"M": None}}, "NewImage.payload must be", "an object, being an M"),
        ({"payload": {"M": {"a": {"S": 1}}}}, "NewImage.payload.a must be", "being an S"),
        ({"payload": {"M": {"a": {"N": 1}}}}, "NewImage.payload.a must be", "being an N"),
        ({"payload": {"M": {"a": {"N": "NaN"}}}}, "NewImage.payload.a must be", "being an N"),
        ({"payload": {"M": {"a": {"N": "1_0"}}}}, "NewImage.payload.a must be", "being an N"),
        ({"payload": {"M": {"a": {"N": "1e126"}}}}, "NewImage.payload.a must be", "being an N"),
        ({"payload": {"M": {"a": {"N": "1" * 39}}}}, "NewImage.payload.a must be", "38 digits"),
        ({"payload": {"M": {"a": {"N": "1e" + "9" * 30}}}}, "NewImage.payload.a", "being an N"),
        ({"payload": {"M": {"a": {"B": "?"}}}}, "NewImage.payload.a must be", "base64"),
        ({"payload": {"M": {"a": {"B": "\u3042"}}}}, "NewImage.payload.a must be", "base64"),
        ({"payload": {"M": {"a": {"BOOL": 1}}}}, "NewImage.payload.a must be", "true or false"),
        ({"payload": {"M": {"a": {"NULL": False}}}}, "NewImage.payload.a must be", "a NULL"),
        ({"payload": {"M": {"a": {"L": {}}}}}, "NewImage.payload.a must be", "being an L"),
        ({"payload": {"M": {"a": {"SS": "ab"}}}}, "NewImage.payload.a must be", "type SS"),
        ({"payload": {"M": {"a": {"NS": ["x"]}}}}, "NewImage.payload.a must be", "being an N"),
        ({"payload": {"M": {"a": {"X": "ab"}}}}, "NewImage.payload.a must be", "of the types"),
        ({"payload": {"M": {"a": {"S": "b", "N": "1"}}}}, "NewImage.payload.a", "a typed value"),
        (
            {"payload": {"M": {"a": {"L": [{"S": "b"}, {"M": {"c": {"N": ""}}}]}}}},
            "NewImage.payload.a[1].c must be",
            "being an N",
        ),
        ({"key": "other"}, "NewImage.request_id", "the same as in Keys"),
        ({"NewImage": None}, "dynamodb.NewImage", "an object"),
        ({"NewImage": {}}, "NewImage.request_id", "a string"),
        ({"Keys": {}}, "Keys.request_id", "a string"),
        ({"Keys": []}, "dynamodb.Keys", "an object"),
        ({"SequenceNumber": 5}, "dynamodb.SequenceNumber", "digits as a string"),
        ({"SequenceNumber": "5a"}, "dynamodb.SequenceNumber", "digits as a string"),
        ({"ApproximateCreationDateTime": True}, "ApproximateCreationDateTime", "epoch seconds"),
        ({"ApproximateCreationDateTime": "now"}, "ApproximateCreationDateTime", "epoch seconds"),
        ({"ApproximateCreationDateTime": 1e300}, "ApproximateCreationDateTime", "epoch seconds"),
    ],
)
def test_a_malformed_record_says_where_and_what_would_be_right(
    changes: dict[str, Any], where: str, expected: str
) -> None:
    with pytest.raises(MalformedRecordError) as caught:
        request_of(record(9, **changes), STREAM)

    message = str(caught.value)
    assert message.startswith(f"record {9:032x}: ")
    assert where in message
    assert expected in message
    assert "found" in message


@pytest.mark.parametrize("hostile", [None, 7, "x", [], {}, {"eventName": []}])
def test_what_is_no_record_at_all_is_malformed(hostile: Any) -> None:
    with pytest.raises(MalformedRecordError, match="must be"):
        request_of(hostile, STREAM)


def test_an_event_id_that_cannot_be_printed_is_escaped_in_the_message() -> None:
    broken = {**record(payload={"S": "x"}), "eventID": "\ud800"}

    with pytest.raises(MalformedRecordError, match=r"record '\\ud800': NewImage") as caught:
        request_of(broken, STREAM)
    assert str(caught.value).isascii()


def test_nesting_beyond_dynamodbs_limit_is_malformed_and_does_not_exhaust_the_stack() -> None:
    value: Any = {"S": "bottom"}
    for _ in range(10_000):
        value = {"L": [value]}

    with pytest.raises(MalformedRecordError, match="32 levels"):
        payload_of(value)


def test_both_of_the_articles_inserts_are_malformed() -> None:
    first, second = article_insert()["Records"]

    with pytest.raises(MalformedRecordError, match="the same as in Keys"):
        request_of(first, STREAM)
    with pytest.raises(MalformedRecordError, match="typed value"):
        request_of(second, STREAM)


def test_a_removal_is_made_of_the_old_image() -> None:
    stream = RequestsStream(view_type=StreamViewType.NEW_AND_OLD_IMAGES, events=(EventName.REMOVE,))
    removal = record(event="REMOVE")
    removal["dynamodb"]["OldImage"] = record()["dynamodb"]["NewImage"]

    assert request_of(removal, stream).payload == {"key": "val"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["S", "N", "B", "M", "L", "SS", "NULL", "BOOL", "payload", "request_id"])
        | st.text(max_size=3),
        inner,
        max_size=3,
    ),
    max_leaves=12,
)  # fmt: skip


@given(value=JSON, where=st.sampled_from(["payload", "NewImage", "Keys", "dynamodb", "record"]))
def test_whatever_is_in_a_record_it_is_a_request_or_malformed(value: Any, where: str) -> None:
    broken: Any = record()
    if where == "payload":
        broken["dynamodb"]["NewImage"]["payload"] = value
    elif where in {"NewImage", "Keys"}:
        broken["dynamodb"][where] = value
    elif where == "dynamodb":
        broken["dynamodb"] = value
    else:
        broken = value

    try:
        made: object = request_of(broken, STREAM)
    except MalformedRecordError as error:
        made = error
    assert isinstance(made, Request) or "must be" in str(made)


EVERYTHING = RequestsStream(
    view_type=StreamViewType.NEW_AND_OLD_IMAGES, events=(EventName.INSERT, EventName.REMOVE)
)
PLACES = ["eventName", "eventID", "userIdentity", "dynamodb"]
PLACES_OF_CHANGE = [
    "Keys",
    "NewImage",
    "OldImage",
    "SequenceNumber",
    "ApproximateCreationDateTime",
]
TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
IMAGE = record()["dynamodb"]["NewImage"]
TELLING = st.sampled_from(
    ["INSERT", "MODIFY", "REMOVE", "", "1", "²", 0, 1.5, True, float("nan"), 1e300, TTL, IMAGE]
)


@example(EventName.INSERT, {}, {"SequenceNumber": "²"}, set(), STREAM)
@example(EventName.INSERT, {}, {"SequenceNumber": 7}, set(), STREAM)
@example(EventName.INSERT, {}, {"ApproximateCreationDateTime": True}, set(), STREAM)
@example(EventName.INSERT, {"eventID": ""}, {}, set(), STREAM)
@example(EventName.INSERT, {}, {"Keys": {"request_id": {"S": "other"}}}, set(), STREAM)
@example(EventName.REMOVE, {"userIdentity": TTL}, {}, set(), EVERYTHING)
@given(
    event=st.sampled_from(EventName),
    changed=st.dictionaries(st.sampled_from(PLACES), TELLING | JSON, max_size=2),
    inside=st.dictionaries(st.sampled_from(PLACES_OF_CHANGE), TELLING | JSON, max_size=3),
    lost=st.sets(st.sampled_from([*PLACES, *PLACES_OF_CHANGE]), max_size=1),
    stream=st.sampled_from([STREAM, EVERYTHING]),
)
def test_the_fast_way_makes_of_every_record_what_the_careful_way_makes(
    event: EventName,
    changed: dict[str, Any],
    inside: dict[str, Any],
    lost: set[str],
    stream: RequestsStream,
) -> None:
    change = {**record(event=event, OldImage=IMAGE)["dynamodb"], **inside}
    altered = {**record(event=event), "dynamodb": change, **changed}
    altered = {name: value for name, value in altered.items() if name not in lost}
    for each in lost:
        change.pop(each, None)

    def carefully(record: Any) -> Any:
        return request_of(record, stream) if event_name(record) in stream.events else None

    assert said(RequestReader(stream).request_of, altered) == said(carefully, altered)


TYPED = st.recursive(
    JSON
    | st.sampled_from([{"S": "text"}, {"S": 1}, {"N": "1.5"}, {"N": "1e"}, {"N": ["1"]}, {}, ["S"]])
    | st.sampled_from([{"B": "Zg=="}, {"BOOL": True}, {"NULL": True}, {"SS": ["a"]}, {"NS": [1]}])
    | st.just({"S": "", "N": "1"}),
    lambda inner: st.lists(inner, max_size=2).map(lambda values: {"L": values})
    | st.dictionaries(st.text(max_size=2), inner, max_size=2).map(lambda values: {"M": values}),
    max_leaves=6,
)  # fmt: skip


@example({"S": "text"}, 31)
@example({"S": "text"}, 32)
@example({"L": []}, 31)
@example({"N": "1" * 39}, 0)
@example([True], 0)
@given(value=TYPED, depth=st.integers(0, 32))
def test_the_quick_way_makes_of_every_value_what_the_careful_way_makes(
    value: Any, depth: int
) -> None:
    def taken(decoders: Mapping[str, ContentDecoder]) -> Any:
        try:
            return [decoders["M"]({"a": value}, depth), decoders["L"]([value], depth)]
        except InvalidAttributeValueError as error:
            return error.mistakes

    assert repr(taken(DECODERS)) == repr(taken(_CAREFUL))


def said(read: Callable[[Any], Any], record: Any) -> Any:
    """A request with all of its fields, or the words of the refusal."""
    try:
        made = read(record)
    except MalformedRecordError as error:
        return str(error)
    return made and (type(made), vars(made))


def test_a_request_of_the_users_own_class_is_made_by_its_own_constructor() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Counted(Change[Item]):
        def __post_init__(self) -> None:
            raise RuntimeError("counted")

    with pytest.raises(RuntimeError, match="counted"):
        RequestReader(RequestsStream(request=Counted)).request_of(record())


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    id: Key[str]
    body: dict[str, Any]


def test_an_item_of_another_type_is_read_as_the_contract_says() -> None:
    stream = RequestsStream(request=Change[Order])
    renamed = json.loads(
        json.dumps(record()).replace('"request_id"', '"id"').replace('"payload"', '"body"')
    )

    request: Change[Order] = request_of(renamed, stream)
    assert request.item == Order(id="request-1", body={"key": "val"})
    assert request.attributes == {"id": "request-1", "body": {"key": "val"}}
