"""What the impact says of an update from one plan to another, and when it lets it go on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from infra.impact.command import findings, main
from infra.impact.finding import Finding
from infra.impact.preview import read
from infra.inputs import UNKNOWN
from tests.plan import FUNCTION, Plan, plan_of
from tests.preview import preview_between

ADMIN: Final = '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
URN: Final = "urn:pulumi:dev::shop::my:own:Component$aws:{}::{}"


def found(before: Plan | None, after: Plan | None) -> list[Finding]:
    return findings(read(preview_between(before, after)))


def update(
    type_: str,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    *,
    op: str = "update",
    **states: Any,
) -> str:
    """A preview of one resource of a user's."""
    step = {
        "op": op,
        "urn": URN.format(type_, "mine"),
        "oldState": None if old is None else {"inputs": old, **states.get("was", {})},
        "newState": None if new is None else {"inputs": new, **states.get("becomes", {})},
    }
    root = {"op": "same", "urn": "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"}
    return json.dumps({"steps": [root, step]})


def kinds(preview: str) -> list[str]:
    return [each.kind for each in findings(read(preview))]


def test_a_new_stack_loses_nothing() -> None:
    assert found(None, plan_of()) == []


def test_a_preview_without_changes_says_nothing() -> None:
    assert found(plan_of(), plan_of()) == []


def test_a_destroy_says_what_is_gone() -> None:
    assert {each.id for each in found(plan_of(), None)} >= {
        "table-deleted:requests-table",
        "bucket-deleted:requests-failures",
        "table-deleted:requests-idempotency",
        "mapping-deleted:requests-mapping",
    }


def test_at_latest_records_are_missed_and_at_trim_horizon_they_come_again() -> None:
    trimmed, latest = plan_of(), plan_of({"eventSource": {"startingPosition": "LATEST"}})

    (to_latest,) = found(trimmed, latest)
    (to_trim,) = found(latest, trimmed)

    assert "missed at LATEST" in to_latest.what
    assert "24 hours of records are delivered again" in to_trim.what


def test_the_mapping_is_inferred_from_its_table() -> None:
    with_both = plan_of({"stream": {"viewType": "NEW_AND_OLD_IMAGES"}})

    assert [each.id for each in found(plan_of(), with_both)] == [
        "view-type-changed:requests-table",
        "mapping-replaced:requests-table",
    ]


def test_an_image_that_is_still_to_be_built_is_said() -> None:
    digest = json.loads(preview_between(plan_of(), None))
    steps = [step for step in digest["steps"] if step["urn"].endswith("::requests-processor")]
    (function,) = (step for step in steps if FUNCTION in step["urn"])
    inputs = {**function["oldState"]["inputs"], "imageUri": UNKNOWN}
    function.update(op="update", newState={"inputs": inputs})

    (image,) = findings(read(json.dumps({"steps": [function]})))

    assert image.id == "image-changed:requests-processor"
    assert "built by the update" in image.what


@pytest.mark.parametrize(
    ("preview", "kind"),
    [
        (update("sqs/queue:Queue", {}, None, op="delete"), "data-deleted"),
        (update("sqs/queue:Queue", {}, {}, op="replace"), "data-replaced"),
        (update("sqs/queue:Queue", {}, {}, op="create-replacement"), "data-replaced"),
        (
            update("s3/bucket:Bucket", {}, None, op="delete", was={"retainOnDelete": True}),
            "bucket-left",
        ),
        (
            update(
                "sqs/queue:Queue",
                {"messageRetentionSeconds": 1209600},
                {"messageRetentionSeconds": 60},
            ),
            "retention-shortened",
        ),
        (
            update("cloudwatch/logGroup:LogGroup", {"retentionInDays": 0}, {"retentionInDays": 7}),
            "retention-shortened",
        ),
        (update("cloudwatch/logGroup:LogGroup", {}, {"retentionInDays": 7}), "retention-shortened"),
        (update("sqs/queue:Queue", {}, {"messageRetentionSeconds": 60}), "retention-shortened"),
        (
            update(
                "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
                None,
                {"bucket": "mine", "rules": [{"status": "Enabled", "expiration": {"days": 1}}]},
                op="create",
            ),
            "retention-shortened",
        ),
        (update("kms/key:Key", {}, {}, was={"protect": True}), "protection-removed"),
        (
            update(
                "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
                {"bucket": "mine", "blockPublicAcls": True},
                None,
                op="delete",
            ),
            "protection-removed",
        ),
        (
            update("s3/bucketVersioning:BucketVersioning", {"bucket": "mine"}, None, op="delete"),
            "protection-removed",
        ),
        (
            update(
                "s3/bucketPolicy:BucketPolicy",
                {"bucket": "mine", "policy": '{"Statement": {"Effect": "Deny", "Action": "*"}}'},
                None,
                op="delete",
            ),
            "permissions-widened",
        ),
        (
            update("iam/role:Role", {}, {"managedPolicyArns": ["arn:aws:iam::aws:policy/Admin"]}),
            "permissions-widened",
        ),
        (
            update("iam/role:Role", {}, {"inlinePolicies": [{"name": "a", "policy": ADMIN}]}),
            "permissions-widened",
        ),
        (
            update("iam/role:Role", {"permissionsBoundary": "arn"}, {}),
            "permissions-widened",
        ),
        (
            update(
                "iam/userPolicyAttachment:UserPolicyAttachment",
                None,
                {"policyArn": UNKNOWN},
                op="create",
            ),
            "permissions-widened",
        ),
        (
            update(
                "iam/policyAttachment:PolicyAttachment",
                {"policyArn": "arn", "roles": ["a"]},
                {"policyArn": "arn", "roles": ["a", "b"]},
            ),
            "permissions-widened",
        ),
        (
            update(
                "iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
                {"policyArns": ["a"]},
                {"policyArns": ["a", "b"]},
            ),
            "permissions-widened",
        ),
        (
            update(
                "iam/rolePolicy:RolePolicy",
                {"role": "a", "policy": ADMIN},
                {"role": "b", "policy": ADMIN},
                op="replace",
            ),
            "permissions-widened",
        ),
        (
            update(
                "kms/grant:Grant",
                None,
                {"keyId": UNKNOWN, "granteePrincipal": "arn", "operations": ["Decrypt"]},
                op="create",
            ),
            "permissions-widened",
        ),
        (
            update(
                "cloudwatch/logResourcePolicy:LogResourcePolicy",
                {"policyDocument": '{"Statement": []}'},
                {"policyDocument": ADMIN},
            ),
            "permissions-widened",
        ),
        (
            update("sqs/queue:Queue", {"sqsManagedSseEnabled": True}, {}),
            "protection-removed",
        ),
        (update("sns/topic:Topic", {"kmsMasterKeyId": "arn"}, {}), "protection-removed"),
        (
            update(
                "lambda/function:Function",
                {"architectures": ["arm64"]},
                {"architectures": [UNKNOWN]},
            ),
            "architecture-changed",
        ),
        (
            update("lambda/function:Function", {"role": "arn:a"}, {"role": UNKNOWN}),
            "permissions-widened",
        ),
        (
            update(
                "lambda/functionUrl:FunctionUrl",
                {"authorizationType": "AWS_IAM"},
                {"authorizationType": "NONE"},
            ),
            "permissions-widened",
        ),
        (
            update("iam/policy:Policy", {"policy": ADMIN}, {"policy": '{"Statement": "no"}'}),
            "permissions-widened",
        ),
        (
            update("iam/rolePolicyAttachment:RolePolicyAttachment", None, {}, op="create"),
            "permissions-widened",
        ),
        (
            update(
                "sns/topicPolicy:TopicPolicy",
                {"policy": '{"Statement": []}'},
                {"policy": UNKNOWN},
            ),
            "permissions-widened",
        ),
        (
            update(
                "dynamodb/table:Table",
                {"hashKey": "id", "attributes": [{"name": "id", "type": "S"}]},
                {"hashKey": "id", "attributes": [{"name": "id", "type": "N"}]},
            ),
            "key-changed",
        ),
        (
            update(
                "lambda/eventSourceMapping:EventSourceMapping",
                {"destinationConfig": {"onFailure": {"destinationArn": "arn"}}},
                {},
            ),
            "failures-dropped",
        ),
    ],
)
def test_what_a_user_adds_is_judged_too(preview: str, kind: str) -> None:
    (said,) = findings(read(preview))

    assert said.kind == kind
    assert UNKNOWN not in said.what


@pytest.mark.parametrize(
    "preview",
    [
        update("cloudwatch/logGroup:LogGroup", {"retentionInDays": 7}, {}),
        update("sqs/queue:Queue", {}, {"messageRetentionSeconds": 1_209_600}),
        update(
            "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            None,
            {"bucket": UNKNOWN, "rules": [{"status": "Enabled", "expiration": {"days": 1}}]},
            op="create",
        ),
        update("iam/role:Role", {"managedPolicyArns": ["a", "b"]}, {"managedPolicyArns": ["b"]}),
        update("iam/role:Role", {"inlinePolicies": [{"policy": ADMIN}]}, {"inlinePolicies": []}),
        update("iam/rolePolicy:RolePolicy", {"policy": ADMIN}, None, op="delete"),
        update("iam/policy:Policy", {"policy": ADMIN}, {"policy": ADMIN, "tags": {}}),
        update(
            "iam/policyAttachment:PolicyAttachment",
            {"policyArn": "arn", "roles": ["a", "b"]},
            {"policyArn": "arn", "roles": ["a"]},
        ),
        update("dynamodb/table:Table", {}, {}, op="read-replacement"),
        update("dynamodb/table:Table", {}, None, op="discard-replaced"),
        update("sqs/queue:Queue", {}, {}, op="refresh"),
        update("sqs/queue:Queue", {}, {}, op="import"),
        update("sqs/queue:Queue", {}, None, op="remove-pending-replace"),
    ],
)
def test_what_keeps_more_or_allows_less_is_not_said(preview: str) -> None:
    assert kinds(preview) == []


def test_what_protects_a_bucket_may_go_with_it() -> None:
    bucket = json.loads(update("s3/bucket:Bucket", {}, None, op="delete"))
    (_, step) = bucket["steps"]
    step["oldState"]["outputs"] = {"id": "mine"}
    block = update(
        "s3/bucketPublicAccessBlock:BucketPublicAccessBlock", {"bucket": "mine"}, None, op="delete"
    )

    both = {"steps": [*bucket["steps"], *json.loads(block)["steps"][1:]]}

    assert kinds(json.dumps(both)) == ["bucket-deleted"]


def test_after_a_refresh_it_is_the_update_that_counts() -> None:
    refreshed = json.loads(
        update(
            "sqs/queue:Queue",
            {"messageRetentionSeconds": 60},
            {"messageRetentionSeconds": 600},
            op="refresh",
        )
    )
    updated = update(
        "sqs/queue:Queue", {"messageRetentionSeconds": 600}, {"messageRetentionSeconds": 90}
    )
    refreshed["steps"] += json.loads(updated)["steps"][1:]

    (said,) = findings(read(json.dumps(refreshed)))

    assert "90, was 600" in said.what


def test_what_is_allowed_of_one_resource_is_not_allowed_of_its_namesake(tmp_path: Path) -> None:
    queue = json.loads(update("sqs/queue:Queue", {}, None, op="delete"))
    other = update("cloudwatch/logGroup:LogGroup", {}, None, op="delete")
    queue["steps"] += json.loads(other)["steps"][1:]
    file = tmp_path / "preview.json"
    file.write_text(json.dumps(queue))

    ids = [each.id for each in findings(read(file.read_text()))]

    component = "data-deleted:my:own:Component$aws:"
    assert ids == [
        f"{component}sqs/queue:Queue::mine",
        f"{component}cloudwatch/logGroup:LogGroup::mine",
    ]
    assert main([str(file), "--allow", "data-deleted:mine"]) == 1
    assert main([str(file), "--allow", ids[0]]) == 1
    assert main([str(file), *(flag for each in ids for flag in ("--allow", each))]) == 0


def test_a_name_with_a_space_can_be_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, description = tmp_path / "preview.json", tmp_path / "description"
    changed = update("sqs/queue:Queue", {}, None, op="delete")
    file.write_text(changed.replace("mine", "my ```` queue"))
    description.write_text("Allow-impact: data-deleted:my ```` queue \r\n")

    assert main([str(file)]) == 1
    assert "--allow 'data-deleted:my ```` queue'" in capsys.readouterr().out
    assert main([str(file), "--markdown"]) == 1
    assert capsys.readouterr().out.count("\n```````\n") == 2
    assert main([str(file), "--allow-lines-of", str(description)]) == 0


def test_what_the_command_line_prints_around_the_preview_is_passed_over(tmp_path: Path) -> None:
    changed = update("sqs/queue:Queue", {}, None, op="delete")
    before = "warning: using pulumi-resource-aws from {PATH}\n{not json}\n{}\n"
    file = tmp_path / "preview.json"

    assert kinds(f"{before}{json.dumps(json.loads(changed), indent=2)}\nFinished {{}}\n") == [
        "data-deleted"
    ]
    for encoding in ("utf-8-sig", "utf-16"):
        file.write_text(changed, encoding=encoding)
        assert main([str(file)]) == 1


def test_what_keeps_nothing_may_be_replaced() -> None:
    assert kinds(update("sns/topicSubscription:TopicSubscription", {}, {}, op="replace")) == []


@pytest.fixture
def view_type_changed(tmp_path: Path) -> Path:
    """A preview with two lossy findings."""
    file = tmp_path / "preview.json"
    with_both = plan_of({"stream": {"viewType": "NEW_AND_OLD_IMAGES"}})
    file.write_text(preview_between(plan_of(), with_both))
    return file


def test_what_is_lossy_stops_and_says_how_to_go_on(
    view_type_changed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(view_type_changed)]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("dev: 2 lossy")
    assert "--allow view-type-changed:requests-table" in printed


@pytest.mark.parametrize(
    "allowed",
    [
        ["view-type-changed", "mapping-replaced"],
        ["view-type-changed:requests-table", "mapping-replaced:requests-table"],
    ],
)
def test_what_is_allowed_goes_on(view_type_changed: Path, allowed: list[str]) -> None:
    flags = [flag for each in allowed for flag in ("--allow", each)]

    assert main([str(view_type_changed), *flags]) == 0
    assert main([str(view_type_changed), *flags[:2]]) == 1


def test_the_lines_of_a_description_allow_too(view_type_changed: Path, tmp_path: Path) -> None:
    description = tmp_path / "description"
    description.write_text(
        "Both images, please.\r\n\r\nAllow-impact: view-type-changed\r\n"
        "allow-impact: mapping-replaced:requests-table\n"
    )

    assert main([str(view_type_changed), "--allow-lines-of", str(description)]) == 0


def test_what_is_allowed_and_does_not_happen_is_said(
    view_type_changed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(view_type_changed), "--allow", "table-replaced"]) == 1
    assert capsys.readouterr().err == "note: nothing to allow for table-replaced\n"


def test_a_notice_stops_nobody(tmp_path: Path) -> None:
    file = tmp_path / "preview.json"
    file.write_text(preview_between(plan_of(), plan_of({"stream": {"events": ["MODIFY"]}})))

    assert main([str(file)]) == 0


def test_nothing_that_a_program_names_becomes_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "preview.json"
    changed = update("sqs/queue:Queue", {}, None, op="delete")
    named = "<img src=x> | @everyone **x** [y](http://z) #7 www.z.org ~~z~~"
    file.write_text(changed.replace("mine", named))

    assert main([str(file), "--markdown"]) == 1
    row = next(line for line in capsys.readouterr().out.splitlines() if "data-deleted" in line)
    assert not {"<img", "@everyone", "**", "#7"} & set(row.replace("<code>", " ").split())
    assert not any(each in row for each in ("](", "://", "www.", "~~"))
    assert row.count("|") == 4


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("", "it is empty: see what `pulumi preview --json` said instead"),
        (" \n", "it is empty"),
        ('{"steps": [', "not what `pulumi preview --json` prints: Expecting value"),
        ("{" * 100_000, "not what `pulumi preview --json` prints"),
        ('{"a":' * 100_000, "it nests too deep"),
        ("error: no stack named dev", "not what `pulumi preview --json` prints"),
        ("[]", "not what `pulumi preview --json` prints"),
        ('{"a": 1}', "not what `pulumi preview --json` prints"),
        ('{"steps": [{"op": "update"}]}', "not what `pulumi preview --json` prints"),
        (
            '{"diagnostics": [{"severity": "error", "message": "no such stack"}]}',
            "the preview failed: no such stack",
        ),
    ],
)
def test_what_is_no_preview_is_one_line(
    printed: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "preview.json"
    file.write_text(printed)

    assert main([str(file)]) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1


def test_a_file_that_is_missing_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no/such/file.json"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
