"""What the services' resources share: inputs as the API's parameters, tags, updates, deletions.

Each service has a module of its own. A type takes the inputs of Pulumi's resource and gives back
the provider's outputs and id. What replaces one follows internal/service of
terraform-provider-aws 6.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from infra.local.aws.emulator import ACCOUNT, Emulator
from infra.local.aws.resource_type import Create, Delete, Existing, Inputs, Outputs, Update

T = TypeVar("T")


def tags(inputs: Inputs) -> list[dict[str, str]]:
    """As most services take them."""
    return [{"Key": key, "Value": value} for key, value in inputs.get("tags", {}).items()]


def tags_found(answered: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """As the provider takes them."""
    return {each["Key"]: each["Value"] for each in answered}


def change_tags(
    existing: Existing,
    inputs: Inputs,
    *,
    tag: Callable[[list[dict[str, str]]], object],
    untag: Callable[[list[str]], object],
) -> None:
    """Sets the tags that are new or other ones, and takes those away that are no longer wanted."""
    before, wanted = existing.get("tags", {}), inputs.get("tags") or {}
    if gone := [key for key in before if key not in wanted]:
        untag(gone)
    new = {key: value for key, value in wanted.items() if before.get(key) != value}
    if new:
        tag(tags({"tags": new}))


def unless_gone(find: Callable[[], T]) -> T | None:
    """What is found; None where AWS says that there is no such thing."""
    try:
        return find()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _GONE or any(word in code for word in _SAID_OF_WHAT_IS_GONE):
            return None
        raise


_GONE: Final = frozenset({"404", "AWS.SimpleQueueService.NonExistentQueue"})
_SAID_OF_WHAT_IS_GONE: Final = ("DoesNotExist", "NoSuch", "NotFound")


def given(inputs: Inputs, names: Mapping[str, str]) -> dict[str, Any]:
    """The inputs that have a value, under AWS's names for them."""
    return {names[key]: inputs[key] for key in names if inputs.get(key) is not None}


def attributes(inputs: Inputs, names: Mapping[str, str]) -> dict[str, str]:
    """The inputs that AWS takes as attributes, which are strings; what is false is left out."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in given(inputs, names).items()
        # moto takes the string "false" for true.
        if value is not False
    }


def arn(emulator: Emulator, service: str, resource: str) -> str:
    """Of the region and the account of everything here."""
    return f"arn:aws:{service}:{emulator.region}:{ACCOUNT}:{resource}"


def again(create: Create) -> Update:
    """An update by the call that creates: it replaces what is there."""

    def update(emulator: Emulator, existing: Existing, inputs: Inputs) -> Outputs:
        return create(emulator, existing.get("name", existing.id), inputs)

    return update


def unchanged(emulator: Emulator, existing: Existing, inputs: Inputs) -> Outputs:
    """Nothing is changed here, and whatever was asked for is said to be left out."""
    del emulator, existing, inputs
    return {}


def deleted(service: str, call: str, parameter: str, key: str = "id", **others: Any) -> Delete:
    """A deletion by one call, with the id or another output."""

    def delete(emulator: Emulator, existing: Existing) -> None:
        value = existing.id if key == "id" else existing[key]
        getattr(emulator.client(service), call)(**{parameter: value}, **others)

    return delete


def stays(emulator: Emulator, existing: Existing) -> None:
    """Goes with what it is set for."""
    del emulator, existing
