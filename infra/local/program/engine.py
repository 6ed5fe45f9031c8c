"""Another engine under the same program: what it registers, a provider of ours creates.

The local run's provider creates it in the embedded AWS, that of the tests makes outputs up.
`pulumi.runtime.set_mocks` is Pulumi's own seam for it. It is not `pulumi up`: there is no state, no
diff and no auto-naming.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import grpc  # type: ignore[import-untyped] # it has no types
import pulumi
from google.protobuf import json_format  # type: ignore[import-untyped] # comes with pulumi
from pulumi.output import UNKNOWN as PULUMIS_UNKNOWN
from pulumi.output import Unknown
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2

from infra.local.program import stack_references

T = TypeVar("T")

UNKNOWN: Final = PULUMIS_UNKNOWN
"""Stands in a preview for what only the creation of a resource tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One resource that the program registered, with what it asked of the engine for it."""

    type: str
    name: str
    is_component: bool
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    urn: str
    parent: str
    """The parent's URN."""
    depends_on: frozenset[str]
    """URNs of the resources that must be there first, said or implied by an input."""
    protect: bool
    delete_before_replace: bool
    retain_on_delete: bool
    replacement_trigger: Any
    """What replaces the resource when it changes; None: only its own inputs do."""
    ignore_changes: tuple[str, ...]
    """The inputs whose changes the engine passes over."""
    secrets: frozenset[str]
    """The inputs that the engine keeps encrypted."""
    secret_outputs: frozenset[str]
    """The outputs that it keeps encrypted because the program says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LookUp:
    """One call of a provider's function."""

    token: str
    arguments: Mapping[str, Any]
    provider: str
    """Reference of the explicit provider; empty for the default one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """What a run of the program made, in the order in which it declares it."""

    resources: list[Resource] = field(default_factory=list)
    look_ups: list[LookUp] = field(default_factory=list)
    exports: Mapping[str, Any] = field(default_factory=dict)
    components: list[pulumi.ComponentResource] = field(default_factory=list)
    """The program's own objects."""

    def of_type(self, type_: str) -> list[Resource]:
        """All resources of a type."""
        return [resource for resource in self.resources if resource.type == type_]

    def only(self, type_: str) -> Resource:
        """The resource of a type of which there is one. Raises `NotOneResourceError`."""
        found = self.of_type(type_)
        if len(found) != 1:
            names = ", ".join(each.name for each in found) or "none"
            raise NotOneResourceError(f"the program must have one {type_} here, it has {names}")
        return found[0]


class NotOneResourceError(LookupError):
    """A program has no resource of a type where one is asked for, or several; says which."""


class Provider(Protocol):
    """What creates resources and answers look-ups."""

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The outputs of a new resource."""
        ...

    def read(self, type_: str, name: str, id_: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """The outputs of a resource that exists, and that the program gets by its id; `state` is
        what else the program says of it."""
        ...

    def component(self, inputs: Mapping[str, Any]) -> None:
        """Told of a component's inputs, before its children are made."""
        ...

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result of a provider's function."""
        ...


class Monitor(mocks.MockMonitor):
    """Takes the program's registrations, also what Pulumi's mocks alone do not see."""

    def __init__(self, provider: Provider, *, preview: bool = False) -> None:
        self.preview = preview
        self.is_declared = False
        """Whether the program has come to its end, whatever becomes of its outputs."""
        self.error: Exception | None = None
        """The first thing that went wrong, which is the cause of whatever went wrong after it."""
        self._provider = provider
        self._event_loops = _EventLoops()
        self._declared: dict[tuple[str, str], int] = {}
        self._components: list[pulumi.ComponentResource] = []
        self._registered: list[Resource] = []
        self._look_ups: list[LookUp] = []
        self._exports: Mapping[str, Any] = {}
        super().__init__(_Creating(self))

    @property
    def deployed(self) -> Deployed:
        """What the program has made so far."""
        resources = sorted(self._registered, key=self._place)
        return Deployed(
            resources=resources,
            look_ups=list(self._look_ups),
            exports=self._exports,
            components=list(self._components),
        )

    def declare(self, args: pulumi.ResourceTransformationArgs) -> None:
        """Notes a resource when the program constructs it. Registrations come in any order."""
        self._declared.setdefault((args.type_, args.name), len(self._declared))
        stack_references.goes_on(args.resource, args.props.get("name"))
        if isinstance(args.resource, pulumi.ComponentResource):
            self._components.append(args.resource)

    def _place(self, resource: Resource) -> int:
        # The stack itself is there before the program is.
        return self._declared.get((resource.type, resource.name), -1)

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._first_error(lambda: self._provider.create(type_, name, inputs))

    def read(self, type_: str, name: str, id_: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._first_error(lambda: self._provider.read(type_, name, id_, state))

    def component(self, inputs: Mapping[str, Any]) -> None:
        self._first_error(lambda: self._provider.component(inputs))

    def look_up(self, token: str, arguments: Mapping[str, Any], provider: str) -> Mapping[str, Any]:
        self._look_ups.append(LookUp(token=token, arguments=arguments, provider=provider))
        try:
            return self._provider.look_up(token, arguments)
        except Exception as error:
            # The program may say better what it means that there is no answer.
            raise _NoAnswerError(str(error)) from error

    def close(self) -> None:
        """After the run: nothing is registered any more."""
        self._event_loops.close()

    def _first_error(self, work: Callable[[], T]) -> T:
        try:
            result = work()
        except Exception as error:
            self.error = self.error or error
            raise
        return result

    def GetDeploymentInfo(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        info = super().GetDeploymentInfo(request)  # type: ignore[no-untyped-call] # Pulumi's
        # A resource that is given as an input arrives as its id, as the AWS provider gets it.
        info.supportedFeatures.remove(resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES)
        return info

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        with self._event_loops.one():
            response = self._answer(request)
        self._registered.append(_resource(request, response))
        return response

    def _answer(self, request: Any) -> Any:
        if not self.preview:
            return super().RegisterResource(request)  # type: ignore[no-untyped-call] # Pulumi's
        # Pulumi's engine answers a preview with the inputs: no output that is not one is known.
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        with self._event_loops.one():
            response = super().ReadResource(request)  # type: ignore[no-untyped-call] # Pulumi's
        self._registered.append(_read(request, response))
        return response

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        with self._event_loops.one():
            return super().Invoke(request)  # type: ignore[no-untyped-call] # Pulumi's

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        if "pulumi:pulumi:Stack::" in request.urn:
            # That of the stack which Pulumi's mocks make beside comes in any order, and is empty.
            self._exports = plain(rpc.deserialize_properties(request.outputs)) or self._exports
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call] # Pulumi's


def _resource(request: Any, response: Any) -> Resource:
    inputs = rpc.deserialize_properties(request.object)
    return Resource(
        type=request.type,
        name=request.name,
        is_component=not request.custom,
        inputs=plain(inputs),
        outputs=plain(rpc.deserialize_properties(response.object)),
        urn=response.urn,
        parent=request.parent,
        depends_on=frozenset(request.dependencies),
        protect=request.protect,
        delete_before_replace=request.deleteBeforeReplace,
        retain_on_delete=request.retainOnDelete,
        replacement_trigger=_replacement_trigger(request),
        ignore_changes=tuple(request.ignoreChanges),
        secrets=frozenset(key for key, value in inputs.items() if rpc.is_rpc_secret(value)),
        secret_outputs=frozenset(request.additionalSecretOutputs),
    )


def _read(request: Any, response: Any) -> Resource:
    return Resource(
        type=request.type,
        name=request.name,
        is_component=False,
        inputs=plain(rpc.deserialize_properties(request.properties)),
        outputs=plain(rpc.deserialize_properties(response.properties)),
        urn=response.urn,
        parent=request.parent,
        depends_on=frozenset(request.dependencies),
        protect=False,
        delete_before_replace=False,
        retain_on_delete=True,
        replacement_trigger=None,
        ignore_changes=(),
        secrets=frozenset(),
        secret_outputs=frozenset(request.additionalSecretOutputs),
    )


class _NoAnswerError(grpc.RpcError):  # type: ignore[misc] # grpc has no types
    """A provider's function failed: in the form in which Pulumi's engine says so."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


def _replacement_trigger(request: Any) -> Any:
    if not request.HasField("replacement_trigger"):
        return None
    return plain(json_format.MessageToDict(request.replacement_trigger))


class _Creating(mocks.Mocks):
    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        # Of what is read, and not made, Pulumi does not say that it is no component.
        if not (args.custom or args.resource_id):
            self._monitor.component(plain(args.inputs))
            return f"{args.name}-id", {}  # its children are what is created
        if args.custom is None and args.resource_id:
            read = self._monitor.read(args.typ, args.name, args.resource_id, plain(args.inputs))
            return args.resource_id, {**args.inputs, **read}
        outputs = self._monitor.create(args.typ, args.name, plain(args.inputs))
        return str(outputs.get("id") or f"{args.name}-id"), {**args.inputs, **outputs}

    def call(self, args: mocks.MockCallArgs) -> dict[Any, Any]:  # type: ignore[override] # Pulumi takes both
        return dict(self._monitor.look_up(args.token, plain(args.args), args.provider or ""))


class _EventLoops:
    """Pulumi's mocks want an event loop in each thread, and leave the ones they make open.

    Each is used again: to make one takes longer than what it is made for.
    """

    def __init__(self) -> None:
        self._idle: list[asyncio.AbstractEventLoop] = []

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """One for this thread, for as long as it takes."""
        try:
            loop = self._idle.pop()
        except IndexError:
            loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            yield
        finally:
            asyncio.set_event_loop(None)
            self._idle.append(loop)

    def close(self) -> None:
        """Once no thread has one."""
        while self._idle:
            self._idle.pop().close()


def plain(value: Any) -> Any:
    """Without secret envelopes, and with whole numbers whole: on Pulumi's wire all are floats."""
    if rpc.is_rpc_secret(value):
        return plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, Unknown):
        return UNKNOWN
    return int(value) if isinstance(value, float) and value.is_integer() else value
