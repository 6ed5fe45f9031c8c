"""Kinesis data streams in the embedded AWS.

Source: internal/service/kinesis/stream.go of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.resource_type import Inputs, Naming, Outputs, ResourceType


def _stream(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    kinesis = emulator.client("kinesis")
    mode = inputs.get("streamModeDetails", {}).get("streamMode", "PROVISIONED")
    shards = {} if mode == "ON_DEMAND" else {"ShardCount": inputs.get("shardCount", 1)}
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": mode}, **shards)
    hours = inputs.get("retentionPeriod", 24)
    if hours > 24:
        kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
    if inputs.get("encryptionType") == "KMS":
        kinesis.start_stream_encryption(
            StreamName=name, EncryptionType="KMS", KeyId=inputs["kmsKeyId"]
        )
    if inputs.get("shardLevelMetrics"):
        kinesis.enable_enhanced_monitoring(
            StreamName=name, ShardLevelMetrics=inputs["shardLevelMetrics"]
        )
    if inputs.get("tags"):
        kinesis.add_tags_to_stream(StreamName=name, Tags=dict(inputs["tags"]))
    arn = services.arn(emulator, "kinesis", f"stream/{name}")
    return {"id": arn, "arn": arn, "name": name}


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:kinesis/stream:Stream": ResourceType(
        create=_stream,
        update=services.unchanged,
        delete=services.deleted("kinesis", "delete_stream", "StreamName", "name"),
        naming=Naming(longest=128),
        computed=("arn",),
        replaced_by=frozenset({"name"}),
    ),
}
