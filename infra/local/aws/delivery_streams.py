"""Firehose in the embedded AWS: delivery streams to a bucket, where each call stands at once.

Source: internal/service/firehose/delivery_stream.go of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Any, Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.not_made import NotMadeHereError
from infra.local.aws.resource_type import Inputs, Naming, Outputs, ResourceType

_TO: Final = {
    "extended_s3": ("extendedS3Configuration", "ExtendedS3DestinationConfiguration"),
    "s3": ("s3Configuration", "S3DestinationConfiguration"),
}
_BUCKET: Final = {
    "bucketArn": "BucketARN",
    "errorOutputPrefix": "ErrorOutputPrefix",
    "prefix": "Prefix",
    "roleArn": "RoleARN",
}


def _delivery_stream(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    destination = inputs["destination"]
    if destination not in _TO or inputs.get("kinesisSourceConfiguration"):
        raise NotMadeHereError("nothing is delivered from a stream, or elsewhere than to S3, here")
    key, parameter = _TO[destination]
    firehose: Any = emulator.client("firehose")
    arn = firehose.create_delivery_stream(
        DeliveryStreamName=name,
        DeliveryStreamType="DirectPut",
        **{parameter: services.given(inputs[key], _BUCKET)},
        **({"Tags": services.tags(inputs)} if inputs.get("tags") else {}),
    )["DeliveryStreamARN"]
    # What is delivered at once waits for no more.
    for each in ("bufferingInterval", "bufferingSize"):
        inputs[key].get(each)
    return {"id": arn, "arn": arn, "name": name, "destinationId": "destinationId-000000000001"}


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": ResourceType(
        create=_delivery_stream,
        update=services.unchanged,
        delete=services.deleted("firehose", "delete_delivery_stream", "DeliveryStreamName", "name"),
        naming=Naming(longest=64),
        computed=("arn", "destinationId"),
        replaced_by=frozenset({"name", "destination", "kinesisSourceConfiguration"}),
    ),
}
