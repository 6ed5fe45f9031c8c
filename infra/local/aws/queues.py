"""SQS in the embedded AWS: queues, their policies and where what fails goes.

Source: internal/service/sqs of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType

_QUEUE: Final = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
_ONLY_NEW: Final = "fifoQueue"
"""No attribute that can be set afterwards."""


def _queue(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    url = emulator.client("sqs").create_queue(
        QueueName=name,
        Attributes=services.attributes(inputs, _QUEUE),
        tags=dict(inputs.get("tags", {})),
    )["QueueUrl"]
    return {"id": url, "url": url, "arn": services.arn(emulator, "sqs", name), "name": name}


def _set_queue(emulator: Emulator, queue: Existing, inputs: Inputs) -> Outputs:
    names = {key: name for key, name in _QUEUE.items() if key != _ONLY_NEW}
    _put(emulator, queue.id, services.attributes(inputs, names))
    return {}


def _put(emulator: Emulator, url: str, attributes: dict[str, str]) -> None:
    """With the policy that the queue has: moto takes it away when another attribute is set."""
    sqs = emulator.client("sqs")
    kept = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={**kept, **attributes})


def _attribute(key: str) -> ResourceType:
    """A queue's attribute that is a resource of its own."""

    def put(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
        _put(emulator, inputs["queueUrl"], {_QUEUE[key]: inputs[key]})
        return {"id": inputs["queueUrl"]}

    return ResourceType(create=put, delete=services.stays, replaced_by=frozenset({"queueUrl"}))


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:sqs/queue:Queue": ResourceType(
        create=_queue,
        update=_set_queue,
        delete=services.deleted("sqs", "delete_queue", "QueueUrl"),
        naming=Naming(longest=80, ending_if={"fifoQueue": ".fifo"}),
        computed=("arn", "url"),
        replaced_by=frozenset({"name", "namePrefix", "fifoQueue"}),
    ),
    "aws:sqs/queuePolicy:QueuePolicy": _attribute("policy"),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": _attribute("redriveAllowPolicy"),
    "aws:sqs/redrivePolicy:RedrivePolicy": _attribute("redrivePolicy"),
}
