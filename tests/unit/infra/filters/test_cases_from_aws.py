"""Cases whose outcome was recorded on AWS: EventBridge, and Lambda on DynamoDB streams and on SQS.

They lie beside the project. In a clone they do not, and the tests are skipped; in the project's own
CI that is a failure.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.filters.pattern import FilterPattern, InvalidFilterPatternError
from tests.proof import CASE_FROM_AWS, PROVED

CASES_FILE = Path(__file__).parents[4].parent / "shared/cases/filters.json"

# A clone has no such file, neither on a user's machine nor on GitHub.
is_clone = os.environ.get("CI") != "true" or "GITHUB_ACTIONS" in os.environ
if is_clone and not CASES_FILE.exists():
    pytest.skip(
        "the cases recorded on AWS are not at ../shared/cases/filters.json",
        allow_module_level=True,
    )

CASES: list[dict[str, Any]] = json.loads(CASES_FILE.read_text(encoding="utf-8"))

USE_OPERATORS_THAT_LAMBDA_DOES_NOT_DOCUMENT = {
    "eb/complex_many_rules",
    "eb/content_anything_but_ignorecase",
    "eb/content_anything_but_ignorecase_NEG",
    "eb/content_anything_but_ignorecase_list",
    "eb/content_anything_but_ignorecase_list_NEG",
    "eb/content_anything_but_ignorecase_list_missing_NEG",
    "eb/content_anything_but_ignorecase_list_null",
    "eb/content_anything_but_ignorecase_missing_NEG",
    "eb/content_anything_but_ignorecase_null",
    "eb/content_anything_prefix",
    "eb/content_anything_prefix_NEG",
    "eb/content_anything_prefix_int_value",
    "eb/content_anything_prefix_list",
    "eb/content_anything_prefix_list_NEG",
    "eb/content_anything_prefix_list_int",
    "eb/content_anything_prefix_list_missing_NEG",
    "eb/content_anything_prefix_list_null",
    "eb/content_anything_prefix_missing_NEG",
    "eb/content_anything_prefix_null",
    "eb/content_anything_suffix",
    "eb/content_anything_suffix_NEG",
    "eb/content_anything_suffix_list",
    "eb/content_anything_suffix_list_NEG",
    "eb/content_anything_suffix_list_missing_NEG",
    "eb/content_anything_suffix_list_null",
    "eb/content_anything_suffix_missing_NEG",
    "eb/content_anything_suffix_null",
    "eb/content_anything_wildcard",
    "eb/content_anything_wildcard_NEG",
    "eb/content_anything_wildcard_empty",
    "eb/content_anything_wildcard_int",
    "eb/content_anything_wildcard_list",
    "eb/content_anything_wildcard_list_NEG",
    "eb/content_anything_wildcard_list_missing_NEG",
    "eb/content_anything_wildcard_list_null",
    "eb/content_anything_wildcard_missing_NEG",
    "eb/content_anything_wildcard_null",
    "eb/content_ip_address",
    "eb/content_ip_address_NEG",
    "eb/content_ip_address_bad_type_NEG",
    "eb/content_ip_address_v6",
    "eb/content_ip_address_v6_NEG",
    "eb/content_prefix_ignorecase",
    "eb/content_suffix_ignorecase",
    "eb/content_suffix_ignorecase_NEG",
    "eb/content_wildcard_empty_NEG",
    "eb/content_wildcard_nonrepeating",
    "eb/content_wildcard_nonrepeating_NEG",
    "eb/content_wildcard_repeating",
    "eb/content_wildcard_repeating_NEG",
    "eb/content_wildcard_simplified",
}
"""Valid on EventBridge: wildcard, cidr, and operators within anything-but, prefix and suffix."""

REFUSED_BY_AWS = [case for case in CASES if case["matches"] is None]
DECIDED = [
    case
    for case in CASES
    if case["matches"] is not None
    and case["name"] not in USE_OPERATORS_THAT_LAMBDA_DOES_NOT_DOCUMENT
]
UNDOCUMENTED = [
    case for case in CASES if case["name"] in USE_OPERATORS_THAT_LAMBDA_DOES_NOT_DOCUMENT
]


def name(case: dict[str, Any]) -> str:
    return str(case["name"])


@pytest.mark.parametrize("case", DECIDED, ids=name)
def test_a_record_matches_where_it_did_on_aws(
    case: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    record_property(PROVED, CASE_FROM_AWS)

    assert FilterPattern(case["pattern_text"]).matches(case["event"]) is case["matches"]


@pytest.mark.parametrize("case", REFUSED_BY_AWS, ids=name)
def test_a_pattern_is_refused_where_aws_refused_it(
    case: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    record_property(PROVED, CASE_FROM_AWS)

    with pytest.raises(InvalidFilterPatternError, match=r"^Invalid filter pattern definition\. "):
        FilterPattern(case["pattern_text"])


@pytest.mark.parametrize("case", UNDOCUMENTED, ids=name)
def test_an_operator_that_lambda_does_not_document_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidFilterPatternError, match="Lambda does not document"):
        FilterPattern(case["pattern_text"])


def test_every_case_is_tried() -> None:
    tried = len(DECIDED) + len(REFUSED_BY_AWS) + len(UNDOCUMENTED)

    assert (tried, len(UNDOCUMENTED)) == (198, len(USE_OPERATORS_THAT_LAMBDA_DOES_NOT_DOCUMENT))
