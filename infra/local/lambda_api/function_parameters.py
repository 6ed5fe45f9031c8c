"""What Lambda refuses of a function's parameters beyond its API model, and what is not here.

The words are AWS's as recorded by LocalStack (its validated snapshots of test_lambda_api), or as
those who met them quote them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from infra.function_variables import MOST_BYTES, RESERVED
from infra.local.lambda_api.names import FunctionName, Place
from infra.local.lambda_api.operations import Parameters
from infra.local.lambda_api.refusals import RefusedError, invalid_parameter, not_here

_GREATEST: Final[tuple[tuple[str, Callable[[Parameters], int], int], ...]] = (
    ("Timeout", lambda given: given["Timeout"], 900),
    ("MemorySize", lambda given: given["MemorySize"], 10_240),
    ("EphemeralStorage", lambda given: given["EphemeralStorage"]["Size"], 10_240),
)
"""Quotas of functions without managed instances, for which the model allows more.

Of MemorySize the words are known, of the others they are taken to be the same.
"""

_OF_ZIPS: Final = ("Layers", "Runtime", "Handler")

_NOT_HERE: Final = (
    "AcceleratorConfig",
    "CapacityProviderConfig",
    "CodeSigningConfigArn",
    "DeadLetterConfig",
    "DurableConfig",
    "FileSystemConfigs",
    "PublishTo",
    "RuntimeConfig",
    "SnapStart",
    "TenancyConfig",
)
"""Parameters that nothing here would honour."""


def new_image_uri(name: FunctionName, given: Parameters) -> str:
    """Of CreateFunction. Raises `RefusedError`."""
    code = given["Code"]
    if given.get("PackageType", "Zip") != "Image":
        raise not_here("functions but those of images: PackageType must be Image")
    if "ImageUri" not in code:
        raise invalid_parameter("Please provide a source for function code.")
    if len(name.name) > 64:
        raise invalid_parameter(
            f"1 validation error detected: Value '{name.name}' at 'functionName' failed to satisfy "
            "constraint: Member must have length less than or equal to 64"
        )
    ensure_no_version(given)
    return str(code["ImageUri"])


def ensure_no_version(given: Parameters) -> None:
    """Raises `RefusedError`."""
    if given.get("Publish"):
        raise not_here("versions of functions: Publish must be false")


def ensure_accepted(parameters: Parameters, given: Parameters, place: Place) -> None:
    """All parameters as they would be then, and those of this request. Raises `RefusedError`."""
    for name in _NOT_HERE:
        if not _is_off(given.get(name)):
            raise not_here(f"{name} of functions: leave it out")
    if f":iam::{place.account}:" not in parameters["Role"]:
        message = "Cross-account pass role is not allowed."
        raise RefusedError("AccessDeniedException", message)
    for refusal in _refusals(parameters, given):
        raise invalid_parameter(refusal)


def _is_off(value: Any) -> bool:
    """Nothing, at any depth, or the word for it."""
    if isinstance(value, Mapping):
        return all(map(_is_off, value.values()))
    return value in (None, "", "None", [])


def _refusals(parameters: Parameters, given: Parameters) -> Iterator[str]:
    if any(given.get(name) for name in _OF_ZIPS):
        yield (
            "Please don't provide Handler or Runtime or Layer when the intended function "
            "PackageType is Image."
        )
    for name, value, greatest in _GREATEST:
        if value(parameters) > greatest:
            yield (
                f"'{name}' value failed to satisfy constraint: Member must have value less than "
                f"or equal to {greatest}"
            )
    yield from _of_variables(parameters.get("Environment", {}).get("Variables", {}))
    network = parameters.get("VpcConfig", {})
    if bool(network.get("SubnetIds")) != bool(network.get("SecurityGroupIds")):
        yield "SubnetIds and SecurityIds must coexist or be both empty list."
    logging = parameters.get("LoggingConfig", {})
    has_level = "ApplicationLogLevel" in logging or "SystemLogLevel" in logging
    if has_level and logging.get("LogFormat", "Text") == "Text":
        yield (
            'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your '
            'request or change the LogFormat to "Json" and try again.'
        )


def _of_variables(variables: Mapping[str, str]) -> Iterator[str]:
    if reserved := sorted(RESERVED & set(variables)):
        yield (
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided contains reserved keys that are currently not supported "
            f"for modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(variables, ensure_ascii=False, separators=(",", ":"))
    if len(measured.encode()) > MOST_BYTES:
        yield (
            "Lambda was unable to configure your environment variables because the environment "
            f"variables you have provided exceeded the 4KB limit. String measured: {measured}"
        )
