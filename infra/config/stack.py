"""The stack's configuration, whole and right, or one message that says all that is wrong with it.

`StackConfig.load` reads it from what Pulumi hands over of `Pulumi.<stack>.yaml`, before the first
resource, and checks it against the pipeline's contract. What each setting means stands in
`infra.config.stack_settings`.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeAlias

import pulumi
from pulumi.runtime import config as runtime_config

from handler.config import HandlerConfig, RequestsStream
from infra.config import regions
from infra.config.consistency import (
    default_tag_mistakes,
    of_own_table_mistakes,
    partition_mistakes,
    region_mistakes,
    resolved,
)
from infra.config.declaration import (
    Matching,
    Refusal,
    Setting,
    check,
    declarations,
    value_of,
)
from infra.config.reader import SettingsReader
from infra.config.stack_settings import (
    STREAM_RETENTION_HOURS,
    EventSourceConfig,
    FailuresConfig,
    FunctionConfig,
    IdempotencyConfig,
    ImageConfig,
    MonitoringConfig,
    StreamConfig,
    TableConfig,
)
from infra.wording import counted

Tags: TypeAlias = Mapping[
    Annotated[
        str,
        Matching(
            r"(?!(?i:aws:))[\w .:/=+@-]{1,128}",
            "a name of 1 to 128 letters, digits, spaces and . : / = + @ - _, "
            "not beginning with aws:",
        ),
    ],
    Annotated[
        str,
        Matching(
            r"[\w .:/=+@-]{0,256}",
            "at most 256 letters, digits, spaces and . : / = + @ - _",
        ),
    ],
]
"""The rules for tags of the strictest of the services, IAM."""


class ConfigError(pulumi.RunError):
    """The stack's configuration cannot be deployed; Pulumi prints this without a traceback."""

    def __init__(
        self, mistakes: Sequence[str], *, where: str = "the stack's configuration"
    ) -> None:
        heading = counted(len(mistakes), "mistake")
        lines = "".join(f"\n  - {mistake}" for mistake in mistakes)
        super().__init__(f"{heading} in {where}:{lines}")
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, kw_only=True, slots=True)
class StackConfig:
    """All that a stack can set, and what follows from it. `load` it in the program.

    Constructing it raises `ConfigError` for settings that contradict each other or the contract.
    """

    table: TableConfig = field(default_factory=TableConfig)
    stream: StreamConfig = field(default_factory=StreamConfig)
    image: ImageConfig = field(default_factory=ImageConfig)
    function: FunctionConfig = field(default_factory=FunctionConfig)
    event_source: EventSourceConfig = field(default_factory=EventSourceConfig)
    failures: FailuresConfig = field(default_factory=FailuresConfig)
    idempotency: IdempotencyConfig = field(default_factory=IdempotencyConfig)
    monitoring: MonitoringConfig = field(default_factory=MonitoringConfig)
    tags: Annotated[
        Tags,
        Setting(
            "Tags of every resource that takes them, beside Project and Stack.",
            aws="Tags",
            accepts="names and strings",
        ),
    ] = field(default_factory=dict)
    contract: RequestsStream = field(default_factory=RequestsStream)
    """What the pipeline's function and its infrastructure agree on; no setting."""
    requests_stream: RequestsStream = field(init=False)
    """The contract, as this stack has it."""
    filter_patterns: tuple[str, ...] = field(init=False)
    """The mapping's filter patterns in canonical form."""
    are_tags_secret: bool = field(init=False)
    """Whether the tags' values are kept encrypted."""
    warnings: tuple[str, ...] = field(init=False)
    """What does no harm, and is not meant so; each with its key."""

    def __post_init__(self) -> None:
        check(self)
        found = resolved(
            {each.field: getattr(self, each.field) for each in declarations(StackConfig)},
            self.contract,
        )
        if found.mistakes:
            raise ConfigError([f"{key} {message}" for key, message in found.mistakes])
        object.__setattr__(self, "requests_stream", found.requests_stream)
        object.__setattr__(self, "filter_patterns", found.filter_patterns)
        warnings = tuple(f"{key} {message}" for key, message in found.warnings)
        object.__setattr__(self, "warnings", warnings)
        object.__setattr__(self, "are_tags_secret", False)

    @classmethod
    def load(
        cls,
        config: pulumi.Config,
        contract: RequestsStream | None = None,
        *,
        beside: Collection[str] = (),
    ) -> "StackConfig":
        """Reads a pipeline's configuration: what the stack has in the namespace of `config`.

        `beside` are the namespaces of the program's other pipelines, beside the project's own: what
        stands in a namespace that nobody reads is a mistake.

        Raises `ConfigError` with all mistakes in one message, each under its full key; what does
        no harm is a warning.
        """
        handed_over = runtime_config.CONFIG.get()
        prefix = f"{config.name}:"
        own = {key.removeprefix(prefix) for key in handed_over if key.startswith(prefix)}
        secrets = {name for name in own if runtime_config.is_config_secret(prefix + name)}
        reader = SettingsReader(config.name, secrets)
        for key in _read_by_nobody(handed_over, {config.name, pulumi.get_project(), *beside}):
            reader.mistake(key.partition(":")[2], _NOBODYS.format(key))
        for name in sorted(secrets & (_TOP_LEVEL_KEYS - {"tags"})):
            reader.mistake(name, _ONLY_TAGS_MAY)
        if runtime_config.is_config_secret(_DEFAULT_TAGS):
            reader.mistakes.append(f"{_DEFAULT_TAGS} {_ONLY_TAGS_MAY}")
        region = handed_over.get(_REGION) or None
        read = cls._read(
            reader,
            {name: _decoded(handed_over[prefix + name]) for name in sorted(own)},
            contract or RequestsStream(),
            default_tags=_default_tags(_decoded(handed_over.get(_DEFAULT_TAGS))),
            region=region,
        )
        object.__setattr__(read, "are_tags_secret", "tags" in secrets)
        for warning in read.warnings:
            pulumi.log.warn(f"{config.name}:{warning}")
        if region and (doubt := regions.doubt_of(region)):
            pulumi.log.warn(f"{_REGION} {doubt}")
        return read

    @classmethod
    def parse(
        cls,
        values: Mapping[str, object],
        contract: RequestsStream | None = None,
        *,
        namespace: str,
    ) -> "StackConfig":
        """The same from plain nested values, as they stand in the stack file."""
        return cls._read(SettingsReader(namespace), values, contract or RequestsStream())

    @classmethod
    def _read(
        cls,
        reader: SettingsReader,
        values: Mapping[str, object],
        contract: RequestsStream,
        *,
        default_tags: Mapping[str, str] | None = None,
        region: str | None = None,
    ) -> "StackConfig":
        paths = [name for name in values if name.partition(".")[0] in _TOP_LEVEL_KEYS - {name}]
        for path in paths:
            reader.mistake(path, f"is no key of its own; nest it: pulumi config set --path {path}")
        values = _filled_in({key: values[key] for key in values if key not in paths}, contract)
        read = reader.read(cls, values)
        for key, message in of_own_table_mistakes(_beside_name(values.get("table"))):
            reader.mistake(key, message)
        clear = {
            declared.field: read.get(declared.field, declared.default)
            for declared in declarations(cls)
            if declared.key not in reader.unclear
        }
        for key, message in resolved(clear, contract).mistakes:
            reader.mistake(key, message)
        if region:
            _check_region(region, clear, reader)
        if default_tags:
            reader.mistakes += _mistakes_of_default_tags(default_tags, clear.get("tags", {}))
        if reader.mistakes:
            raise ConfigError(reader.mistakes)
        return cls(**read, contract=contract)

    @property
    def idempotency_expires_after(self) -> int:
        """Seconds: a record may come back as long as the stream or the failure bucket has it."""
        # One day more, because S3 expires an object at the midnight after its last day.
        days = self.failures.retention_days + 1
        return (days * 24 + STREAM_RETENTION_HOURS) * 3600


_TOP_LEVEL_KEYS: Final = frozenset(declared.key for declared in declarations(StackConfig))
_PACKAGES: Final = frozenset({"aws", "docker", "pulumi"})
"""Whose settings stand in the same file."""
_DEFAULT_TAGS: Final = "aws:defaultTags"
"""The AWS provider's own setting: it adds these tags to each resource."""
_REGION: Final = "aws:region"
_NOBODYS: Final = (
    "is set as {}, which this project does not read: rename it, or, if another pipeline "
    "does, name its namespace in StackConfig.load(..., beside=[...])"
)
_ONLY_TAGS_MAY: Final = (
    "holds a secret, which would stand in plain text in the state: only tags may hold one"
)


def _filled_in(values: Mapping[str, object], contract: RequestsStream) -> Mapping[str, object]:
    """The same, with the contract's view type and events where the stack sets none."""
    stream = values.get("stream") or {}
    if not isinstance(stream, Mapping):
        return values
    given = {key: value for key, value in stream.items() if value is not None}
    by_contract = {"viewType": contract.view_type, "events": contract.events}
    return {**values, "stream": {**by_contract, **given}}


def _beside_name(table: object) -> list[str]:
    """The settings of an own table that are set, whatever their value, where there is none."""
    if not isinstance(table, Mapping) or table.get("name") is None:
        return []
    own = {declared.key for declared in declarations(TableConfig)}
    return [key for key, value in table.items() if key in own and value is not None]


def _read_by_nobody(handed_over: Mapping[str, str], namespaces: Collection[str]) -> list[str]:
    """The keys of this program that stand where nobody looks: as under the project's former name.

    A provider, as Datadog's, may have tags too: a name is a former one if it has more in common.
    """
    others: dict[str, set[str]] = {}
    for key in handed_over:
        namespace, _, own = key.partition(":")
        if namespace not in {*namespaces, *_PACKAGES} and own in _TOP_LEVEL_KEYS:
            others.setdefault(namespace, set()).add(own)
    return [
        f"{namespace}:{own}"
        for namespace, found in others.items()
        for own in sorted(found)
        if found != {"tags"}
    ]


def _decoded(value: object) -> object:
    """Pulumi hands every value over as a string, and an object as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _default_tags(given: object) -> Mapping[str, str]:
    tags = given.get("tags") if isinstance(given, Mapping) else None
    return tags if isinstance(tags, Mapping) else {}


def _check_region(region: str, parts: Mapping[str, Any], reader: SettingsReader) -> None:
    if mistake := regions.mistake_of(region):
        reader.mistakes.append(f"{_REGION} {mistake}")
        return
    for key, message in (*partition_mistakes(region, parts), *region_mistakes(region, parts)):
        reader.mistake(key, message)


def _mistakes_of_default_tags(
    default_tags: Mapping[str, str], tags: Mapping[str, str]
) -> Iterator[str]:
    refusals: list[Refusal] = []
    value_of(Tags, default_tags, f"{_DEFAULT_TAGS}.tags", refusals)
    for refusal in refusals:
        yield f"{refusal.path} {refusal.words}"
    for name, message in default_tag_mistakes(default_tags, tags):
        yield f"{_DEFAULT_TAGS}.tags{name} {message}"


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
        process_batch_size=config.function.process_batch_size,
        log_level=config.function.log_level,
    )
