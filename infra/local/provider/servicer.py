"""Pulumi's ResourceProvider protocol, answered with the embedded AWS.

What each type of resource is, `infra.local.aws` describes; here is what Pulumi's engine asks of it:
check, diff, create, read, update, delete, and look-ups. Secrets stay with the engine: it hands
them over as plain values, and keeps encrypted what has the place of a secret input.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import grpc  # type: ignore[import-untyped] # it has no types
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2  # type: ignore[import-untyped] # comes with pulumi
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from infra.local.aws import resources
from infra.local.aws.emulator import Emulator
from infra.local.aws.not_made import NOT_MADE_HERE
from infra.local.aws.resource_type import Existing, Inputs, ResourceType
from infra.local.program.engine import UNKNOWN
from infra.local.provider import names, wire
from infra.local.provider.backend import Backend, ForeignBackendError
from infra.local.provider.changes import Change, changes
from infra.local.provider.merging import narrowed, observed, with_kept

Moment = Callable[[str, str, str], None]
"""Operation, type and name of a resource."""


@dataclass(kw_only=True, slots=True)
class Faults:
    """Where a test may refuse or hold an operation."""

    before: Moment = lambda *_: None
    after: Moment = lambda *_: None
    """Done in the embedded AWS, and the engine not yet told."""


@dataclass(frozen=True, kw_only=True)
class Provider(ResourceProviderServicer):
    """One package's provider."""

    package: str
    version: str
    emulator: Emulator
    backend: Backend
    faults: Faults = field(default_factory=Faults)
    _engines: dict[str, str] = field(default_factory=dict)
    """Where the engine listens, of each connection: several commands may run at once."""

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        self._engines[context.peer()] = request.engine_address
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=False,
            accept_resources=False,
            accept_outputs=False,
            supports_autonaming_configuration=True,
        )

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        self._engines[context.peer()] = request.address
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        del request, context
        return plugin_pb2.PluginInfo(version=self.version)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        del request, context
        schema = {"name": self.package, "version": self.version}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        with _refusals(context):
            marked = self.backend.marked(wire.read(request.olds), wire.read(request.news))
        return provider_pb2.CheckResponse(inputs=wire.written(marked))

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        del request, context
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        with _refusals(context):
            configuration = wire.read(request.args)
            self.backend.ensure_own(configuration)
            self._ensure_region(configuration)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False,
            acceptResources=False,
            acceptOutputs=False,
            supportsPreview=True,
            supports_autonaming_configuration=True,
        )

    def _ensure_region(self, configuration: Mapping[str, Any]) -> None:
        region = configuration.get("region", self.emulator.region)
        if region != self.emulator.region:
            raise ForeignBackendError(
                f"the local run is of region {self.emulator.region}, the stack of {region}"
            )

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        with _refusals(context):
            answer = resources.look_up(self.emulator, request.tok, wire.read(request.args))
        said = answer.pop(NOT_MADE_HERE, None)
        self._warn(context, None if said is None else f"{request.tok}: {said}")
        return provider_pb2.InvokeResponse(**{"return": wire.written(answer)})

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        del context
        _, type_, name = _resource(request)
        old, new = wire.read(request.olds), wire.read(request.news)
        new.pop(names.NAMED_HERE, None)
        new |= _written_policies(new)
        try:
            new = dict(type_.checked(new)) if type_.checked else new
            if type_.naming is not None:
                new = names.named(type_.naming, name, old=old, new=new, request=request)
        except names.NoNameError as error:
            failure = provider_pb2.CheckFailure(reason=str(error))
            return provider_pb2.CheckResponse(failures=[failure])
        return provider_pb2.CheckResponse(inputs=wire.written(new))

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        del context
        _, type_, _ = _resource(request)
        new = wire.read(request.news)
        found = changes(
            type_,
            state=wire.read(request.olds),
            old=_wanted(wire.read(request.old_inputs)),
            new=_wanted(new),
            ignored=list(request.ignoreChanges),
        )
        return _diff_response(type_, found, new)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        token, type_, name = _resource(request)
        inputs = _wanted(wire.read(request.properties))
        if request.preview:
            unknown = {key: UNKNOWN for key in type_.computed if key not in inputs}
            state = {**inputs, **unknown, **_tags_all(inputs)}
            return provider_pb2.CreateResponse(properties=wire.written(state))
        with _refusals(context):
            self.backend.ensure_locked()
            self.faults.before("create", token, name)
            physical = str(inputs.get(type_.naming.key)) if type_.naming else name
            outputs = resources.create(self.emulator, token, physical, inputs)
            self.faults.after("create", token, name)
        self._warn(context, _not_made(outputs.pop(NOT_MADE_HERE, None)), request.urn)
        id_ = str(outputs.pop("id", physical))
        state = {**inputs, **outputs, **_tags_all(inputs)}
        return provider_pb2.CreateResponse(id=id_, properties=wire.written(state))

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        token, type_, name = _resource(request)
        old, old_inputs = wire.read(request.olds), _wanted(wire.read(request.old_inputs))
        wanted = with_kept(type_, old, _wanted(wire.read(request.news)))
        unchanged = {key: value for key, value in old.items() if key not in old_inputs}
        found = changes(type_, state=old, old=old_inputs, new=wanted)
        if request.preview:
            unknown = dict.fromkeys(_computed_anew(type_, found), UNKNOWN)
            state = {**unchanged, **wanted, **unknown, **_tags_all(wanted)}
            return provider_pb2.UpdateResponse(properties=wire.written(state))
        with _refusals(context):
            self.backend.ensure_locked()
            self.faults.before("update", token, name)
            outputs = resources.update(
                self.emulator,
                token,
                Existing(id=request.id, state=old),
                wanted,
                changed={each.key for each in found},
            )
            self.faults.after("update", token, name)
        self._warn(context, _not_made(outputs.pop(NOT_MADE_HERE, None)), request.urn)
        state = {**unchanged, **wanted, **outputs, **_tags_all(wanted)}
        return provider_pb2.UpdateResponse(properties=wire.written(state))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        token, _, name = _resource(request)
        with _refusals(context):
            self.backend.ensure_locked()
            self.faults.before("delete", token, name)
            existing = Existing(id=request.id, state=wire.read(request.properties))
            resources.delete(self.emulator, token, existing)
            self.faults.after("delete", token, name)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        _, type_, _ = _resource(request)
        state, inputs = wire.read(request.properties), wire.read(request.inputs)
        if type_.read is None:
            if not inputs:  # an import
                context.abort(grpc.StatusCode.UNIMPLEMENTED, "it cannot be imported here")
            return provider_pb2.ReadResponse(
                id=request.id, properties=request.properties, inputs=request.inputs
            )
        with _refusals(context):
            found = type_.read(self.emulator, request.id)
        if found is None:
            return provider_pb2.ReadResponse()
        if not inputs:
            inputs = {key: each for key, each in found.items() if key not in type_.computed}
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=wire.written({**observed(found, state), **_tags_all(found)}),
            inputs=wire.written({**inputs, **narrowed(found, inputs)}),
        )

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        del request, context
        return empty_pb2.Empty()

    def _warn(self, context: Any, message: str | None, urn: str = "") -> None:
        address = self._engines.get(context.peer())
        if message is None or not address:
            return
        with grpc.insecure_channel(address) as channel:
            engine_pb2_grpc.EngineStub(channel).Log(
                engine_pb2.LogRequest(
                    severity=engine_pb2.WARNING,
                    urn=urn,
                    message=message,
                )
            )


def _written_policies(inputs: Inputs) -> dict[str, Any]:
    """As strings; one of which a part is not known yet is not known itself."""
    written: dict[str, Any] = {}
    for key, value in inputs.items():
        try:
            written |= resources.written_policies({key: value})
        except TypeError:  # what is not known is nothing that JSON has
            written[key] = UNKNOWN
    return written


def _not_made(left_out: str | None) -> str | None:
    return None if left_out is None else f"the local run does not make this: {left_out}"


_REFUSALS: Final = (
    BotoCoreError,
    ClientError,
    ForeignBackendError,
    resources.RefusedError,
)


@contextlib.contextmanager
def _refusals(context: Any) -> Iterator[None]:
    """What is refused within, as the engine is told it."""
    try:
        yield
    except _REFUSALS as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _resource(request: Any) -> tuple[str, ResourceType, str]:
    """Type token, type and name of the resource that a request is about."""
    token, _, name = request.urn.partition("::")[2].partition("::")[2].partition("::")
    token = token.rpartition("$")[2]
    return token, resources.type_of(token), name


def _wanted(inputs: Inputs) -> dict[str, Any]:
    return {key: value for key, value in inputs.items() if not key.startswith("__")}


def _tags_all(inputs: Inputs) -> dict[str, Any]:
    """The provider reports tags once more, with its own default ones."""
    return {"tagsAll": inputs["tags"]} if inputs.get("tags") else {}


def _computed_anew(type_: ResourceType, found: list[Change]) -> set[str]:
    computed_anew = type_.computed_anew or {}
    return {output for each in found for output in computed_anew.get(each.key, ())}


def _diff_response(type_: ResourceType, found: list[Change], new: Inputs) -> Any:
    kinds = provider_pb2.PropertyDiff
    detailed = {
        each.path: kinds(
            kind=kinds.Kind.Value(each.kind.value + ("_REPLACE" if each.replaces else ""))
        )
        for each in found
    }
    replaces = sorted({each.key for each in found if each.replaces})
    answers = provider_pb2.DiffResponse
    return provider_pb2.DiffResponse(
        changes=answers.DIFF_SOME if found else answers.DIFF_NONE,
        diffs=sorted({each.key for each in found}),
        replaces=replaces,
        # A name that the program gives cannot be had twice at the same time.
        deleteBeforeReplace=bool(replaces)
        and (type_.is_deleted_first or names.is_given(type_.naming, new)),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )
