"""The settings of an event source mapping, and AWS's refusal of those it does not accept.

Defaults are those of CreateEventSourceMapping for a DynamoDB stream; ranges are checked by its API
model (`lambda_api.operations`). Left out on purpose, and refused rather than ignored: tumbling
windows, and destinations other than S3.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.config import StartingPosition, seconds_until_given_up
from infra.filters.pattern import FilterPattern, InvalidFilterPatternError


class InvalidParameterValueError(ValueError):
    """Lambda refuses the settings of a mapping; the message is AWS's, as is the code's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MappingSettings:
    """What one event source mapping was created with. Times are in seconds."""

    uuid: str
    stream_arn: str
    function_arn: str
    starting_position: StartingPosition
    enabled: bool = True
    patterns: tuple[str, ...] = ()
    """Filter patterns, ORed; none: every record is delivered."""
    batch_size: int = 100
    maximum_batching_window_in_seconds: int = 0
    parallelization_factor: int = 1
    maximum_retry_attempts: int = -1
    """-1: until the record expires."""
    maximum_record_age_in_seconds: int = -1
    """-1: until the stream forgets the record."""
    bisect_batch_on_function_error: bool = False
    report_batch_item_failures: bool = False
    destination_arn: str | None = None
    """The S3 bucket of the on-failure destination; None: what fails for good is dropped."""

    @property
    def function_name(self) -> str:
        """Of the function, whichever of its versions the mapping names."""
        return self.function_arn.partition(":function:")[2].partition(":")[0] or self.function_arn

    @property
    def record_age_limit(self) -> int:
        """Seconds after which a record is given up; never longer than the stream keeps it."""
        return seconds_until_given_up(self.maximum_record_age_in_seconds)

    @classmethod
    def from_request(cls, parameters: Mapping[str, Any], *, uuid: str) -> "MappingSettings":
        """The settings from the parameters of CreateEventSourceMapping, valid by its API model.

        Raises `InvalidParameterValueError` for the first that Lambda would refuse, in its words.
        """
        for refusal in _refusals(parameters):
            raise InvalidParameterValueError(refusal)
        numbers = {name: parameters[key] for key, name in _NUMBERS.items() if key in parameters}
        return cls(
            uuid=uuid,
            stream_arn=parameters["EventSourceArn"],
            function_arn=parameters["FunctionName"],
            starting_position=StartingPosition(parameters["StartingPosition"]),
            enabled=parameters.get("Enabled", True),
            patterns=tuple(_patterns(parameters)),
            bisect_batch_on_function_error=parameters.get("BisectBatchOnFunctionError", False),
            report_batch_item_failures=bool(parameters.get("FunctionResponseTypes")),
            destination_arn=_destination_arn(parameters),
            **numbers,
        )


_NUMBERS: Final = {
    "BatchSize": "batch_size",
    "MaximumBatchingWindowInSeconds": "maximum_batching_window_in_seconds",
    "ParallelizationFactor": "parallelization_factor",
    "MaximumRetryAttempts": "maximum_retry_attempts",
    "MaximumRecordAgeInSeconds": "maximum_record_age_in_seconds",
}
"""Parameter and field."""


_STREAM: Final = re.compile(r"arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table/[\w.-]+/stream/[^/]+")
_BUCKET: Final = re.compile(r"arn:[\w-]+:s3:::[\w.-]{3,255}")

_OF_OTHER_SOURCES: Final = (
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "LoggingConfig",
    "ProvisionedPollerConfig",
    "Queues",
    "ScalingConfig",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "Topics",
)
"""The words are those recorded for a DestinationConfig (LocalStack, test_lambda_api)."""

_FILTERS_AT_MOST: Final = 10
"""The quota of filters is 5, and raised to 10 at most ("Lambda event filtering")."""


def _refusals(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What Lambda itself refuses, and what the local run does rather than do it half.

    What a source may be set to depends on what it is: nothing more is said of one that is unknown.
    """
    if not _STREAM.fullmatch(parameters.get("EventSourceArn", "")):
        yield "Unrecognized event source."
        return
    for name in _OF_OTHER_SOURCES:
        if parameters.get(name):
            yield f"Unsupported {name} parameter for given event source mapping type."
    yield from _refused_positions(parameters)
    if 0 <= parameters.get("MaximumRecordAgeInSeconds", -1) < 60:
        yield (
            "MaximumRecordAgeInSeconds must be either -1 (forever) "
            "or between 60 and 604800 (inclusive)"
        )
    yield from _refused_filters(_patterns(parameters))
    if parameters.get("TumblingWindowInSeconds"):
        yield "TumblingWindowInSeconds is not run locally; leave it out"
    if parameters.get("DestinationConfig", {}).get("OnSuccess"):
        yield "OnSuccess configuration is not supported for event source mappings."
    destination = _destination_arn(parameters)
    if destination and not _BUCKET.fullmatch(destination):
        yield (
            "DestinationConfig.OnFailure.Destination must be an S3 bucket's ARN to be run locally, "
            f"got {destination}"
        )


def _refused_filters(patterns: Sequence[str]) -> Iterator[str]:
    if len(patterns) > _FILTERS_AT_MOST:
        yield f"FilterCriteria.Filters must be at most {_FILTERS_AT_MOST}, got {len(patterns)}"
    for pattern in patterns:
        try:
            FilterPattern(pattern)
        except InvalidFilterPatternError as error:
            yield str(error)


def _refused_positions(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Lambda itself refuses a missing position, with a full stop; its API layer an unknown one."""
    position = parameters.get("StartingPosition")
    if position is None:
        yield (
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
            "constraint: Member must not be null."
        )
    elif position == "AT_TIMESTAMP":
        yield f"Unsupported starting position for arn type: {parameters['EventSourceArn']}"
    elif "StartingPositionTimestamp" in parameters:
        yield "Timestamp only valid with StartingPosition AT_TIMESTAMP"


def _patterns(parameters: Mapping[str, Any]) -> list[str]:
    filters = parameters.get("FilterCriteria", {}).get("Filters", [])
    return [each.get("Pattern", "") for each in filters]


def _destination_arn(parameters: Mapping[str, Any]) -> str | None:
    """AWS takes an empty string for "no destination" too."""
    on_failure = parameters.get("DestinationConfig", {}).get("OnFailure", {})
    return on_failure.get("Destination") or None
