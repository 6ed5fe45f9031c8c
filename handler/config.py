"""What the infrastructure and the handler agree on, written once: here.

The table's attributes, the stream view type, the events, the entry point and the names of the
environment variables. The infrastructure reads this module to build the stack, the handler to
read what it was given. It is part of the image, so it uses the standard library only.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from handler.change import Change
from handler.item import Request
from handler.item_types import InvalidItemTypeError, ItemType, item_type_of

ENTRY_POINT: Final = "handler.app.handler"
"""The image's command: module path and function, as Lambda expects it."""

LAMBDA_FAILURE_PREFIX: Final = "aws/lambda/"
"""Where Lambda's own S3 on-failure destination puts its objects; the prefix is AWS's."""

REJECTED_PREFIX: Final = "rejected/"
"""Where the handler parks the records that no retry can help, in the same bucket."""

LOG_LEVEL_VARIABLE: Final = "POWERTOOLS_LOG_LEVEL"
"""The environment variable with the least level that is logged."""

IDEMPOTENCY_KEY_ATTRIBUTE: Final = "id"
IDEMPOTENCY_EXPIRY_ATTRIBUTE: Final = "expiration"
"""The idempotency table's hash key (S) and its TTL attribute (epoch seconds)."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestsStream:
    """The contract: what an item of the table is, and which of their changes are requests.

    Raises `InvalidContractError` when the type is none, or when the records of an event would
    carry no image to make a request of.
    """

    request: type[Change[Any]] = Request
    """What `process` gets: `Change[Order]`, or a subclass of it, where Order is what an item is."""
    view_type: StreamViewType = StreamViewType.NEW_IMAGE
    events: tuple[EventName, ...] = (EventName.INSERT,)
    """The events that are requests; a record of any other event is not processed."""

    def __post_init__(self) -> None:
        problems = []
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

    def _without_image(self) -> list[str]:
        return [
            f"{event} records carry no image under {self.view_type}; "
            f"it takes {' or '.join(_view_types_for(event))}"
            for event in dict.fromkeys(self.events)
            if not self.view_type.images(event)
        ]


def _view_types_for(event: EventName) -> list[str]:
    return [str(view_type) for view_type in StreamViewType if view_type.images(event)]


@dataclass(frozen=True, kw_only=True, slots=True)
class HandlerConfig:
    """What the function is told by its environment."""

    failure_bucket: str
    """Bucket where rejected records are parked, under `REJECTED_PREFIX`."""
    stream: RequestsStream = field(default_factory=RequestsStream)
    idempotency_table: str | None = None
    """Table that remembers what was processed; None: idempotency is off."""
    idempotency_expires_after: int = 31 * 24 * 3600
    """Seconds for which a processed event is remembered."""
    minimum_remaining_time: int = 1000
    """Milliseconds that must remain before the timeout for another record to be started."""
    service: str = "requests-processor"
    """Powertools' service name: a key of each log line and a dimension of each metric. No two
    stacks have the same one."""
    metrics_namespace: str = "RequestsProcessor"
    log_level: str = "INFO"
    """At DEBUG the payload is logged too."""

    def to_environ(self) -> dict[str, str]:
        """The environment variables that carry this config; `from_environ` reads them back."""
        environ = {
            _CONTRACT: self.stream.item.fingerprint,
            **_OF_THE_RELEASE_BEFORE,
            _VIEW_TYPE: str(self.stream.view_type),
            _EVENTS: ",".join(self.stream.events),
            _FAILURE_BUCKET: self.failure_bucket,
            _IDEMPOTENCY_EXPIRES_AFTER: str(self.idempotency_expires_after),
            _MINIMUM_REMAINING_TIME: str(self.minimum_remaining_time),
            _SERVICE: self.service,
            _METRICS_NAMESPACE: self.metrics_namespace,
            LOG_LEVEL_VARIABLE: self.log_level,
        }
        if self.idempotency_table is not None:
            environ[_IDEMPOTENCY_TABLE] = self.idempotency_table
        return environ

    @classmethod
    def from_environ(
        cls, environ: Mapping[str, str], stream: RequestsStream | None = None
    ) -> "HandlerConfig":
        """Reads the config from environment variables; `stream` is the contract of this code.

        Raises `InvalidContractError`, naming every variable that is missing or malformed, and when
        the stack was built with another contract.
        """
        stream = stream or RequestsStream()
        reader = _EnvironReader(environ)
        view_type = reader.member(_VIEW_TYPE, StreamViewType)
        events = reader.members(_EVENTS, EventName)
        reader.same(_CONTRACT, stream.item.fingerprint)
        failure_bucket = reader.text(_FAILURE_BUCKET)
        expires_after = reader.number(_IDEMPOTENCY_EXPIRES_AFTER)
        minimum_remaining_time = reader.number(_MINIMUM_REMAINING_TIME)
        service = reader.text(_SERVICE)
        metrics_namespace = reader.text(_METRICS_NAMESPACE)
        log_level = reader.text(LOG_LEVEL_VARIABLE)
        if reader.problems or view_type is None:
            raise InvalidContractError("environment: " + "; ".join(reader.problems))
        return cls(
            stream=dataclasses.replace(stream, view_type=view_type, events=events),
            failure_bucket=failure_bucket,
            idempotency_table=environ.get(_IDEMPOTENCY_TABLE),
            idempotency_expires_after=expires_after,
            minimum_remaining_time=minimum_remaining_time,
            service=service,
            metrics_namespace=metrics_namespace,
            log_level=log_level,
        )


# The names of the environment variables. POWERTOOLS_* are Powertools' own.
_CONTRACT: Final = "REQUESTS_CONTRACT"
_VIEW_TYPE: Final = "REQUESTS_STREAM_VIEW_TYPE"
_EVENTS: Final = "REQUESTS_EVENTS"
_FAILURE_BUCKET: Final = "REQUESTS_FAILURE_BUCKET"
_IDEMPOTENCY_TABLE: Final = "REQUESTS_IDEMPOTENCY_TABLE"
_IDEMPOTENCY_EXPIRES_AFTER: Final = "REQUESTS_IDEMPOTENCY_EXPIRES_AFTER"
_MINIMUM_REMAINING_TIME: Final = "REQUESTS_MINIMUM_REMAINING_TIME"
_SERVICE: Final = "POWERTOOLS_SERVICE_NAME"
_METRICS_NAMESPACE: Final = "POWERTOOLS_METRICS_NAMESPACE"


# Lambda updates a function's configuration first and its code second: until then the code of the
# release before runs, which reads these. They go with the next release.
_OF_THE_RELEASE_BEFORE: Final = {
    "REQUESTS_KEY_ATTRIBUTE": "request_id",
    "REQUESTS_PAYLOAD_ATTRIBUTE": "payload",
}


_E = TypeVar("_E", bound=StrEnum)


class _EnvironReader:
    """Reads variables and remembers what is wrong with them, so that all is said at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        value = self._environ.get(name, "")
        if not value:
            self.problems.append(f"{name} is not set")
        return value

    def same(self, name: str, expected: str) -> None:
        value = self.text(name)
        if value and value != expected:
            self.problems.append(
                f"{name} is {value}, and this code's is {expected}: the function's code and its "
                "stack have different contracts; deploy both from the same commit"
            )

    def number(self, name: str) -> int:
        value = self.text(name)
        if value and not value.isdecimal():
            self.problems.append(f"{name} must be a whole number, got {value!r}")
        return int(value) if value.isdecimal() else 0

    def members(self, name: str, enum: type[_E]) -> tuple[_E, ...]:
        names = [part.strip() for part in self.text(name).split(",") if part.strip()]
        known = {str(member): member for member in enum}
        unknown = [part for part in names if part not in known]
        if unknown:
            self.problems.append(f"{name} must be of {', '.join(known)}, got {', '.join(unknown)}")
        return tuple(known[part] for part in names if part in known)

    def member(self, name: str, enum: type[_E]) -> _E | None:
        return next(iter(self.members(name, enum)), None)
