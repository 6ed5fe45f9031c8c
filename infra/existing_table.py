"""A table that exists: looked up and held against the contract, never made, changed or deleted.

Lambda takes a mapping to a stream that is off or carries other images, and then nothing happens,
without a word: so what the table has is checked before anything else is made.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from handler.config import RequestsStream
from infra.config.stack import ConfigError
from infra.exports import exports_before

OWNS_TABLE: Final = "ownsTable"
"""The stack's export that says, by false, that its table is not deleted once it leaves the
program. A stack that does not say so owns its table."""

NAME: Final = "existingTable"
KEYS: Final = "keys"
VIEW_TYPE: Final = "viewType"
"""Inputs of the component: what the contract says of the table. The local run, which has no tables
but its own, makes one of them."""


def described(name: str, stream: RequestsStream) -> dict[str, Any]:
    """The inputs of a component for the table of that name."""
    keys = [{"name": key.name, "type": key.type} for key in stream.item.keys]
    return {NAME: name, KEYS: keys, VIEW_TYPE: str(stream.view_type)}


def found(
    component: pulumi.ComponentResource, name: str, stream: RequestsStream, *, pipeline: str
) -> pulumi.Output[aws.dynamodb.GetTableResult]:
    """The table, once it is certain that the stack may leave its own one alone.

    Fails with `ConfigError`, which says all that does not fit.
    """

    async def look_up(_: object) -> aws.dynamodb.GetTableResult:
        return await _looked_up(component, name, stream)

    # The component first: its inputs say what table it is.
    known = pulumi.Output.all(component.urn, _not_owned(component, name, pipeline))
    return known.apply(look_up)


async def _looked_up(
    component: pulumi.ComponentResource, name: str, stream: RequestsStream
) -> aws.dynamodb.GetTableResult:
    try:
        table: aws.dynamodb.GetTableResult = await aws.dynamodb.get_table(
            name=name, opts=pulumi.InvokeOptions(parent=component)
        )
    except Exception as error:
        message = f"table.name must be a table of the account and region: {name} was not found"
        raise ConfigError([f"{message}: {error}"]) from error
    mistakes = list(mistakes_of(table, stream))
    if mistakes:
        raise ConfigError(mistakes, where=f"the table {name}, which table.name names")
    return table


def mistakes_of(table: aws.dynamodb.GetTableResult, stream: RequestsStream) -> Iterator[str]:
    """What of a table does not fit the contract."""
    types = {each.name: each.type for each in table.attributes}
    has = [(key, types.get(key, "")) for key in (table.hash_key, table.range_key) if key]
    wants = [(key.name, key.type) for key in stream.item.keys]
    if has != wants:
        yield (
            f"its key is {_in_words(has)}, and that of {stream.item.kind.__name__} is "
            f"{_in_words(wants)}: declare the table's in the items' type"
        )
    switch = (
        f"aws dynamodb update-table --table-name {table.name} --stream-specification "
        f"StreamEnabled=true,StreamViewType={stream.view_type}"
    )
    if not table.stream_enabled:
        yield f"its stream is off: switch it on where the table is made, or with: {switch}"
    elif table.stream_view_type != stream.view_type:
        yield (
            f"its stream carries {table.stream_view_type}, and the contract says "
            f"{stream.view_type}: set stream.viewType to what the table has, or change the stream "
            "where the table is made"
        )


def _in_words(keys: list[tuple[str, str]]) -> str:
    return " and ".join(f"{name} ({type_})" for name, type_ in keys)


def _not_owned(
    component: pulumi.ComponentResource, name: str, pipeline: str
) -> pulumi.Output[None]:
    """Fails as long as the stack would delete a table of its own, because it has another now.

    What the stack had after its last update its own outputs say: what is in Pulumi's state a
    program does not see.
    """
    stack, organization = pulumi.get_stack(), pulumi.get_organization()
    is_cloud = organization != "organization"  # other backends have no organizations
    before = pulumi.StackReference(
        f"{component.pulumi_resource_name}-before",
        stack_name=f"{organization}/{pulumi.get_project()}/{stack}" if is_cloud else stack,
        opts=pulumi.ResourceOptions(parent=component),
    )

    def ensure(outputs: Mapping[str, Any] | None) -> None:
        exported = exports_before(outputs or {}, pipeline)
        own = exported.get("tableName")
        if own and exported.get(OWNS_TABLE, True):
            raise ConfigError([_hand_over(own, name)])

    return before.outputs.apply(ensure)


def _hand_over(own: str, name: str) -> str:
    return (
        f"table.name is {name}, and this stack still has a table of its own, {own}, which would "
        "be deleted with its items. To hand that one over, take table.name out again, then: "
        "pulumi config set --path table.retainOnDelete true && pulumi up. From then on Pulumi "
        "forgets it in place of deleting it, and table.name can be set (docs/changing.md, "
        "A table that exists)"
    )
