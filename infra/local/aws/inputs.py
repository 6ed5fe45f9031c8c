"""A resource's inputs that know which of them were asked for, at any depth."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_OF_PULUMI: Final = frozenset({
    "confirmationTimeoutInMinutes", "deletionWindowInDays", "endpointAutoConfirms",
    "forceDelete", "forceDestroy", "forceDetachPolicies", "forceOverwriteReplicaSecret",
    "enforceConsumerDeletion", "recoveryWindowInDays", "replaceSecurityGroupsOnDestroy",
    "replacementSecurityGroupIds", "skipDestroy", "tagsAll", "useResourceTimeoutForPropagation",
    "waitForActivation",
})  # fmt: skip
"""Inputs that the provider keeps to itself, or heeds at a deletion."""


class NotingInputs(dict[str, Any]):
    """Inputs that note what is read of them; a dict, because boto3 takes no other mapping.

    What is iterated over has been handed on whole.
    """

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        super().__init__({key: _noting(value) for key, value in inputs.items()})
        self._read = set[str]()

    @property
    def unread(self) -> list[str]:
        """The paths that have a value, and that nobody asked for."""
        found = dict.fromkeys(self._unread())
        return [path for path in found if path not in _OF_PULUMI]

    def forget(self, key: str) -> None:
        """Counts an input as not read."""
        self._read.discard(key)

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The same as of any mapping; None counts as none."""
        self._read.add(key)
        value = super().get(key)
        return default if value is None else value

    def __iter__(self) -> Iterator[str]:
        self._read_all()
        return super().__iter__()

    def keys(self) -> Any:
        self._read_all()
        return super().keys()

    def values(self) -> Any:
        self._read_all()
        return super().values()

    def items(self) -> Any:
        self._read_all()
        return super().items()

    def _read_all(self) -> None:
        for key in super().__iter__():
            self._read.add(key)
            for each in _within(super().__getitem__(key)):
                each._read_all()  # noqa: SLF001 - of its own class

    def _unread(self) -> Iterator[str]:
        for key in super().__iter__():
            value = super().__getitem__(key)
            if value is None or value in ([], {}):
                continue
            if key not in self._read:
                yield key
                continue
            for each in _within(value):
                yield from (f"{key}.{path}" for path in each._unread())  # noqa: SLF001 - as above


def _noting(value: Any) -> Any:
    if isinstance(value, Mapping):
        return NotingInputs(value)
    return [_noting(each) for each in value] if isinstance(value, list) else value


def _within(value: Any) -> Iterator[NotingInputs]:
    if isinstance(value, NotingInputs):
        yield value
    for each in value if isinstance(value, list) else ():
        yield from _within(each)


def unnoted(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The same, without any note that it was read."""
    return dict(dict.items(inputs)) if isinstance(inputs, dict) else dict(inputs)


def heeded(inputs: Mapping[str, Any], *keys: str) -> None:
    """Counts them as read: something else heeds them, or there is nothing to do about them here."""
    for key in keys:
        for each in _within(inputs.get(key)):
            each.values()
