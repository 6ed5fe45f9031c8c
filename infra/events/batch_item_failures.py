"""Which records of a batch a function's response leaves undone.

The rule is Lambda's for ReportBatchItemFailures ("Configuring partial batch response with DynamoDB
and Lambda"), and the odd cases are as recorded on AWS. Retrying is left to whoever asks.
"""

from collections.abc import Mapping, Sequence

from infra.events.stream_record import sequence_number

__all__ = ["first_failure", "sequence_number"]


def first_failure(records: Sequence[object], response: object) -> int:
    """The index of the first record that failed; everything from it on counts as undone.

    The number of records: none failed. Null, empty or absent failures mean that; a failure that
    names none of the batch's sequence numbers, or under another key, fails the whole batch. A
    number that the batch holds twice means the first of the two: nothing reported counts as done.
    """
    failures = response.get("batchItemFailures") if isinstance(response, Mapping) else None
    if not failures:
        return len(records)
    if not isinstance(failures, list):
        return 0
    names = {_identifier(failure) for failure in failures}
    if None in names:
        return 0
    # No further than the last that is named: of a batch of ten thousand mostly its first.
    first = len(records)
    for index, number in enumerate(map(sequence_number, records)):
        if number in names:
            first = min(first, index)
            names.discard(number)
            if not names:
                return first
    return 0


def _identifier(failure: object) -> str | None:
    """None: the failure cannot be placed, and so it may be any record's: all have failed then."""
    identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
    return identifier if isinstance(identifier, str) else None
