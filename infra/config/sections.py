"""What a stack can set, section by section: the default, the range and the reason of each setting.

Ranges are AWS's, from the API models of Lambda, DynamoDB and CloudWatch Logs. Which settings
contradict each other is the business of `infra.config.consistency`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from handler.config import EventName, RequestsStream, StreamViewType
from infra.config.settings import anything, between, each_matching, matching, setting

LOG_RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip
"""The periods that CloudWatch Logs' PutRetentionPolicy accepts."""

STREAM_RETENTION_HOURS: Final = 24
"""A DynamoDB stream forgets a record after this time; AWS's figure, not a setting."""

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")
"""Of Lambda's levels those that Python's logging knows too."""

_KMS_KEY_ARN: Final = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+"


class Architecture(StrEnum):
    """The instruction set: of the function, and so of the image's platform."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @property
    def platform(self) -> str:
        """The same in Docker's words."""
        return {"x86_64": "linux/amd64", "arm64": "linux/arm64"}[self]


class StartingPosition(StrEnum):
    """Where a new mapping begins to read. AT_TIMESTAMP is not for DynamoDB."""

    TRIM_HORIZON = "TRIM_HORIZON"
    LATEST = "LATEST"


@dataclass(frozen=True, kw_only=True, slots=True)
class TableConfig:
    """The table that requests are written to."""

    deletion_protection: bool = anything(
        True,
        "AWS and Pulumi refuse to delete the table.",
        aws="DeletionProtectionEnabled",
    )
    point_in_time_recovery: bool = anything(
        True,
        "Continuous backups, billed by the table's size.",
        aws="PointInTimeRecoveryEnabled",
    )
    server_side_encryption: bool = anything(
        True,
        "A key of KMS, whose requests are billed; false: DynamoDB's own key, for free.",
        aws="SSESpecification.Enabled",
    )
    kms_key_arn: str | None = matching(
        None,
        _KMS_KEY_ARN,
        "the ARN of a KMS key",
        "Your own key for the table; none: the AWS-managed key.",
        aws="SSESpecification.KMSMasterKeyId",
    )
    ttl_enabled: bool = anything(
        False,
        "DynamoDB deletes items whose time has come.",
        aws="TimeToLiveSpecification.Enabled",
    )
    ttl_attribute: str = matching(
        "expires_at",
        r".{1,255}",
        "an attribute name of 1 to 255 characters",
        "Attribute with that time, as the epoch second.",
        aws="TimeToLiveSpecification.AttributeName",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamConfig:
    """The table's stream: the stack's share of the contract."""

    view_type: StreamViewType = anything(
        RequestsStream().view_type, "Which images a stream record carries.", aws="StreamViewType"
    )
    events: tuple[EventName, ...] = anything(
        RequestsStream().events, "The events that are requests.", aws="eventName"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageConfig:
    """The function's image: built here, or one that exists."""

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
        "The existing image's digest, in place of a tag; without repository: of the stack's own.",
        aws="imageDigest",
    )
    base_image: str | None = matching(
        None,
        r"\S+",
        "an image name",
        "Base of the image that is built; none: AWS's Python base.",
        aws="(BASE_IMAGE)",
    )
    source: str | None = matching(
        None,
        r"https?://\S+",
        "a URL",
        "Where the image's sources are: its label org.opencontainers.image.source.",
        aws="(SOURCE)",
    )
    own_repository: bool = anything(
        True,
        "The stack has a repository of its own; false only once nothing runs its images.",
        aws="(ecr.Repository)",
    )
    force_delete: bool = anything(
        False,
        "Destroying the stack deletes the built images too; false: Pulumi refuses.",
        aws="force",
    )
    keep: int = between(
        # Lambda fetches an image again later, and a function whose image is gone fails.
        10,
        5,
        1000,
        "How many built images the repository keeps.",
        aws="countNumber",
        unit="images",
    )

    @property
    def is_built(self) -> bool:
        """Whether this program builds the image; otherwise it exists already."""
        return self.repository is None and self.digest is None


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionConfig:
    """The function that processes the requests."""

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
    subnet_ids: tuple[str, ...] = each_matching(
        r"subnet-[0-9a-f]{8,17}",
        "a list of subnet ids (subnet-...)",
        "Subnets of a VPC; none: no VPC. S3 and DynamoDB must be reachable from there (gateway "
        "endpoints are free), and X-Ray with function.tracing.",
        aws="VpcConfig.SubnetIds",
    )
    security_group_ids: tuple[str, ...] = each_matching(
        r"sg-[0-9a-f]{8,17}",
        "a list of security group ids (sg-...)",
        "Security groups of the VPC.",
        aws="VpcConfig.SecurityGroupIds",
    )
    tracing: bool = anything(
        True, "X-Ray active tracing; traces are billed.", aws="TracingConfig.Mode"
    )
    log_level: str = setting(
        "INFO",
        "Least level that is logged; DEBUG logs payloads.",
        aws="ApplicationLogLevel",
        accepts=f"one of {', '.join(LOG_LEVELS)}",
        is_valid=LOG_LEVELS.__contains__,
    )
    log_retention_days: int = setting(
        30,
        "How long logs are kept.",
        aws="retentionInDays",
        accepts=f"one of {', '.join(map(str, LOG_RETENTION_DAYS))} days",
        is_valid=LOG_RETENTION_DAYS.__contains__,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSourceConfig:
    """How Lambda reads the stream, and what it does with a batch that fails."""

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
        0,
        0,
        300,
        "How long to gather a batch.",
        aws="MaximumBatchingWindowInSeconds",
        unit="seconds",
    )
    parallelization_factor: int = between(
        1,
        1,
        10,
        "Concurrent batches of a shard; order is kept per item.",
        aws="ParallelizationFactor",
    )
    maximum_retry_attempts: int = setting(
        10,
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
    """The bucket that keeps what failed."""

    retention_days: int = between(
        30, 1, 3650, "How long a failed record is kept.", aws="Expiration.Days", unit="days"
    )
    force_destroy: bool = anything(
        False,
        "Destroying the stack deletes the failed records too; false: Pulumi refuses.",
        aws="(Pulumi's forceDestroy)",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotencyConfig:
    """Whether an event that is delivered twice takes effect once."""

    enabled: bool = anything(
        True, "Remember each event's id, so that none takes effect twice.", aws="(Powertools)"
    )
