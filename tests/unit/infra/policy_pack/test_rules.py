"""The policy pack's rules: this program keeps them, and what breaks one is said."""

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest

from infra.inputs import UNKNOWN
from infra.policy_pack.resource import Resource, is_production
from infra.policy_pack.rules import RULES, STACK_RULES
from tests import pages
from tests.plan import Plan, plan_of
from tests.unit.infra.test_security import WITH_EVERYTHING_ON

EVERY_RULE: Final = {each.name for each in (*RULES, *STACK_RULES)}


def resources_of(plan: Plan) -> list[Resource]:
    return [
        Resource(
            type=each.type,
            name=each.name,
            urn=each.urn,
            inputs=each.inputs,
            protect=each.protect,
            depends_on=each.depends_on,
        )
        for each in plan.registered
    ]


def broken_by(*resources: Resource) -> list[tuple[str, str]]:
    """Each rule that a resource breaks, with the words."""
    alone = [
        (rule.name, f"{each.name} {words}")
        for rule in RULES
        for each in resources
        for words in rule.check(each)
    ]
    together = [
        (rule.name, f"{each.name} {words}")
        for rule in STACK_RULES
        for each, words in rule.check(list(resources))
    ]
    return alone + together


def resource(type_: str, inputs: Mapping[str, Any], *, stack: str = "dev", **more: Any) -> Resource:
    urn = f"urn:pulumi:{stack}::shop::{type_}::mine"
    return Resource(type=type_, name="mine", urn=urn, inputs=inputs, **more)


def role_policy(**statement: Any) -> Resource:
    document = {"Statement": [{"Sid": "S", "Effect": "Allow", **statement}]}
    return resource("aws:iam/rolePolicy:RolePolicy", {"policy": json.dumps(document)})


def resource_policy(**statement: Any) -> Resource:
    document = {"Statement": [{"Effect": "Allow", "Action": "sns:Publish", **statement}]}
    return resource("aws:sns/topicPolicy:TopicPolicy", {"policy": json.dumps(document)})


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("config", [{}, WITH_EVERYTHING_ON])
def test_this_program_keeps_every_rule(stack: str, config: Mapping[str, Any]) -> None:
    assert broken_by(*resources_of(plan_of(config, stack=stack))) == []


def test_an_unprotected_production_breaks_the_rules() -> None:
    config = {
        "table": {
            "deletionProtection": False,
            "pointInTimeRecovery": False,
            "serverSideEncryption": False,
        },
        "failures": {"forceDestroy": True},
        "image": {"forceDelete": True},
    }

    broken = broken_by(*resources_of(plan_of(config, stack="prod")))

    assert {name for name, _ in broken} == {"protected-in-production", "encrypted-at-rest"}
    assert len(broken) == 7


TABLE_IN_PRODUCTION: Final = {
    "serverSideEncryption": {"enabled": True},
    "pointInTimeRecovery": {"enabled": True},
    "deletionProtectionEnabled": True,
}
MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"
STREAM: Final = "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01"
DESTINATION: Final = {"onFailure": {"destinationArn": "arn:aws:s3:::failed"}}
BREAKING: Final[list[tuple[str, Resource]]] = [
    ("encrypted-at-rest", resource("aws:sqs/queue:Queue", {})),
    ("encrypted-at-rest", resource("aws:sns/topic:Topic", {"kmsMasterKeyId": ""})),
    (
        "topic-key-that-services-may-use",
        resource("aws:sns/topic:Topic", {"kmsMasterKeyId": "alias/aws/sns"}),
    ),
    ("no-public-access", resource_policy(Principal="*", Resource="*")),
    ("no-public-access", resource_policy(Principal={"AWS": ["*"]}, Resource="*")),
    (
        "no-public-access",
        resource("aws:lambda/functionUrl:FunctionUrl", {"authorizationType": "NONE"}),
    ),
    (
        "no-public-access",
        resource("aws:lambda/permission:Permission", {"principal": "*", "action": "lambda:Invoke"}),
    ),
    (
        "no-public-access",
        resource(
            "aws:rds/instance:Instance",
            {
                "storageEncrypted": True,
                "publiclyAccessible": True,
            },
        ),
    ),
    ("no-wildcard-resources", role_policy(Action="dynamodb:PutItem", Resource="*")),
    ("no-wildcard-resources", role_policy(Action=["s3:*"], Resource="arn:aws:s3:::a/*")),
    (
        "no-public-access",
        resource_policy(
            Principal="*", Resource="*", Condition={"Bool": {"aws:SecureTransport": "true"}}
        ),
    ),
    (
        "no-public-access",
        resource(
            "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
            {
                "policyDocument": json.dumps(
                    {
                        "Statement": {
                            "Effect": "Allow",
                            "Action": "logs:PutLogEvents",
                            "Principal": "*",
                        }
                    }
                )
            },
        ),
    ),
    ("no-wildcard-resources", role_policy(Action="s3:GetObject", Resource="arn:aws:s3:::*")),
    ("no-wildcard-resources", role_policy(Action="s3:GetObject", Resource="**")),
    (
        "no-wildcard-resources",
        resource(
            "aws:iam/role:Role",
            {
                "inlinePolicies": [
                    {
                        "policy": json.dumps(
                            {
                                "Statement": {
                                    "Effect": "Allow",
                                    "Action": "s3:GetObject",
                                    "Resource": "*",
                                }
                            }
                        )
                    }
                ]
            },
        ),
    ),
    (
        "no-wildcard-resources",
        resource(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ),
    ),
    (
        "no-wildcard-resources",
        resource(
            "aws:iam/role:Role",
            {"managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"]},
        ),
    ),
    ("no-wildcard-resources", role_policy(NotAction="iam:*", Resource="arn:aws:s3:::a/*")),
    ("log-retention", resource("aws:cloudwatch/logGroup:LogGroup", {})),
    ("log-retention", resource("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 0})),
    (
        "protected-in-production",
        resource("aws:dynamodb/table:Table", TABLE_IN_PRODUCTION, stack="eu-prod"),
    ),
    (
        "partial-responses-and-destination",
        resource(MAPPING, {"eventSourceArn": STREAM, "destinationConfig": DESTINATION}),
    ),
    (
        "partial-responses-and-destination",
        resource(
            MAPPING,
            {"eventSourceArn": UNKNOWN, "functionResponseTypes": ["ReportBatchItemFailures"]},
        ),
    ),
    (
        "image-by-digest",
        resource("aws:lambda/function:Function", {"imageUri": "account/repository:latest"}),
    ),
    ("closed-buckets", resource("aws:s3/bucket:Bucket", {"bucket": "mine"})),
]


@pytest.mark.parametrize(("rule", "breaking"), BREAKING)
def test_what_breaks_a_rule_is_said(rule: str, breaking: Resource) -> None:
    ((name, words),) = broken_by(breaking)

    assert name == rule
    assert words.startswith("mine ")


def test_every_rule_can_be_broken() -> None:
    assert {rule for rule, _ in BREAKING} == EVERY_RULE


@pytest.mark.parametrize(
    "kept",
    [
        role_policy(Action="dynamodb:ListStreams", Resource="*"),
        role_policy(Action="s3:GetObject", Resource=UNKNOWN),
        role_policy(
            Action="dynamodb:Query", Resource="arn:aws:dynamodb:eu-west-1:1:table/a/index/*"
        ),
        role_policy(Action="lambda:InvokeFunction", Resource="arn:aws:lambda:e:1:function:a:*"),
        resource(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"policyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"},
        ),
        resource("aws:iam/role:Role", {"inlinePolicies": UNKNOWN, "managedPolicyArns": UNKNOWN}),
        resource("aws:iam/rolePolicy:RolePolicy", {"policy": UNKNOWN}),
        resource_policy(Principal="*", Resource="*", Condition={"StringEquals": {"a": "b"}}),
        resource(MAPPING, {"eventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:queue"}),
        resource("aws:lambda/function:Function", {"imageUri": UNKNOWN}),
        resource("aws:lambda/function:Function", {"imageUri": f"a/b@sha256:{64 * 'a'}"}),
        resource("aws:sqs/queue:Queue", {"kmsMasterKeyId": UNKNOWN}),
        resource("aws:dynamodb/table:Table", {}),
        resource("aws:dynamodb/table:Table", TABLE_IN_PRODUCTION, stack="prod", protect=True),
    ],
)
def test_what_keeps_the_rules_or_is_not_known_yet_is_left_alone(kept: Resource) -> None:
    assert broken_by(kept) == []


def test_a_bucket_is_closed_by_the_block_that_names_it_or_comes_from_it() -> None:
    blocks = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    type_ = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    bucket = resource("aws:s3/bucket:Bucket", {"bucket": "mine"})
    closing = dict.fromkeys(blocks, True)

    assert broken_by(bucket, resource(type_, {"bucket": "mine", **closing})) == []
    from_it = resource(type_, {"bucket": UNKNOWN, **closing}, depends_on=frozenset({"mine"}))
    assert broken_by(bucket, from_it) == []
    half_open = resource(type_, {"bucket": "mine", **closing, "blockPublicAcls": False})
    assert [name for name, _ in broken_by(bucket, half_open)] == ["closed-buckets"]


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ("prod", True),
        ("eu-prod", True),
        ("Production.eu", True),
        ("dev", False),
        ("product", False),
    ],
)
def test_a_production_stack_is_known_by_its_name(stack: str, *, expected: bool) -> None:
    assert is_production(stack) is expected


def test_the_guide_names_every_rule() -> None:
    guide = pages.text("deploying.md")

    assert {name for name in EVERY_RULE if f"| `{name}` |" not in guide} == set()
