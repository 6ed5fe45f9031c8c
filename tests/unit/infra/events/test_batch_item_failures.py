"""Where a partial response cuts a batch, also when the stream repeats a number."""

from collections.abc import Iterator

from infra.events.batch_item_failures import first_failure


def record(number: str) -> dict[str, object]:
    return {"dynamodb": {"SequenceNumber": number}}


def reported(*numbers: str) -> dict[str, object]:
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}


def test_the_lowest_place_that_is_reported_is_the_first_failure() -> None:
    assert first_failure([record("1"), record("2"), record("3")], reported("3", "2")) == 1


def test_a_number_that_the_batch_holds_twice_is_the_first_records() -> None:
    assert first_failure([record("7"), record("8"), record("7")], reported("7")) == 0
    assert first_failure([record("6"), record("7"), record("7")], reported("7")) == 1


def test_a_failure_that_names_none_of_the_batch_fails_all_of_it() -> None:
    records = [record("1"), record("2")]

    assert first_failure(records, reported("2", "9")) == 0
    assert first_failure(records, {"batchItemFailures": [{"itemIdentifier": None}]}) == 0
    assert first_failure(records, reported("2", "2")) == 1


def test_no_record_behind_the_last_that_is_named_is_looked_at() -> None:
    class FirstOnly(list[object]):
        def __iter__(self) -> Iterator[object]:
            yield self[0]
            raise AssertionError("a batch of ten thousand is delivered again and again")

    assert first_failure(FirstOnly([record("1"), record("2")]), reported("1")) == 0
