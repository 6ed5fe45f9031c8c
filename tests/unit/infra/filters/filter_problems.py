"""Streams to check filters against, and what is said of a filter."""

from typing import Any

import pytest

from handler.config import EventName, RequestsStream, StreamViewType
from infra.filters.criteria import FilterCriteriaError, filter_patterns

INSERTS = RequestsStream()
EVERYTHING = RequestsStream(
    view_type=StreamViewType.NEW_AND_OLD_IMAGES,
    events=(EventName.INSERT, EventName.MODIFY, EventName.REMOVE),
)
REMOVALS = RequestsStream(view_type=StreamViewType.NEW_AND_OLD_IMAGES, events=(EventName.REMOVE,))
BY_TTL = {"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}


def image(attributes: object) -> dict[str, Any]:
    return {"dynamodb": {"NewImage": attributes}}


def problems(
    *filters: object, stream: RequestsStream = INSERTS, quota: int = 5
) -> list[tuple[str, str]]:
    with pytest.raises(FilterCriteriaError) as caught:
        filter_patterns(filters, stream, quota=quota)
    return list(caught.value.problems)


def problem(filter_: object, stream: RequestsStream = INSERTS) -> str:
    """The one problem of one filter, as the stack's configuration reports it."""
    [(path, message)] = problems(filter_, stream=stream)
    return f"{path} {message}"
