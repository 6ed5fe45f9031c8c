"""Which records of a batch a function's response leaves undone.

The rule is Lambda's for ReportBatchItemFailures ("Configuring partial batch response with DynamoDB
and Lambda"), and the odd cases are as recorded on AWS. Retrying is left to whoever asks.
"""

from collections.abc import Mapping, Sequence


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


def sequence_number(record: object) -> str | None:
    """A stream record's place in its shard; None: it is no stream record, or a broken one."""
    stream_record = record.get("dynamodb") if isinstance(record, Mapping) else None
    number = stream_record.get("SequenceNumber") if isinstance(stream_record, Mapping) else None
    return number if isinstance(number, str) and number.isdecimal() else None
