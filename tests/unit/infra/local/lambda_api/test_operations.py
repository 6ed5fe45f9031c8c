"""What AWS's API layer refuses before Lambda sees it, by the service model, in AWS's words."""

import asyncio
import json
from typing import Any, Final

import pytest

from infra.local.lambda_api.names import Place
from infra.local.lambda_api.operations import operation_of, read_request
from infra.local.lambda_api.refusals import RefusedError
from infra.local.lambda_api.service import LambdaService

MAPPINGS: Final = "/2015-03-31/event-source-mappings"


def read(target: str, document: object = None, method: str = "POST") -> Any:
    body = b"" if document is None else json.dumps(document).encode()
    return read_request(method, target, {}, body).parameters


def refusal(target: str, document: object, method: str = "POST") -> tuple[str, str]:
    with pytest.raises(RefusedError) as refused:
        read(target, document, method)
    return refused.value.code, str(refused.value.message)


def mapping(**parameters: Any) -> dict[str, Any]:
    return {"FunctionName": "one", **parameters}


@pytest.mark.parametrize(
    ("name", "least", "greatest"),
    [
        ("BatchSize", 1, 10_000),
        ("MaximumBatchingWindowInSeconds", 0, 300),
        ("ParallelizationFactor", 1, 10),
        ("MaximumRetryAttempts", -1, 10_000),
        ("MaximumRecordAgeInSeconds", -1, 604_800),
        ("TumblingWindowInSeconds", 0, 900),
    ],
)
def test_numbers_out_of_range_are_refused(name: str, least: int, greatest: int) -> None:
    """[M]"""
    for allowed in (least, greatest):
        assert read(MAPPINGS, mapping(**{name: allowed}))[name] == allowed
    where = name[0].lower() + name[1:]

    assert refusal(MAPPINGS, mapping(**{name: least - 1})) == (
        "ValidationException",
        (
            f"1 validation error detected: Value '{least - 1}' at '{where}' failed to satisfy "
            f"constraint: Member must have value greater than or equal to {least}"
        ),
    )
    assert refusal(MAPPINGS, mapping(**{name: greatest + 1})) == (
        "ValidationException",
        (
            f"1 validation error detected: Value '{greatest + 1}' at '{where}' failed to satisfy "
            f"constraint: Member must have value less than or equal to {greatest}"
        ),
    )


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (
            {"StartingPosition": "EARLIEST"},
            (
                "Value 'EARLIEST' at 'startingPosition' failed to satisfy constraint: Member must "
                "satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"
            ),
        ),
        (
            {"FunctionResponseTypes": ["Bad"]},
            (
                "Value '[Bad]' at 'functionResponseTypes' failed to satisfy constraint: Member "
                "must satisfy constraint: [Member must satisfy enum value set: "
                "[ReportBatchItemFailures], Member must not be null]"
            ),
        ),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": "x" * 4097}]}},
            (
                "at 'filterCriteria.filters.1.member.pattern' failed to satisfy constraint: Member "
                "must have length less than or equal to 4096"
            ),
        ),
        (
            {"FunctionName": None},
            "Value null at 'functionName' failed to satisfy constraint: Member must not be null",
        ),
    ],
    ids=["enumeration", "member of a list", "in a structure", "missing"],
)
def test_what_the_model_excludes_is_refused_in_awss_words(
    parameters: dict[str, Any], words: str
) -> None:
    """[V, S, M]"""
    code, message = refusal(MAPPINGS, mapping(**parameters))

    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value ")
    assert message.endswith(words)


def test_all_that_the_model_excludes_is_said_at_once() -> None:
    _, message = refusal(MAPPINGS, mapping(BatchSize=0, ParallelizationFactor=11))

    assert message.startswith("2 validation errors detected: Value '0' at 'batchSize'")
    assert "; Value '11' at 'parallelizationFactor'" in message


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"BatchSize": "many"}, "SerializationException"),
        ({"Enabled": "yes"}, "SerializationException"),
        ({"BatchSize": True}, "SerializationException"),
        ([], "InvalidRequestContentException"),
    ],
    ids=repr,
)
def test_a_document_of_another_shape_is_refused(document: Any, code: str) -> None:
    given = mapping(**document) if isinstance(document, dict) else document

    assert refusal(MAPPINGS, given)[0] == code


def test_what_is_null_or_unknown_is_not_given() -> None:
    assert read(MAPPINGS, mapping(BatchSize=None, Nonsense=1)) == {"FunctionName": "one"}


def test_path_query_and_document_are_read_together() -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:one"
    escaped = arn.replace(":", "%3A")

    assert read(f"/2017-03-31/tags/{escaped}?tagKeys=a&tagKeys=b", method="DELETE") == {
        "Resource": arn,
        "TagKeys": ["a", "b"],
    }
    assert read(f"{MAPPINGS}/?FunctionName=one&MaxItems=5", method="GET") == {
        "FunctionName": "one",
        "MaxItems": 5,
    }


def test_letters_of_every_alphabet_are_good_for_a_tag() -> None:
    """[M]: the model's patterns are Java's."""
    arn = "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Aone"

    assert read(f"/2017-03-31/tags/{arn}", {"Tags": {"Größe": "für 3 Äpfel"}})["Tags"]


def test_a_fault_of_ours_is_answered_as_awss_own_faults_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nothing: Any = None
    service = LambdaService(Place(account="123456789012", region="eu-west-1"), nothing, nothing)

    answer = asyncio.run(service.answer("GET", "/2015-03-31/functions/one", {}, b""))

    assert (answer.status, answer.headers["X-Amzn-ErrorType"]) == (500, "ServiceException")
    assert json.loads(answer.body)["Type"] == "Service"
    assert "AttributeError" in json.loads(answer.body)["Message"]
    assert "which nobody foresaw: /2015-03-31/functions/one" in caplog.text


@pytest.mark.parametrize("target", ["/", "/2015-03-31", "/bucket/key", "/2015-03-31/functions/a/b"])
def test_what_is_none_of_lambdas_requests_is_not_taken_for_one(target: str) -> None:
    assert operation_of("GET", target) is None
