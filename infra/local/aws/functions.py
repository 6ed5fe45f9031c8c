"""Functions and event source mappings in the embedded AWS, through Lambda's own API.

From Pulumi's inputs to the requests of AWS, and from its answers to the provider's outputs. Source:
internal/service/lambda of terraform-provider-aws 6.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.not_made import NotMadeHereError
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType

FUNCTION: Final = "aws:lambda/function:Function"
EVENT_SOURCE_MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"

_POLL: Final = 0.02
"""Seconds between looks whether a mapping is still on its way to its state."""

_AS_IN_AWS: Final = {
    "commands": "Command",
    "destinationArn": "Destination",
    "entryPoints": "EntryPoint",
    "kmsKeyArn": "KMSKeyArn",
}
"""Inputs whose parameters have another name than theirs."""

_AS_THEY_ARE: Final = frozenset({"variables", "tags"})
"""Maps whose keys are the user's."""

_CONFIGURATION: Final = (
    "description",
    "environment",
    "ephemeralStorage",
    "imageConfig",
    "kmsKeyArn",
    "loggingConfig",
    "memorySize",
    "role",
    "timeout",
    "tracingConfig",
    "vpcConfig",
)
_MAPPING: Final = (
    "batchSize",
    "bisectBatchOnFunctionError",
    "destinationConfig",
    "enabled",
    "filterCriteria",
    "functionName",
    "functionResponseTypes",
    "kmsKeyArn",
    "maximumBatchingWindowInSeconds",
    "maximumRecordAgeInSeconds",
    "maximumRetryAttempts",
    "metricsConfig",
    "parallelizationFactor",
    "provisionedPollerConfig",
    "scalingConfig",
    "tumblingWindowInSeconds",
)
_OF_A_NEW_MAPPING: Final = (
    "eventSourceArn",
    "startingPosition",
    "startingPositionTimestamp",
    "tags",
)


def parameters(inputs: Inputs, names: tuple[str, ...]) -> dict[str, Any]:
    """Those inputs that have a value, as AWS's API takes them."""
    given = {name: inputs.get(name) for name in names}
    return {_name(key): _value(key, each) for key, each in given.items() if each is not None}


def _name(key: str) -> str:
    return _AS_IN_AWS.get(key) or key[:1].upper() + key[1:]


def _value(key: str, value: Any) -> Any:
    if key in _AS_THEY_ARE:
        return dict(value)
    if isinstance(value, Mapping):
        return {_name(name): _value(name, each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_value("", each) for each in value]
    return value


def _function(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    client = emulator.client("lambda")
    client.create_function(
        FunctionName=name,
        PackageType=inputs.get("packageType", "Zip"),
        Code={"ImageUri": inputs["imageUri"]} if inputs.get("imageUri") else {},
        **parameters(inputs, (*_CONFIGURATION, "architectures", "publish", "tags")),
    )
    reserved = _reserved(inputs)
    if reserved is not None:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    return {"id": name, **_outputs_of_function(emulator, name)}


def _reserved(inputs: Inputs) -> int | None:
    """The provider's default, -1, reserves nothing."""
    reserved = inputs.get("reservedConcurrentExecutions")
    return None if reserved is None or reserved < 0 else int(reserved)


def _outputs_of_function(emulator: Emulator, name: str) -> Outputs:
    found = emulator.client("lambda").get_function(FunctionName=name)["Configuration"]
    arn, version = found["FunctionArn"], found["Version"]
    invoke = f"arn:aws:apigateway:{emulator.region}:lambda:path/2015-03-31/functions/{arn}"
    return {
        "name": name,
        "arn": arn,
        "codeSha256": found["CodeSha256"],
        "invokeArn": f"{invoke}/invocations",
        "lastModified": found["LastModified"],
        "qualifiedArn": f"{arn}:{version}",
        "version": version,
    }


def _update_function(emulator: Emulator, function: Existing, inputs: Inputs) -> Outputs:
    """Configuration first, then code, as the provider does."""
    client = emulator.client("lambda")
    name = function.id
    wanted = {**_TAKEN_BACK, **_given(inputs)}
    if any(function.get(key) != inputs.get(key) for key in _CONFIGURATION):
        configuration = parameters(wanted, _CONFIGURATION)
        client.update_function_configuration(FunctionName=name, **configuration)
    if any(function.get(key) != inputs.get(key) for key in _CODE):
        client.update_function_code(FunctionName=name, **parameters(inputs, _CODE))
    reserved = _reserved(inputs)
    if reserved is None:
        client.delete_function_concurrency(FunctionName=name)
    else:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    _change_tags(client, function, inputs)
    return _outputs_of_function(emulator, name)


_CODE: Final = ("imageUri", "architectures")

_TAKEN_BACK: Final[Inputs] = {
    "description": "",
    "environment": {"variables": {}},
    "imageConfig": {},
    "vpcConfig": {"subnetIds": [], "securityGroupIds": []},
}
"""What is sent for an input that is gone: AWS keeps what is left out."""


def _given(inputs: Inputs) -> dict[str, Any]:
    return {key: each for key, each in inputs.items() if each is not None}


def _change_tags(client: Any, existing: Existing, inputs: Inputs) -> None:
    arn = existing["arn"]
    services.change_tags(
        existing,
        inputs,
        tag=lambda tags: client.tag_resource(
            Resource=arn, Tags={each["Key"]: each["Value"] for each in tags}
        ),
        untag=lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
    )


def _delete_function(emulator: Emulator, function: Existing) -> None:
    emulator.client("lambda").delete_function(FunctionName=function.id)


_DESCRIBED: Final = (
    "architectures",
    "description",
    "ephemeralStorage",
    "loggingConfig",
    "tracingConfig",
    "vpcConfig",
)
_AS_IN_PULUMI: Final = {parameter: key for key, parameter in _AS_IN_AWS.items()}


def _as_input(value: Any) -> Any:
    """An answer of AWS's as the provider writes it."""
    if isinstance(value, Mapping):
        return {
            _AS_IN_PULUMI.get(name) or name[:1].lower() + name[1:]: _as_input(each)
            for name, each in value.items()
        }
    return value


def _read_function(emulator: Emulator, name: str) -> Inputs | None:
    """With what somebody may have changed by another way."""

    def found() -> Inputs:
        answer = emulator.client("lambda").get_function(FunctionName=name)
        described = answer["Configuration"]
        concurrency = answer.get("Concurrency", {})
        return {
            **_outputs_of_function(emulator, name),
            "imageUri": answer["Code"]["ImageUri"],
            "memorySize": described["MemorySize"],
            "reservedConcurrentExecutions": concurrency.get("ReservedConcurrentExecutions", -1),
            "role": described["Role"],
            "timeout": described["Timeout"],
            "environment": {"variables": described.get("Environment", {}).get("Variables", {})},
            **{key: _as_input(described.get(_name(key))) for key in _DESCRIBED},
            "imageConfig": _as_input(described.get("ImageConfigResponse", {}).get("ImageConfig")),
            "tags": answer.get("Tags", {}),
        }

    return services.unless_gone(found)


def _mapping(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    """Returns once it is enabled or disabled."""
    source = inputs.get("eventSourceArn") or "another source"
    if ":dynamodb:" not in source:
        raise NotMadeHereError(f"only streams of DynamoDB are polled here, not {source}")
    created = emulator.client("lambda").create_event_source_mapping(
        **parameters(inputs, (*_MAPPING, *_OF_A_NEW_MAPPING))
    )
    return {"id": created["UUID"], **_settled(emulator, created["UUID"])}


def _settled(emulator: Emulator, uuid: str) -> Outputs:
    """What it says once it is on its way no more, as the provider waits for it."""
    while True:
        outputs = _outputs_of_mapping(emulator, uuid)
        if outputs["state"] in ("Enabled", "Disabled"):
            return outputs
        time.sleep(_POLL)


def _outputs_of_mapping(emulator: Emulator, uuid: str) -> Outputs:
    found = emulator.client("lambda").get_event_source_mapping(UUID=uuid)
    return {
        "uuid": uuid,
        "arn": found["EventSourceMappingArn"],
        "functionArn": found["FunctionArn"],
        "lastModified": found["LastModified"].isoformat(),
        "lastProcessingResult": found["LastProcessingResult"],
        "state": found["State"],
        "stateTransitionReason": found["StateTransitionReason"],
    }


def _update_mapping(emulator: Emulator, mapping: Existing, inputs: Inputs) -> Outputs:
    """Returns once it is enabled or disabled."""
    client = emulator.client("lambda")
    if any(mapping.get(key) != inputs.get(key) for key in _MAPPING):
        cleared: Inputs = {"filterCriteria": {}, "destinationConfig": {"onFailure": {}}}
        changes = parameters({**cleared, **_given(inputs)}, _MAPPING)
        client.update_event_source_mapping(UUID=mapping.id, **changes)
    _change_tags(client, mapping, inputs)
    return _settled(emulator, mapping.id)


def _delete_mapping(emulator: Emulator, mapping: Existing) -> None:
    """Returns once it is gone."""
    emulator.client("lambda").delete_event_source_mapping(UUID=mapping.id)
    while _read_mapping(emulator, mapping.id) is not None:
        time.sleep(_POLL)


def _read_mapping(emulator: Emulator, uuid: str) -> Inputs | None:
    """With what somebody may have changed by another way."""

    def found() -> Inputs:
        client = emulator.client("lambda")
        described = client.get_event_source_mapping(UUID=uuid)
        tags = client.list_tags(Resource=described["EventSourceMappingArn"])["Tags"]
        filters = described.get("FilterCriteria", {}).get("Filters", [])
        return {
            **_outputs_of_mapping(emulator, uuid),
            **{key: described[_name(key)] for key in _NUMBERS},
            "bisectBatchOnFunctionError": described["BisectBatchOnFunctionError"],
            "enabled": described["State"] in ("Enabled", "Enabling", "Creating", "Updating"),
            "eventSourceArn": described["EventSourceArn"],
            "filterCriteria": {"filters": [{"pattern": each["Pattern"]} for each in filters]},
            "functionName": described["FunctionArn"],
            "startingPosition": described["StartingPosition"],
            "destinationConfig": _as_input(described["DestinationConfig"]),
            "functionResponseTypes": described["FunctionResponseTypes"],
            "metricsConfig": _as_input(described.get("MetricsConfig")),
            "tags": tags,
        }

    return services.unless_gone(found)


_NUMBERS: Final = (
    "batchSize",
    "maximumBatchingWindowInSeconds",
    "maximumRecordAgeInSeconds",
    "maximumRetryAttempts",
    "parallelizationFactor",
)

TYPES: Final[Mapping[str, ResourceType]] = {
    FUNCTION: ResourceType(
        create=_function,
        update=_update_function,
        delete=_delete_function,
        read=_read_function,
        naming=Naming(longest=64),
        computed=("arn", "codeSha256", "invokeArn", "lastModified", "qualifiedArn", "version"),
        computed_anew=dict.fromkeys(
            (*_CONFIGURATION, "imageUri", "architectures"), ("lastModified",)
        ),
        # function.go: ForceNew.
        replaced_by=frozenset({"name", "packageType", "tenancyConfig"}),
        # function.go: Optional and Computed.
        kept=frozenset(
            {
                "architectures",
                "ephemeralStorage",
                "ephemeralStorage.size",
                "loggingConfig",
                "loggingConfig.logGroup",
                "tracingConfig",
            }
        ),
        unordered=frozenset({"vpcConfig.subnetIds", "vpcConfig.securityGroupIds"}),
    ),
    EVENT_SOURCE_MAPPING: ResourceType(
        create=_mapping,
        update=_update_mapping,
        delete=_delete_mapping,
        read=_read_mapping,
        computed=(
            "arn",
            "functionArn",
            "lastModified",
            "lastProcessingResult",
            "state",
            "stateTransitionReason",
            "uuid",
        ),
        # event_source_mapping.go: ForceNew.
        replaced_by=frozenset({"eventSourceArn", "startingPosition", "startingPositionTimestamp"}),
        # event_source_mapping.go: Optional and Computed; of the destination a missing block.
        kept=frozenset(
            {
                "destinationConfig",
                "maximumRecordAgeInSeconds",
                "maximumRetryAttempts",
                "parallelizationFactor",
            }
        ),
        unordered=frozenset({"filterCriteria.filters", "functionResponseTypes"}),
    ),
}
