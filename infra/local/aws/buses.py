"""EventBridge in the embedded AWS: buses, rules, and the targets that events are put to.

Source: internal/service/events of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Any, Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.not_made import NOT_MADE_HERE, is_made_up
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType


def _bus(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    request = services.given(
        inputs, {"description": "Description", "kmsKeyIdentifier": "KmsKeyIdentifier"}
    )
    if inputs.get("deadLetterConfig"):
        request["DeadLetterConfig"] = services.given(inputs["deadLetterConfig"], {"arn": "Arn"})
    arn = emulator.client("events").create_event_bus(
        Name=name, Tags=services.tags(inputs), **request
    )["EventBusArn"]
    return {"id": name, "name": name, "arn": arn}


_RULE: Final = {
    "description": "Description",
    "eventBusName": "EventBusName",
    "eventPattern": "EventPattern",
    "roleArn": "RoleArn",
    "scheduleExpression": "ScheduleExpression",
    "state": "State",
}


def _rule(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    request = services.given(inputs, _RULE)
    if inputs.get("isEnabled") is False:
        request["State"] = "DISABLED"
    arn = emulator.client("events").put_rule(Name=name, Tags=services.tags(inputs), **request)[
        "RuleArn"
    ]
    outputs = {"id": _id(inputs, name), "name": name, "arn": arn}
    if inputs.get("scheduleExpression"):
        return {**outputs, NOT_MADE_HERE: "scheduleExpression: nothing runs by the clock here"}
    return outputs


def _id(inputs: Inputs, name: str) -> str:
    bus = inputs.get("eventBusName")
    return name if bus in (None, "default") else f"{bus}/{name}"


_DELIVERED: Final = (":sqs:", ":logs:", ":event-bus/")
"""Parts of the ARNs of what moto puts events to."""


def _target(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    target: dict[str, Any] = {"Id": inputs.get("targetId") or name, "Arn": inputs["arn"]}
    outputs = {"id": f"{inputs['rule']}-{target['Id']}", "targetId": target["Id"]}
    if is_made_up(target["Arn"]):
        return {**outputs, NOT_MADE_HERE: "all of it (it needs what is not made here)"}
    if not any(part in target["Arn"] for part in _DELIVERED):
        # moto refuses the events themselves when a rule has such a target.
        kind = target["Arn"].split(":")[2]
        return {**outputs, NOT_MADE_HERE: f"all of it: no event is put to {kind} here"}
    target |= services.given(inputs, {"roleArn": "RoleArn"})
    if inputs.get("inputTransformer"):
        target["InputTransformer"] = services.given(
            inputs["inputTransformer"],
            {"inputPaths": "InputPathsMap", "inputTemplate": "InputTemplate"},
        )
    else:
        target |= _fixed_input(inputs)
    if inputs.get("sqsTarget"):
        target["SqsParameters"] = services.given(
            inputs["sqsTarget"], {"messageGroupId": "MessageGroupId"}
        )
    bus = services.given(inputs, {"eventBusName": "EventBusName"})
    emulator.client("events").put_targets(Rule=inputs["rule"], Targets=[target], **bus)
    return outputs


def _fixed_input(inputs: Inputs) -> dict[str, Any]:
    """moto heeds transformers only: an input, or a part of the event, as one of these."""
    if inputs.get("input"):
        return {"InputTransformer": {"InputTemplate": inputs["input"]}}
    if path := inputs.get("inputPath"):
        return {"InputTransformer": {"InputPathsMap": {"part": path}, "InputTemplate": "<part>"}}
    return {}


def _delete_rule(emulator: Emulator, rule: Existing) -> None:
    bus = services.given(rule.state, {"eventBusName": "EventBusName"})
    emulator.client("events").delete_rule(Name=rule["name"], **bus)


def _delete_target(emulator: Emulator, target: Existing) -> None:
    bus = services.given(target.state, {"eventBusName": "EventBusName"})
    emulator.client("events").remove_targets(Rule=target["rule"], Ids=[target["targetId"]], **bus)


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:cloudwatch/eventBus:EventBus": ResourceType(
        create=_bus,
        update=services.unchanged,
        delete=services.deleted("events", "delete_event_bus", "Name", "name"),
        naming=Naming(longest=256),
        computed=("arn",),
        replaced_by=frozenset({"name", "eventSourceName"}),
    ),
    "aws:cloudwatch/eventRule:EventRule": ResourceType(
        create=_rule,
        update=services.again(_rule),
        delete=_delete_rule,
        naming=Naming(longest=64),
        computed=("arn",),
        replaced_by=frozenset({"name", "namePrefix", "eventBusName"}),
    ),
    "aws:cloudwatch/eventTarget:EventTarget": ResourceType(
        create=_target,
        update=services.again(_target),
        delete=_delete_target,
        naming=Naming(key="targetId", longest=64),
        replaced_by=frozenset({"eventBusName", "rule", "targetId"}),
    ),
}
