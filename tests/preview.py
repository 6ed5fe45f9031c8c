"""What `pulumi preview --json` would print between two plans of the program.

What forces a replacement is the Terraform provider's: a mapping's stream and starting position, a
table's keys, an image repository's lifecycle policy. Tests of the real engine hold what is found in
it against what is found in the real CLI's.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from infra.inputs import UNKNOWN
from tests.plan import EVENT_SOURCE_MAPPING, FUNCTION, IMAGE, TABLE, Plan, Registered

LIFECYCLE_POLICY: Final = "aws:ecr/lifecyclePolicy:LifecyclePolicy"

_REPLACING: Final[Mapping[str, tuple[str, ...]]] = {
    TABLE: ("hashKey", "rangeKey"),
    EVENT_SOURCE_MAPPING: ("eventSourceArn", "startingPosition"),
    LIFECYCLE_POLICY: ("policy",),
}


def preview_between(before: Plan | None, after: Plan | None) -> str:
    """The preview of an update from one plan to the other; None: nothing there, or nothing left."""
    old = {each.urn: each for each in before.registered} if before else {}
    new = {each.urn: each for each in after.registered} if after else {}
    steps = [_step(urn, old.get(urn), new.get(urn)) for urn in {**new, **old}]
    if any(_is_built(step, new) for step in steps):
        for step in steps:
            _without_digest(step, new)
    return json.dumps({"steps": [step for step in steps if step["op"] != "same"]}, default=str)


def _is_built(step: Mapping[str, Any], new: Mapping[str, Registered]) -> bool:
    resource = new.get(step["urn"])
    return step["op"] != "same" and resource is not None and resource.type == IMAGE


def _without_digest(step: dict[str, Any], new: Mapping[str, Registered]) -> None:
    """The digest of an image is known once it is built."""
    resource = new.get(step["urn"])
    if resource is not None and resource.type == FUNCTION:
        inputs = {**step["newState"]["inputs"], "imageUri": UNKNOWN}
        step["newState"] = {**step["newState"], "inputs": inputs}
        step["op"] = "create" if step["op"] == "create" else "update"


def _step(urn: str, old: Registered | None, new: Registered | None) -> dict[str, Any]:
    states = {"oldState": _state(old), "newState": _state(new)}
    if old is None or new is None:
        return {"op": "delete" if new is None else "create", "urn": urn, **states}
    if states["oldState"] == states["newState"]:
        return {"op": "same", "urn": urn, **states}
    replacing = any(
        old.inputs.get(key) != new.inputs.get(key) for key in _REPLACING.get(old.type, ())
    )
    return {"op": "replace" if replacing else "update", "urn": urn, **states}


def _state(resource: Registered | None) -> dict[str, Any] | None:
    if resource is None:
        return None
    return {
        "urn": resource.urn,
        "type": resource.type,
        "inputs": resource.inputs,
        "outputs": resource.outputs,
        "protect": resource.protect,
        "retainOnDelete": resource.retain_on_delete,
    }
