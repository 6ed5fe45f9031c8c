"""What of an exception is logged: all that helps, and nothing of its text."""

import json

from botocore.exceptions import ClientError

from handler.error_log import without_texts
from tests.unit.handler.stubs import MARKER


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
