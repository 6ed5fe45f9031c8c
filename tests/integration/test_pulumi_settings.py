"""Every setting under Pulumi's own engine: what it does is what docs/changing.md tells."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from infra.config.stack_file import merged
from infra.impact.command import findings
from infra.impact.preview import read
from tests.integration.pulumi_stacks import DEFAULTS, Stack, Step, stack, steps
from tests.plan import plan_of
from tests.preview import preview_between
from tests.project import FROZEN
from tests.unit.infra.test_changing import SET, rows


@pytest.fixture(scope="module")
def defaults() -> Iterator[Stack]:
    """A stack that sets nothing, deployed."""
    with stack("defaults", DEFAULTS) as defaults:
        defaults.up()
        yield defaults


@pytest.fixture(scope="module")
def previews() -> dict[tuple[str, ...], str]:
    """What was printed already."""
    return {}


@pytest.fixture
def previewed(keys: tuple[str, ...], defaults: Stack, previews: dict[tuple[str, ...], str]) -> str:
    """What `pulumi preview --json` prints of the settings."""
    if keys not in previews:
        previews[keys] = defaults.previewed(**together(keys))
    return previews[keys]


def together(keys: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key in keys:
        values = merged(values, SET[key])
    return values


def table(*inputs: str) -> set[str]:
    return {f"Table update {each}" for each in inputs}


def function(*inputs: str) -> set[str]:
    return {f"Function update {each}" for each in inputs}


def mapping(*inputs: str) -> set[str]:
    return {f"EventSourceMapping update {each}" for each in inputs}


BUILT: Final = {"Image update build", "Image update imageName", *function("imageUri")}
EXISTING: Final = {"Image delete", *function("imageUri")}
NETWORK: Final = {
    "RolePolicy create",
    *function("vpcConfig", "replaceSecurityGroupsOnDestroy"),
}
ANOTHER_MAPPING: Final = {
    "MetricAlarm update dimensions",
    "MetricAlarm update metricQueries",
    "Dashboard update dashboardBody",
}
"""What is told of the mapping that takes its place."""
FEWER_ALARMS: Final = {"MetricAlarm delete", "Dashboard update dashboardBody"}

OF_AN_UNKNOWN_STREAM: Final = (
    {"mapping-replaced:requests-table"},
    {"mapping-replaced:requests-mapping", "permissions-widened:requests-mapping-stream"},
)
"""What the impact says less and more where a preview does not have the old stream's ARN."""
OWN_TOPIC: Final = {"Key delete", "Topic delete", "TopicPolicy delete"}

EXPECTED: Final[Mapping[str, tuple[str, set[str]]]] = {
    "table.retainOnDelete": ("Pulumi only", set()),
    "table.deletionProtection": ("in place", table("deletionProtectionEnabled")),
    "table.pointInTimeRecovery": ("in place", table("pointInTimeRecovery")),
    "table.serverSideEncryption": ("in place", table("serverSideEncryption")),
    "table.kmsKeyArn": ("in place", table("serverSideEncryption") | {"RolePolicy update policy"}),
    "table.ttlEnabled": ("in place", table("ttl")),
    "table.ttlAttribute": ("in place", table("ttl")),
    "stream.viewType": (
        "table in place, stream and mapping replaced",
        {
            "EventSourceMapping replace eventSourceArn",
            "RolePolicy update policy",
            *table("streamViewType"),
            *function("environment"),
            *ANOTHER_MAPPING,
        },
    ),
    "stream.events": (
        "function and mapping in place",
        function("environment") | mapping("filterCriteria"),
    ),
    "image.repository": ("function in place", EXISTING),
    "image.tag": ("function in place", EXISTING),
    "image.digest": ("function in place, nothing built", EXISTING),
    "image.baseImage": ("image built, function in place", BUILT),
    "image.source": ("image built, function in place", BUILT),
    "image.forceDelete": ("Pulumi only", {"Repository update forceDelete"}),
    "image.keep": ("lifecycle policy replaced", {"LifecyclePolicy replace policy"}),
    "function.architecture": (
        "image built, function in place",
        BUILT | function("architectures"),
    ),
    "function.memorySize": ("in place", function("memorySize")),
    "function.timeout": ("in place", function("timeout")),
    "function.minimumRemainingTimeInMillis": ("in place", function("environment")),
    "function.processBatchSize": ("in place", function("environment")),
    "function.ephemeralStorage": ("in place", function("ephemeralStorage")),
    "function.reservedConcurrency": ("in place", function("reservedConcurrentExecutions")),
    "function.subnetIds": ("in place", NETWORK),
    "function.securityGroupIds": ("in place", NETWORK),
    "function.permissionsBoundary": ("role in place", {"Role update permissionsBoundary"}),
    "function.tracing": ("in place", function("tracingConfig") | {"RolePolicy delete"}),
    "function.logLevel": ("in place", function("environment", "loggingConfig")),
    "function.logRetentionDays": ("in place", {"LogGroup update retentionInDays"}),
    "eventSource.enabled": ("in place", mapping("enabled") | FEWER_ALARMS),
    "eventSource.startingPosition": (
        "mapping replaced",
        {"EventSourceMapping replace startingPosition", *ANOTHER_MAPPING},
    ),
    "eventSource.filters": ("in place", mapping("filterCriteria")),
    "eventSource.filterQuota": ("nothing", set()),
    "eventSource.batchSize": ("in place", mapping("batchSize")),
    "eventSource.maximumBatchingWindowInSeconds": (
        "in place",
        mapping("maximumBatchingWindowInSeconds"),
    ),
    "eventSource.parallelizationFactor": ("in place", mapping("parallelizationFactor")),
    "eventSource.maximumRetryAttempts": ("in place", mapping("maximumRetryAttempts")),
    "eventSource.maximumRecordAgeInSeconds": (
        "in place",
        mapping("maximumRecordAgeInSeconds") | FEWER_ALARMS,
    ),
    "eventSource.bisectBatchOnFunctionError": (
        "in place",
        mapping("bisectBatchOnFunctionError"),
    ),
    "failures.retentionDays": ("in place", {"BucketLifecycleConfiguration update rules"}),
    "failures.forceDestroy": ("Pulumi only", {"Bucket update forceDestroy"}),
    "idempotency.enabled": (
        "false: table deleted",
        {"Table delete", "RolePolicy delete", *function("environment"), *FEWER_ALARMS},
    ),
    "monitoring.enabled": (
        "false: alarms, topic and dashboard deleted",
        {"CompositeAlarm delete", "Dashboard delete", "MetricAlarm delete", *OWN_TOPIC},
    ),
    "monitoring.topicArn": (
        "the stack's own topic deleted",
        {
            *OWN_TOPIC,
            "CompositeAlarm update alarmActions",
            "CompositeAlarm update okActions",
            "MetricAlarm update alarmActions",
            "MetricAlarm update okActions",
        },
    ),
    "monitoring.subscriptions": ("in place", {"TopicSubscription create"}),
    "monitoring.rejectedRecords": (
        "in place",
        {"MetricAlarm update alarmDescription", "MetricAlarm update threshold"},
    ),
    "tags": (
        "in place",
        {
            f"{type_} update tags"
            for type_ in (
                "Bucket",
                "CompositeAlarm",
                "EventSourceMapping",
                "Function",
                "Key",
                "LogGroup",
                "MetricAlarm",
                "Repository",
                "Role",
                "Table",
                "Topic",
            )
        },
    ),
}
"""What the engine does when a setting is added, and how the document begins to say so."""

NOT_HERE: Final = {
    "table.name": "a stack with a table of its own refuses it; docs/changing.md gives two updates",
    "image.ownRepository": "its repository is protected while it holds images",
}
"""Settings whose rows tell of more than one update, or that need resources from outside."""

ALONE: Final = (
    ("table.serverSideEncryption", "table.deletionProtection", "table.pointInTimeRecovery"),
    ("stream.viewType",),
    ("stream.events",),
    ("image.repository", "image.tag"),
    ("image.digest",),
    ("image.baseImage", "image.source"),
    ("function.architecture",),
    ("eventSource.enabled",),
    ("eventSource.startingPosition",),
    ("eventSource.maximumRecordAgeInSeconds",),
    ("idempotency.enabled",),
    ("monitoring.enabled",),
    ("monitoring.topicArn",),
    ("monitoring.subscriptions", "monitoring.rejectedRecords"),
    ("tags",),
)
"""Settings whose operations would hide those of others, or that do not go together."""


def groups() -> list[tuple[str, ...]]:
    """The settings that one preview shows: no two of them do the same."""
    alone = {key for group in ALONE for key in group}
    return [tuple(key for key in EXPECTED if key not in alone), *ALONE]


@pytest.mark.parametrize("keys", groups(), ids=lambda keys: keys[0])
def test_settings_do_what_is_known_of_them(keys: tuple[str, ...], previewed: str) -> None:
    assert operations(steps(previewed)) == set().union(*(EXPECTED[key][1] for key in keys))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, with a stack that sets nothing, for the engine that stands in."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("__main__.py", "Pulumi.yaml"):
        shutil.copy(FROZEN / name, folder / name)
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": dict(DEFAULTS)}), "utf-8")
    return folder


@pytest.mark.parametrize("keys", groups(), ids=lambda keys: keys[0])
def test_the_impact_is_that_of_the_previews_that_the_other_tests_make_up(
    keys: tuple[str, ...], previewed: str, project: Path
) -> None:
    """docs/changing.md is held against those."""
    before, after = plan_of(project=project), plan_of(together(keys), project=project)

    found = {each.id for each in findings(read(previewed))}

    made_up = {each.id for each in findings(read(preview_between(before, after)))}
    gone, more = OF_AN_UNKNOWN_STREAM if keys == ("stream.viewType",) else (set(), set())
    assert found == made_up - gone | more


def operations(steps: Sequence[Step]) -> set[str]:
    """Type, operation and the inputs that it is for."""
    return {
        " ".join(part for part in (step.type.rpartition(":")[2], step.op, reason) if part)
        for step in steps
        for reason in (step.reasons or ("",))
    }


def test_every_setting_is_tried() -> None:
    assert {*EXPECTED} | {*NOT_HERE} == {*SET}


@pytest.mark.parametrize("key", SET)
def test_the_document_says_what_was_run_here(key: str) -> None:
    (row,) = [row for row in rows() if row[0] == f"`{key}`"]

    assert ("run here" in row[-1].split(", ")) == (key in EXPECTED)
    assert row[1].startswith(EXPECTED[key][0] if key in EXPECTED else row[1])
