"""Step Functions in the embedded AWS: state machines, whose executions are noted and not run.

Source: internal/service/sfn of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Any, Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType


def _state_machine(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    arn = emulator.client("stepfunctions").create_state_machine(
        name=name,
        definition=inputs["definition"],
        roleArn=inputs["roleArn"],
        tags=_tags(inputs),
        **_configuration(inputs),
    )["stateMachineArn"]
    return {"id": arn, "arn": arn, "name": name, "status": "ACTIVE"}


def _configuration(inputs: Inputs) -> dict[str, Any]:
    configuration: dict[str, Any] = services.given(inputs, {"type": "type"})
    if inputs.get("loggingConfiguration"):
        logging = inputs["loggingConfiguration"]
        configuration["loggingConfiguration"] = services.given(
            logging, {"level": "level", "includeExecutionData": "includeExecutionData"}
        )
        if logging.get("logDestination"):
            group = {"logGroupArn": logging["logDestination"]}
            configuration["loggingConfiguration"]["destinations"] = [
                {"cloudWatchLogsLogGroup": group}
            ]
    if inputs.get("tracingConfiguration"):
        configuration["tracingConfiguration"] = services.given(
            inputs["tracingConfiguration"], {"enabled": "enabled"}
        )
    return configuration


def _tags(inputs: Inputs) -> list[dict[str, str]]:
    return [{"key": each["Key"], "value": each["Value"]} for each in services.tags(inputs)]


def _set_state_machine(emulator: Emulator, machine: Existing, inputs: Inputs) -> Outputs:
    emulator.client("stepfunctions").update_state_machine(
        stateMachineArn=machine.id, **services.given(inputs, _UPDATED)
    )
    return {}


_UPDATED: Final = {"definition": "definition", "roleArn": "roleArn"}


def _activity(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    arn = emulator.client("stepfunctions").create_activity(name=name, tags=_tags(inputs))[
        "activityArn"
    ]
    return {"id": arn, "arn": arn, "name": name}


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:sfn/activity:Activity": ResourceType(
        create=_activity,
        update=services.unchanged,
        delete=services.deleted("stepfunctions", "delete_activity", "activityArn"),
        naming=Naming(longest=80),
        computed=("arn",),
        replaced_by=frozenset({"name"}),
    ),
    "aws:sfn/stateMachine:StateMachine": ResourceType(
        create=_state_machine,
        update=_set_state_machine,
        delete=services.deleted("stepfunctions", "delete_state_machine", "stateMachineArn"),
        naming=Naming(longest=80),
        computed=("arn",),
        replaced_by=frozenset({"name", "namePrefix", "type"}),
    ),
}
