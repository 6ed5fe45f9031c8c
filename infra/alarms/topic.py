"""Who is told of an alarm: an SNS topic of the stack's own, encrypted with a key of its own.

A topic that is encrypted with alias/aws/sns never gets CloudWatch's messages: the policy of that
key does not let CloudWatch use it, and cannot be changed (AWS Knowledge Center, "How do I
configure a CloudWatch alarm to use an encrypted SNS topic?").
"""

import hashlib

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.config.stack import StackConfig


class AlarmTopic(pulumi.ComponentResource):
    """A topic that CloudWatch's alarms of this account, and nobody else's, may write to."""

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        config: StackConfig,
        account: pulumi.Output[policies.Arn],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("requests:infra:AlarmTopic", name, None, opts)
        self._children = pulumi.ResourceOptions(parent=self)
        key = self._key(name, account)
        topic = aws.sns.Topic(name, kms_master_key_id=key.arn, opts=self._children)
        aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=topic.arn.apply(policies.publish_alarms),
            opts=self._children,
        )
        for endpoint in config.monitoring.subscriptions:
            self._subscribe(name, topic, endpoint)
        self.arn = topic.arn
        self.register_outputs({"arn": self.arn})

    def _key(self, name: str, account: pulumi.Output[policies.Arn]) -> aws.kms.Key:
        return aws.kms.Key(
            f"{name}-key",
            description=f"Messages of the alarms of {pulumi.get_project()}/{pulumi.get_stack()}",
            policy=account.apply(policies.encrypt_alarms),
            enable_key_rotation=True,
            # The least that KMS takes: a message is kept for no longer than it is on its way.
            deletion_window_in_days=7,
            opts=self._children,
        )

    def _subscribe(self, name: str, topic: aws.sns.Topic, endpoint: str) -> None:
        # Named by its endpoint, so that one more or less replaces no other.
        named = hashlib.sha256(endpoint.encode()).hexdigest()[:8]
        aws.sns.TopicSubscription(
            f"{name}-{named}",
            topic=topic.arn,
            protocol=protocol_of(endpoint),
            endpoint=endpoint,
            opts=self._children,
        )


def protocol_of(endpoint: str) -> str:
    """SNS's word for how an endpoint is reached, which its form tells."""
    if endpoint.startswith("https://"):
        return "https"
    if endpoint.startswith("arn:"):
        return endpoint.split(":")[2]
    return "email"
