"""Those of a stack's settings that the model knows, from the stack's files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from handler.config import StreamViewType
from infra.config import stack_file
from infra.config.declaration import declarations
from infra.config.reader import SettingsReader
from infra.config.stack import StackConfig
from infra.config.stack_settings import (
    EventSourceConfig,
    FunctionConfig,
    IdempotencyConfig,
    MonitoringConfig,
)

PROJECT: Final = Path(__file__).parents[2]

_IMAGES: Final = {StreamViewType.KEYS_ONLY: 0, StreamViewType.NEW_AND_OLD_IMAGES: 2}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Of one pipeline."""

    event_source: EventSourceConfig
    function: FunctionConfig
    idempotency: IdempotencyConfig
    monitoring: MonitoringConfig
    images: int
    """That a record carries, at most."""
    remembered_for: float
    """Seconds."""


class SettingsError(Exception):
    """The settings are not clear; all that is wrong with them."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = tuple(mistakes)


def settings(
    stack: str | None = None,
    pipeline: str | None = None,
    changes: Sequence[Mapping[str, Any]] = (),
) -> Settings:
    """The stack's, or the defaults, with the changes over them. Raises `SettingsError`."""
    namespace = pipeline or stack_file.project_name(PROJECT)
    values = dict(_own(_values(stack), namespace))
    for change in changes:
        values = stack_file.merged(values, change)
    reader = SettingsReader(namespace)
    read: dict[str, Any] = {each.field: each.default for each in declarations(StackConfig)}
    read |= reader.read(StackConfig, values)
    if reader.mistakes:
        raise SettingsError(reader.mistakes)
    return Settings(
        event_source=read["event_source"],
        function=read["function"],
        idempotency=read["idempotency"],
        monitoring=read["monitoring"],
        images=_IMAGES.get(read["stream"].view_type, 1),
        remembered_for=StackConfig(failures=read["failures"]).idempotency_expires_after,
    )


def _values(stack: str | None) -> Mapping[str, Any]:
    if stack is None:
        return {}
    try:
        return stack_file.stack_values(PROJECT, stack)
    except stack_file.StackFileError as error:
        raise SettingsError(str(error).splitlines()) from error


def _own(values: Mapping[str, Any], namespace: str) -> Iterator[tuple[str, Any]]:
    """A pipeline's, by their keys in its namespace."""
    for key, value in values.items():
        named, _, own = key.partition(":")
        if named == namespace:
            yield own, value
