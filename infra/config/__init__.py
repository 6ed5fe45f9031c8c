"""What a stack can set: declared, read, and checked against each other and the contract.

The whole of it is `infra.config.stack`'s; what is here needs no Pulumi, as the workflows that list
the stacks have none.
"""

from infra.config.stack_settings import (
    STREAM_RETENTION_HOURS,
    Architecture,
    EventSourceConfig,
    FailuresConfig,
    FunctionConfig,
    IdempotencyConfig,
    ImageConfig,
    MonitoringConfig,
    StartingPosition,
    StreamConfig,
    TableConfig,
    seconds_until_given_up,
)

__all__ = [
    "STREAM_RETENTION_HOURS",
    "Architecture",
    "EventSourceConfig",
    "FailuresConfig",
    "FunctionConfig",
    "IdempotencyConfig",
    "ImageConfig",
    "MonitoringConfig",
    "StartingPosition",
    "StreamConfig",
    "TableConfig",
    "seconds_until_given_up",
]
