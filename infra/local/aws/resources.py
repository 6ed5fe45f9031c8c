"""The types of resources that live in the embedded AWS, and how each is made, changed and deleted.

From the registered inputs to the outputs that the program reads. The run of the program without a
CLI and Pulumi's engine both come here.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final

from botocore.exceptions import ClientError, ParamValidationError

from infra.local.aws import (
    buckets,
    buses,
    cloudwatch,
    delivery_streams,
    functions,
    identities,
    keys,
    kinesis,
    log_groups,
    look_ups,
    parameters,
    queues,
    repositories,
    roles,
    secret_values,
    services,
    stack_outputs,
    state_machines,
    tables,
    topics,
)
from infra.local.aws.emulator import Emulator
from infra.local.aws.inputs import NotingInputs, heeded
from infra.local.aws.not_made import (
    MADE_HERE,
    NOT_MADE_HERE,
    NotMadeHereError,
    is_made_up,
    not_known,
    not_made,
)
from infra.local.aws.resource_type import POLICIES, Existing, Inputs, Outputs, ResourceType

FUNCTION: Final = functions.FUNCTION
EVENT_SOURCE_MAPPING: Final = functions.EVENT_SOURCE_MAPPING
IMAGE: Final = repositories.IMAGE
TABLE: Final = tables.TABLE
STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"


class RefusedError(Exception):
    """AWS refuses a resource as the program asks for it; says which and why."""


def create(emulator: Emulator, type_: str, name: str, inputs: Inputs) -> Outputs:
    """Creates one resource. Raises `RefusedError`.

    The physical name is the given one, else made of the resource's own; Pulumi adds random
    letters. What is not known here is not made, and an input that nothing reads has no effect: both
    are said in the output `NOT_MADE_HERE`, so that nothing looks done that is not.
    """
    known = type_of(type_)
    written = written_policies(inputs)
    noting = NotingInputs({**inputs, **written})
    if noting.get("region") != emulator.region:
        noting.forget("region")
    physical = _physical_name(known, name, noting)
    outputs = _unless_not_here(
        type_, physical, inputs, lambda: known.create(emulator, physical, noting)
    )
    return _with_left_out(type_, {**written, **outputs}, noting.unread)


def written_policies(inputs: Inputs) -> Outputs:
    """The provider takes a policy's document as an object too, and gives it back as a string."""
    given = {key: inputs.get(key) for key in POLICIES}
    return {key: json.dumps(each) for key, each in given.items() if isinstance(each, Mapping)}


def update(
    emulator: Emulator, type_: str, existing: Existing, inputs: Inputs, *, changed: Collection[str]
) -> Outputs:
    """Changes one resource to the inputs, of which these are others than before.

    Returns the outputs that are others than they were, with `NOT_MADE_HERE` as `create` does.
    Raises `RefusedError`.
    """
    known = type_of(type_)
    written = written_policies(inputs)
    noting = NotingInputs({**inputs, **written})

    def work() -> Outputs:
        if known.update is None:
            return known.create(emulator, existing.id, noting)
        return known.update(emulator, existing, noting)

    outputs = _unless_not_here(type_, existing.id, inputs, work)
    outputs = {key: value for key, value in {**written, **outputs}.items() if key != "id"}
    left_out = [key for key in noting.unread if key.partition(".")[0] in changed]
    return _with_left_out(type_, outputs, left_out)


def read(
    emulator: Emulator, type_: str, name: str, id_: str, state: Inputs | None = None
) -> Outputs:
    """A resource that exists on AWS, and that the program gets by its id.

    Here it is made where it takes nothing but a name, so that it can be used; a table, where the
    program says its key beside the id.
    """
    if type_ == STACK_REFERENCE:
        return create(emulator, type_, name, {"name": id_})
    known = type_of(type_)
    found = known.read(emulator, id_) if known.read else None
    if found is not None:
        return {"id": id_, **found}
    if type_ in _LOOKED_UP:
        token, key = _LOOKED_UP[type_]
        return {**look_up(emulator, token, {key: _named_by(id_)}), "id": id_}
    key = known.naming.key if known.naming else "name"
    said = {"billingMode": "PAY_PER_REQUEST", **(state or {})} if type_ == TABLE else {}
    try:
        made = create(emulator, type_, name, {**said, key: _named_by(id_)})
    except RefusedError:
        made = not_made(type_, name, ())
    if NOT_MADE_HERE in made:
        hint = _KEY_HINT if type_ == TABLE else ""
        return {**made, NOT_MADE_HERE: f"all of it; what it tells is made up{hint}"}
    return {**made, NOT_MADE_HERE: MADE_HERE}


_KEY_HINT: Final = "; with hash_key and attributes in its get it is made"


_LOOKED_UP: Final = {
    "aws:cloudwatch/eventBus:EventBus": ("aws:cloudwatch/getEventBus:getEventBus", "name"),
    "aws:iam/role:Role": ("aws:iam/getRole:getRole", "name"),
    "aws:kinesis/stream:Stream": ("aws:kinesis/getStream:getStream", "name"),
    "aws:kms/alias:Alias": ("aws:kms/getAlias:getAlias", "name"),
    "aws:secretsmanager/secret:Secret": ("aws:secretsmanager/getSecret:getSecret", "name"),
    "aws:sns/topic:Topic": ("aws:sns/getTopic:getTopic", "name"),
    "aws:sqs/queue:Queue": ("aws:sqs/getQueue:getQueue", "name"),
    "aws:ssm/parameter:Parameter": ("aws:ssm/getParameter:getParameter", "name"),
}
"""By the type, the look-up that finds one by its name."""


def _named_by(id_: str) -> str:
    """The name in an id, which is one, an ARN or a queue's URL."""
    if id_.startswith("http"):
        return id_.rpartition("/")[2]
    if not id_.startswith("arn:") or ":secret:" in id_:
        return id_  # a secret is found by either
    return re.split("[/:]", id_.split(":", 5)[5])[-1]


def delete(emulator: Emulator, type_: str, existing: Existing) -> None:
    """Deletes one resource; of what was not made here, or is gone, there is nothing to delete."""
    if not is_made_up([existing.id, existing.get("arn")]):
        services.unless_gone(lambda: type_of(type_).delete(emulator, existing))


def _physical_name(known: ResourceType, name: str, inputs: Inputs) -> str:
    if known.naming is None:
        return str(inputs.get("name") or name)
    key = known.naming.key
    if inputs.get(key):
        return str(inputs[key])
    name = name.removeprefix(known.naming.prefix)
    name = f"{known.naming.prefix}{inputs.get(f'{key}Prefix') or ''}{name}"
    name = name.lower() if known.naming.lowercase else name
    # Pulumi's random letters make a name long enough for each service.
    name = name if len(name) >= known.naming.shortest else f"{name}-local"
    ending = known.naming.ending(inputs)
    return name[: known.naming.longest - len(ending)] + ending


def _unless_not_here(type_: str, name: str, inputs: Inputs, work: Callable[[], Outputs]) -> Outputs:
    """What the work tells; of what the embedded AWS does not know, that it is not made, and why."""
    try:
        return work()
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        reason = f"{code}: {message}"
        if is_made_up(inputs):
            reason = "it needs what is not made here"
        elif error.response["ResponseMetadata"]["HTTPStatusCode"] < 500 and code not in _UNKNOWN:
            raise RefusedError(f"{type_} {name}: {reason}") from error
    except ParamValidationError as error:
        reason = " ".join(str(error).split())
        if not is_made_up(inputs):
            raise RefusedError(f"{type_} {name}: {reason}") from error
    except OSError as error:  # a file that the program names
        raise RefusedError(f"{type_} {name}: {error}") from error
    except NotMadeHereError as error:
        reason = str(error)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"its inputs are not understood: {type(error).__name__}: {error}"
    nothing = not_made(type_, name, inputs)
    return {**nothing, NOT_MADE_HERE: f"{nothing[NOT_MADE_HERE]} ({_in_short(reason)})"}


_UNKNOWN: Final = frozenset({
    "InternalError", "InternalFailure", "InternalServerError", "InvalidAction", "NotImplemented",
    "UnknownAction", "UnknownOperationException", "501", "404",
})  # fmt: skip
"""Codes of a service, or a call of it, that the embedded AWS does not have."""


def _in_short(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= 200 else f"{line[:197]}..."


def type_of(token: str) -> ResourceType:
    """What is known of a type; of one that nobody here knows, that it is not made."""
    if token.startswith(_OF_PROVIDERS):
        return _PROVIDER
    return _TYPES.get(token) or ResourceType(
        create=partial(_nothing, token), update=_left_out, delete=_gone, computed=("arn",)
    )


def _nothing(token: str, emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    del emulator
    return not_made(token, name, inputs)


def _left_out(emulator: Emulator, existing: Existing, inputs: Inputs) -> Outputs:
    del emulator, existing, inputs
    return {NOT_MADE_HERE: "all of it"}


def _gone(emulator: Emulator, existing: Existing) -> None:
    """There is nothing to delete."""
    del emulator, existing


def _with_left_out(type_: str, outputs: Outputs, unread: list[str]) -> Outputs:
    said = str(outputs.get(NOT_MADE_HERE, ""))
    if said.startswith("all of it") or type_ in _MADE_LATER or not unread:
        return outputs
    return {**outputs, NOT_MADE_HERE: ", ".join([*filter(None, [said]), *unread])}


def look_up(emulator: Emulator, token: str, arguments: Inputs) -> Outputs:
    """Answers a call of a provider's function.

    One that is not known gets an answer that is made up, and says so in `NOT_MADE_HERE`.
    """
    known = _LOOK_UPS.get(token)
    return known(emulator, arguments) if known else not_known(token, arguments)


def _stack_reference(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    """Without a CLI there is no state: of another stack the project's file says what it exports."""
    del inputs
    try:
        outputs = stack_outputs.outputs_of(emulator.folder, name)
    except stack_outputs.StackOutputsError as error:
        raise RefusedError(str(error)) from error
    return {"name": name, "outputs": outputs, "secretOutputNames": []}


_OF_PROVIDERS: Final = "pulumi:providers:"


def _provider(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    """Explicit: all that it would set up is the embedded AWS's already."""
    heeded(inputs, *(key for key in inputs if key != "region"))
    region = inputs.get("region", emulator.region)
    outputs = {"id": name, "region": region}
    if region == emulator.region:
        return outputs
    return {**outputs, NOT_MADE_HERE: f"region {region}: all is in {emulator.region} here"}


_PROVIDER: Final = ResourceType(create=_provider, delete=_gone)

_TYPES: Final[Mapping[str, ResourceType]] = {
    **buckets.TYPES,
    **buses.TYPES,
    **cloudwatch.TYPES,
    **delivery_streams.TYPES,
    **functions.TYPES,
    **identities.TYPES,
    **keys.TYPES,
    **kinesis.TYPES,
    **log_groups.TYPES,
    **parameters.TYPES,
    **queues.TYPES,
    **repositories.TYPES,
    **roles.TYPES,
    **secret_values.TYPES,
    **state_machines.TYPES,
    **tables.TYPES,
    **topics.TYPES,
    STACK_REFERENCE: ResourceType(create=_stack_reference, delete=_gone),
}
_MADE_LATER: Final = frozenset({IMAGE, STACK_REFERENCE})
"""Types whose inputs are read when the run starts them."""

_LOOK_UPS: Final[Mapping[str, look_ups.LookUp]] = {
    **look_ups.LOOK_UPS,
    **repositories.LOOK_UPS,
    "aws:dynamodb/getTable:getTable": tables.get_table,
}
