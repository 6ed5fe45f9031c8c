"""What becomes of an order."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from handler.change import RejectedRequestError
from handler.config import EventName
from handler.item import Order, Request
from handler.process import process


def test_an_order_with_a_negative_total_is_rejected() -> None:
    order = Order(customer="ada", placed=1, status="new", total=Decimal(-1))
    request = Request(
        item=order,
        event_id="0e4bb56a42ded17c4b28a5c12bf0445c",
        event_name=EventName.INSERT,
        sequence_number="1",
        time=datetime.now(UTC),
    )

    with pytest.raises(RejectedRequestError, match="a negative total"):
        process(request)
