"""The role may do exactly what the pipeline needs: with it all works, with less something fails.

X-Ray has no part in the embedded AWS; its statement is asserted on the document only. Conditions
are not evaluated there either.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from infra import policies
from infra.local import LocalDeployment
from infra.local.mapping.settings import InvalidParameterValueError
from tests.integration.conftest import Deploy
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
        up.drain(timeout=60)
        return {
            "processed": [key for _, key, _ in faulty.effects],
            "parked by the handler": objects(up, "rejected/"),
            "given up by the mapping": objects(up, "aws/lambda/"),
            "is logged": is_logged(up),
        }


def objects(up: LocalDeployment, prefix: str) -> int:
    bucket = up.outputs["failureBucket"]
    listed = up.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return len(listed.get("Contents", []))


def is_logged(up: LocalDeployment) -> bool:
    events = up.client("logs").filter_log_events(logGroupName=up.outputs["logGroup"])["events"]
    return any("Record rejected and parked" in event["message"] for event in events)


def test_with_exactly_these_permissions_the_pipeline_works(deploy: Deploy, tmp_path: Path) -> None:
    assert what_works(deploy, tmp_path) == WORKS


def test_these_are_all_that_it_has() -> None:
    assert sorted(statements()) == sorted(PERMISSIONS)


@pytest.mark.parametrize("sid", PERMISSIONS)
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
    except InvalidParameterValueError:
        return  # a mapping whose stream or destination is out of reach is refused
    assert works != WORKS


def test_tracing_adds_the_right_to_send_traces_and_nothing_else() -> None:
    traced = plan_of({**CONFIG, "function": {"tracing": True}}).of_type(ROLE_POLICY)

    sids = {
        statement["Sid"]
        for policy in traced
        for statement in json.loads(policy.inputs["policy"])["Statement"]
    }
    assert sids - set(statements()) == {"SendTraces"}
