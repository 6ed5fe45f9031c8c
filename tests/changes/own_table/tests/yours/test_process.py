"""What becomes of a request."""

import importlib
from datetime import UTC, datetime
from unittest import mock

import pytest

from handler.config import EventName
from handler.item import Item, Request


def test_a_request_is_counted_on_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTS_TABLE", "counts")
    dynamodb = mock.Mock()
    monkeypatch.setattr("boto3.client", lambda _: dynamodb)
    # Imported here, because it makes its client then.
    module = importlib.import_module("handler.process")

    module.process(
        Request(
            item=Item(request_id="request-1", payload={}),
            event_id="0e4bb56a42ded17c4b28a5c12bf0445c",
            event_name=EventName.INSERT,
            sequence_number="1",
            time=datetime(2026, 11, 25, tzinfo=UTC),
        )
    )

    written = dynamodb.update_item.call_args.kwargs
    assert (written["TableName"], written["Key"]) == ("counts", {"day": {"S": "2026-11-25"}})
