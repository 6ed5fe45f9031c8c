"""Rules that hold for all that the program registers, whichever component it belongs to."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.plan import (
    ACCOUNT,
    BUCKET,
    KEY,
    LOG_GROUP,
    REGION,
    REPOSITORY,
    ROLE_POLICY,
    TABLE,
    TOPIC,
    Plan,
    plan_of,
)

ALL_FUNCTIONS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:*"

TAKES_TAGS = {
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:dynamodb/table:Table",
    "aws:ecr/repository:Repository",
    "aws:iam/role:Role",
    "aws:kms/key:Key",
    "aws:lambda/eventSourceMapping:EventSourceMapping",
    "aws:lambda/function:Function",
    "aws:s3/bucket:Bucket",
    "aws:sns/topic:Topic",
}
TAKES_NO_TAGS = {
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
    "docker:index/image:Image",
}
AWS_TAKES_THEM_ON_ALL_RESOURCES_ONLY = {
    "dynamodb:ListStreams",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
WITH_EVERYTHING_ON = {
    "table": {
        "kmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "ttlEnabled": True,
    },
    "function": {
        "tracing": True,
        "subnetIds": ["subnet-0123456789abcdef0"],
        "securityGroupIds": ["sg-0123456789abcdef0"],
    },
    "monitoring": {"enabled": True, "subscriptions": ["team@example.com"]},
}


@pytest.fixture(scope="module", params=["dev", "prod"])
def plan(request: pytest.FixtureRequest) -> Plan:
    """A stack with every optional part switched on."""
    return plan_of(WITH_EVERYTHING_ON, stack=request.param)


def test_it_is_known_of_every_resource_whether_it_takes_tags(plan: Plan) -> None:
    types = {each.type for each in plan.registered}

    assert types == TAKES_TAGS | TAKES_NO_TAGS


def test_every_resource_that_takes_tags_has_those_of_the_stack(plan: Plan) -> None:
    untagged = {
        each.name
        for each in plan.registered
        if each.type in TAKES_TAGS and not {"Project", "Stack"} <= each.inputs["tags"].keys()
    }

    assert untagged == set()


def test_a_secret_tag_is_one_wherever_it_is_kept() -> None:
    secret = plan_of({"tags": {"Owner": "hush"}}, secrets=["requests-processor:tags"])

    tagged = [each for each in secret.registered if each.type in TAKES_TAGS]
    assert all("tags" in each.secrets and "tagsAll" in each.secret_outputs for each in tagged)
    elsewhere = [
        {key: value for key, value in each.inputs.items() if key not in each.secrets}
        for each in secret.registered
    ]
    assert "hush" not in json.dumps([elsewhere, secret.exports])


def test_tags_that_are_no_secret_are_to_be_read(plan: Plan) -> None:
    tagged = [each for each in plan.registered if each.type in TAKES_TAGS]

    assert all("tags" not in each.secrets and not each.secret_outputs for each in tagged)


def test_the_stacks_own_tags_are_added_and_win() -> None:
    tagged = plan_of({"tags": {"Owner": "payments", "Project": "renamed"}})

    tags = [each.inputs["tags"] for each in tagged.registered if each.type in TAKES_TAGS]
    assert all(each == {"Owner": "payments", "Project": "renamed", "Stack": "dev"} for each in tags)


def test_everything_that_holds_data_is_encrypted(plan: Plan) -> None:
    encrypted_buckets = {
        each.inputs["bucket"]
        for each in plan.registered
        if each.type.startswith("aws:s3/bucketServerSideEncryptionConfiguration:")
    }

    tables = [each.inputs["serverSideEncryption"]["enabled"] for each in plan.of_type(TABLE)]
    assert tables == [True, True]
    assert encrypted_buckets == {each.name for each in plan.of_type(BUCKET)}
    assert plan.inputs_of(REPOSITORY)["encryptionConfigurations"]


def test_every_bucket_is_closed_to_the_public(plan: Plan) -> None:
    closed = {
        each.inputs["bucket"]
        for each in plan.registered
        if each.type.startswith("aws:s3/bucketPublicAccessBlock:")
    }

    assert closed == {each.name for each in plan.of_type(BUCKET)}
    assert all("acl" not in each.inputs for each in plan.of_type(BUCKET))


def test_every_topic_is_encrypted_with_a_key_that_cloudwatch_may_use(plan: Plan) -> None:
    keys = {each.outputs["arn"]: json.loads(each.inputs["policy"]) for each in plan.of_type(KEY)}

    for topic in plan.of_type(TOPIC):
        # Never alias/aws/sns: CloudWatch's messages would not arrive.
        policy = keys[topic.inputs["kmsMasterKeyId"]]
        (statement,) = (
            each
            for each in policy["Statement"]
            if each["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        )
        assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert len(plan.of_type(TOPIC)) == 1


def test_every_log_group_forgets(plan: Plan) -> None:
    assert all(each.inputs["retentionInDays"] > 0 for each in plan.of_type(LOG_GROUP))


def test_only_what_aws_takes_no_other_way_is_allowed_on_all_resources(plan: Plan) -> None:
    on_all = {
        action
        for statement in allowed_to_the_role(plan)
        if "*" in resources_of(statement)
        for action in statement["Action"]
    }

    assert on_all == AWS_TAKES_THEM_ON_ALL_RESOURCES_ONLY


def test_the_role_is_allowed_no_family_of_actions(plan: Plan) -> None:
    actions = [action for statement in allowed_to_the_role(plan) for action in statement["Action"]]

    assert [action for action in actions if "*" in action] == []


def test_the_role_may_write_to_no_table_but_the_one_of_the_events(plan: Plan) -> None:
    writable = {
        resource
        for statement in allowed_to_the_role(plan)
        for resource in resources_of(statement)
        if any(
            action.startswith("dynamodb:") and "Item" in action for action in statement["Action"]
        )
    }

    assert {arn.rsplit("/", 1)[-1] for arn in writable} == {"requests-idempotency"}


def test_the_role_may_delete_nothing_from_the_failure_bucket_and_read_nothing(plan: Plan) -> None:
    on_buckets = {
        action
        for statement in allowed_to_the_role(plan)
        for action in statement["Action"]
        if action.startswith("s3:")
    }

    assert on_buckets == {"s3:PutObject", "s3:ListBucket"}


def test_everyone_is_a_principal_only_where_something_is_refused(plan: Plan) -> None:
    public = [
        statement
        for statement in statements_of(plan)
        if statement.get("Principal") in ("*", {"AWS": "*"}) and statement["Effect"] != "Deny"
    ]

    assert public == []


def test_every_statement_has_a_name_of_its_own_in_its_policy(plan: Plan) -> None:
    for document in documents_of(plan):
        names = [statement["Sid"] for statement in document["Statement"]]
        assert len(set(names)) == len(names)


def test_the_functions_code_has_no_say_in_network_interfaces(plan: Plan) -> None:
    policy = plan.policy("requests-processor-network")

    refused = policy["NotByTheCode"]
    allowed = [policy["ChangeNetworkInterfaces"], policy["DescribeNetworkInterfaces"]]
    assert refused["Effect"] == "Deny"
    assert set(refused["Action"]) == {action for each in allowed for action in each["Action"]}
    assert refused["Condition"] == {"ArnLike": {"lambda:SourceFunctionArn": [ALL_FUNCTIONS]}}


def test_no_secret_reaches_a_function_or_an_export(plan: Plan) -> None:
    open_inputs = [each.inputs for each in plan.registered if not each.secrets]

    assert "a-token" not in json.dumps([open_inputs, plan.exports])


def test_no_policy_guesses_a_name_that_only_pulumi_knows(plan: Plan) -> None:
    # `pulumi:autonaming` may give any name: what AWS reports is all that a policy may rest on.
    wild = {
        text
        for document in documents_of(plan)
        for text in texts_in(document["Statement"])
        if "*" in text and not text.endswith((":*", "/*", "rejected/*", ":GenerateDataKey*"))
    }

    assert wild == {"*"}


def documents_of(plan: Plan) -> Iterator[Mapping[str, Any]]:
    """Every policy document, of whichever resource."""
    for each in plan.registered:
        for key in ("policy", "assumeRolePolicy"):
            document = json.loads(each.inputs.get(key, "{}"))
            if "Statement" in document:
                yield document


def statements_of(plan: Plan) -> Iterator[Mapping[str, Any]]:
    """Every statement of every policy."""
    for document in documents_of(plan):
        yield from document["Statement"]


def allowed_to_the_role(plan: Plan) -> Iterator[Mapping[str, Any]]:
    """Every statement that gives the function's role a right."""
    for each in plan.of_type(ROLE_POLICY):
        for statement in json.loads(each.inputs["policy"])["Statement"]:
            if statement["Effect"] == "Allow":
                yield statement


def resources_of(statement: Mapping[str, Any]) -> list[str]:
    """The resources of a statement, always as a list."""
    resources = statement["Resource"]
    return [resources] if isinstance(resources, str) else resources


def texts_in(value: Any) -> Iterator[str]:
    """Every string within a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts_in(each)
    else:
        for each in value:
            yield from texts_in(each)
