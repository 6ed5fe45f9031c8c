"""Log groups and their streams, in the embedded AWS.

Source: internal/service/logs/group.go of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Final

from infra.local.aws import services
from infra.local.aws.emulator import ACCOUNT, Emulator
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType


def _log_group(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    logs = emulator.client("logs")
    key = services.given(inputs, {"kmsKeyId": "kmsKeyId"})
    logs.create_log_group(logGroupName=name, tags=dict(inputs.get("tags", {})), **key)
    if inputs.get("retentionInDays"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
    return {"id": name, "name": name, "arn": _log_group_arn(emulator, name)}


def _log_group_arn(emulator: Emulator, name: str) -> str:
    return f"arn:aws:logs:{emulator.region}:{ACCOUNT}:log-group:{name}"


def _update_log_group(emulator: Emulator, group: Existing, inputs: Inputs) -> Outputs:
    logs = emulator.client("logs")
    if inputs.get("retentionInDays"):
        days = inputs["retentionInDays"]
        logs.put_retention_policy(logGroupName=group.id, retentionInDays=days)
    else:
        logs.delete_retention_policy(logGroupName=group.id)
    services.change_tags(
        group,
        inputs,
        tag=lambda tags: logs.tag_log_group(
            logGroupName=group.id, tags={each["Key"]: each["Value"] for each in tags}
        ),
        untag=lambda keys: logs.untag_log_group(logGroupName=group.id, tags=keys),
    )
    return {}


def _delete_log_group(emulator: Emulator, group: Existing) -> None:
    emulator.client("logs").delete_log_group(logGroupName=group.id)


def _read_log_group(emulator: Emulator, name: str) -> Inputs | None:
    logs = emulator.client("logs")
    answer = logs.describe_log_groups(logGroupNamePrefix=name)
    for each in answer["logGroups"]:
        if each["logGroupName"] == name:
            arn = _log_group_arn(emulator, name)
            days = each.get("retentionInDays", 0)
            tags = logs.list_tags_log_group(logGroupName=name)["tags"]
            return {"name": name, "arn": arn, "retentionInDays": days, "tags": tags}
    return None


def _log_stream(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    group = inputs["logGroupName"]
    emulator.client("logs").create_log_stream(logGroupName=group, logStreamName=name)
    arn = f"{_log_group_arn(emulator, group)}:log-stream:{name}"
    return {"id": name, "name": name, "arn": arn}


def _delete_log_stream(emulator: Emulator, stream: Existing) -> None:
    emulator.client("logs").delete_log_stream(
        logGroupName=stream["logGroupName"], logStreamName=stream.id
    )


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:cloudwatch/logStream:LogStream": ResourceType(
        create=_log_stream,
        delete=_delete_log_stream,
        naming=Naming(longest=512),
        computed=("arn",),
        replaced_by=frozenset({"name", "logGroupName"}),
    ),
    "aws:cloudwatch/logGroup:LogGroup": ResourceType(
        create=_log_group,
        update=_update_log_group,
        delete=_delete_log_group,
        read=_read_log_group,
        naming=Naming(longest=512),
        computed=("arn",),
        replaced_by=frozenset({"name", "namePrefix", "logGroupClass"}),
    ),
}
