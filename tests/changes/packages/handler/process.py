"""Prints each request as YAML, by packages that the image does not have as it came."""

import yaml
from sortedcontainers import SortedDict

from handler.change import RejectedRequestError
from handler.item import Request

__all__ = ["RejectedRequestError", "process"]


def process(request: Request) -> None:
    """One of them."""
    if not request.payload:
        raise RejectedRequestError("the payload is empty")
    print(yaml.safe_dump(dict(SortedDict(request=request.request_id, attempt=1))))
