"""What of an exception is logged: all that helps, and nothing of its text."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from handler.error_log import text_of, without_texts
from handler.records import RejectedRequestError, Request
from tests.unit.handler.events import batch, record
from tests.unit.handler.stubs import MARKER, reported, run


def refused() -> None:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": MARKER}}, "PutObject")


def caught(raising: type[Exception] | None = None) -> Exception:
    try:
        try:
            refused()
        except ClientError as error:
            if raising is not None:
                raise raising(MARKER) from error
            raise
    except Exception as error:  # noqa: BLE001 - it is what the test is about
        return error
    raise AssertionError


def test_an_error_of_aws_is_named_by_its_code() -> None:
    assert without_texts(caught())["error_type"] == "ClientError (AccessDenied)"


def test_the_causes_are_named_from_the_last_to_the_first() -> None:
    fields = without_texts(caught(ValueError))

    assert fields["error_type"] == "ValueError"
    assert fields["caused_by"] == ["ClientError (AccessDenied)"]


def test_an_error_without_a_cause_names_none() -> None:
    assert without_texts(ValueError(MARKER))["caused_by"] == []


def test_the_stack_leads_to_where_it_was_raised() -> None:
    stack = without_texts(caught())["stack"]

    assert isinstance(stack, list)
    assert stack[-1].startswith(__file__)
    assert stack[-1].endswith(" refused")


def test_the_stack_of_an_endless_recursion_is_cut() -> None:
    def endless() -> None:
        endless()

    try:
        endless()
    except RecursionError as error:
        stack = without_texts(error)["stack"]

    assert isinstance(stack, list)
    assert len(stack) == 20


def test_errors_that_cause_each_other_are_named_a_few_times_only() -> None:
    first, second = ValueError(), TypeError()
    first.__cause__, second.__cause__ = second, first

    causes = without_texts(first)["caused_by"]

    assert isinstance(causes, list)
    assert len(causes) == 5


def test_no_text_of_an_error_is_told() -> None:
    assert MARKER not in json.dumps(without_texts(caught(ValueError)))


class Hostile(Exception):  # noqa: N818 - it is no error of ours
    """Whatever is asked of it raises."""

    def __str__(self) -> str:
        raise ValueError(MARKER)

    __repr__ = __str__

    @property
    def response(self) -> object:
        raise ValueError(MARKER)

    @property
    def args(self) -> Any:  # type: ignore[override] # it is what the test is about
        raise ValueError(MARKER)


class Untraceable(Exception):  # noqa: N818 - likewise
    @property
    def __traceback__(self) -> Any:  # type: ignore[override] # likewise
        raise ValueError(MARKER)


@pytest.mark.parametrize("kind", [Hostile, Untraceable])
def test_an_exception_that_raises_when_asked_is_named_all_the_same(kind: type[Exception]) -> None:
    assert without_texts(kind())["error_type"] == kind.__name__


def test_a_code_is_taken_of_aws_errors_only() -> None:
    error = ValueError()
    error.response = {"Error": {"Code": MARKER}}  # type: ignore[attr-defined] # a user may set it

    assert without_texts(error)["error_type"] == "ValueError"


def test_of_an_error_of_aws_without_a_response_the_type_is_told() -> None:
    error = ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")
    del error.response

    assert without_texts(error)["error_type"] == "ClientError"


def test_a_text_that_cannot_be_told_says_so() -> None:
    assert text_of(Hostile()) == "its text cannot be told, __str__ raises ValueError"


def test_a_record_whose_exception_raises_when_asked_has_failed_like_any_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def process(_: Request) -> None:
        raise Hostile

    response, _ = run(batch(record(1), record(2)), process)

    assert reported(response) == [record(1)["dynamodb"]["SequenceNumber"]]
    assert "Record failed, it will be delivered again" in caplog.messages


def test_a_rejection_whose_text_cannot_be_told_is_parked() -> None:
    class HostileError(Hostile, RejectedRequestError):
        """A rejection of the user's."""

    def process(_: Request) -> None:
        raise HostileError

    response, parking = run(batch(record(1)), process)

    ((_, reason),) = parking.records
    assert response == {"batchItemFailures": []}
    assert reason == "HostileError: its text cannot be told, __str__ raises ValueError"
