"""The role may do exactly what the pipeline needs: with it all works, with less something fails.

X-Ray has no part in the embedded AWS; its statement is asserted on the document only. Conditions
are not evaluated there either.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from handler.config import LAMBDA_FAILURE_PREFIX
from infra import policies
from infra.local import LocalDeployment
from infra.local.program.run import ProgramError
from tests.integration.conftest import Deploy, parked
from tests.integration.faults import FaultyHandler
from tests.plan import ROLE_POLICY, plan_of
from tests.proof import PERMISSION, PROVED

CONFIG: Final = {
    "function": {"timeout": 3, "tracing": False},
    "eventSource": {"maximumRetryAttempts": 0},
}
PERMISSIONS: Final = (
    "FindTheStream",
    "ParkRejectedRecords",
    "PutFailedBatches",
    "ReachTheBucket",
    "ReadTheStream",
    "RememberEvents",
    "WriteLogs",
)
"""The Sid of each statement."""

WORKS: Final = {
    "processed": ["good"],
    "parked by the handler": 1,
    "given up by the mapping": 1,
    "is logged": True,
}
COVERED: Final = "ParkRejectedRecords"
"""The function's right is within the mapping's, because AWS wants the latter on the whole bucket.
It stands on its own all the same: a function need not have a mapping."""


def statements() -> Iterator[str]:
    """The Sid of everything that the role may do."""
    for policy in plan_of(CONFIG).of_type(ROLE_POLICY):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            yield statement["Sid"]


def what_works(deploy: Deploy, folder: Path) -> Mapping[str, Any]:
    """What comes of one good request, a poisonous one, and one that fails for good."""
    faulty = FaultyHandler(folder=folder)
    with deploy(config=CONFIG, code=folder) as up:
        faulty.put(up, "good")
        faulty.put(up, "poison", "poison")
        faulty.put(up, "failing", "fail")
        up.drain(timeout=300)
        return {
            "processed": [key for _, key, _ in faulty.effects],
            "parked by the handler": len(parked(up, "rejected/")),
            "given up by the mapping": len(parked(up, "aws/lambda/")),
            "is logged": is_logged(up),
        }


def is_logged(up: LocalDeployment) -> bool:
    events = up.client("logs").filter_log_events(logGroupName=up.outputs["logGroup"])["events"]
    return any("Record rejected and parked" in event["message"] for event in events)


@pytest.mark.each_commit
def test_with_exactly_these_permissions_the_pipeline_works(deploy: Deploy, tmp_path: Path) -> None:
    assert what_works(deploy, tmp_path) == WORKS


def test_these_are_all_that_it_has() -> None:
    assert sorted(statements()) == sorted(PERMISSIONS)


@pytest.mark.parametrize("sid", sorted({*PERMISSIONS} - {COVERED}))
def test_without_any_one_of_its_permissions_it_does_not(
    deploy: Deploy,
    sid: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    record_property(PROVED, PERMISSION)
    document = policies._document
    of_no_use = {"Action": "sts:GetCallerIdentity", "Resource": "*", "Effect": "Allow"}

    def without(*given: Mapping[str, object]) -> str:
        return document(*(of_no_use if each["Sid"] == sid else each for each in given))

    monkeypatch.setattr(policies, "_document", without)

    try:
        works = what_works(deploy, tmp_path)
    except ProgramError:
        return  # a mapping whose stream or destination is out of reach is refused
    assert works != WORKS


@pytest.mark.parametrize(
    ("sid", "change", "refused"),
    [
        pytest.param(
            "PutFailedBatches",
            {"Resource": f"arn:aws:s3:::requests-failures/{LAMBDA_FAILURE_PREFIX}*"},
            "PutObject",
            id="put under Lambda's own prefix only",
        ),
        pytest.param("PutFailedBatches", {"Action": "s3:GetObject"}, "PutObject", id="put nothing"),
        pytest.param("ReachTheBucket", {"Action": "s3:GetObject"}, "ListBucket", id="not list it"),
    ],
)
def test_a_mapping_is_refused_when_the_role_may(
    deploy: Deploy,
    monkeypatch: pytest.MonkeyPatch,
    sid: str,
    change: Mapping[str, object],
    refused: str,
) -> None:
    document = policies._document
    monkeypatch.setattr(
        policies,
        "_document",
        lambda *given: document(
            *({**each, **change} if each["Sid"] == sid else each for each in given)
        ),
    )

    with (
        pytest.raises(ProgramError, match=f"to call {refused} on S3"),
        deploy(config=CONFIG),
    ):
        pass


def test_looking_whether_the_role_may_put_leaves_nothing_in_the_bucket(deploy: Deploy) -> None:
    with deploy(config=CONFIG) as up:
        assert parked(up) == []


def test_tracing_adds_the_right_to_send_traces_and_nothing_else() -> None:
    traced = plan_of({**CONFIG, "function": {"tracing": True}}).of_type(ROLE_POLICY)

    sids = {
        statement["Sid"]
        for policy in traced
        for statement in json.loads(policy.inputs["policy"])["Statement"]
    }
    assert sids - set(statements()) == {"SendTraces"}
