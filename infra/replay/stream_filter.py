"""What the deployed event source mapping lets through: asked of Lambda, which holds it.

The program writes the stack's events into each filter, so that they are honoured with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from handler.config import EventName
from infra.filters.pattern import FilterPattern, InvalidFilterPatternError
from infra.replay.target import ReplayError, said

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


@dataclass(frozen=True, slots=True)
class StreamFilter:
    """The patterns of a mapping, of which one must match; without any, everything passes."""

    patterns: tuple[FilterPattern, ...]

    def lets_through(self, record: Mapping[str, object]) -> bool:
        """Whether Lambda would hand the record to the function."""
        return not self.patterns or any(each.matches(record) for each in self.patterns)

    @property
    def admits_inserts(self) -> bool:
        """Whether an INSERT can pass at all."""
        return not self.patterns or any(
            all(
                field.accepts(str(EventName.INSERT))
                for field in rule.fields
                if field.path == "eventName"
            )
            for each in self.patterns
            for rule in each.rules
        )


def deployed_filter(client: "LambdaClient", function: str, table_arn: str) -> StreamFilter:
    """Of the mapping from the table's stream to the function. Raises `ReplayError`."""
    try:
        pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName=function)
        mappings = [each for page in pages for each in page["EventSourceMappings"]]
    except ClientError as error:
        raise ReplayError(
            f"the event source mappings of function {function} cannot be listed, and without their "
            f"filters nothing is sent: {said(error)}"
        ) from error
    streams = f"{table_arn}/stream/"
    fitting = [each for each in mappings if each.get("EventSourceArn", "").startswith(streams)]
    if not fitting:
        raise ReplayError(
            f"function {function} has no event source mapping that reads a stream of {table_arn}: "
            "are they of the same stack?"
        )
    return StreamFilter(tuple(pattern for each in fitting for pattern in _patterns(each)))


def _patterns(mapping: Any) -> list[FilterPattern]:
    if error := mapping.get("FilterCriteriaError"):
        raise ReplayError(
            f"the filters of mapping {mapping['UUID']} cannot be read: {error.get('Message')}"
        )
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    try:
        return [FilterPattern(each["Pattern"]) for each in filters]
    except InvalidFilterPatternError as error:
        raise ReplayError(
            f"a filter of mapping {mapping['UUID']} is none that is known here: {error}"
        ) from error
