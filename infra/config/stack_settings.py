"""What a stack can set, section by section: the default, the range and the reason of each setting.

Ranges are AWS's, from the API models of Lambda, DynamoDB and CloudWatch Logs; a section with a
value out of range cannot be constructed. Which settings contradict each other stands in
`infra.config.consistency`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from handler.config import EventName, RequestsStream, StreamViewType
from infra.config.declaration import Between, Either, Matching, OneOf, Section, Setting

LOG_RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip
"""The periods that CloudWatch Logs' PutRetentionPolicy accepts."""

STREAM_RETENTION_HOURS: Final = 24
"""A DynamoDB stream forgets a record after this time; AWS's figure, not a setting."""


def seconds_until_given_up(maximum_record_age: int) -> int:
    """How old a record may grow: by the mapping's setting, and never longer than the stream's."""
    retention = STREAM_RETENTION_HOURS * 3600
    return retention if maximum_record_age == -1 else min(maximum_record_age, retention)


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
class TableConfig(Section):
    """The table that requests are written to."""

    name: Annotated[
        str | None,
        Matching(r"[A-Za-z0-9_.-]{3,255}", "the name of a table, not its ARN"),
        Setting(
            "Use this table, which exists and stays as it is; none: the stack makes one.",
            aws="TableName",
        ),
    ] = None
    retain_on_delete: Annotated[
        bool,
        Setting(
            "Pulumi forgets the table in place of deleting it: the first step of handing it over.",
            aws="(Pulumi's retainOnDelete)",
        ),
    ] = False
    deletion_protection: Annotated[
        bool,
        Setting("AWS and Pulumi refuse to delete the table.", aws="DeletionProtectionEnabled"),
    ] = True
    point_in_time_recovery: Annotated[
        bool,
        Setting(
            "Continuous backups, billed by the table's size.", aws="PointInTimeRecoveryEnabled"
        ),
    ] = True
    server_side_encryption: Annotated[
        bool,
        Setting(
            "A key of KMS, whose requests are billed; false: DynamoDB's own key, for free.",
            aws="SSESpecification.Enabled",
        ),
    ] = True
    kms_key_arn: Annotated[
        str | None,
        Matching(_KMS_KEY_ARN, "the ARN of a KMS key"),
        Setting(
            "Your own key for the table; none: the AWS-managed key.",
            aws="SSESpecification.KMSMasterKeyId",
        ),
    ] = None
    ttl_enabled: Annotated[
        bool,
        Setting(
            "DynamoDB deletes items whose time has come.", aws="TimeToLiveSpecification.Enabled"
        ),
    ] = False
    ttl_attribute: Annotated[
        str,
        Matching(r".{1,255}", "an attribute name of 1 to 255 characters"),
        Setting(
            "Attribute with that time, as the epoch second.",
            aws="TimeToLiveSpecification.AttributeName",
        ),
    ] = "expires_at"


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamConfig(Section):
    """The table's stream: the stack's share of the contract."""

    view_type: Annotated[
        StreamViewType,
        Setting(
            "Which images a stream record carries; not set: what the contract says.",
            aws="StreamViewType",
        ),
    ] = RequestsStream().view_type
    events: Annotated[
        tuple[EventName, ...],
        Setting("The events that are requests; not set: what the contract says.", aws="eventName"),
    ] = RequestsStream().events


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageConfig(Section):
    """The function's image: built here, or one that exists."""

    repository: Annotated[
        str | None,
        Matching(r"[a-z0-9]+(?:[._/-][a-z0-9]+)*", "the name of an ECR repository"),
        Setting(
            "Use an existing image of this repository; none: build one from handler/.",
            aws="repositoryName",
        ),
    ] = None
    tag: Annotated[
        str | None,
        Matching(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", "an image tag"),
        Setting("The existing image's tag; its digest is looked up and pinned.", aws="imageTag"),
    ] = None
    digest: Annotated[
        str | None,
        Matching(r"sha256:[0-9a-f]{64}", "sha256: and 64 hexadecimal digits"),
        Setting(
            "The existing image's digest, in place of a tag; without repository: of the stack's "
            "own.",
            aws="imageDigest",
        ),
    ] = None
    base_image: Annotated[
        str | None,
        Matching(r"\S+", "an image name"),
        Setting("Base of the image that is built; none: AWS's Python base.", aws="(BASE_IMAGE)"),
    ] = None
    source: Annotated[
        str | None,
        Matching(r"https?://\S+", "a URL"),
        Setting(
            "Where the image's sources are: its label org.opencontainers.image.source.",
            aws="(SOURCE)",
        ),
    ] = None
    own_repository: Annotated[
        bool,
        Setting(
            "The stack has a repository of its own; false only once nothing runs its images.",
            aws="(ecr.Repository)",
        ),
    ] = True
    force_delete: Annotated[
        bool,
        Setting(
            "Destroying the stack deletes the built images too; false: Pulumi refuses.",
            aws="force",
        ),
    ] = False
    keep: Annotated[
        int,
        # Lambda fetches an image again later, and a function whose image is gone fails.
        Between(5, 1000, "images"),
        Setting("How many built images the repository keeps.", aws="countNumber"),
    ] = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionConfig(Section):
    """The function that processes the requests."""

    architecture: Annotated[
        Architecture, Setting("Of the function and of its image.", aws="Architectures")
    ] = Architecture.ARM64
    memory_size: Annotated[
        int,
        Between(128, 10_240, "MB"),
        Setting("Memory; CPU grows with it.", aws="MemorySize"),
    ] = 256
    timeout: Annotated[
        int, Between(1, 900, "seconds"), Setting("How long one batch may take.", aws="Timeout")
    ] = 60
    minimum_remaining_time_in_millis: Annotated[
        int,
        Between(0, 900_000, "milliseconds"),
        Setting(
            "With less than this left, the handler starts no further record and hands back the "
            "rest.",
            aws="(get_remaining_time_in_millis)",
        ),
    ] = 1000
    process_batch_size: Annotated[
        int,
        Between(1, 10_000, "requests"),
        Setting("Most requests of one call of process_batch, if you write one.", aws="(ours)"),
    ] = 100
    ephemeral_storage: Annotated[
        int, Between(512, 10_240, "MB"), Setting("Size of /tmp.", aws="EphemeralStorage.Size")
    ] = 512
    reserved_concurrency: Annotated[
        int | None,
        Between(1, 10_000),
        Setting(
            "Concurrent executions set aside for the function; none: the account's pool.",
            aws="ReservedConcurrentExecutions",
        ),
    ] = None
    subnet_ids: Annotated[
        tuple[Annotated[str, Matching(r"subnet-[0-9a-f]{8,17}", "a subnet id (subnet-...)")], ...],
        Setting(
            "Subnets of a VPC; none: no VPC. S3 and DynamoDB must be reachable from there (gateway "
            "endpoints are free), and X-Ray with function.tracing; without a route each record "
            "fails until it is given up.",
            aws="VpcConfig.SubnetIds",
        ),
    ] = ()
    security_group_ids: Annotated[
        tuple[Annotated[str, Matching(r"sg-[0-9a-f]{8,17}", "a security group id (sg-...)")], ...],
        Setting("Security groups of the VPC.", aws="VpcConfig.SecurityGroupIds"),
    ] = ()
    permissions_boundary: Annotated[
        str | None,
        Matching(
            r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+", "the ARN of a managed policy"
        ),
        Setting(
            "The most that the function's role may ever do; none: no boundary.",
            aws="PermissionsBoundary",
        ),
    ] = None
    tracing: Annotated[
        bool, Setting("X-Ray active tracing; traces are billed.", aws="TracingConfig.Mode")
    ] = True
    log_level: Annotated[
        str,
        OneOf(LOG_LEVELS),
        Setting(
            "Least level that is logged; DEBUG logs payloads.",
            aws="ApplicationLogLevel",
        ),
    ] = "INFO"
    log_retention_days: Annotated[
        int,
        OneOf(LOG_RETENTION_DAYS, "days"),
        Setting("How long logs are kept.", aws="retentionInDays"),
    ] = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSourceConfig(Section):
    """How Lambda reads the stream, and what it does with a batch that fails."""

    enabled: Annotated[bool, Setting("Whether Lambda reads the stream.", aws="Enabled")] = True
    starting_position: Annotated[
        StartingPosition,
        Setting(
            "Where a new mapping begins; LATEST can miss what is written while it is created.",
            aws="StartingPosition",
        ),
    ] = StartingPosition.TRIM_HORIZON
    filters: Annotated[
        tuple[Any, ...],
        Setting(
            "Filter patterns, ORed, each for the stream's events; none: the events alone.",
            aws="FilterCriteria.Filters",
            accepts="a list of patterns (objects, or strings of JSON)",
        ),
    ] = ()
    filter_quota: Annotated[
        int,
        Between(5, 10),
        Setting("Filters per mapping; above 5 only once AWS has raised yours.", aws="(a quota)"),
    ] = 5
    batch_size: Annotated[
        int,
        Between(1, 10_000, "records"),
        Setting("Most records of one invocation.", aws="BatchSize"),
    ] = 100
    maximum_batching_window_in_seconds: Annotated[
        int,
        Between(0, 300, "seconds"),
        Setting("How long to gather a batch.", aws="MaximumBatchingWindowInSeconds"),
    ] = 0
    parallelization_factor: Annotated[
        int,
        Between(1, 10),
        Setting(
            "Concurrent batches of a shard; order is kept per item.", aws="ParallelizationFactor"
        ),
    ] = 1
    maximum_retry_attempts: Annotated[
        int,
        Either(-1, "until the record expires", Between(0, 10_000)),
        Setting("Retries of a failing batch; -1: until it expires.", aws="MaximumRetryAttempts"),
    ] = 10
    maximum_record_age_in_seconds: Annotated[
        int,
        # The sentence is AWS's own message.
        Either(-1, "forever", Between(60, 604_800, "(inclusive)")),
        Setting(
            "Age at which a record is given up; -1: when the stream forgets it.",
            aws="MaximumRecordAgeInSeconds",
        ),
    ] = 6 * 3600
    bisect_batch_on_function_error: Annotated[
        bool,
        Setting("Halve a failing batch to isolate the record.", aws="BisectBatchOnFunctionError"),
    ] = True


@dataclass(frozen=True, kw_only=True, slots=True)
class FailuresConfig(Section):
    """The bucket that keeps what failed."""

    retention_days: Annotated[
        int,
        Between(1, 3650, "days"),
        Setting("How long a failed record is kept.", aws="Expiration.Days"),
    ] = 30
    force_destroy: Annotated[
        bool,
        Setting(
            "Destroying the stack deletes the failed records too; false: Pulumi refuses.",
            aws="(Pulumi's forceDestroy)",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotencyConfig(Section):
    """Whether an event that was processed is remembered, so that a second delivery is not."""

    enabled: Annotated[
        bool,
        Setting(
            "Remember each event's id. A process that dies between its effect and its memory "
            "repeats the effect.",
            aws="(ours)",
        ),
    ] = True


_ENDPOINT: Final = (
    r"[^@\s:/]+@[^@\s:/]+\.[^@\s:/]+|https://\S+|arn:aws[a-z-]*:(sqs|lambda):[a-z0-9-]+:\d{12}:\S+"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MonitoringConfig(Section):
    """Alarms, who is told of them, and a dashboard."""

    enabled: Annotated[
        bool,
        Setting("All of it or nothing; some 6 dollars a month.", aws="(ours)"),
    ] = True
    topic_arn: Annotated[
        str | None,
        Matching(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+", "the ARN of a standard SNS topic"),
        Setting(
            "An existing topic to write to, not encrypted with alias/aws/sns; none: one of the "
            "stack's own.",
            aws="AlarmActions",
        ),
    ] = None
    subscriptions: Annotated[
        tuple[
            Annotated[
                str,
                Matching(
                    _ENDPOINT, "an e-mail address, an https URL, or the ARN of a queue or function"
                ),
            ],
            ...,
        ],
        Setting(
            "Who the stack's own topic tells. An e-mail address has to be confirmed; a queue or "
            "function has to let SNS in.",
            aws="Endpoint",
        ),
    ] = ()
    rejected_records: Annotated[
        int,
        Between(1, 1_000_000, "records"),
        Setting("So many parked in five minutes are an alarm.", aws="Threshold"),
    ] = 1
