"""SSM's parameters in the embedded AWS.

Source: internal/service/ssm/parameter.go of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Any, Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.inputs import heeded
from infra.local.aws.resource_type import Existing, Inputs, Naming, Outputs, ResourceType

_PARAMETER: Final = {
    "allowedPattern": "AllowedPattern",
    "dataType": "DataType",
    "description": "Description",
    "keyId": "KeyId",
    "tier": "Tier",
}
_VALUES: Final = ("value", "insecureValue", "valueWo")
_HEEDED: Final = ("overwrite", "valueWoVersion")
"""Of the provider's own work: there is nothing yet to overwrite."""


def _parameter(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    _put(emulator, name, inputs, Tags=services.tags(inputs))
    path = name if name.startswith("/") else f"/{name}"
    arn = services.arn(emulator, "ssm", f"parameter{path}")
    return {"id": name, "name": name, "arn": arn, "version": 1}


def _set_parameter(emulator: Emulator, parameter: Existing, inputs: Inputs) -> Outputs:
    return {"version": _put(emulator, parameter.id, inputs, Overwrite=True)}


def _put(emulator: Emulator, name: str, inputs: Inputs, **others: Any) -> int:
    heeded(inputs, *_HEEDED)
    # One of them is given; each is read, so that none counts as left out.
    (value,) = [each for each in map(inputs.get, _VALUES) if each is not None]
    answer = emulator.client("ssm").put_parameter(
        Name=name,
        Type=str(inputs["type"]),
        Value=value,
        **services.given(inputs, _PARAMETER),
        **others,
    )
    return int(answer["Version"])


TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:ssm/parameter:Parameter": ResourceType(
        create=_parameter,
        update=_set_parameter,
        delete=services.deleted("ssm", "delete_parameter", "Name"),
        naming=Naming(longest=2048),
        computed=("arn", "version"),
        replaced_by=frozenset({"name"}),
    ),
}
