"""Those of a stack's settings that the model knows: what the program makes of the stack's files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from handler.config import RequestsStream, StreamViewType
from infra.config import stack_file
from infra.config.declaration import declarations
from infra.config.reader import SettingsReader
from infra.config.stack import ConfigError, StackConfig
from infra.config.stack_settings import (
    EventSourceConfig,
    FunctionConfig,
    IdempotencyConfig,
    MonitoringConfig,
)
from infra.exports import WhichPipelineError
from infra.local.pipelines import pipeline_of
from infra.local.program.run import ProgramError, declared_by_program

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
    contract: RequestsStream | None = None,
) -> Settings:
    """Those that the program has in a stack, or the defaults, with the changes over them.

    `contract` says what is in a record where no stack is named. Raises `SettingsError`.
    """
    merged: dict[str, Any] = {}
    for change in changes:
        merged = stack_file.merged(merged, change)
    if stack is not None:
        return _of(_configured(stack, pipeline, merged))
    reader = SettingsReader(stack_file.project_name(PROJECT))
    by_contract = {"stream": {"viewType": (contract or RequestsStream()).view_type}}
    read: dict[str, Any] = {each.field: each.default for each in declarations(StackConfig)}
    read |= reader.read(StackConfig, stack_file.merged(by_contract, merged))
    if reader.mistakes:
        raise SettingsError(reader.mistakes)
    return _of_sections(read, StackConfig(failures=read["failures"]).idempotency_expires_after)


def _of(config: StackConfig) -> Settings:
    read = {each.field: getattr(config, each.field) for each in declarations(StackConfig)}
    return _of_sections(read, config.idempotency_expires_after)


def _of_sections(read: Mapping[str, Any], remembered_for: float) -> Settings:
    return Settings(
        event_source=read["event_source"],
        function=read["function"],
        idempotency=read["idempotency"],
        monitoring=read["monitoring"],
        images=_IMAGES.get(read["stream"].view_type, 1),
        remembered_for=remembered_for,
    )


def _configured(stack: str, pipeline: str | None, changes: Mapping[str, Any]) -> StackConfig:
    """What the program reads, as it does at a preview: it alone knows its pipelines."""
    try:
        components = declared_by_program(stack, changes, PROJECT)
        return pipeline_of(components, pipeline).config
    except ProgramError as error:
        cause = error.__cause__
        mistakes = cause.mistakes if isinstance(cause, ConfigError) else str(error).splitlines()
        raise SettingsError(mistakes) from error
    except WhichPipelineError as error:
        raise SettingsError([str(error)]) from error
