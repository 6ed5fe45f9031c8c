"""What your `process` does. This file is yours: replace it together with handler/process.py."""

from datetime import UTC, datetime

import pytest

from handler.config import EventName
from handler.item import Item, Request
from handler.process import RejectedRequestError, process


def request(**payload: object) -> Request:
    return Request(
        item=Item(request_id="request-1", payload=payload),
        event_id="0e4bb56a42ded17c4b28a5c12bf0445c",
        event_name=EventName.INSERT,
        sequence_number="1",
        time=datetime.now(UTC),
    )


def test_a_request_is_done() -> None:
    process(request(message="hello"))


def test_an_empty_payload_is_rejected() -> None:
    with pytest.raises(RejectedRequestError, match="the payload is empty"):
        process(request())
