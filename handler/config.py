"""What the infrastructure and the handler agree on, written once: here.

What a contract says (the items' type, the stream view type, the events, the settings, the entry
point), and the names of the environment variables. The infrastructure is built by it, the handler
reads by it what it was given. It is part of the image, so it uses the standard library only.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final

from handler.change import Change
from handler.environ import EnvironReader, Variable, to_environ
from handler.item_types import InvalidItemTypeError, ItemType, item_type_of
from handler.request import Request

ENTRY_POINT: Final = "handler.app.handler"
"""The image's command, and the contract's if it names none: module path and function."""

LAMBDA_FAILURE_PREFIX: Final = "aws/lambda/"
"""Where Lambda's own S3 on-failure destination puts its objects; the prefix is AWS's."""

REJECTED_PREFIX: Final = "rejected/"
"""Where the handler parks the records that no retry can help, in the same bucket."""

LOG_LEVEL_VARIABLE: Final = "POWERTOOLS_LOG_LEVEL"
"""The environment variable with the least level that is logged."""

IDEMPOTENCY_TABLE_VARIABLE: Final = "REQUESTS_IDEMPOTENCY_TABLE"
"""The environment variable with the idempotency table's name; not set: idempotency is off."""

DETAILS_VARIABLE: Final = "PRINT_DETAILS"
"""Set where the function runs on its developer's machine: of a record that failed or was rejected,
what is logged at DEBUG is printed whatever the level. Lambda's log-level filtering keeps such lines
out of the log."""

IDEMPOTENCY_KEY_ATTRIBUTE: Final = "id"
IDEMPOTENCY_EXPIRY_ATTRIBUTE: Final = "expiration"
"""The idempotency table's hash key (S) and its TTL attribute (epoch seconds)."""


METRICS_NAMESPACE: Final = "RequestsProcessor"
SERVICE_DIMENSION: Final = "service"
"""Powertools' own name for it."""
FUNCTION_DIMENSION: Final = "function_name"
"""Unique in the account and region, so that no two functions share a series."""


class HandlerMetric(StrEnum):
    """What the handler counts, by what became of a record: alarms and dashboards name these."""

    PROCESSED = "Processed"
    REJECTED = "Rejected"
    """And parked."""
    IGNORED = "Ignored"
    """No event of the contract, or processed before."""
    FAILED = "Failed"
    """It will be delivered again."""


class InvalidContractError(ValueError):
    """The contract, or the environment that carries it, contradicts itself; says where and why."""


class EventName(StrEnum):
    """What happened to the item, in the words of the stream record's `eventName`."""

    INSERT = "INSERT"
    MODIFY = "MODIFY"
    REMOVE = "REMOVE"


class Image(StrEnum):
    """The two pictures of an item that a stream record can carry."""

    NEW = "NewImage"
    OLD = "OldImage"


class StreamViewType(StrEnum):
    """Which images a table's stream carries."""

    KEYS_ONLY = "KEYS_ONLY"
    NEW_IMAGE = "NEW_IMAGE"
    OLD_IMAGE = "OLD_IMAGE"
    NEW_AND_OLD_IMAGES = "NEW_AND_OLD_IMAGES"

    def images(self, event: EventName) -> frozenset[Image]:
        """The images that a record of this event carries under this view type.

        AWS: an insert has no old image and a removal no new one, whatever the view type
        (DynamoDB Developer Guide, "Change data capture for DynamoDB Streams").
        """
        return _CARRIED[self] & _EXISTING[event]


_CARRIED: Final = {
    StreamViewType.KEYS_ONLY: frozenset[Image](),
    StreamViewType.NEW_IMAGE: frozenset({Image.NEW}),
    StreamViewType.OLD_IMAGE: frozenset({Image.OLD}),
    StreamViewType.NEW_AND_OLD_IMAGES: frozenset({Image.NEW, Image.OLD}),
}
_EXISTING: Final = {
    EventName.INSERT: frozenset({Image.NEW}),
    EventName.MODIFY: frozenset({Image.NEW, Image.OLD}),
    EventName.REMOVE: frozenset({Image.OLD}),
}


@dataclass(eq=False, repr=False)
class NoSettings:
    """What a `process` is told that declares nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestsStream:
    """The contract: what an item of the table is, which of their changes are requests, and whose.

    A stack's settings go before its view type and events. Raises `InvalidContractError` when the
    type is none, or when the records of an event would lack an image that the request needs.
    """

    request: type[Change[Any]] = Request
    """What `process` gets: `Change[Order]`, or a subclass of it, where Order is what an item is."""
    view_type: Annotated[StreamViewType, Variable("REQUESTS_STREAM_VIEW_TYPE")] = (
        StreamViewType.NEW_IMAGE
    )
    events: Annotated[tuple[EventName, ...], Variable("REQUESTS_EVENTS")] = (EventName.INSERT,)
    """The events that are requests; a record of any other event is not processed."""
    old: bool = False
    """Whether `process` needs `Change.old` of a MODIFY and a REMOVE."""
    settings: type[Any] = NoSettings
    """What `process` is told, as a dataclass: each field is an environment variable."""
    entry_point: str = ENTRY_POINT
    """The function's command, as Lambda takes it: a module of the image and a name in it."""

    def __post_init__(self) -> None:
        problems = [*self._misnamed()]
        if problems:  # the others are about what these say
            raise InvalidContractError("; ".join(problems))
        if not self.events:
            problems.append("events must name at least one of INSERT, MODIFY, REMOVE")
        if len(set(self.events)) != len(self.events):
            problems.append(f"events must not repeat: {', '.join(self.events)}")
        try:
            needs_image = not self.item.is_keys_only
        except InvalidItemTypeError as error:
            problems.append(str(error))
        else:
            problems += self._without_image() if needs_image else []
            problems += self._without_old() if self.old else []
        if problems:
            raise InvalidContractError("; ".join(problems))

    @property
    def item(self) -> ItemType[Any]:
        """What an item of the table is."""
        return item_type_of(self.request)

    def image(self, event: EventName) -> Image | None:
        """The image a request is made of: the new one where the record carries it, else the old.

        None: the record carries none, and the keys are all that the type needs.
        """
        carried = self.view_type.images(event)
        return next((image for image in Image if image in carried), None)

    def _misnamed(self) -> Iterator[str]:
        for name, given, kind in (
            ("view_type", (self.view_type,), StreamViewType),
            ("events", self.events, EventName),
        ):
            for each in given:
                if not isinstance(each, kind):
                    right = ", ".join(f"{kind.__name__}.{member.name}" for member in kind)
                    yield f"{name} must be of {right}, got {each!r}"

    def _without_image(self) -> list[str]:
        return [
            f"{event} records carry no image under {self.view_type}; "
            f"it takes {' or '.join(_view_types_for(event))}"
            for event in dict.fromkeys(self.events)
            if not self.view_type.images(event)
        ]

    def _without_old(self) -> list[str]:
        return [
            f"{event} records carry no old image under {self.view_type}, which process needs; "
            f"it takes {' or '.join(_view_types_for(event, Image.OLD))}"
            for event in dict.fromkeys(self.events)
            if event is not EventName.INSERT and Image.OLD not in self.view_type.images(event)
        ]


def _view_types_for(event: EventName, *needed: Image) -> list[str]:
    carried = {each: each.images(event) for each in StreamViewType}
    return [str(each) for each, images in carried.items() if images and images.issuperset(needed)]


@dataclass(frozen=True, kw_only=True, slots=True)
class HandlerConfig:
    """What the function is told by its environment."""

    failure_bucket: Annotated[str, Variable("REQUESTS_FAILURE_BUCKET")]
    """Bucket where rejected records are parked, under `REJECTED_PREFIX`."""
    stream: RequestsStream = field(default_factory=RequestsStream)
    idempotency_table: Annotated[str | None, Variable(IDEMPOTENCY_TABLE_VARIABLE)] = None
    """Table that remembers what was processed; None: idempotency is off."""
    idempotency_expires_after: Annotated[int, Variable("REQUESTS_IDEMPOTENCY_EXPIRES_AFTER")] = (
        31 * 24 * 3600
    )
    """Seconds for which a processed event is remembered."""
    minimum_remaining_time: Annotated[int, Variable("REQUESTS_MINIMUM_REMAINING_TIME")] = 1000
    """Milliseconds that must remain before the timeout for another record to be started."""
    process_batch_size: Annotated[int, Variable("REQUESTS_PROCESS_BATCH_SIZE")] = 100
    """Most requests of one call of `process_batch`."""
    service: Annotated[str, Variable("POWERTOOLS_SERVICE_NAME")] = "requests-processor"
    """Powertools' service name: a key of each log line and a dimension of each metric. No two
    stacks have the same one."""
    metrics_namespace: Annotated[str, Variable("POWERTOOLS_METRICS_NAMESPACE")] = METRICS_NAMESPACE
    log_level: Annotated[str, Variable(LOG_LEVEL_VARIABLE)] = "INFO"
    """At DEBUG the payload is logged too."""

    def to_environ(self) -> dict[str, str]:
        """The environment variables that carry this config; `from_environ` reads them back."""
        return {
            _CONTRACT: self.stream.item.fingerprint,
            **_OF_THE_RELEASE_BEFORE,
            **to_environ(self.stream),
            **to_environ(self),
        }

    @classmethod
    def from_environ(
        cls, environ: Mapping[str, str], stream: RequestsStream | None = None
    ) -> "HandlerConfig":
        """Reads the config from environment variables; `stream` is the contract of the code.

        Raises `InvalidContractError`, naming every variable that is missing or malformed, and when
        the stack was built with another contract.
        """
        stream = stream or RequestsStream()
        reader = EnvironReader(environ)
        of_stream, own = reader.fields(RequestsStream), reader.fields(cls)
        problems = [*reader.problems, *_other_contract(environ.get(_CONTRACT, ""), stream)]
        if problems:
            raise InvalidContractError("environment: " + "; ".join(problems))
        return cls(stream=dataclasses.replace(stream, **of_stream), **own)


_CONTRACT: Final = "REQUESTS_CONTRACT"
"""Carries the fingerprint of the items' type."""


def _other_contract(found: str, stream: RequestsStream) -> Iterator[str]:
    expected = stream.item.fingerprint
    if not found:
        yield f"{_CONTRACT} is not set"
    elif found != expected:
        yield (
            f"{_CONTRACT} is {found}, and this code's is {expected}: the function's code and its "
            "stack have different contracts; deploy both from the same commit"
        )


# Lambda updates a function's configuration first and its code second: until then the code of the
# release before runs, which reads these. They go with the next release.
_OF_THE_RELEASE_BEFORE: Final = {
    "REQUESTS_KEY_ATTRIBUTE": "request_id",
    "REQUESTS_PAYLOAD_ATTRIBUTE": "payload",
}
