"""What is done with requests, many at once."""

from collections.abc import Sequence

from handler.item import Request
from handler.outcomes import Done, Rejected, RequestOutcome


def process(request: Request) -> None:
    """One of them."""
    process_batch([request])


def process_batch(requests: Sequence[Request]) -> list[RequestOutcome]:
    """All at once."""
    return [Done() if each.payload else Rejected("the payload is empty") for each in requests]
