"""What a user adds, end to end: resources, a setting, and the permission for a call."""

import json
from pathlib import Path
from textwrap import dedent

from rich.console import Console

from infra.local.report import code_lines, resource_tree
from tests.integration.conftest import Deploy, item

PROGRAM = """
    import dataclasses
    import pulumi
    import pulumi_aws as aws
    from handler.config import RequestsStream
    from infra.additions import Additions, allow
    from infra.config.stack import StackConfig
    from infra.pipeline import RequestsPipeline

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        topic_arn: str

    topic = aws.sns.Topic("orders")
    queue = aws.sqs.Queue("mail")
    aws.sns.TopicSubscription(
        "mail", topic=topic.arn, protocol="sqs", endpoint=queue.arn, raw_message_delivery=True
    )
    additions = Additions(
        settings={"topic_arn": topic.arn},
        policies={"publish": allow("sns:Publish", topic.arn)},
    )
    contract = RequestsStream(settings=Settings)
    pipeline = RequestsPipeline("requests", StackConfig.load(pulumi.Config(), contract), additions)
    pulumi.export("tableName", pipeline.table.name)
    pulumi.export("queueUrl", queue.url)
"""

FUNCTION = """
    import os
    import boto3

    def handler(event, context):
        for record in event["Records"]:
            key = record["dynamodb"]["Keys"]["request_id"]["S"]
            boto3.client("sns").publish(TopicArn=os.environ["TOPIC_ARN"], Message=key)
"""


def test_the_function_reaches_a_topic_of_the_users_by_its_own_permission(
    deploy: Deploy, tmp_path: Path
) -> None:
    project, code = tmp_path / "project", tmp_path / "code"
    for folder in (project, code):
        folder.mkdir()
    (project / "__main__.py").write_text(dedent(PROGRAM))
    (project / "Pulumi.yaml").write_text("name: requests-processor\n")
    (project / "Pulumi.dev.yaml").write_text("config:\n  aws:region: ap-northeast-1\n")
    (code / "function.py").write_text(dedent(FUNCTION))

    with deploy(project=project, code=code, entry_point="function.handler") as deployment:
        deployment.client("dynamodb").put_item(
            TableName=deployment.outputs["tableName"], Item=item("order-1")
        )
        deployment.drain()
        received = deployment.client("sqs").receive_message(QueueUrl=deployment.outputs["queueUrl"])

    assert [message["Body"] for message in received["Messages"]] == ["order-1"]


OF_AWS = """
    import pulumi
    import pulumi_aws as aws

    vpc = aws.ec2.get_vpc(default=True)
    group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id)
    existing = aws.sns.get_topic(name="existing")
    got = aws.sqs.Queue.get("got", "https://sqs.eu-west-1.amazonaws.com/123456789012/shop")
    table = aws.dynamodb.get_table(name="catalogue")
    aws.sns.TopicSubscription(
        "mail", topic=existing.arn, protocol="email", endpoint="you@example.com"
    )
    aws.sns.TopicSubscription("queue", topic=existing.arn, protocol="sqs", endpoint=got.arn)
    abroad = aws.Provider("abroad", region="us-east-1")
    bucket = aws.s3.Bucket("archive", website={"index_document": "index.html"})
    role = aws.iam.Role(
        "role",
        assume_role_policy={
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }],
        },
    )
    # The role itself in place of its name.
    attachment = aws.iam.RolePolicyAttachment(
        "basic", role=role, policy_arn=aws.iam.ManagedPolicy.AWS_LAMBDA_BASIC_EXECUTION_ROLE
    )
    code = pulumi.AssetArchive({"index.py": pulumi.StringAsset("")})
    zipped = aws.lambda_.Function(
        "zipped", runtime="python3.12", handler="index.handler", role=role.arn, code=code
    )
    aws.lambda_.EventSourceMapping("jobs", event_source_arn=got.arn, function_name=zipped.name)
    certificate = aws.acm.Certificate("certificate", domain_name="shop.example")
    validation = certificate.domain_validation_options[0].resource_record_name
    pulumi.export("validation", validation)
    pulumi.export("trust", role.assume_role_policy)
    pulumi.export("role", attachment.role)
    aws.lambda_.Permission(
        "permission", action="lambda:InvokeFunction", function="f", principal="sns.amazonaws.com"
    )
    pulumi.export("group", group.arn)
    pulumi.export("queueUrl", got.url)
    pulumi.export("topicArn", existing.arn)
    pulumi.export("tableArn", table.arn)
"""


def test_what_is_not_made_here_is_named_in_the_tree_and_the_run_goes_on(
    deploy: Deploy, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text(dedent(OF_AWS))
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: ap-northeast-1\n")

    with deploy(project=tmp_path, code=tmp_path) as deployment:
        outputs, look_ups = deployment.outputs, deployment.look_ups_left_out
        deployment.client("sns").publish(TopicArn=outputs["topicArn"], Message="hello")
        sqs = deployment.client("sqs")
        received = sqs.receive_message(QueueUrl=outputs["queueUrl"])["Messages"]
        console = Console(record=True, width=200)
        console.print(resource_tree(deployment.resources, "stack dev", look_ups))

    assert "hello" in received[0]["Body"]
    assert outputs["group"] == "arn:aws:ec2:::not-made-here/group"
    assert outputs["validation"] == "not-made-here"
    assert json.loads(outputs["trust"])["Version"] == "2012-10-17"
    assert outputs["role"] == "role"
    assert outputs["tableArn"] == "arn:aws:dynamodb:ap-northeast-1:123456789012:table/catalogue"
    tree = [line.lstrip("│├└─ ") for line in console.export_text().splitlines()]
    assert sorted(tree) == [
        (
            "abroad  pulumi:providers:aws  "
            "(not made here: region us-east-1: all is in ap-northeast-1 here)"
        ),
        "archive  aws:s3:Bucket  (not made here: website)",
        "aws:dynamodb:getTable catalogue  (there is no such table here; its answer is made up)",
        "aws:ec2:getVpc  (its answer is made up)",
        "aws:sns:getTopic existing  (exists on AWS; made here, empty)",
        "basic  aws:iam:RolePolicyAttachment",
        "certificate  aws:acm:Certificate  (not made here: all of it)",
        "got  aws:sqs:Queue  (exists on AWS; made here, empty)",
        "group  aws:ec2:SecurityGroup  (not made here: all of it)",
        (
            "jobs  aws:lambda:EventSourceMapping  (not made here: all of it (only streams of "
            "DynamoDB are polled here, not arn:aws:sqs:ap-northeast-1:123456789012:shop))"
        ),
        (
            "mail  aws:sns:TopicSubscription  "
            "(not made here: all of it: nothing is delivered to email here)"
        ),
        "permission  aws:lambda:Permission  (not made here: all of it)",
        "queue  aws:sns:TopicSubscription",
        "role  aws:iam:Role",
        "stack dev",
        (
            "zipped  aws:lambda:Function  (not made here: all of it (NotImplemented: the embedded "
            "AWS's Lambda has no functions but those of images: PackageType must be Image))"
        ),
    ]
    assert list(code_lines(deployment.resources, [])) == []
