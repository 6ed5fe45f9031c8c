"""Settings that are each in range and make no sense together, or with the contract.

Every check yields what is wrong under which key; `infra.config.stack` reports it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from handler.config import RequestsStream
from infra.config.sections import EventSourceConfig, FunctionConfig, ImageConfig, TableConfig


class Problem(NamedTuple):
    """What is wrong with which key."""

    key: str
    message: str


_TAGS_OF_A_RESOURCE: Final = 50
_OWN_TAGS: Final = 2


def of_table(table: TableConfig, stream: RequestsStream) -> Iterator[Problem]:
    """What cannot be of a table under the contract."""
    if table.ttl_enabled and "N" not in stream.item.attributes.get(table.ttl_attribute, {"N"}):
        yield Problem(
            "table.ttlAttribute",
            f"must not be {table.ttl_attribute}: DynamoDB wants a number there, "
            "and the contract has another type",
        )
    if table.kms_key_arn is not None and not table.server_side_encryption:
        yield Problem(
            "table.serverSideEncryption",
            "must be true with table.kmsKeyArn: false means DynamoDB's own key",
        )


def of_image(image: ImageConfig) -> Iterator[Problem]:
    """An image is either built or named, and named in one way."""
    if image.repository is None:
        yield from _of_own_image(image)
        return
    if (image.tag is None) == (image.digest is None):
        yield Problem(
            "image", "takes either tag or digest with repository, to name one existing image"
        )
    for key, value in (("baseImage", image.base_image), ("source", image.source)):
        if value is not None:
            yield Problem(
                f"image.{key}",
                "is for an image that is built, and image.repository names an existing one",
            )


def _of_own_image(image: ImageConfig) -> Iterator[Problem]:
    if image.tag is not None:
        yield Problem("image.tag", "names an existing image, so image.repository must be set too")
    if not image.own_repository:
        yield Problem(
            "image.ownRepository",
            "must be true, or image.repository must name where the function's image is",
        )


def of_function(function: FunctionConfig, event_source: EventSourceConfig) -> Iterator[Problem]:
    """A VPC is set up whole; time and concurrency leave room to work."""
    if bool(function.subnet_ids) != bool(function.security_group_ids):
        missing = "securityGroupIds" if function.subnet_ids else "subnetIds"
        yield Problem(
            f"function.{missing}",
            "must be set too: a VPC takes both subnets and security groups",
        )
    if function.minimum_remaining_time_in_millis >= function.timeout * 1000:
        yield Problem(
            "function.minimumRemainingTimeInMillis",
            f"must be less than the timeout ({function.timeout} seconds), "
            f"or no record is ever started, got {function.minimum_remaining_time_in_millis}",
        )
    reserved, factor = function.reserved_concurrency, event_source.parallelization_factor
    if reserved is not None and reserved < factor:
        yield Problem(
            "function.reservedConcurrency",
            f"must be at least eventSource.parallelizationFactor ({factor}), "
            f"or Lambda throttles its own batches, got {reserved}",
        )


def of_tags(tags: Mapping[str, str]) -> Iterator[Problem]:
    """AWS's rules for tags."""
    if len(tags) > _TAGS_OF_A_RESOURCE - _OWN_TAGS:
        yield Problem(
            "tags",
            f"must be at most {_TAGS_OF_A_RESOURCE - _OWN_TAGS}, because the stack adds "
            f"{_OWN_TAGS} and AWS takes {_TAGS_OF_A_RESOURCE}, got {len(tags)}",
        )
    for name, value in tags.items():
        if not re.fullmatch(r"(?!(?i:aws:))[\w\s.:/=+@-]{1,128}", name):
            yield Problem(
                f"tags.{name}",
                "must have a name of 1 to 128 letters, digits, spaces and . : / = + @ - _, "
                "not beginning with aws:",
            )
        if not re.fullmatch(r"[\w\s.:/=+@-]{0,256}", value):
            yield Problem(
                f"tags.{name}",
                "must be at most 256 letters, digits, spaces and . : / = + @ - _",
            )
