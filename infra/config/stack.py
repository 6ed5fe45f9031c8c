"""The stack's configuration, whole and right, or one message that says all that is wrong with it.

`StackConfig.load` reads it from what Pulumi hands over of `Pulumi.<stack>.yaml`, before the first
resource. What each setting means is the business of `infra.config.sections`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi.runtime import config as runtime_config

from handler.config import HandlerConfig, InvalidContractError, RequestsStream
from infra.config import consistency
from infra.config.reader import SettingsReader
from infra.config.sections import (
    STREAM_RETENTION_HOURS,
    EventSourceConfig,
    FailuresConfig,
    FunctionConfig,
    IdempotencyConfig,
    ImageConfig,
    StreamConfig,
    TableConfig,
)
from infra.config.settings import declarations, mapping, section
from infra.filters import criteria as filter_criteria


class ConfigError(pulumi.RunError):
    """The stack's configuration cannot be deployed; Pulumi prints this without a traceback."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StackConfig:
    """All that a stack can set. Construct it directly in a test, `load` it in the program."""

    table: TableConfig = section(TableConfig)
    stream: StreamConfig = section(StreamConfig)
    image: ImageConfig = section(ImageConfig)
    function: FunctionConfig = section(FunctionConfig)
    event_source: EventSourceConfig = section(EventSourceConfig)
    failures: FailuresConfig = section(FailuresConfig)
    idempotency: IdempotencyConfig = section(IdempotencyConfig)
    tags: Mapping[str, str] = mapping(
        "Tags of every resource that takes them, beside Project and Stack.", aws="Tags"
    )

    @classmethod
    def load(cls, config: pulumi.Config) -> "StackConfig":
        """Reads the stack's configuration.

        Raises `ConfigError` with all mistakes in one message, each under its full key.
        """
        handed_over = runtime_config.CONFIG.get()
        prefix = f"{config.name}:"
        own = {key.removeprefix(prefix) for key in handed_over if key.startswith(prefix)}
        secrets = {name for name in own if runtime_config.is_config_secret(prefix + name)}
        reader = SettingsReader(config.name, secrets)
        for key in handed_over:
            namespace, _, name = key.partition(":")
            if namespace not in {config.name, *_PACKAGES} and name in _TOP_LEVEL_KEYS:
                reader.problem(
                    name, f"is set as {key}, which this project does not read: rename it"
                )
        return cls._read(
            reader, {name: _decoded(handed_over[prefix + name]) for name in sorted(own)}
        )

    @classmethod
    def parse(cls, values: Mapping[str, object], *, namespace: str) -> "StackConfig":
        """The same from plain nested values, as they stand in the stack file."""
        return cls._read(SettingsReader(namespace), values)

    @classmethod
    def _read(cls, reader: SettingsReader, values: Mapping[str, object]) -> "StackConfig":
        paths = [name for name in values if name.partition(".")[0] in _TOP_LEVEL_KEYS - {name}]
        for path in paths:
            reader.problem(path, f"is no key of its own; nest it: pulumi config set --path {path}")
        config = reader.read(cls, {key: values[key] for key in values if key not in paths})
        for key, message in _contradictions(config):
            reader.problem(key, message)
        if reader.problems:
            count = len(reader.problems)
            heading = "1 mistake" if count == 1 else f"{count} mistakes"
            lines = "".join(f"\n  - {problem}" for problem in reader.problems)
            raise ConfigError(f"{heading} in the stack's configuration:{lines}")
        return config

    @property
    def requests_stream(self) -> RequestsStream:
        """The contract, as this stack has it.

        Raises `InvalidContractError` when the view type does not carry what the events need.
        """
        return RequestsStream(view_type=self.stream.view_type, events=self.stream.events)

    @property
    def filter_patterns(self) -> tuple[str, ...]:
        """The mapping's filter patterns in canonical text.

        Raises `FilterCriteriaError` when one of them can never match, or AWS would refuse it.
        """
        return filter_criteria.filter_patterns(
            self.event_source.filters, self.requests_stream, quota=self.event_source.filter_quota
        )

    @property
    def idempotency_expires_after(self) -> int:
        """Seconds: a record may come back as long as the stream or the failure bucket has it."""
        # One day more, because S3 expires an object at the midnight after its last day.
        days = self.failures.retention_days + 1
        return (days * 24 + STREAM_RETENTION_HOURS) * 3600


_TOP_LEVEL_KEYS: Final = frozenset(declared.key for declared in declarations(StackConfig))
_PACKAGES: Final = frozenset({"aws", "docker", "pulumi"})
"""Whose settings stand in the same file."""


def _decoded(value: object) -> object:
    """Pulumi hands every value over as text, and an object as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _contradictions(config: StackConfig) -> Iterator[consistency.Problem]:
    yield from consistency.of_image(config.image)
    yield from consistency.of_function(config.function, config.event_source)
    yield from consistency.of_tags(config.tags)
    try:
        stream = config.requests_stream
    except InvalidContractError as error:
        yield consistency.Problem("stream", f"contradicts itself: {error}")
        return
    yield from consistency.of_table(config.table, stream)
    try:
        _ = config.filter_patterns
    except filter_criteria.FilterCriteriaError as error:
        for path, message in error.problems:
            yield consistency.Problem(f"eventSource.{path}", message)


def handler_config(
    config: StackConfig, *, service: str, failure_bucket: str, idempotency_table: str | None
) -> HandlerConfig:
    """What the function is told, once the names of its resources are known."""
    return HandlerConfig(
        service=service,
        stream=config.requests_stream,
        failure_bucket=failure_bucket,
        idempotency_table=idempotency_table,
        idempotency_expires_after=config.idempotency_expires_after,
        minimum_remaining_time=config.function.minimum_remaining_time_in_millis,
        log_level=config.function.log_level,
    )
