"""What `pulumi preview --json` prints, as one change for each resource.

The form is the engine's `display.PreviewDigest`: steps with the old and the new state of a
resource, diagnostics, and no policy findings. Values that only the update will tell are `UNKNOWN`.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from infra import inputs

SECRET: Final = "[secret]"  # noqa: S105 - what is shown in place of one
"""Stands for a secret's value."""


class InvalidPreviewError(ValueError):
    """What was read is no preview, or one that failed; says which."""


class Operation(StrEnum):
    """What an update does with a resource."""

    CREATED = "created"
    UPDATED = "updated"
    REPLACED = "replaced"
    DELETED = "deleted"
    SAME = "same"


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """A resource as it is, or as it would be."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False

    def at(self, *path: str | int) -> Any:
        """The input at a path; None where there is none."""
        return inputs.at(self.inputs, *path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What would become of one resource."""

    urn: str
    operation: Operation
    old: State | None
    """None: it does not exist yet."""
    new: State | None
    """None: it is deleted."""

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.split("::", 3)[-1]

    @property
    def type(self) -> str:
        """The resource's type token."""
        return self._types[-1]

    @property
    def parents(self) -> Sequence[str]:
        """The type tokens of the components it stands in, outermost first."""
        return self._types[:-1]

    @property
    def is_gone(self) -> bool:
        """Whether what exists is deleted, with or without a successor."""
        return self.operation in {Operation.REPLACED, Operation.DELETED}

    @property
    def _types(self) -> Sequence[str]:
        return self.urn.split("::", 3)[2].split("$")


_NAMED: Final = frozenset(
    {"aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2", "aws:ecr/repository:Repository"}
)
"""Types that others refer to by the name that a program may give them."""
_NAMES: Final = ("id", "name", "bucket", "arn", "url")
"""Outputs by which other resources refer to one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """All changes of a preview, in the engine's order."""

    stack: str
    changes: Sequence[Change]

    @property
    def is_new(self) -> bool:
        """Whether the stack has no resource yet."""
        roots = [each.operation for each in self.of_type("pulumi:pulumi:Stack")]
        if roots:
            return roots == [Operation.CREATED]
        return all(change.old is None for change in self.changes)

    def are_gone(self, names: Collection[object]) -> bool:
        """Whether a resource that AWS knows by one of these names, ids or ARNs goes too."""
        known = [name for name in names if isinstance(name, str)]
        return any(
            change.old.outputs.get(key) in known
            for change in self.changes
            if change.is_gone and change.old is not None
            for key in _NAMES
        )

    def is_made(self, name: object) -> bool:
        """Whether a resource of that name is there only once the update has run."""
        return self.is_new or any(
            change.type in _NAMED
            and name in (change.new.at("bucket"), change.new.at("name"), change.name)
            for change in self.changes
            if change.operation is Operation.CREATED and change.new is not None
        )

    def of_type(self, type_: str) -> Iterator[Change]:
        """The changes of resources of a type."""
        return (change for change in self.changes if change.type == type_)


def read(printed: str) -> Preview:
    """Raises `InvalidPreviewError` for what is no preview, and for one that failed."""
    digest = _decoded(printed)
    errors = [
        str(each.get("message", "")).strip()
        for each in digest.get("diagnostics") or ()
        if each["severity"] == "error"
    ]
    if errors:
        raise InvalidPreviewError("the preview failed: " + "\n".join(errors))
    steps: dict[str, list[Mapping[str, Any]]] = {}
    for step in digest.get("steps") or ():
        steps.setdefault(str(step["urn"]), []).append(step)
    changes = [_change(urn, of_urn) for urn, of_urn in steps.items()]
    stacks = {urn.split("::", 2)[0].removeprefix("urn:pulumi:") for urn in steps}
    return Preview(stack=", ".join(sorted(stacks)) or "(empty)", changes=changes)


def _decoded(printed: str) -> Mapping[str, Any]:
    """The digest, whatever a wrapper or the CLI has printed before and behind it."""
    decoder, is_json, reason = json.JSONDecoder(), False, "nothing in it begins with {"
    printed = printed.lstrip("\ufeff \t\r\n")
    for start in re.finditer(r"^(?=\{)", printed, flags=re.MULTILINE):
        try:
            digest, _ = decoder.raw_decode(printed, start.start())
        except ValueError as error:
            reason = str(error)
            continue
        except RecursionError:
            reason = "it nests too deep"
            continue
        is_json = True
        if isinstance(digest, dict) and _is_preview(digest):
            return digest
    if not printed:
        raise InvalidPreviewError("it is empty: see what `pulumi preview --json` said instead")
    if is_json:
        raise InvalidPreviewError(
            "it is JSON, but not what `pulumi preview --json` prints: steps with op and urn"
        )
    raise InvalidPreviewError(f"it is not what `pulumi preview --json` prints: {reason}")


def _is_preview(digest: Mapping[str, Any]) -> bool:
    steps, diagnostics = digest.get("steps"), digest.get("diagnostics")
    return (
        not {"steps", "diagnostics", "changeSummary"}.isdisjoint(digest)
        and _is_list(steps, _is_step)
        and _is_list(diagnostics, lambda each: isinstance(each, dict) and "severity" in each)
    )


def _is_list(value: object, of: Callable[[object], bool]) -> bool:
    return value is None or (isinstance(value, list) and all(map(of, value)))


def _is_step(step: object) -> bool:
    return (
        isinstance(step, dict)
        and isinstance(step.get("op"), str)
        and isinstance(step.get("urn"), str)
        and step["urn"].count("::") >= 3
        and all(_is_state(step.get(state)) for state in ("oldState", "newState"))
    )


def _is_state(state: object) -> bool:
    return state is None or (
        isinstance(state, dict)
        and all(isinstance(state.get(part) or {}, dict) for part in ("inputs", "outputs"))
    )


_OPERATIONS: Final[Mapping[str, Operation]] = {
    "replace": Operation.REPLACED,
    "create-replacement": Operation.REPLACED,
    "delete-replaced": Operation.REPLACED,
    "import-replacement": Operation.REPLACED,
    "delete": Operation.DELETED,
    "update": Operation.UPDATED,
    "create": Operation.CREATED,
    "import": Operation.CREATED,
}
"""The engine's operations; where a resource has several steps, the first of these counts. What is
only read (`read`, `read-replacement`, `discard-replaced`, `refresh`) is another's, or stays."""


def _change(urn: str, steps: Sequence[Mapping[str, Any]]) -> Change:
    found = {_OPERATIONS.get(step["op"], Operation.SAME) for step in steps}
    operation = next((each for each in _OPERATIONS.values() if each in found), Operation.SAME)
    if {Operation.CREATED, Operation.DELETED} <= found:
        operation = Operation.REPLACED
    # A refresh comes first: its new state is what there is, and not what will be.
    doing = [step for step in steps if step["op"] in _OPERATIONS] or steps
    old = next((step["oldState"] for step in doing if step.get("oldState")), None)
    new = next((step["newState"] for step in doing if step.get("newState")), None)
    return Change(
        urn=urn,
        operation=operation,
        old=None if operation is Operation.CREATED else _state(old),
        new=None if operation is Operation.DELETED else _state(new),
    )


def _state(state: Mapping[str, Any] | None) -> State:
    state = state or {}
    return State(
        inputs=state.get("inputs") or {},
        outputs=state.get("outputs") or {},
        protect=bool(state.get("protect")),
        retain_on_delete=bool(state.get("retainOnDelete")),
    )
