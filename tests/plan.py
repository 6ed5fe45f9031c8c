"""The plan of a stack: what the unchanged program registers, as plain data.

The program runs as Pulumi's own language host runs it, against a monitor that only takes notes:
no engine, no provider and no AWS. What a resource would give back (names, ARNs, the digest) is
made up here. The plan is handed out once every registration has landed.
"""

import asyncio
import json
import runpy
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pulumi
import yaml
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime import stack as runtime_stack

PROJECT: Final = Path(__file__).parent.parent
PROJECT_NAME: Final = "requests-processor"
ACCOUNT: Final = "123456789012"
REGION: Final = "ap-northeast-1"
DIGEST: Final = "sha256:" + "5e" * 32
_REGISTRY: Final = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"

TABLE: Final = "aws:dynamodb/table:Table"
REPOSITORY: Final = "aws:ecr/repository:Repository"
REPOSITORY_POLICY: Final = "aws:ecr/repositoryPolicy:RepositoryPolicy"
LIFECYCLE_POLICY: Final = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
IMAGE: Final = "docker:index/image:Image"
BUCKET: Final = "aws:s3/bucket:Bucket"
ROLE: Final = "aws:iam/role:Role"
ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
FUNCTION: Final = "aws:lambda/function:Function"
EVENT_SOURCE_MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"

AUTHORIZATION_TOKEN: Final = "aws:ecr/getAuthorizationToken:getAuthorizationToken"
GET_REPOSITORY: Final = "aws:ecr/getRepository:getRepository"
GET_IMAGE: Final = "aws:ecr/getImage:getImage"


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """One resource, as the program asked for it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    """Name of the parent."""
    depends_on: frozenset[str]
    """Names of the resources that must be there first, said or implied by an input."""
    protect: bool
    delete_before_replace: bool
    secrets: frozenset[str]
    """The inputs that are kept encrypted."""


@dataclass(kw_only=True, slots=True)
class Plan:
    """All that the program registered, called and exported."""

    registered: list[Registered] = field(default_factory=list)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    exports: Mapping[str, Any] = field(default_factory=dict)

    def of_type(self, type_: str) -> list[Registered]:
        """All resources of a type."""
        return [resource for resource in self.registered if resource.type == type_]

    def resource(self, type_: str, name: str | None = None) -> Registered:
        """The only resource of a type, or the only one of that name."""
        (found,) = (each for each in self.of_type(type_) if name in {None, each.name})
        return found

    def inputs_of(self, type_: str, name: str | None = None) -> Mapping[str, Any]:
        """The inputs of the only resource of a type, or of the only one of that name."""
        return self.resource(type_, name).inputs

    def names(self) -> set[str]:
        """The names of all resources."""
        return {resource.name for resource in self.registered}

    def policy(self, name: str) -> dict[str, Any]:
        """The role policy of that name, decoded: its statements by their Sid."""
        document = json.loads(self.inputs_of(ROLE_POLICY, name)["policy"])
        return {statement["Sid"]: statement for statement in document["Statement"]}


def plan_of(
    config: Mapping[str, Any] | None = None,
    *,
    stack: str = "dev",
    given: Mapping[str, Mapping[str, Any]] | None = None,
) -> Plan:
    """The plan of a stack file, with `config` merged over it: sections by their keys.

    `given` replaces what the resources of a type give back. Raises what the program raises.
    """
    plan = Plan()
    monitor = _NotingMonitor(plan, given or {})
    pulumi.runtime.reset_options()
    pulumi.runtime.set_all_config(handed_over(stack_values(stack), config or {}), [])
    try:
        asyncio.run(_run(monitor, stack))
    finally:
        # The next program must find neither this stack nor its exports.
        pulumi.runtime.reset_options()
    return plan


async def _run(monitor: "_NotingMonitor", stack_name: str) -> None:
    mocks.set_mocks(monitor.mocks, project=PROJECT_NAME, stack=stack_name, monitor=monitor)
    # set_mocks makes a stack of its own; the program gets a fresh one, as from the language host.
    settings.set_root_resource(None)  # type: ignore[arg-type] # none yet
    # One worker: registrations are noted one by one, and the event loop that the mock monitor
    # wants in each of its threads can be closed.
    worker = ThreadPoolExecutor(max_workers=1, initializer=_open_event_loop)
    asyncio.get_running_loop().set_default_executor(worker)
    try:
        await runtime_stack.run_in_stack(_program)
    finally:
        worker.submit(lambda: asyncio.get_event_loop().close()).result()


def _open_event_loop() -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())


def _program() -> None:
    runpy.run_path(str(PROJECT / "__main__.py"), run_name="__main__")


def stack_values(stack: str) -> dict[str, Any]:
    """The values of `Pulumi.<stack>.yaml`, as they stand there."""
    text = (PROJECT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["config"])


def handed_over(values: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    """Values in the form in which Pulumi hands them over: all text, objects as JSON."""
    merged = dict(values)
    for name, section in config.items():
        key = f"{PROJECT_NAME}:{name}"
        is_section = isinstance(section, Mapping)
        merged[key] = {**merged.get(key, {}), **section} if is_section else section
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in merged.items()
    }


class _NotingMonitor(mocks.MockMonitor):
    """Writes down each request before it is answered; here options are visible too."""

    def __init__(self, plan: Plan, given: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(_MadeUp(plan, given))
        self._plan = plan

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        if request.custom:
            self._plan.registered.append(_registered(request))
        return super().RegisterResource(request)  # type: ignore[no-untyped-call] # Pulumi's is

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        if "pulumi:pulumi:Stack::" in request.urn:
            self._plan.exports = _plain(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call] # Pulumi's is


def _registered(request: Any) -> Registered:
    inputs = rpc.deserialize_properties(request.object)
    return Registered(
        type=request.type,
        name=request.name,
        inputs=_plain(inputs),
        parent=_name(request.parent),
        depends_on=frozenset(map(_name, request.dependencies)),
        protect=request.protect,
        delete_before_replace=request.deleteBeforeReplace,
        secrets=frozenset(key for key, value in inputs.items() if rpc.is_rpc_secret(value)),
    )


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def _plain(value: Any) -> Any:
    """Without secret envelopes, and with whole numbers whole: on the wire all are floats."""
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _MadeUp(mocks.Mocks):
    """What AWS and Docker would give back."""

    def __init__(self, plan: Plan, given: Mapping[str, Mapping[str, Any]]) -> None:
        self._plan = plan
        self._given = given

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        given = self._given.get(args.typ, _outputs(args.typ, args.name))
        return f"{args.name}-id", {**args.inputs, **given}

    def call(self, args: mocks.MockCallArgs) -> Any:
        # A plain dict: what Pulumi declares, a tuple with None, makes its own monitor fail.
        self._plan.calls.append((args.token, _plain(args.args)))
        return {
            AUTHORIZATION_TOKEN: {"userName": "AWS", "password": "a-token"},
            GET_REPOSITORY: {"repositoryUrl": f"{_REGISTRY}/{args.args.get('name')}"},
            GET_IMAGE: {"imageDigest": DIGEST},
        }[args.token]


def _outputs(type_: str, name: str) -> Mapping[str, Any]:
    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"

    table = arn("dynamodb", f"table/{name}")
    return {
        TABLE: {"name": name, "arn": table, "streamArn": f"{table}/stream/2026-01-01T00:00:00.000"},
        REPOSITORY: {
            "name": name,
            "arn": arn("ecr", f"repository/{name}"),
            "repositoryUrl": f"{_REGISTRY}/{name}",
            "registryId": ACCOUNT,
        },
        IMAGE: {"repoDigest": f"{_REGISTRY}/{name}@{DIGEST}"},
        BUCKET: {"bucket": name, "arn": f"arn:aws:s3:::{name}"},
        ROLE: {"name": name, "arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"},
        LOG_GROUP: {"name": name, "arn": arn("logs", f"log-group:{name}")},
        FUNCTION: {"name": name, "arn": arn("lambda", f"function:{name}")},
        EVENT_SOURCE_MAPPING: {"uuid": "7f1f24ff-9dd7-4d8b-b97f-2f0e2b1f0d4e"},
    }.get(type_, {})
