"""The types of resources that live in the embedded AWS, and how each is made, changed and deleted.

From the registered inputs to the outputs that the program reads. The run of the program without a
CLI and Pulumi's engine both come here.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, Final

from infra.local.aws import (
    buckets,
    cloudwatch,
    functions,
    log_groups,
    repositories,
    roles,
    services,
    tables,
)
from infra.local.aws.emulator import Emulator
from infra.local.aws.resource_type import Existing, Inputs, Outputs, ResourceType

FUNCTION: Final = functions.FUNCTION
EVENT_SOURCE_MAPPING: Final = functions.EVENT_SOURCE_MAPPING
IMAGE: Final = repositories.IMAGE
STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"

NOT_MADE_HERE: Final = "notMadeHere"
"""The output that says what the local run leaves out: the whole resource, or some of its inputs."""

_OF_PULUMI: Final = frozenset(
    {
        "forceDelete",
        "forceDestroy",
        "forceDetachPolicies",
        "region",
        "replaceSecurityGroupsOnDestroy",
        "replacementSecurityGroupIds",
        "skipDestroy",
        "useResourceTimeoutForPropagation",
    }
)
"""Inputs that the provider keeps to itself, or that every resource here has alike."""


class UnknownLookUpError(Exception):
    """The local run does not know how to answer a look-up."""


def create(emulator: Emulator, type_: str, name: str, inputs: Inputs) -> Outputs:
    """Creates one resource. Raises what AWS refuses, as boto3 does.

    The physical name is the given one, else the resource's own; Pulumi adds random letters. A type
    that is not known is not made, and an input that nothing reads has no effect: both are said in
    the output `NOT_MADE_HERE`, so that nothing looks done that is not.
    """
    known = type_of(type_)
    key = known.naming.key if known.naming else "name"
    noting = _NotingInputs(inputs)
    outputs = known.create(emulator, str(noting.get(key) or name), noting)
    return _with_left_out(type_, outputs, noting.unread)


def update(
    emulator: Emulator, type_: str, existing: Existing, inputs: Inputs, *, changed: Collection[str]
) -> Outputs:
    """Changes one resource to the inputs, of which these are others than before.

    Returns the outputs that are others than they were, with `NOT_MADE_HERE` as `create` does.
    """
    known = type_of(type_)
    noting = _NotingInputs(inputs)
    if known.update is None:
        outputs = known.create(emulator, existing.id, noting)
    else:
        outputs = known.update(emulator, existing, noting)
    outputs = {key: value for key, value in outputs.items() if key != "id"}
    return _with_left_out(type_, outputs, [key for key in noting.unread if key in changed])


def type_of(token: str) -> ResourceType:
    """What is known of a type; of one that nobody here knows, that it is not made."""
    return _TYPES.get(token) or ResourceType(
        create=partial(_nothing, token), update=_left_out, delete=_gone, computed=("arn",)
    )


def _nothing(token: str, emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    del emulator, inputs
    arn = f"arn:aws:{token.partition(':')[2].partition('/')[0]}:::not-made-here/{name}"
    return {"id": name, "arn": arn, "name": name, NOT_MADE_HERE: "all of it"}


def _left_out(emulator: Emulator, existing: Existing, inputs: Inputs) -> Outputs:
    del emulator, existing, inputs
    return {NOT_MADE_HERE: "all of it"}


def _gone(emulator: Emulator, existing: Existing) -> None:
    """There is nothing to delete."""
    del emulator, existing


def _with_left_out(type_: str, outputs: Outputs, unread: list[str]) -> Outputs:
    if NOT_MADE_HERE in outputs or type_ in _MADE_LATER or not unread:
        return outputs
    return {**outputs, NOT_MADE_HERE: ", ".join(unread)}


class _NotingInputs(Mapping[str, Any]):
    """Inputs that know which of them were asked for."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._read = set[str]()

    @property
    def unread(self) -> list[str]:
        """What has a value, and nobody asked for."""
        return [
            key
            for key, value in self._inputs.items()
            if value is not None and key not in self._read | _OF_PULUMI
        ]

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return self._inputs[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)


def look_up(emulator: Emulator, token: str, arguments: Inputs) -> Outputs:
    """Answers a call of a provider's function. Raises `UnknownLookUpError`."""
    if token not in _LOOK_UPS:
        raise UnknownLookUpError(f"the local run cannot answer {token}")
    return _LOOK_UPS[token](emulator, arguments)


def _stack_reference(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    """Without a CLI there is no state, and so no other stack, and no earlier update of this one."""
    del emulator, inputs
    return {"name": name, "outputs": {}, "secretOutputNames": []}


_TYPES: Final[Mapping[str, ResourceType]] = {
    **buckets.TYPES,
    **functions.TYPES,
    **log_groups.TYPES,
    **repositories.TYPES,
    **roles.TYPES,
    **cloudwatch.TYPES,
    **services.TYPES,
    **tables.TYPES,
    STACK_REFERENCE: ResourceType(create=_stack_reference, delete=_gone),
}
_MADE_LATER: Final = frozenset({IMAGE, STACK_REFERENCE})
"""Types whose inputs are read when the run starts them."""

_LOOK_UPS: Final[Mapping[str, Callable[[Emulator, Inputs], Outputs]]] = {
    **services.LOOK_UPS,
    **repositories.LOOK_UPS,
    "aws:dynamodb/getTable:getTable": tables.get_table,
}
