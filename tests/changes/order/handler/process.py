"""Greets the customer of each order."""

from handler.change import RejectedRequestError
from handler.item import Request


def process(request: Request) -> None:
    """One order."""
    if request.item.total < 0:
        raise RejectedRequestError("a negative total")
    print(f"Thank you, {request.item.customer}")
