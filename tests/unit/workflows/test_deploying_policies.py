"""The policies of docs/policies: enough for what the program registers, and no more.

AWS is not asked. What a policy allows is worked out from its actions and resources; a condition
is looked at by itself.
"""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import botocore.session
import pytest

from tests import pages, plan
from tests.plan import plan_of
from tests.project import copy_of_project

POLICIES: Final = pages.file("policies")
REGION: Final = "ap-northeast-1"
ACCOUNT: Final = plan.ACCOUNT
SUBJECT: Final = "repo:octo-org@1/requests@2"
PREVIEW: Final = ("read", "read-state")
DEPLOY: Final = ("read", "read-state", "write", "write-state")
NEW: Final = "{stack}-???????"
OLD: Final = "???????"
"""How the names of a stack's resources end: of one with the guide's pattern, and of one before."""
BOUNDARY: Final = f"arn:aws:iam::{ACCOUNT}:policy/requests-boundary"

ARNS: Final = {
    plan.TABLE: f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/",
    plan.REPOSITORY: f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/",
    plan.BUCKET: "arn:aws:s3:::",
    plan.ROLE: f"arn:aws:iam::{ACCOUNT}:role/",
    plan.LOG_GROUP: f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:",
    plan.FUNCTION: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:",
    plan.TOPIC: f"arn:aws:sns:{REGION}:{ACCOUNT}:",
    plan.METRIC_ALARM: f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:",
    plan.COMPOSITE_ALARM: f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:",
    plan.DASHBOARD: f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/",
}
"""How the ARN of a resource begins that has a name of its own."""

READS: Final = {
    plan.TABLE: ["dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive"],
    plan.REPOSITORY: ["ecr:DescribeRepositories", "ecr:GetRepositoryPolicy"],
    plan.BUCKET: ["s3:ListBucket", "s3:GetBucketPolicy", "s3:GetLifecycleConfiguration"],
    plan.ROLE: ["iam:GetRole", "iam:GetRolePolicy"],
    plan.LOG_GROUP: ["logs:DescribeLogGroups", "logs:ListTagsForResource"],
    plan.FUNCTION: ["lambda:GetFunction"],
    plan.TOPIC: ["sns:GetTopicAttributes", "sns:ListTagsForResource"],
    plan.METRIC_ALARM: ["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"],
    plan.COMPOSITE_ALARM: ["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"],
    plan.DASHBOARD: ["cloudwatch:GetDashboard"],
}
WRITES: Final = {
    plan.TABLE: ["dynamodb:CreateTable", "dynamodb:UpdateTable", "dynamodb:DeleteTable"],
    plan.REPOSITORY: ["ecr:CreateRepository", "ecr:DeleteRepository", "ecr:PutImage"],
    plan.BUCKET: ["s3:CreateBucket", "s3:DeleteBucket", "s3:PutEncryptionConfiguration"],
    plan.ROLE: ["iam:CreateRole", "iam:DeleteRole", "iam:PutRolePolicy", "iam:PassRole"],
    plan.LOG_GROUP: ["logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy"],
    plan.FUNCTION: ["lambda:CreateFunction", "lambda:UpdateFunctionCode"],
    plan.TOPIC: ["sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe"],
    plan.METRIC_ALARM: ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"],
    plan.COMPOSITE_ALARM: ["cloudwatch:DeleteAlarms", "cloudwatch:TagResource"],
    plan.DASHBOARD: ["cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"],
}
PARTS: Final = {
    plan.REPOSITORY_POLICY,
    plan.LIFECYCLE_POLICY,
    plan.ROLE_POLICY,
    plan.TOPIC_POLICY,
    plan.TOPIC_SUBSCRIPTION,
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
}
"""Settings of the resources above, under whose names AWS checks them."""
READ_ACTION: Final = re.compile(
    r"(dynamodb|ecr|s3|iam|lambda|logs|cloudwatch|sns|kms):(Get|List|Describe)\w+"
    r"|s3:GetObject|kms:Decrypt"
)
DATA: Final = {
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:GetRecords",
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
    "lambda:InvokeFunction",
}


def document(
    name: str,
    stack: str = "dev",
    ending: str = NEW,
    *,
    pipeline: str = "requests",
    table_of: str | None = None,
) -> dict[str, Any]:
    """A policy with its names filled in, as the guide's `policy` does."""
    text = (POLICIES / f"{name}.json").read_text(encoding="utf-8")
    filled = {
        "PIPELINE": pipeline,
        "TABLE_OF": table_of or pipeline,
        "PARTITION": "aws",
        "ACCOUNT": ACCOUNT,
        "REGION": REGION,
        "AUDIENCE": "sts.amazonaws.com",
        "SUBJECT": SUBJECT,
        "STATE_BUCKET": f"pulumi-state-{stack}",
        "ENDING": ending.format(stack=stack),
        "STACK": stack,
    }
    for placeholder, value in filled.items():
        text = text.replace(placeholder, value)
    return dict(json.loads(text))


def statements(names: tuple[str, ...], *of: str, **pipeline: Any) -> list[dict[str, Any]]:
    return [
        statement for name in names for statement in document(name, *of, **pipeline)["Statement"]
    ]


def allows(names: tuple[str, ...], action: str, resource: str, *of: str, **pipeline: Any) -> bool:
    """Whether policies allow it, of stack dev or of the one, and the ending, that are named."""
    return any(
        action in statement["Action"]
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        for statement in statements(names, *of, **pipeline)
    )


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


TOLD: Final = {"monitoring": {"subscriptions": ["team@example.com"]}}


def registered(*types: str) -> list[plan.Registered]:
    """The resources of both stacks, as the program registers them."""
    return [
        resource
        for stack in ("dev", "prod")
        for resource in plan_of(TOLD, stack=stack).registered
        if not types or resource.type in types
    ]


def named(resource: plan.Registered, stack: str = "dev") -> str:
    """The ARN of a resource that Pulumi has named by the guide's pattern."""
    return f"{ARNS[resource.type]}{_named(resource, f'{stack}-1a2b3c4')}"


def named_before(resource: plan.Registered) -> str:
    """The ARN of a resource that Pulumi has named without a pattern."""
    return f"{ARNS[resource.type]}{_named(resource, '1a2b3c4')}"


def _named(resource: plan.Registered, ending: str) -> str:
    """Alarms and dashboard are named after the function, whose name has the ending."""
    function = f"{resource.name.partition('-')[0]}-processor"
    for key in ("alarmName", "dashboardName", "name"):
        given = resource.inputs.get(key)
        if given is not None and given.startswith(function):
            return f"{function}-{ending}{given.removeprefix(function)}"
    return f"{resource.name}-{ending}"


def test_the_deploy_role_may_do_what_each_resource_of_the_program_takes() -> None:
    refused = [
        (action, named(resource))
        for resource in registered(*ARNS)
        for action in [*READS[resource.type], *WRITES[resource.type]]
        if not allows(DEPLOY, action, named(resource))
    ]

    assert refused == []


@pytest.mark.parametrize("other", ["prod", "dev-eu", "de"])
def test_the_deploy_role_may_change_nothing_of_another_stack(other: str) -> None:
    allowed = [
        (action, named(resource, other))
        for resource in registered(*ARNS)
        for action in WRITES[resource.type]
        if allows(DEPLOY, action, named(resource, other))
        or allows(DEPLOY, action, named_before(resource))
    ]

    assert allowed == []


def test_a_stack_of_before_keeps_its_names_and_its_deploy_role_knows_them() -> None:
    refused = [
        (action, named_before(resource))
        for resource in registered(*ARNS)
        for action in [*READS[resource.type], *WRITES[resource.type]]
        if not allows(DEPLOY, action, named_before(resource), "dev", OLD)
    ]

    assert refused == []


def test_the_preview_role_may_read_each_resource_and_change_none() -> None:
    resources = registered(*ARNS)

    assert all(
        allows(PREVIEW, action, named(each)) for each in resources for action in READS[each.type]
    )
    assert not any(
        allows(PREVIEW, action, named(each)) for each in resources for action in WRITES[each.type]
    )


VPC: Final = {
    "function": {
        "subnetIds": ["subnet-0123456789abcdef0"],
        "securityGroupIds": ["sg-0123456789abcdef0"],
    }
}


def within_the_boundary(action: str, resource: str, **pipeline: Any) -> bool:
    patterns = {
        pattern
        for statement in document("boundary", **pipeline)["Statement"]
        if action in statement["Action"]
        for pattern in listed(statement["Resource"])
    }
    return "*" in patterns or any(fnmatchcase(resource, pattern) for pattern in patterns)


def given(policies: list[plan.Registered]) -> list[tuple[str, str]]:
    """What the program allows its functions: each action, and on what."""
    return [
        (action, as_pulumi_names_it(resource))
        for policy in policies
        for statement in json.loads(policy.inputs["policy"])["Statement"]
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]


def test_the_boundary_holds_all_that_the_program_gives_the_function() -> None:
    made = given(plan_of(VPC).of_type(plan.ROLE_POLICY))

    assert made
    assert [each for each in made if not within_the_boundary(*each)] == []


def as_pulumi_names_it(resource: str) -> str:
    """An ARN of the plan, whose names have no ending, and whose region is another."""
    named_ = re.sub(
        r"((?:requests|payments|audit)-(?:[a-z]+-)*[a-z]+)(?=$|[:/])", r"\1-dev-1a2b3c4", resource
    )
    return named_.replace(f":{plan.REGION}:", f":{REGION}:")


def test_the_boundary_lets_the_function_change_no_permission_and_take_no_role() -> None:
    actions = {action for each in document("boundary")["Statement"] for action in each["Action"]}

    assert {action.partition(":")[0] for action in actions} == {
        "dynamodb",
        "s3",
        "logs",
        "xray",
        "ec2",
    }


def test_the_deploy_role_gives_permissions_within_the_stacks_boundary_only() -> None:
    handing = {
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:PutRolePermissionsBoundary",
    }
    giving = [each for each in statements(DEPLOY) if handing & {*each["Action"]}]

    assert [each["Condition"] for each in giving] == [
        {"StringEquals": {"iam:PermissionsBoundary": f"{BOUNDARY}-dev"}}
    ]
    assert handing == {*giving[0]["Action"]}


def test_the_deploy_role_can_neither_take_the_boundary_off_nor_change_it() -> None:
    actions = {action for each in statements(DEPLOY) for action in each["Action"]}

    assert (
        not {
            "iam:DeleteRolePermissionsBoundary",
            "iam:AttachRolePolicy",
            "iam:CreatePolicy",
            "iam:CreatePolicyVersion",
            "iam:SetDefaultPolicyVersion",
        }
        & actions
    )


def test_every_type_of_aws_resource_that_the_program_registers_is_thought_of() -> None:
    types = {each.type for each in registered() if each.type.startswith("aws:")}

    assert types - set(ARNS) - PARTS == {plan.EVENT_SOURCE_MAPPING, plan.KEY}


def test_the_deploy_role_makes_keys_for_its_stack_and_deletes_and_opens_none() -> None:
    on_keys = [
        (action, statement.get("Condition"))
        for statement in statements(("read", "write"))
        for action in statement["Action"]
        if action.startswith("kms:")
    ]

    assert {action for action, _ in on_keys} == {
        "kms:CreateKey",
        "kms:DescribeKey",
        "kms:EnableKeyRotation",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:ListResourceTags",
        "kms:TagResource",
    }
    own = [{"StringEquals": {f"aws:{of}Tag/Stack": "dev"}} for of in ("Request", "Resource")]
    assert all(condition in own for _, condition in on_keys)


def test_the_deploy_role_may_map_a_stream_to_this_programs_functions_only() -> None:
    functions = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:requests-processor-dev-???????"
    changes = [
        statement
        for statement in statements(DEPLOY)
        for action in statement["Action"]
        if re.fullmatch(r"lambda:(Create|Update|Delete)EventSourceMapping", action)
    ]

    assert len(changes) == 3
    assert all(
        statement["Condition"] == {"ArnLike": {"lambda:FunctionArn": functions}}
        for statement in changes
    )


@pytest.mark.parametrize("type_", ARNS)
def test_no_role_may_touch_what_is_not_this_programs(type_: str) -> None:
    foreign = f"{ARNS[type_]}orders-dev-1a2b3c4"

    assert not any(allows(DEPLOY, action, foreign) for action in WRITES[type_])


def test_no_role_may_change_the_rights_of_github_itself() -> None:
    roles = [
        f"arn:aws:iam::{ACCOUNT}:role/github-requests-dev-{role}" for role in ("preview", "deploy")
    ]

    assert not any(allows(DEPLOY, action, role) for action in WRITES[plan.ROLE] for role in roles)


def test_the_functions_role_is_given_to_lambda_only() -> None:
    (statement,) = (each for each in statements(DEPLOY) if "iam:PassRole" in each["Action"])

    assert statement["Condition"] == {
        "StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}
    }


def test_no_policy_has_a_wildcard_in_an_action() -> None:
    assert [each for each in statements(DEPLOY) if "*" in "".join(each["Action"])] == []


def test_everything_is_a_resource_only_where_aws_knows_no_other() -> None:
    everywhere = {
        action
        for statement in statements(DEPLOY)
        if "*" in listed(statement["Resource"])
        for action in statement["Action"]
    }

    assert everywhere == {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutCompositeAlarm",
        "ecr:GetAuthorizationToken",
        "kms:CreateKey",
        "kms:TagResource",
        "lambda:CreateEventSourceMapping",
        "sns:GetSubscriptionAttributes",
        "sns:SetSubscriptionAttributes",
        "sns:Unsubscribe",
    }


def test_the_preview_role_has_only_actions_that_read() -> None:
    actions = {action for each in statements(PREVIEW) for action in each["Action"]}

    assert [action for action in actions if not READ_ACTION.fullmatch(action)] == []


def test_no_role_reads_items_logs_or_failed_records() -> None:
    actions = {action for each in statements(DEPLOY) for action in each["Action"]}

    assert not actions & DATA
    assert not allows(DEPLOY, "s3:GetObject", "arn:aws:s3:::requests-failures-1a2b3c4/rejected/x")
    assert not allows(DEPLOY, "s3:DeleteObject", "arn:aws:s3:::requests-failures-1a2b3c4/x")


def test_only_the_deploy_role_writes_the_state_and_only_its_own_stacks() -> None:
    checkpoint = "arn:aws:s3:::pulumi-state-{}/.pulumi/stacks/requests-processor/{}.json"
    own, other = checkpoint.format("dev", "dev"), checkpoint.format("prod", "prod")

    assert allows(PREVIEW, "s3:GetObject", own)
    assert not allows(PREVIEW, "s3:PutObject", own)
    assert allows(DEPLOY, "s3:PutObject", own)
    assert not any(allows(DEPLOY, f"s3:{action}Object", other) for action in ("Get", "Put"))


def test_secrets_are_decrypted_with_the_stacks_own_key() -> None:
    conditions = [
        each["Condition"] for each in statements(DEPLOY) if "kms:Decrypt" in each["Action"]
    ]

    alias = {"kms:ResourceAliases": "alias/pulumi-state-dev"}
    assert conditions == [{"ForAnyValue:StringEquals": alias}]


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("trust-preview", f"{SUBJECT}:pull_request"),
        ("trust-deploy", f"{SUBJECT}:environment:dev"),
    ],
)
def test_a_role_trusts_this_repositorys_jobs_by_their_whole_subject(
    name: str, subject: str
) -> None:
    (statement,) = document(name)["Statement"]

    issuer = "token.actions.githubusercontent.com"
    assert statement["Condition"] == {
        "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}
    }


@pytest.mark.parametrize(
    "service", ["cloudwatch", "dynamodb", "ecr", "iam", "kms", "lambda", "logs", "sns"]
)
def test_every_action_is_one_that_aws_has(service: str) -> None:
    """Not for S3, whose actions are not called as its operations are."""
    known = set(botocore.session.get_session().get_service_model(service).operation_names)
    known |= {"PassRole"} if service == "iam" else set()

    named = {
        action.partition(":")[2]
        for statement in statements(DEPLOY)
        for action in statement["Action"]
        if action.startswith(f"{service}:")
    }

    assert named
    assert named - known == set()


@pytest.mark.parametrize("names", [PREVIEW, DEPLOY])
def test_a_roles_inline_policies_fit_awss_quota(names: tuple[str, ...]) -> None:
    """10,240 characters for a role, white space not counted (IAM User Guide, "IAM quotas")."""
    long = "a-long-name-of-a-stack"
    size = sum(len(re.sub(r": |, ", ":", json.dumps(document(name, long)))) for name in names)

    assert size < 10_240


PROGRAM: Final = """
import pulumi

from handler.contract import CONTRACT
from infra.config.stack import StackConfig
from infra.pipeline import RequestsPipeline, export

config = StackConfig.load(pulumi.Config(), CONTRACT, beside=["payments", "audit"])
requests = RequestsPipeline("requests", config)
of_payments = StackConfig.load(pulumi.Config("payments"), CONTRACT)
payments = RequestsPipeline("payments", of_payments, image=requests.image)
of_audit = StackConfig.load(pulumi.Config("audit"), CONTRACT)
audit = RequestsPipeline("audit", of_audit, table=requests.table, image=requests.image)
export(requests, payments, audit)
"""
PIPELINES: Final = {
    "requests": {"pipeline": "requests"},
    "payments": {"pipeline": "payments"},
    "audit": {"pipeline": "audit", "table_of": "requests"},
}
"""How the policies of each are made, as the guide makes them."""


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> plan.Plan:
    """A program of three pipelines, of which one reads another one's table."""
    folder = copy_of_project(tmp_path_factory.mktemp("several") / "project")
    (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    return plan_of(TOLD, project=folder)


def of_pipeline(name: str, registered: list[plan.Registered]) -> list[plan.Registered]:
    return [each for each in registered if each.name.startswith(f"{name}-")]


@pytest.mark.parametrize("name", PIPELINES)
def test_each_pipelines_policies_are_enough_for_it(several: plan.Plan, name: str) -> None:
    own = [each for each in of_pipeline(name, several.registered) if each.type in ARNS]

    assert own
    assert [
        (action, named(each))
        for each in own
        for action in [*READS[each.type], *WRITES[each.type]]
        if not allows(("read", "write"), action, named(each), **PIPELINES[name])
    ] == []
    made = given(of_pipeline(name, several.of_type(plan.ROLE_POLICY)))
    assert made
    assert [each for each in made if not within_the_boundary(*each, **PIPELINES[name])] == []


@pytest.mark.parametrize(("name", "other"), [("payments", "requests"), ("requests", "payments")])
def test_no_pipelines_policies_reach_another_pipeline(
    several: plan.Plan, name: str, other: str
) -> None:
    foreign = [each for each in of_pipeline(other, several.registered) if each.type in ARNS]

    assert not any(
        allows(("write",), action, named(each), **PIPELINES[name])
        for each in foreign
        for action in WRITES[each.type]
    )
    anywhere = {"*", f"arn:aws:ec2:{REGION}:{ACCOUNT}:*/*"}
    assert not any(
        within_the_boundary(*each, **PIPELINES[name])
        for each in given(of_pipeline(other, several.of_type(plan.ROLE_POLICY)))
        if each[1] not in anywhere
    )


@pytest.mark.parametrize("name", ["boundary", "read", "write"])
def test_a_pipelines_policies_fit_awss_quota_of_a_managed_one(name: str) -> None:
    """6,144 characters, white space not counted (IAM User Guide, "IAM quotas")."""
    policy = document(name, "a-long-name-of-a-stack", pipeline="a-long-name-of-one")

    assert len(json.dumps(policy, separators=(",", ":"))) < 6_144


def test_every_policy_file_is_looked_at_here() -> None:
    others = {"trust-preview", "trust-deploy", "boundary"}

    assert {path.stem for path in Path(POLICIES).glob("*")} == {*DEPLOY, *others}
