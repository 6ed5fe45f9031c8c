"""The plan of a stack: what the unchanged program registers, as plain data.

The engine is the local run's; its provider here makes up what a resource would give back (names,
ARNs, the digest). No AWS, no Docker.
"""

import dataclasses
import functools
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from handler.config import RequestsStream
from infra.config import stack_file
from infra.local.program.engine import Deployed, Provider, Resource
from infra.local.program.run import ProgramError, run_program
from tests.project import FROZEN

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
METRIC_ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE_ALARM: Final = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
DASHBOARD: Final = "aws:cloudwatch/dashboard:Dashboard"
TOPIC: Final = "aws:sns/topic:Topic"
TOPIC_POLICY: Final = "aws:sns/topicPolicy:TopicPolicy"
TOPIC_SUBSCRIPTION: Final = "aws:sns/topicSubscription:TopicSubscription"
KEY: Final = "aws:kms/key:Key"

AUTHORIZATION_TOKEN: Final = "aws:ecr/getAuthorizationToken:getAuthorizationToken"
GET_REPOSITORY: Final = "aws:ecr/getRepository:getRepository"
GET_IMAGE: Final = "aws:ecr/getImage:getImage"
GET_TABLE: Final = "aws:dynamodb/getTable:getTable"
STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"


Registered: TypeAlias = Resource
"""One resource, as the program asked for it; its parent and its dependencies by their names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """All that the program registered, called and exported."""

    registered: list[Registered]
    """Without the components, which no provider sees."""
    calls: list[tuple[str, Mapping[str, Any]]]
    providers: Mapping[str, str]
    """The explicit provider of each call; empty: the default one."""
    exports: Mapping[str, Any]

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
    failing: Collection[str] = (),
    secrets: Collection[str] = (),
    preview: bool = False,
    project: Path = FROZEN,
) -> Plan:
    """The plan of a stack file, with `config` merged over it: sections by their keys.

    `given` replaces what the resources of a type give back, `failing` are calls that find nothing,
    `secrets` the keys, with their namespace, whose values the stack file has encrypted. A preview
    has `UNKNOWN` for all that only creation tells. Raises what the program raises.
    """
    if not (config or given or failing or secrets) and project == FROZEN:
        return _as_it_stands(stack, preview=preview)
    return _planned(
        config or {},
        stack=stack,
        provider=_MadeUp(given or {}, failing),
        secrets=secrets,
        preview=preview,
        project=project,
    )


@functools.cache
def _as_it_stands(stack: str, *, preview: bool) -> Plan:
    """The plan that most tests want, made once; no test changes anything of it."""
    return _planned(
        {}, stack=stack, provider=_MadeUp({}, ()), secrets=(), preview=preview, project=FROZEN
    )


def _planned(
    config: Mapping[str, Any],
    *,
    stack: str,
    provider: Provider,
    secrets: Collection[str],
    preview: bool,
    project: Path,
) -> Plan:
    try:
        deployed = run_program(
            stack, config, provider, preview=preview, secrets=secrets, project=project
        )
    except ProgramError as error:
        raise error.__cause__ or error from None
    return _plan(deployed)


def _plan(deployed: Deployed) -> Plan:
    return Plan(
        registered=[
            dataclasses.replace(
                each, parent=_name(each.parent), depends_on=frozenset(map(_name, each.depends_on))
            )
            for each in deployed.resources
            if not each.is_component
        ],
        calls=[(call.token, call.arguments) for call in deployed.look_ups],
        providers={call.token: _name(call.provider) for call in deployed.look_ups},
        exports=deployed.exports,
    )


def stack_values(stack: str) -> dict[str, Any]:
    """The values of a frozen `Pulumi.<stack>.yaml`, as they stand there."""
    return stack_file.stack_values(FROZEN, stack)


def handed_over(values: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    """Values with `config` merged over them, in the form in which Pulumi hands them over."""
    return stack_file.handed_over(stack_file.overridden(values, config, PROJECT_NAME))


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


class _MadeUp:
    """What AWS and Docker would give back."""

    def __init__(self, given: Mapping[str, Mapping[str, Any]], failing: Collection[str]) -> None:
        self._given = given
        self._failing = failing

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._given.get(type_, _outputs(type_, str(inputs.get("name") or name)))

    def read(self, type_: str, name: str, id_: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
        del state
        return {**self._given.get(type_, _outputs(type_, name)), "id": id_}

    def component(self, inputs: Mapping[str, Any]) -> None:
        pass

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        if token in self._failing:
            raise LookupError("couldn't find resource")
        if token in self._given:
            return self._given[token]
        answers: dict[str, Mapping[str, Any]] = {
            AUTHORIZATION_TOKEN: {"userName": "AWS", "password": "a-token"},
            GET_REPOSITORY: {"repositoryUrl": f"{_REGISTRY}/{arguments.get('name')}"},
            GET_IMAGE: {"imageDigest": arguments.get("imageDigest") or DIGEST},
            GET_TABLE: _fitting_table(str(arguments.get("name"))),
        }
        return answers[token]


def _fitting_table(name: str) -> Mapping[str, Any]:
    """A table that exists and fits the contract."""
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    keys = RequestsStream().item.keys
    return {
        "name": name,
        "arn": arn,
        "attributes": [{"name": key.name, "type": key.type} for key in keys],
        "hashKey": keys[0].name,
        "rangeKey": keys[1].name if len(keys) > 1 else "",
        "streamEnabled": True,
        "streamViewType": str(RequestsStream().view_type),
        "streamArn": f"{arn}/stream/2026-01-01T00:00:00.000",
    }


def _outputs(type_: str, name: str) -> Mapping[str, Any]:
    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"

    table = arn("dynamodb", f"table/{name}")
    outputs: dict[str, Mapping[str, Any]] = {
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
        # Of a stack that was never updated.
        STACK_REFERENCE: {"outputs": {}},
        EVENT_SOURCE_MAPPING: {"uuid": "7f1f24ff-9dd7-4d8b-b97f-2f0e2b1f0d4e"},
        METRIC_ALARM: {"name": name, "arn": arn("cloudwatch", f"alarm:{name}")},
        COMPOSITE_ALARM: {"arn": arn("cloudwatch", f"alarm:{name}")},
        TOPIC: {"name": name, "arn": arn("sns", name)},
        KEY: {"arn": arn("kms", f"key/{name}")},
    }
    return outputs.get(type_, {})
