"""A pipeline's exports are found by its name where there are several, and without one else."""

from typing import Any, Final

import pytest

from infra.exports import WhichPipelineError, pipeline_exports

ONE: Final[dict[str, Any]] = {"functionName": "requests-processor-1a2b3c4", "tableName": "t"}
SEVERAL: Final[dict[str, Any]] = {
    "requests": ONE,
    "payments": {"functionName": "payments-processor-5d6e7f8", "tableName": "p"},
    "a-queue": {"url": "not a pipeline's"},
}


@pytest.mark.parametrize("name", [None, "requests"])
def test_the_only_pipeline_needs_no_name(name: str | None) -> None:
    assert pipeline_exports(ONE, name) == ONE


@pytest.mark.parametrize("name", ["requests", "payments"])
def test_one_of_several_is_found_by_its_name(name: str) -> None:
    assert pipeline_exports(SEVERAL, name) == SEVERAL[name]


@pytest.mark.parametrize(
    ("exports", "name", "message"),
    [
        (SEVERAL, None, "which pipeline? Name it with --pipeline: payments, requests"),
        (SEVERAL, "payment", "there is no pipeline payment; known are payments, requests"),
        (ONE, "payments", "there is no pipeline payments: the stack has one"),
    ],
)
def test_a_name_that_is_missing_or_unknown_is_one_message(
    exports: dict[str, Any], name: str | None, message: str
) -> None:
    with pytest.raises(WhichPipelineError) as caught:
        pipeline_exports(exports, name)

    assert message in str(caught.value)
