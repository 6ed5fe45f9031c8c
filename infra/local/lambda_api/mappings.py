"""The event source mappings: made, read, changed and deleted as Lambda does it, with their states.

What reads the stream and delivers is `infra.local.mapping`. A change ends it where nothing is being
delivered, and another goes on exactly there: no record is lost by it or delivered twice. AWS does
not promise that. It "pauses invocation and resumes later from the same location" (API reference,
UpdateEventSourceMapping), and does not say what becomes of a batch that was being retried: here
its attempts count anew, since a location holds none.
"""

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from infra.local.lambda_api.functions import Functions, tagged
from infra.local.lambda_api.names import LATEST, FunctionName, Place, read_name
from infra.local.lambda_api.operations import Parameters
from infra.local.lambda_api.polling import Polled
from infra.local.lambda_api.refusals import RefusedError, conflict, invalid_parameter, not_found
from infra.local.mapping.delivery import NOT_PROCESSED
from infra.local.mapping.event_source_mapping import EventSourceMapping, reported_metrics
from infra.local.mapping.progress import Progress, progress
from infra.local.mapping.settings import InvalidParameterValueError, MappingSettings
from infra.local.mapping.shard import Checkpoint

logger = logging.getLogger(__name__)

SETTLED: Final = ("Enabled", "Disabled")
"""The states in which a mapping can be changed; all others are on the way to one of these."""

_DEFAULTS: Final[Mapping[str, Any]] = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
_NOT_DESCRIBED: Final = frozenset({"Enabled", "FunctionName", "Tags"})


class Readers(Protocol):
    """What reads for a mapping, with the role of its function."""

    def check(self, settings: MappingSettings) -> None:
        """Raises `InvalidParameterValueError` where the role does not reach both ends."""
        ...

    def reader(self, settings: MappingSettings, **state: Any) -> EventSourceMapping:
        """With the `state` that the one before has left."""
        ...


@dataclass(kw_only=True, slots=True)
class StoredMapping:
    """One mapping, whether it is polled for or not."""

    uuid: str
    arn: str
    parameters: Parameters
    """What it was created with, and was changed to since; its function by ARN."""
    tags: dict[str, str]
    state: str = "Creating"
    last_modified: float = field(default_factory=time.time)
    counted: Counter[str] = field(default_factory=Counter)
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    last_processing_result: str = NOT_PROCESSED
    polled: Polled | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Changes are made one after the other."""
    changing: "asyncio.Task[None] | None" = None
    """The last change that was asked for."""
    failure: BaseException | None = None
    """A fault of ours that kept it from being polled for."""

    @property
    def settings(self) -> MappingSettings:
        return MappingSettings.from_request(self.parameters, uuid=self.uuid)

    @property
    def is_enabled(self) -> bool:
        return bool(self.parameters.get("Enabled", True))

    @property
    def metrics(self) -> Counter[str]:
        """Lambda's metrics since it was created."""
        return reported_metrics(self.counted, self.settings)

    @property
    def progress(self) -> Progress:
        """What of the records that were read is done with, now."""
        if self.polled is not None:
            return self.polled.mapping.progress
        return progress(self.settings.function_name, self.checkpoints.values(), self.counted)

    def described(self) -> dict[str, Any]:
        """As GetEventSourceMapping answers it."""
        given = {**_DEFAULTS, **self.parameters}
        described = {key: given[key] for key in given if key not in _NOT_DESCRIBED}
        if self.polled is not None:
            self.last_processing_result = self.polled.mapping.last_processing_result
        return {
            **described,
            "UUID": self.uuid,
            "EventSourceMappingArn": self.arn,
            "FunctionArn": given["FunctionName"],
            "LastModified": self.last_modified,
            "LastProcessingResult": self.last_processing_result,
            "State": self.state,
            "StateTransitionReason": "User action" if self.failure is None else repr(self.failure),
        }

    def become(self, state: str) -> None:
        self.state, self.last_modified = state, time.time()


_Change: TypeAlias = Callable[[StoredMapping], Coroutine[Any, Any, None]]


class Mappings:
    """All mappings, by UUID."""

    def __init__(self, place: Place, functions: Functions, readers: Readers) -> None:
        self._place = place
        self._functions = functions
        self._readers = readers
        self._lock = asyncio.Lock()
        self._is_paused = False
        self._changes: set[asyncio.Task[None]] = set()
        self.by_uuid: dict[str, StoredMapping] = {}
        self.deleted: dict[str, Mapping[str, int]] = {}
        """What those counted that are gone."""

    def get(self, uuid: str) -> StoredMapping:
        """Raises `RefusedError`."""
        if uuid not in self.by_uuid:
            raise not_found("The resource you requested does not exist.")
        return self.by_uuid[uuid]

    async def create(self, given: Parameters) -> dict[str, Any]:
        async with self._lock:
            new = str(uuid.uuid4())
            parameters = {key: each for key, each in given.items() if key != "Tags"}
            mapping = StoredMapping(
                uuid=new,
                arn=self._place.mapping_arn(new),
                parameters=await self._checked(parameters, new),
                tags=tagged({}, given.get("Tags", {})),
            )
            self.by_uuid[new] = mapping
        return self._changing(mapping, self._begin)

    async def update(self, uuid: str, given: Parameters) -> dict[str, Any]:
        async with self._lock:
            mapping = self._not_in_use(uuid, "update")
            changed = {key: each for key, each in given.items() if key != "UUID"}
            parameters = await self._checked({**mapping.parameters, **changed}, uuid)
            was_enabled, mapping.parameters = mapping.is_enabled, parameters
            mapping.become(_TRANSITIONS[was_enabled, mapping.is_enabled])
        return self._changing(mapping, self._begin_again)

    async def delete(self, uuid: str) -> dict[str, Any]:
        async with self._lock:
            mapping = self._not_in_use(uuid, "delete")
            mapping.become("Deleting")
        return self._changing(mapping, self._remove)

    def list(self, source: str | None, function: str | None) -> list[dict[str, Any]]:
        arn = function and read_name(function, self._place).arn(self._place)
        return [
            each.described()
            for each in self.by_uuid.values()
            if source in (None, each.parameters["EventSourceArn"])
            and arn in (None, each.parameters["FunctionName"])
        ]

    async def pause(self) -> None:
        """Stops every mapping where it is, as when this process is stopped."""
        self._is_paused = True
        for mapping in self.by_uuid.values():
            await self._stop(mapping)

    async def resume(self) -> None:
        """Goes on from the checkpoints of the mappings that were stopped."""
        await self.pause()
        self._is_paused = False
        for mapping in self.by_uuid.values():
            self._ask_for(mapping, self._poll)
        await self.unchanging()

    async def close(self) -> None:
        for task in self._changes:
            task.cancel()
        await asyncio.gather(*self._changes, return_exceptions=True)
        await self.pause()

    async def unchanging(self) -> None:
        """Returns once each mapping is enabled or disabled. Raises what keeps one from it."""
        for mapping in list(self.by_uuid.values()):
            if mapping.changing is not None:
                await asyncio.wait({mapping.changing})
            if mapping.failure is not None:
                raise mapping.failure

    async def settled(self) -> None:
        """Returns once all that can be read now is processed, filtered out or given up."""
        # What one mapping's function writes may be what another one reads.
        for _ in list(self.by_uuid):
            for mapping in list(self.by_uuid.values()):
                await self._settled(mapping)

    async def _settled(self, mapping: StoredMapping) -> None:
        while True:
            await self.unchanging()
            if mapping.polled is None or await mapping.polled.settled():
                return

    def retry_now(self) -> None:
        """Ends the wait before every retry."""
        for mapping in self.by_uuid.values():
            if mapping.polled is not None:
                mapping.polled.mapping.retry_now()

    def follow(self, function: str) -> None:
        """Reads on with the role that a function has now, once nothing is being invoked."""
        for mapping in self.by_uuid.values():
            if read_name(mapping.parameters["FunctionName"]).name == function:
                self._ask_for(mapping, self._read_anew)

    async def _checked(self, given: Parameters, own_uuid: str) -> Parameters:
        """The parameters that Lambda accepts. Raises `RefusedError`."""
        name = read_name(given["FunctionName"], self._place)
        parameters = {"Enabled": True, **given, "FunctionName": name.arn(self._place)}
        try:
            settings = MappingSettings.from_request(parameters, uuid=own_uuid)
            self._ensure_there(name)
            self._ensure_the_only_one(parameters, name.name, own_uuid)
            await asyncio.to_thread(self._readers.check, settings)
        except InvalidParameterValueError as refusal:
            raise invalid_parameter(str(refusal)) from refusal
        return _without_what_is_empty(parameters, settings)

    def _ensure_there(self, function: FunctionName) -> None:
        if function.name not in self._functions.by_name or function.qualifier not in (None, LATEST):
            raise invalid_parameter("Function does not exist")

    def _ensure_the_only_one(self, parameters: Parameters, function: str, own_uuid: str) -> None:
        for other in self.by_uuid.values():
            same = all(
                other.parameters[key] == parameters[key]
                for key in ("EventSourceArn", "FunctionName")
            )
            if same and other.uuid != own_uuid:
                raise conflict(
                    f'The event source arn (" {parameters["EventSourceArn"]} ") and function '
                    f'(" {function} ") provided mapping already exists. Please update or delete '
                    f"the existing mapping with UUID {other.uuid}"
                )

    def _not_in_use(self, uuid: str, verb: str) -> StoredMapping:
        mapping = self.get(uuid)
        if mapping.state not in SETTLED:
            message = f"Cannot {verb} the event source mapping because it is in use."
            raise RefusedError("ResourceInUseException", message)
        return mapping

    def _changing(self, mapping: StoredMapping, change: _Change) -> dict[str, Any]:
        """Begins the change, and answers as of the moment before."""
        answer = mapping.described()
        self._ask_for(mapping, change)
        return answer

    def _ask_for(self, mapping: StoredMapping, change: _Change) -> None:
        """Has it made once those are made that were asked for before."""
        mapping.changing = asyncio.create_task(self._change(mapping, change))
        self._changes.add(mapping.changing)
        mapping.changing.add_done_callback(self._changes.discard)

    async def _change(self, mapping: StoredMapping, change: _Change) -> None:
        """A fault of ours leaves the mapping disabled, and is raised to who waits for it."""
        async with mapping.turn:
            if mapping.uuid not in self.by_uuid:
                return
            try:
                await change(mapping)
            except Exception as fault:
                logger.exception("the mapping %s cannot be changed", mapping.uuid)
                mapping.failure = fault
                mapping.become("Disabled")

    async def _begin(self, mapping: StoredMapping) -> None:
        await self._poll(mapping)
        is_on = mapping.is_enabled and mapping.failure is None
        mapping.become("Enabled" if is_on else "Disabled")

    async def _begin_again(self, mapping: StoredMapping) -> None:
        await self._finish(mapping)
        await self._begin(mapping)

    async def _read_anew(self, mapping: StoredMapping) -> None:
        """Whatever its state is: nobody has changed the mapping.

        A role that cannot read is not waited for: it is changed again, or the mapping deleted.
        """
        if mapping.polled is not None:
            await self._finish(mapping)
            self._start(mapping)

    async def _poll(self, mapping: StoredMapping) -> None:
        """Polls for it, if it is enabled; returns once it has its place."""
        self._start(mapping)
        if mapping.polled is None:
            return
        mapping.failure = await mapping.polled.started()
        if mapping.failure is not None:
            mapping.polled = None
            mapping.become("Disabled")

    def _start(self, mapping: StoredMapping) -> None:
        mapping.failure = None
        if self._is_paused or not mapping.is_enabled or mapping.polled is not None:
            return
        reader = self._readers.reader(
            mapping.settings,
            checkpoints=mapping.checkpoints,
            metrics=mapping.counted,
            last_processing_result=mapping.last_processing_result,
        )
        mapping.polled = Polled(reader)

    async def _remove(self, mapping: StoredMapping) -> None:
        await self._finish(mapping)
        self.deleted[mapping.uuid] = mapping.metrics
        del self.by_uuid[mapping.uuid]

    async def _finish(self, mapping: StoredMapping) -> None:
        """Ends it where nothing is being delivered."""
        if mapping.polled is not None:
            await mapping.polled.mapping.finish()
        await self._stop(mapping)

    async def _stop(self, mapping: StoredMapping) -> None:
        polled, mapping.polled = mapping.polled, None
        if polled is not None:
            await polled.stop()
            mapping.checkpoints = polled.mapping.places
            mapping.last_processing_result = polled.mapping.last_processing_result


def _without_what_is_empty(parameters: Parameters, settings: MappingSettings) -> Parameters:
    """What takes a filter or a destination off is described as if there had never been one."""
    is_empty = {
        "DestinationConfig": settings.destination_arn is None,
        "FilterCriteria": not settings.patterns,
    }
    return {key: each for key, each in parameters.items() if not is_empty.get(key)}


_TRANSITIONS: Final = {
    (True, True): "Updating",
    (False, False): "Updating",
    (True, False): "Disabling",
    (False, True): "Enabling",
}
"""The state on the way, by whether the mapping was enabled and whether it will be."""
