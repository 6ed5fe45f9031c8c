"""What is done with a request. This is the function to replace with your own."""

from aws_lambda_powertools import Logger

from handler.records import RejectedRequestError, Request

__all__ = ["RejectedRequestError", "process"]

logger = Logger(child=True)


def process(request: Request) -> None:
    """Does the work of one request. It is delivered at least once: docs/your-processing.md.

    A process that dies after its effect and before its memory is saved (the effects of the last
    100 ms or so, at most 125), or whose memory can't be saved, takes effect again. An effect
    becomes once for good by its own idempotence on `request.event_id`, by a conditional write, or
    by returning it: declared `-> Writes`, the writes are committed in one transaction with the
    event's memory.

    - Return when it is done; the record is not delivered again.
    - Raise `RejectedRequestError` when no retry can help: the record is parked whole in the failure
      bucket, with your reason, and the next one follows.
    - Raise anything else for a failure that may pass: the record and all behind it are delivered
      again, in order.
    """
    if not request.payload:
        raise RejectedRequestError("the payload is empty: there is nothing to do")
    logger.info("Request done", extra={"request_id": request.request_id})
