"""Settings that are each in range and make no sense together, or with the contract.

Every check yields what is wrong under which key. What the program needs of several settings
together is resolved here, once.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from handler.config import InvalidContractError, RequestsStream
from infra.config.declaration import declarations
from infra.config.regions import partition_of
from infra.config.stack_settings import (
    EventSourceConfig,
    FunctionConfig,
    ImageConfig,
    MonitoringConfig,
    StreamConfig,
    TableConfig,
)
from infra.filters import criteria as filter_criteria
from infra.wording import counted


class Mistake(NamedTuple):
    """What is wrong with which key."""

    key: str
    message: str


Parts: TypeAlias = Mapping[str, Any]
"""The settings that are clear, by their fields: what is left out has a mistake of its own."""

_TAGS_OF_A_RESOURCE: Final = 50
_OWN_TAGS: Final = ("Project", "Stack")
"""That each resource gets beside the stack's."""


@dataclass(kw_only=True, slots=True)
class Resolved:
    """What follows from the settings together: None where a mistake stands in the way."""

    mistakes: list[Mistake]
    requests_stream: RequestsStream | None = None
    """The contract, as this stack has it."""
    filter_patterns: tuple[str, ...] | None = None
    """The mapping's filter patterns in canonical form."""
    warnings: list[Mistake] = field(default_factory=list)
    """What does no harm, and is not meant so."""


def resolved(parts: Parts, contract: RequestsStream) -> Resolved:
    """Checks what is there against each other and the contract; makes of it what is needed."""
    result = Resolved(
        mistakes=[
            mistake
            for check, needed in _CHECKS
            if all(name in parts for name in needed)
            for mistake in check(*(parts[name] for name in needed))
        ]
    )
    if "stream" in parts:
        _resolve_stream(parts, contract, result)
    if "monitoring" in parts:
        result.warnings += monitoring_warnings(parts["monitoring"])
    return result


def _resolve_stream(parts: Parts, contract: RequestsStream, result: Resolved) -> None:
    stream: StreamConfig = parts["stream"]
    try:
        contract = dataclasses.replace(contract, view_type=stream.view_type, events=stream.events)
    except InvalidContractError as error:
        result.mistakes.append(Mistake("stream", f"contradicts itself: {error}"))
        return
    result.requests_stream = contract
    if "table" in parts:
        result.mistakes += table_mistakes(parts["table"], contract)
    if "event_source" in parts:
        _resolve_filters(parts["event_source"], contract, result)


def _resolve_filters(
    event_source: EventSourceConfig, contract: RequestsStream, result: Resolved
) -> None:
    try:
        result.filter_patterns = filter_criteria.filter_patterns(
            event_source.filters, contract, quota=event_source.filter_quota
        )
        result.warnings += [
            Mistake(f"eventSource.{path}", message)
            for path, message in filter_criteria.doubtful_filters(event_source.filters, contract)
        ]
    except filter_criteria.FilterCriteriaError as error:
        result.mistakes += [
            Mistake(f"eventSource.{path}", message) for path, message in error.problems
        ]


def table_mistakes(table: TableConfig, stream: RequestsStream) -> Iterator[Mistake]:
    """What cannot be of a table under the contract, or of one that exists."""
    if table.name is not None:
        yield from of_own_table_mistakes(
            declared.key
            for declared in declarations(TableConfig)
            if getattr(table, declared.field) != declared.default
        )
        return
    if table.ttl_enabled and "N" not in stream.item.attributes.get(table.ttl_attribute, {"N"}):
        yield Mistake(
            "table.ttlAttribute",
            f"must not be {table.ttl_attribute}: DynamoDB wants a number there, "
            "and the contract has another type",
        )
    if table.kms_key_arn is not None and not table.server_side_encryption:
        yield Mistake(
            "table.serverSideEncryption",
            "must be true with table.kmsKeyArn: false means DynamoDB's own key",
        )


def of_own_table_mistakes(keys: Iterable[str]) -> Iterator[Mistake]:
    """Settings that are set beside the name of a table that exists."""
    for key in keys:
        if key != "name":
            yield Mistake(
                f"table.{key}",
                "is for a table that the stack makes, and table.name names one that exists, of "
                "which nothing is changed: take it out",
            )


def image_mistakes(image: ImageConfig) -> Iterator[Mistake]:
    """An image is either built or named, and named in one way."""
    if image.repository is None:
        yield from _own_image_mistakes(image)
        return
    if (image.tag is None) == (image.digest is None):
        yield Mistake(
            "image", "takes either tag or digest with repository, to name one existing image"
        )
    for key, value in (("baseImage", image.base_image), ("source", image.source)):
        if value is not None:
            yield Mistake(
                f"image.{key}",
                "is for an image that is built, and image.repository names an existing one",
            )


def _own_image_mistakes(image: ImageConfig) -> Iterator[Mistake]:
    if image.tag is not None:
        yield Mistake("image.tag", "names an existing image, so image.repository must be set too")
    if not image.own_repository:
        yield Mistake(
            "image.ownRepository",
            "must be true, or image.repository must name where the function's image is",
        )


def function_mistakes(function: FunctionConfig) -> Iterator[Mistake]:
    """A VPC is set up whole; the time leaves room to work."""
    if bool(function.subnet_ids) != bool(function.security_group_ids):
        missing = "securityGroupIds" if function.subnet_ids else "subnetIds"
        yield Mistake(
            f"function.{missing}",
            "must be set too: a VPC takes both subnets and security groups",
        )
    if function.minimum_remaining_time_in_millis >= function.timeout * 1000:
        yield Mistake(
            "function.minimumRemainingTimeInMillis",
            f"must be less than the timeout ({counted(function.timeout, 'second')}), "
            f"or no record is ever started, got {function.minimum_remaining_time_in_millis}",
        )


def concurrency_mistakes(
    function: FunctionConfig, event_source: EventSourceConfig
) -> Iterator[Mistake]:
    """What is reserved suffices for the batches of one shard."""
    reserved, factor = function.reserved_concurrency, event_source.parallelization_factor
    if reserved is not None and reserved < factor:
        yield Mistake(
            "function.reservedConcurrency",
            f"must be at least eventSource.parallelizationFactor ({factor}), "
            f"or Lambda throttles its own batches, got {reserved}",
        )


def monitoring_mistakes(monitoring: MonitoringConfig) -> Iterator[Mistake]:
    """A topic is named, or made with its subscriptions."""
    if monitoring.topic_arn is not None and monitoring.subscriptions:
        yield Mistake(
            "monitoring.subscriptions",
            "are of the stack's own topic, and monitoring.topicArn names another: "
            "subscribe to that one where it is made",
        )
    for endpoint in _twice(monitoring.subscriptions):
        yield Mistake("monitoring.subscriptions", f"has {endpoint} twice: SNS subscribes it once")


def monitoring_warnings(monitoring: MonitoringConfig) -> Iterator[Mistake]:
    """Alarms that nobody hears."""
    if monitoring.enabled and monitoring.topic_arn is None and not monitoring.subscriptions:
        yield Mistake(
            "monitoring.subscriptions",
            "is empty, so nobody is told of an alarm: add an e-mail address, or set topicArn",
        )


def _twice(values: Iterable[str]) -> Iterator[str]:
    yield from (value for value, count in Counter(values).items() if count > 1)


def tag_mistakes(tags: Mapping[str, str]) -> Iterator[Mistake]:
    """AWS's limit for the tags of a resource, and IAM's for their names."""
    if len({*_OWN_TAGS, *tags}) > _TAGS_OF_A_RESOURCE:
        yield Mistake(
            "tags",
            f"must be at most {_TAGS_OF_A_RESOURCE - len(_OWN_TAGS)}, because the stack adds "
            f"{len(_OWN_TAGS)} and AWS takes {_TAGS_OF_A_RESOURCE}, got {len(tags)}",
        )
    for name, other in _differing_in_case(tags, _OWN_TAGS):
        yield Mistake(f"tags.{name}", _one_of(other))


def partition_mistakes(region: str, parts: Parts) -> Iterator[Mistake]:
    """What is named of another partition than the region's: no account is of two."""
    partition = partition_of(region)
    named: tuple[tuple[str, str, Callable[[Any], str | None]], ...] = (
        ("table", "table.kmsKeyArn", lambda table: table.kms_key_arn),
        ("function", "function.permissionsBoundary", lambda each: each.permissions_boundary),
    )
    for section, key, value in named:
        arn = value(parts[section]) if section in parts else None
        if arn is not None and arn.split(":")[1] != partition:
            yield Mistake(
                key,
                f"must be of the partition of aws:region ({region}: {partition}), got {arn}",
            )


def region_mistakes(region: str, parts: Parts) -> Iterator[Mistake]:
    """CloudWatch writes to topics of its own region only."""
    topic = parts["monitoring"].topic_arn if "monitoring" in parts else None
    if topic is not None and topic.split(":")[3] != region:
        yield Mistake(
            "monitoring.topicArn",
            f"must be in aws:region ({region}), where the alarms are, got {topic}",
        )


def default_tag_mistakes(
    default_tags: Mapping[str, str], tags: Mapping[str, str]
) -> Iterator[Mistake]:
    """The same for what the AWS provider adds to each resource; keys are those below its tags."""
    count = len({*_OWN_TAGS, *tags, *default_tags})
    if count > _TAGS_OF_A_RESOURCE:
        yield Mistake(
            "",
            f"must leave room for the stack's own: AWS takes {_TAGS_OF_A_RESOURCE} tags of a "
            f"resource, and together there are {count}",
        )
    for name, other in _differing_in_case(default_tags, [*_OWN_TAGS, *tags]):
        yield Mistake(f".{name}", _one_of(other))


def _differing_in_case(names: Iterable[str], others: Iterable[str]) -> Iterator[tuple[str, str]]:
    spelt = {other.casefold(): other for other in others}
    for name in names:
        other = spelt.setdefault(name.casefold(), name)
        if other != name:
            yield name, other


def _one_of(other: str) -> str:
    return f"differs from the tag {other} only in case, and IAM takes one of them: write {other}"


_CHECKS: Final[tuple[tuple[Callable[..., Iterator[Mistake]], tuple[str, ...]], ...]] = (
    (image_mistakes, ("image",)),
    (function_mistakes, ("function",)),
    (concurrency_mistakes, ("function", "event_source")),
    (monitoring_mistakes, ("monitoring",)),
    (tag_mistakes, ("tags",)),
)
"""Each check with the settings that it is about."""
