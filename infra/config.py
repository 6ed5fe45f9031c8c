"""What a stack can set, with the default, the range and the reason of each setting.

`StackConfig.load` reads it from `Pulumi.<stack>.yaml` and reports every mistake at once, before
the first resource. Ranges are AWS's, from the API models of Lambda, DynamoDB and CloudWatch Logs.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import pulumi
from pulumi.runtime import config as runtime_config

from handler.config import EventName, HandlerConfig, InvalidContractError, RequestsStream, StreamViewType
from infra import filter_criteria
from infra.settings import SettingsReader, anything, between, matching, section, setting

STREAM_RETENTION_HOURS: Final = 24
"""A DynamoDB stream forgets a record after this time; AWS's figure, not a setting."""

LOG_RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip
"""The periods that CloudWatch Logs' PutRetentionPolicy accepts."""

_KMS_KEY_ARN: Final = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+"


class ConfigError(pulumi.RunError):
    """The stack's configuration cannot be deployed; Pulumi prints the message without a traceback."""


class Architecture(StrEnum):
    """The instruction set: of the function, and so of the image's platform."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @property
    def platform(self) -> str:
        """The same in Docker's words."""
        return {"x86_64": "linux/amd64", "arm64": "linux/arm64"}[self]


@dataclass(frozen=True, kw_only=True, slots=True)
class TableConfig:
    deletion_protection: bool = anything(
        True, "AWS refuses to delete the table.", aws="DeletionProtectionEnabled"
    )
    protect: bool = anything(False, "Pulumi refuses to delete the table.", aws="(Pulumi's protect)")
    point_in_time_recovery: bool = anything(
        True, "Continuous backups.", aws="PointInTimeRecoveryEnabled"
    )
    kms_key_arn: str | None = matching(
        None,
        _KMS_KEY_ARN,
        "the ARN of a KMS key",
        "Your own key for the table; none: the AWS-managed key.",
        aws="SSESpecification.KMSMasterKeyId",
    )
    ttl_attribute: str | None = matching(
        None,
        r".{1,255}",
        "an attribute name of 1 to 255 characters",
        "Attribute with the epoch second at which DynamoDB deletes the item.",
        aws="TimeToLiveSpecification.AttributeName",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamConfig:
    view_type: StreamViewType = anything(
        RequestsStream().view_type, "Which images a stream record carries.", aws="StreamViewType"
    )
    events: tuple[EventName, ...] = anything(
        RequestsStream().events, "The events that are requests.", aws="eventName"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageConfig:
    repository: str | None = matching(
        None,
        r"[a-z0-9]+(?:[._/-][a-z0-9]+)*",
        "the name of an ECR repository",
        "Use an existing image of this repository; none: build one from handler/.",
        aws="repositoryName",
    )
    tag: str | None = matching(
        None,
        r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}",
        "an image tag",
        "The existing image's tag; its digest is looked up and pinned.",
        aws="imageTag",
    )
    digest: str | None = matching(
        None,
        r"sha256:[0-9a-f]{64}",
        "sha256: and 64 hexadecimal digits",
        "The existing image's digest, in place of a tag.",
        aws="imageDigest",
    )
    base_image: str | None = anything(
        None, "Base of the image that is built; none: AWS's Python base.", aws="(BASE_IMAGE)"
    )
    force_delete: bool = anything(
        False, "Destroying the stack deletes the built images too.", aws="force"
    )
    keep: int = between(
        10, 1, 1000, "How many built images the repository keeps.", aws="countNumber", unit="images"
    )

    @property
    def is_built(self) -> bool:
        """Whether this program builds the image; otherwise it exists already."""
        return self.repository is None


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionConfig:
    architecture: Architecture = anything(
        Architecture.ARM64, "Of the function and of its image.", aws="Architectures"
    )
    memory_size: int = between(
        256, 128, 10240, "Memory; CPU grows with it.", aws="MemorySize", unit="MB"
    )
    timeout: int = between(
        60, 1, 900, "How long one batch may take.", aws="Timeout", unit="seconds"
    )
    minimum_remaining_time_in_millis: int = between(
        1000,
        0,
        900_000,
        "With less than this left, the handler starts no further record and hands back the rest.",
        aws="(get_remaining_time_in_millis)",
        unit="milliseconds",
    )
    ephemeral_storage: int = between(
        512, 512, 10240, "Size of /tmp.", aws="EphemeralStorage.Size", unit="MB"
    )
    reserved_concurrency: int | None = between(
        None,
        1,
        10_000,
        "Concurrent executions set aside for the function; none: the account's pool.",
        aws="ReservedConcurrentExecutions",
    )
    subnet_ids: tuple[str, ...] = anything((), "Subnets of a VPC.", aws="VpcConfig.SubnetIds")
    security_group_ids: tuple[str, ...] = anything(
        (), "Security groups of a VPC.", aws="VpcConfig.SecurityGroupIds"
    )
    tracing: bool = anything(True, "X-Ray active tracing.", aws="TracingConfig.Mode")
    log_level: str = setting(
        "INFO",
        "Least level that is logged; DEBUG logs payloads.",
        aws="ApplicationLogLevel",
        accepts="one of DEBUG, INFO, WARN, ERROR, FATAL",
        is_valid=lambda value: value in {"DEBUG", "INFO", "WARN", "ERROR", "FATAL"},
    )
    log_retention_days: int = setting(
        30,
        "How long logs are kept.",
        aws="retentionInDays",
        accepts=f"one of {', '.join(map(str, LOG_RETENTION_DAYS))} days",
        is_valid=lambda value: value in LOG_RETENTION_DAYS,
    )


class StartingPosition(StrEnum):
    """Where a new mapping begins to read. AT_TIMESTAMP is not for DynamoDB."""

    TRIM_HORIZON = "TRIM_HORIZON"
    LATEST = "LATEST"


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSourceConfig:
    enabled: bool = anything(True, "Whether Lambda reads the stream.", aws="Enabled")
    starting_position: StartingPosition = anything(
        StartingPosition.TRIM_HORIZON,
        "Where a new mapping begins; LATEST can miss what is written while it is created.",
        aws="StartingPosition",
    )
    filters: tuple[Any, ...] = anything(
        (),
        "Filter patterns, ORed, each for the stream's events; none: the events alone.",
        aws="FilterCriteria.Filters",
        accepts="a list of patterns (objects, or JSON texts)",
    )
    filter_quota: int = between(
        5, 5, 10, "Filters per mapping; above 5 only once AWS has raised yours.", aws="(a quota)"
    )
    batch_size: int = between(
        100, 1, 10_000, "Most records of one invocation.", aws="BatchSize", unit="records"
    )
    maximum_batching_window_in_seconds: int = between(
        0, 0, 300, "How long to gather a batch.", aws="MaximumBatchingWindowInSeconds", unit="seconds"
    )
    parallelization_factor: int = between(
        1,
        1,
        10,
        "Concurrent batches of a shard; order is kept per item.",
        aws="ParallelizationFactor",
    )
    maximum_retry_attempts: int = setting(
        5,
        "Retries of a failing batch; -1: until it expires.",
        aws="MaximumRetryAttempts",
        accepts="either -1 (until the record expires) or between 0 and 10000",
        is_valid=lambda value: -1 <= value <= 10_000,
    )
    maximum_record_age_in_seconds: int = setting(
        6 * 3600,
        "Age at which a record is given up; -1: when the stream forgets it.",
        aws="MaximumRecordAgeInSeconds",
        # The rest of the sentence is AWS's own message.
        accepts="either -1 (forever) or between 60 and 604800 (inclusive)",
        is_valid=lambda value: value == -1 or 60 <= value <= 604_800,
    )
    bisect_batch_on_function_error: bool = anything(
        True, "Halve a failing batch to isolate the record.", aws="BisectBatchOnFunctionError"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class FailuresConfig:
    retention_days: int = between(
        30, 1, 3650, "How long a failed record is kept.", aws="Expiration.Days", unit="days"
    )
    force_destroy: bool = anything(
        False, "Destroying the stack deletes the failed records too.", aws="(Pulumi's forceDestroy)"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotencyConfig:
    enabled: bool = anything(
        True, "Remember each event's id, so that none takes effect twice.", aws="(Powertools)"
    )


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
    tags: Mapping[str, str] = field(
        default_factory=dict,
        metadata=anything(None, "Tags of every resource that takes them.", aws="Tags").metadata,
    )

    @classmethod
    def load(cls, config: pulumi.Config) -> "StackConfig":
        """Reads the stack's configuration.

        Raises `ConfigError` with all mistakes in one message, each under its full key.
        """
        return cls.parse(_values(config), namespace=config.name)

    @classmethod
    def parse(cls, values: Mapping[str, object], *, namespace: str) -> "StackConfig":
        """The same from plain nested values, as they stand in the stack file."""
        reader = SettingsReader(namespace)
        config = reader.read(cls, values)
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
        return (self.failures.retention_days + 1) * 24 * 3600 + STREAM_RETENTION_HOURS * 3600


def _values(config: pulumi.Config) -> dict[str, object]:
    """The project's values, decoded; Pulumi hands objects over as JSON text.

    `pulumi.Config` reads keys that one knows of; to find those that nobody knows, look at all.
    """
    everything = {**(runtime_config.get_config_env() or {}), **runtime_config.CONFIG.get()}
    prefix = f"{config.name}:"
    return {
        key.removeprefix(prefix): _decoded(value)
        for key, value in everything.items()
        if key.startswith(prefix)
    }


def _decoded(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _contradictions(config: StackConfig) -> Iterator[tuple[str, str]]:
    yield from _image_contradictions(config.image)
    yield from _function_contradictions(config.function, config.event_source)
    yield from _tag_problems(config.tags)
    try:
        _ = config.requests_stream
    except InvalidContractError as error:
        yield "stream", f"contradicts itself: {error}"
        return
    try:
        _ = config.filter_patterns
    except filter_criteria.FilterCriteriaError as error:
        for path, message in error.problems:
            yield f"eventSource.{path}", message


def _image_contradictions(image: ImageConfig) -> Iterator[tuple[str, str]]:
    if image.repository is None:
        for name, value in (("tag", image.tag), ("digest", image.digest)):
            if value is not None:
                yield f"image.{name}", "names an existing image, so image.repository must be set too"
        return
    if (image.tag is None) == (image.digest is None):
        yield "image", "takes either tag or digest with repository, to name one existing image"
    if image.base_image is not None:
        yield "image.baseImage", "is for an image that is built, and image.repository names an existing one"


def _function_contradictions(
    function: FunctionConfig, event_source: EventSourceConfig
) -> Iterator[tuple[str, str]]:
    if bool(function.subnet_ids) != bool(function.security_group_ids):
        missing = "securityGroupIds" if function.subnet_ids else "subnetIds"
        yield f"function.{missing}", "must be set too: a VPC takes both subnets and security groups"
    if function.minimum_remaining_time_in_millis >= function.timeout * 1000:
        yield (
            "function.minimumRemainingTimeInMillis",
            f"must be less than the timeout ({function.timeout} seconds), or no record is ever started, "
            f"got {function.minimum_remaining_time_in_millis}",
        )
    reserved, factor = function.reserved_concurrency, event_source.parallelization_factor
    if reserved is not None and reserved < factor:
        yield (
            "function.reservedConcurrency",
            f"must be at least eventSource.parallelizationFactor ({factor}), "
            f"or Lambda throttles its own batches, got {reserved}",
        )


def _tag_problems(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in tags.items():
        if not re.fullmatch(r"(?!aws:)[\w\s.:/=+@-]{1,128}", name):
            yield f"tags.{name}", "must have 1 to 128 of AWS's tag characters and not begin with aws:"
        if not re.fullmatch(r"[\w\s.:/=+@-]{0,256}", value):
            yield f"tags.{name}", f'must be at most 256 of AWS\'s tag characters, got "{value}"'


def handler_config(config: StackConfig, *, failure_bucket: str, idempotency_table: str | None) -> HandlerConfig:
    """What the function is told, once the names of its resources are known."""
    return HandlerConfig(
        stream=config.requests_stream,
        failure_bucket=failure_bucket,
        idempotency_table=idempotency_table,
        idempotency_expires_after=config.idempotency_expires_after,
        minimum_remaining_time=config.function.minimum_remaining_time_in_millis,
        log_level=config.function.log_level,
    )
