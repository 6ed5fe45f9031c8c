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
    indexes: dict[str | None, int] = {}
    for index, record in enumerate(records):
        indexes.setdefault(sequence_number(record), index)
    return min(_place(failure, indexes) for failure in failures)


def _place(failure: object, indexes: Mapping[str | None, int]) -> int:
    """A failure that cannot be placed may be any record's: then the whole batch has failed."""
    identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
    return indexes.get(identifier, 0) if isinstance(identifier, str) else 0
