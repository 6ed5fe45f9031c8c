"""What a user adds, end to end: resources, a setting, and the permission for a call."""

from pathlib import Path
from textwrap import dedent

import pytest

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


@pytest.mark.each_commit
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
