"""The settings of an event source mapping, and AWS's refusal of those it does not accept.

Defaults and ranges are those of CreateEventSourceMapping for a DynamoDB stream. Left out on
purpose, and refused rather than ignored: tumbling windows, and destinations other than S3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.config import STREAM_RETENTION_HOURS, StartingPosition
from infra.filters.pattern import FilterPattern, InvalidFilterPatternError


class InvalidParameterValueError(ValueError):
    """CreateEventSourceMapping refuses the settings; the message is AWS's, and so is the code."""

    def __init__(self, message: str, code: str = "InvalidParameterValueException") -> None:
        super().__init__(message)
        self.code = code


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
    def record_age_limit(self) -> int:
        """Seconds after which a record is given up; never longer than the stream keeps it."""
        retention = STREAM_RETENTION_HOURS * 3600
        limit = self.maximum_record_age_in_seconds
        return retention if limit == -1 else min(limit, retention)

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any], *, uuid: str) -> "MappingSettings":
        """The settings from the inputs of an `aws:lambda/eventSourceMapping:EventSourceMapping`.

        Whole numbers may come as floats, as Pulumi's engine hands them over. Raises
        `InvalidParameterValueError` with all that AWS would refuse, in AWS's words.
        """
        inputs = {key: value for key, value in inputs.items() if value is not None}
        if invalid := list(_validation_errors(inputs)):
            raise InvalidParameterValueError(
                "\n".join([*invalid, *_refusals(inputs)]), "ValidationException"
            )
        if refusals := list(_refusals(inputs)):
            raise InvalidParameterValueError("\n".join(refusals))
        numbers = {
            name: int(inputs[key]) for key, (name, _, _) in _NUMBERS.items() if key in inputs
        }
        return cls(
            uuid=uuid,
            stream_arn=inputs["eventSourceArn"],
            function_arn=_function_arn(inputs["functionName"], inputs["eventSourceArn"]),
            starting_position=StartingPosition(inputs["startingPosition"]),
            enabled=inputs.get("enabled", True),
            patterns=tuple(_patterns(inputs)),
            bisect_batch_on_function_error=inputs.get("bisectBatchOnFunctionError", False),
            report_batch_item_failures=bool(inputs.get("functionResponseTypes")),
            destination_arn=_destination_arn(inputs),
            **numbers,
        )


_NUMBERS: Final = {
    "batchSize": ("batch_size", 1, 10_000),
    "maximumBatchingWindowInSeconds": ("maximum_batching_window_in_seconds", 0, 300),
    "parallelizationFactor": ("parallelization_factor", 1, 10),
    "maximumRetryAttempts": ("maximum_retry_attempts", -1, 10_000),
    "maximumRecordAgeInSeconds": ("maximum_record_age_in_seconds", -1, 604_800),
}
"""Setting, field, least and greatest value: the API model's."""


_STARTING_POSITIONS: Final = ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON")


def _validation_errors(inputs: Mapping[str, Any]) -> Iterator[str]:
    """What AWS's API layer refuses before Lambda sees it: all in one sentence."""
    errors = [
        f"Value {value} at '{key}' failed to satisfy constraint: Member must {constraint}"
        for key, value, constraint in _violations(inputs)
    ]
    if errors:
        plural = "s" if len(errors) > 1 else ""
        yield f"{len(errors)} validation error{plural} detected: {'; '.join(errors)}"


def _violations(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if "functionName" not in inputs:
        yield "functionName", "null", "not be null"
    for key, (_, least, greatest) in _NUMBERS.items():
        value = int(inputs.get(key, least))
        if value < least:
            yield key, f"'{value}'", f"have value greater than or equal to {least}"
        if value > greatest:
            yield key, f"'{value}'", f"have value less than or equal to {greatest}"
    position = inputs.get("startingPosition", "LATEST")
    if position not in _STARTING_POSITIONS:
        allowed = ", ".join(_STARTING_POSITIONS)
        yield "startingPosition", f"'{position}'", f"satisfy enum value set: [{allowed}]"
    types = inputs.get("functionResponseTypes") or ["ReportBatchItemFailures"]
    if types != ["ReportBatchItemFailures"]:
        allowed = (
            "satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures], "
            "Member must not be null]"
        )
        yield "functionResponseTypes", f"'[{', '.join(types)}]'", allowed


def _refusals(inputs: Mapping[str, Any]) -> Iterator[str]:
    """What Lambda itself refuses, and what the local run does rather than do it half.

    What a source may be set to depends on what it is: nothing more is said of one that is unknown.
    """
    if ":dynamodb:" not in inputs.get("eventSourceArn", ""):
        yield "Unrecognized event source."
        return
    yield from _refused_positions(inputs)
    if 0 <= inputs.get("maximumRecordAgeInSeconds", -1) < 60:
        yield (
            "MaximumRecordAgeInSeconds must be either -1 (forever) "
            "or between 60 and 604800 (inclusive)"
        )
    for pattern in _patterns(inputs):
        try:
            FilterPattern(pattern)
        except InvalidFilterPatternError as error:
            yield str(error)
    if inputs.get("tumblingWindowInSeconds"):
        yield "tumblingWindowInSeconds is not run locally; leave it out"
    if (inputs.get("destinationConfig") or {}).get("onSuccess"):
        yield "OnSuccess configuration is not supported for event source mappings."
    destination = _destination_arn(inputs)
    if destination and destination.split(":")[2:3] != ["s3"]:
        yield (
            "destinationConfig.onFailure.destinationArn must be an S3 bucket's to be run locally, "
            f"got {destination}"
        )


def _refused_positions(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Lambda itself refuses a missing position, with a full stop; its API layer an unknown one."""
    position = inputs.get("startingPosition")
    if position is None:
        yield (
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
            "constraint: Member must not be null."
        )
    elif position == "AT_TIMESTAMP":
        yield f"Unsupported starting position for arn type: {inputs['eventSourceArn']}"
    elif "startingPositionTimestamp" in inputs:
        yield "Timestamp only valid with StartingPosition AT_TIMESTAMP"


def _patterns(inputs: Mapping[str, Any]) -> list[str]:
    criteria = inputs.get("filterCriteria") or {}
    return [filter_["pattern"] for filter_ in criteria.get("filters") or []]


def _destination_arn(inputs: Mapping[str, Any]) -> str | None:
    """AWS takes an empty text for "no destination" too."""
    on_failure = (inputs.get("destinationConfig") or {}).get("onFailure") or {}
    return on_failure.get("destinationArn") or None


def _function_arn(name: str, stream_arn: str) -> str:
    """Lambda resolves a function's name in the mapping's own account and region."""
    if name.startswith("arn:"):
        return name
    _, partition, _, region, account, _ = stream_arn.split(":", 5)
    return f"arn:{partition}:lambda:{region}:{account}:function:{name}"
