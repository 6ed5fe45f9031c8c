"""SNS in the embedded AWS: topics, their policies and subscriptions.

Source: internal/service/sns of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.not_made import NOT_MADE_HERE
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType

_TOPIC: Final = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "fifoTopic": "FifoTopic",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
}


def _topic(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    attributes = services.attributes(inputs, _TOPIC)
    arn = emulator.client("sns").create_topic(
        Name=name, Attributes=attributes, Tags=services.tags(inputs)
    )["TopicArn"]
    return {"id": arn, "arn": arn, "name": name, "owner": arn.split(":")[4]}


def _set_topic(emulator: Emulator, topic: Existing, inputs: Inputs) -> Outputs:
    for name, value in services.attributes(inputs, _TOPIC).items():
        emulator.client("sns").set_topic_attributes(
            TopicArn=topic.id, AttributeName=name, AttributeValue=value
        )
    return {}


def _topic_policy(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("sns").set_topic_attributes(
        TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
    )
    return {"id": inputs["arn"], "owner": inputs["arn"].split(":")[4]}


_SUBSCRIPTION: Final = {
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
}


def _topic_subscription(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    """To a queue. Everything else that a topic delivers to is outside of the embedded AWS."""
    protocol, endpoint = inputs["protocol"], inputs["endpoint"]
    if protocol != "sqs":
        arn = f"{inputs['topic']}:not-made-here"
        reason = f"all of it: nothing is delivered to {protocol} here"
        return {"id": arn, "arn": arn, NOT_MADE_HERE: reason}
    arn = emulator.client("sns").subscribe(
        TopicArn=inputs["topic"],
        Protocol=protocol,
        Endpoint=endpoint,
        Attributes=services.attributes(inputs, _SUBSCRIPTION),
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return {"id": arn, "arn": arn, "ownerId": arn.split(":")[4], "pendingConfirmation": False}


def _set_subscription(emulator: Emulator, subscription: Existing, inputs: Inputs) -> Outputs:
    # The scope goes first: the filter policy is read by it.
    for key in sorted(_SUBSCRIPTION, reverse=True):
        wanted = services.attributes(inputs, {key: _SUBSCRIPTION[key]})
        before = services.attributes(subscription.state, {key: _SUBSCRIPTION[key]})
        if wanted != before:
            emulator.client("sns").set_subscription_attributes(
                SubscriptionArn=subscription.id,
                AttributeName=_SUBSCRIPTION[key],
                AttributeValue=wanted.get(_SUBSCRIPTION[key], ""),
            )
    return {}


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:sns/topic:Topic": ResourceType(
        create=_topic,
        update=_set_topic,
        delete=services.deleted("sns", "delete_topic", "TopicArn"),
        naming=Naming(longest=256, ending_if={"fifoTopic": ".fifo"}),
        computed=("arn", "owner"),
        replaced_by=frozenset({"name", "namePrefix", "fifoTopic"}),
    ),
    "aws:sns/topicPolicy:TopicPolicy": ResourceType(
        create=_topic_policy, delete=services.stays, replaced_by=frozenset({"arn"})
    ),
    "aws:sns/topicSubscription:TopicSubscription": ResourceType(
        create=_topic_subscription,
        update=_set_subscription,
        delete=services.deleted("sns", "unsubscribe", "SubscriptionArn"),
        computed=("arn",),
        replaced_by=frozenset({"endpoint", "protocol", "topic"}),
    ),
}
