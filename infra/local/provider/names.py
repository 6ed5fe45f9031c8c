"""The names that resources get which the program gives none, as pulumi-aws makes them.

The name is the resource's own and seven random hexadecimal digits (pulumi-terraform-bridge,
"auto-naming"); the service says how long it may be. A resource keeps the name that it got.
"""

import hashlib
import secrets
from typing import Any, Final

from pulumi.runtime.proto import provider_pb2

from infra.local.aws.resource_type import Inputs, Naming

NAMED_HERE: Final = "__defaults"
"""The input that says which others come from the provider: the bridge's own name for it."""
_RANDOM: Final = 7
_MODES: Final = provider_pb2.CheckRequest.AutonamingOptions


class NoNameError(ValueError):
    """The stack's `pulumi:autonaming` leaves the naming to the program, which gives no name."""


def named(naming: Naming, name: str, *, old: Inputs, new: Inputs, request: Any) -> dict[str, Any]:
    """The inputs with a name in them. Raises `NoNameError`."""
    if new.get(naming.key):
        return dict(new)
    if naming.key in old.get(NAMED_HERE, ()) and old.get(naming.key):
        given = old[naming.key]
    else:
        given = _new_name(naming, name, new, request)
    return {**new, naming.key: given, NAMED_HERE: [naming.key]}


def is_given(naming: Naming | None, inputs: Inputs) -> bool:
    """Whether the program itself names the resource."""
    return naming is not None and naming.key not in inputs.get(NAMED_HERE, ())


def _new_name(naming: Naming, name: str, inputs: Inputs, request: Any) -> str:
    options = request.autonaming if request.HasField("autonaming") else None
    if options is not None and options.mode == _MODES.DISABLE:
        raise NoNameError(f"{naming.key} must be given: pulumi:autonaming is disabled")
    if options is not None and options.mode == _MODES.ENFORCE:
        return str(options.proposed_name)
    ending = naming.ending(inputs)
    if options is not None and options.proposed_name:
        whole = f"{naming.prefix}{options.proposed_name}"
    else:
        random = _random(name, request.randomSeed)
        longest = naming.longest - len(ending) - len(naming.prefix) - _RANDOM - 1
        whole = f"{naming.prefix}{name[:longest]}-{random}"
    return (whole.lower() if naming.lowercase else whole) + ending


def _random(name: str, seed: bytes) -> str:
    # With a seed, a plan and what follows it give the same name.
    if not seed:
        return secrets.token_hex(4)[:_RANDOM]
    return hashlib.sha256(seed + name.encode()).hexdigest()[:_RANDOM]
