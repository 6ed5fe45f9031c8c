"""Inputs beside a state: what stays although it left the program, and what of it was asked for."""

from collections.abc import Mapping
from typing import Any

from infra.local.aws.resource_type import Inputs, ResourceType


def with_kept(type_: ResourceType, state: Inputs, inputs: Inputs) -> dict[str, Any]:
    """The inputs, and those of the state that the provider keeps although they are left out."""
    result = dict(inputs)
    for path in type_.kept:
        _keep(path.split("."), state, result)
    return result


def _keep(path: list[str], state: Any, result: dict[str, Any]) -> None:
    key, *rest = path
    if not isinstance(state, Mapping) or state.get(key) is None:
        return
    if not rest:
        result.setdefault(key, state[key])
    elif isinstance(result.get(key), Mapping):
        inner = dict(result[key])
        _keep(rest, state[key], inner)
        result[key] = inner


def narrowed(found: Any, wanted: Any) -> Any:
    """What was found, as far as it was asked for: nobody has changed what AWS adds by itself."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return {key: narrowed(found[key], wanted[key]) for key in wanted if key in found}
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [narrowed(*each) for each in zip(found, wanted, strict=True)]
    return found
