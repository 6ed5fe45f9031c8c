"""Inputs beside a state: what stays although it left the program, and what of it was asked for."""

import json
from collections.abc import Mapping
from typing import Any, Final

from infra.local.aws.not_made import is_made_up
from infra.local.aws.resource_type import DOCUMENTS, Inputs, ResourceType


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


def narrowed(found: Any, wanted: Any, key: str = "") -> Any:
    """What was found, as far as it was asked for: nobody has changed what AWS adds by itself."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping) and key not in _OF_THE_USER:
        return {name: narrowed(found[name], wanted[name], name) for name in wanted if name in found}
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [narrowed(*each) for each in zip(found, wanted, strict=True)]
    return wanted if _says_the_same(key, found, wanted) else found


def observed(found: Any, state: Any, key: str = "") -> Any:
    """The state, with what was found of it in its place: not all of it is read."""
    if isinstance(found, Mapping) and isinstance(state, Mapping) and key not in _OF_THE_USER:
        read = {name: observed(found[name], state.get(name), name) for name in found}
        return {**state, **{name: each for name, each in read.items() if name in state or each}}
    if isinstance(found, list) and isinstance(state, list) and len(found) == len(state):
        return [observed(*each) for each in zip(found, state, strict=True)]
    return state if _says_the_same(key, found, state) else found


_OF_THE_USER: Final = frozenset({"tags", "variables"})
"""Maps whose keys are not AWS's: one more is a change too."""


def _says_the_same(key: str, found: Any, before: Any) -> bool:
    """Of a document of JSON, however it is written; what is made up was never handed on."""
    if key not in DOCUMENTS or not isinstance(found, str) or not isinstance(before, str):
        return False
    return is_made_up(before) or bool(json.loads(found) == json.loads(before))
