"""A setting that is taken back has an effect, and docs/changing.md tells of every one."""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from infra.config.declaration import described
from infra.config.stack import StackConfig
from infra.impact.command import findings
from infra.impact.preview import read
from tests import pages
from tests.plan import REGION, Plan, plan_of
from tests.preview import preview_between
from tests.project import FROZEN, PROJECT

KEY: Final = "arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY: Final = "arn:aws:iam::123456789012:policy/boundary"
TOPIC: Final = "arn:aws:sns:ap-northeast-1:123456789012:on-call"
SUBNETS: Final = ["subnet-0123456789abcdef0"]
GROUPS: Final = ["sg-0123456789abcdef0"]

SET: Final[Mapping[str, Mapping[str, Any]]] = {
    "table.name": {"table": {"name": "orders"}},
    "table.retainOnDelete": {"table": {"retainOnDelete": True}},
    "table.deletionProtection": {"table": {"deletionProtection": False}},
    "table.pointInTimeRecovery": {"table": {"pointInTimeRecovery": False}},
    "table.serverSideEncryption": {"table": {"serverSideEncryption": False}},
    "table.kmsKeyArn": {"table": {"kmsKeyArn": KEY}},
    "table.ttlEnabled": {"table": {"ttlEnabled": True}},
    "table.ttlAttribute": {"table": {"ttlEnabled": True, "ttlAttribute": "gone_at"}},
    "stream.viewType": {"stream": {"viewType": "NEW_AND_OLD_IMAGES"}},
    "stream.events": {"stream": {"events": ["INSERT", "MODIFY"]}},
    "image.repository": {"image": {"repository": "shared", "tag": "1"}},
    "image.tag": {"image": {"repository": "shared", "tag": "1"}},
    "image.digest": {"image": {"digest": "sha256:" + 64 * "0"}},
    "image.baseImage": {"image": {"baseImage": "stand-in:3.13"}},
    "image.source": {"image": {"source": "https://code.example/requests"}},
    "image.ownRepository": {"image": {"repository": "shared", "tag": "1", "ownRepository": False}},
    "image.forceDelete": {"image": {"forceDelete": True}},
    "image.keep": {"image": {"keep": 7}},
    "function.architecture": {"function": {"architecture": "x86_64"}},
    "function.memorySize": {"function": {"memorySize": 1024}},
    "function.timeout": {"function": {"timeout": 61}},
    "function.minimumRemainingTimeInMillis": {"function": {"minimumRemainingTimeInMillis": 2000}},
    "function.processBatchSize": {"function": {"processBatchSize": 7}},
    "function.ephemeralStorage": {"function": {"ephemeralStorage": 1024}},
    "function.reservedConcurrency": {"function": {"reservedConcurrency": 7}},
    "function.subnetIds": {"function": {"subnetIds": SUBNETS, "securityGroupIds": GROUPS}},
    "function.securityGroupIds": {"function": {"subnetIds": SUBNETS, "securityGroupIds": GROUPS}},
    "function.permissionsBoundary": {"function": {"permissionsBoundary": BOUNDARY}},
    "function.tracing": {"function": {"tracing": False}},
    "function.logLevel": {"function": {"logLevel": "DEBUG"}},
    "function.logRetentionDays": {"function": {"logRetentionDays": 1}},
    "eventSource.enabled": {"eventSource": {"enabled": False}},
    "eventSource.startingPosition": {"eventSource": {"startingPosition": "LATEST"}},
    "eventSource.filters": {
        "eventSource": {"filters": [{"dynamodb": {"NewImage": {"a": {"S": ["b"]}}}}]}
    },
    "eventSource.filterQuota": {"eventSource": {"filterQuota": 10}},
    "eventSource.batchSize": {"eventSource": {"batchSize": 7}},
    "eventSource.maximumBatchingWindowInSeconds": {
        "eventSource": {"maximumBatchingWindowInSeconds": 5}
    },
    "eventSource.parallelizationFactor": {"eventSource": {"parallelizationFactor": 3}},
    "eventSource.maximumRetryAttempts": {"eventSource": {"maximumRetryAttempts": 3}},
    "eventSource.maximumRecordAgeInSeconds": {"eventSource": {"maximumRecordAgeInSeconds": 60}},
    "eventSource.bisectBatchOnFunctionError": {
        "eventSource": {"bisectBatchOnFunctionError": False}
    },
    "failures.retentionDays": {"failures": {"retentionDays": 7}},
    "failures.forceDestroy": {"failures": {"forceDestroy": True}},
    "idempotency.enabled": {"idempotency": {"enabled": False}},
    "monitoring.enabled": {"monitoring": {"enabled": False}},
    "monitoring.topicArn": {"monitoring": {"topicArn": TOPIC}},
    "monitoring.subscriptions": {"monitoring": {"subscriptions": ["team@example.com"]}},
    "monitoring.rejectedRecords": {"monitoring": {"rejectedRecords": 7}},
    "tags": {"tags": {"Owner": "payments"}},
}
"""A value that is not the default, of each setting, with what it needs beside it."""

EMPTY_VPC: Final = {
    f"requests-processor.vpcConfig.{key}": "the provider sends an empty VPC for a missing one"
    for key in ("subnetIds", "securityGroupIds")
}
NOT_SENT: Final[Mapping[str, Mapping[str, str]]] = {
    "table.kmsKeyArn": {
        "requests-table.serverSideEncryption.kmsKeyArn": (
            "the provider has no value for AWS's key: the docs give two updates"
        )
    },
    "function.reservedConcurrency": {
        "requests-processor.reservedConcurrentExecutions": "the provider's own default is -1, none"
    },
    "function.subnetIds": EMPTY_VPC,
    "function.securityGroupIds": EMPTY_VPC,
    "function.permissionsBoundary": {
        "requests-processor-role.permissionsBoundary": "the provider deletes it from the role"
    },
}
"""What is sent with the setting only, and why taking it back has an effect all the same."""

KNOWN_FROM: Final = {"run here", "plan", "AWS", "provider", "recorded"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project with a stack that sets nothing."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("__main__.py", "Pulumi.yaml"):
        shutil.copy(FROZEN / name, folder / name)
    (folder / "Pulumi.dev.yaml").write_text(f"config:\n  aws:region: {REGION}\n")
    return folder


@pytest.fixture(scope="module")
def default_plan(project: Path) -> Plan:
    """That of the stack that sets nothing."""
    return plan_of(project=project)


@pytest.fixture(scope="module")
def default(default_plan: Plan) -> Mapping[str, object]:
    """What is sent for that stack."""
    return dict(sent(default_plan))


def sent(plan: Plan) -> Iterator[tuple[str, object]]:
    """Every value that a plan sends, by the resource's name and the value's path."""
    for resource in plan.registered:
        for path, value in values(resource.inputs):
            yield f"{resource.name}{path}", value
        yield f"{resource.name} is protected", resource.protect


def values(inputs: object, path: str = "") -> Iterator[tuple[str, object]]:
    """What stands in an object at every path; a list is one value, and so are names of our own."""
    if isinstance(inputs, Mapping) and not path.endswith((".tags", ".variables", ".args")):
        for key, value in inputs.items():
            yield from values(value, f"{path}.{key}")
    else:
        yield path, inputs


def test_every_setting_is_thought_of() -> None:
    assert list(SET) == [each.key for each in described(StackConfig)]


@pytest.mark.slow
@pytest.mark.parametrize("key", SET)
def test_a_setting_that_is_taken_back_is_sent_with_its_default(
    key: str, project: Path, default: Mapping[str, object]
) -> None:
    with_it = dict(sent(plan_of(SET[key], project=project)))

    kept = {path.partition(".")[0] for path in default}
    left_out = {path for path in with_it if path not in default and path.partition(".")[0] in kept}
    assert left_out == NOT_SENT.get(key, {}).keys()
    assert with_it != default or key == "eventSource.filterQuota", "it has no effect"


def rows() -> list[list[str]]:
    """The rows of the table of settings in docs/changing.md, each by its cells."""
    text = pages.text("changing.md")
    lines = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_document_has_a_row_for_every_setting() -> None:
    assert [row[0] for row in rows()] == [f"`{each.key}`" for each in described(StackConfig)]


def test_every_row_tells_all_there_is_to_tell_and_how_it_is_known() -> None:
    for setting, *told, known_from in rows():
        assert [bool(cell) for cell in told] == [True] * 5, setting
        assert set(known_from.split(", ")) <= KNOWN_FROM, setting


@pytest.mark.parametrize("key", NOT_SENT)
def test_what_is_not_sent_is_known_from_the_provider(key: str) -> None:
    (known_from,) = [row[-1] for row in rows() if row[0] == f"`{key}`"]

    assert "provider" in known_from.split(", ")


@pytest.mark.slow
@pytest.mark.parametrize("key", SET)
def test_the_impact_says_what_the_document_says(
    key: str, project: Path, default_plan: Plan
) -> None:
    with_it = plan_of(SET[key], project=project)
    previews = [preview_between(default_plan, with_it), preview_between(with_it, default_plan)]

    said = {finding.kind for each in previews for finding in findings(read(each))}
    (says,) = [row[-2] for row in rows() if row[0] == f"`{key}`"]
    assert said == set(re.findall(r"`([a-z-]+)`", says))


def test_every_finding_is_explained() -> None:
    """In the table under "Before a change", and those of the settings' rows among them."""
    text = pages.text("changing.md")
    _, _, section = text.partition("## Before a change")
    cells = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    explained = {name for cell in cells for name in re.findall(r"`([a-z-]+)`", cell)}

    sources = [file.read_text(encoding="utf-8") for file in (PROJECT / "infra/impact").glob("*.py")]
    calls = r"(?:lossy|risk|notice)\(\s*f?\"([a-z{}_.-]+)\""
    named = {name for source in sources for name in re.findall(calls, source)}
    assert {name for name in named if "{" not in name} <= explained
    assert {kind for row in rows() for kind in re.findall(r"`([a-z-]+)`", row[-2])} <= explained
