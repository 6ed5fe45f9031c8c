"""What the local run and the replay both know of a stream record."""

import json
from typing import Any

import pytest

from infra.events.stream_record import event_item, item_key, sequence_number


@pytest.mark.parametrize(
    "record",
    [None, [], {}, {"dynamodb": None}, {"dynamodb": {}}, {"dynamodb": {"SequenceNumber": 1}}],
)
def test_a_record_without_a_sequence_number_has_no_place(record: object) -> None:
    assert sequence_number(record) is None


def test_a_record_has_the_place_that_its_number_says() -> None:
    assert sequence_number({"dynamodb": {"SequenceNumber": "0123"}}) == "0123"


def test_records_of_one_item_have_one_key_however_its_attributes_are_ordered() -> None:
    one, other = {"a": {"S": "x"}, "b": {"N": "1"}}, {"b": {"N": "1"}, "a": {"S": "x"}}

    assert item_key({"dynamodb": {"Keys": one}}) == item_key({"dynamodb": {"Keys": other}})
    assert item_key({"dynamodb": {"Keys": one}}) != item_key({"dynamodb": {"Keys": {}}})


def test_binary_is_base64_at_every_depth() -> None:
    item: dict[str, Any] = {
        "b": {"B": b"\x00"},
        "m": {"M": {"l": {"L": [{"BS": [b"\x01", b"\x02"]}]}}},
    }

    assert event_item(item) == {
        "b": {"B": "AA=="},
        "m": {"M": {"l": {"L": [{"BS": ["AQ==", "Ag=="]}]}}},
    }
    json.dumps(event_item(item))
