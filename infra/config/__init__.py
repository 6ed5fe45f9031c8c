"""What a stack can set: declared, read, and checked against each other and the contract."""

from infra.config.sections import (
    Architecture,
    EventSourceConfig,
    FailuresConfig,
    FunctionConfig,
    IdempotencyConfig,
    ImageConfig,
    StartingPosition,
    StreamConfig,
    TableConfig,
)
from infra.config.stack import STREAM_RETENTION_HOURS, ConfigError, StackConfig, handler_config

__all__ = [
    "STREAM_RETENTION_HOURS",
    "Architecture",
    "ConfigError",
    "EventSourceConfig",
    "FailuresConfig",
    "FunctionConfig",
    "IdempotencyConfig",
    "ImageConfig",
    "StackConfig",
    "StartingPosition",
    "StreamConfig",
    "TableConfig",
    "handler_config",
]
