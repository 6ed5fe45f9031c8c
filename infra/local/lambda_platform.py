"""What Lambda uses of the embedded AWS: the functions' roles, and what it does with them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.local.aws.emulator import ACCOUNT, Credentials, Emulator
from infra.local.cloudwatch.meters import MeteredFunction
from infra.local.cloudwatch.metric_store import MetricStore
from infra.local.function.invocation import Function, Invocation
from infra.local.lambda_api.functions import Functions
from infra.local.lambda_api.names import Place
from infra.local.lambda_api.refusals import invalid_parameter
from infra.local.mapping.delivery import DeliveryEvent
from infra.local.mapping.destination import S3Destination
from infra.local.mapping.event_source_mapping import EventSourceMapping
from infra.local.mapping.permissions import ensure_readable, ensure_writable
from infra.local.mapping.settings import MappingSettings
from infra.local.mapping.stream_reader import DynamoDBStreamReader


class LambdaPlatform:
    """The roles of the embedded AWS, as Lambda assumes them."""

    def __init__(self, emulator: Emulator) -> None:
        self.place = Place(account=ACCOUNT, region=emulator.region)
        self.endpoint = emulator.endpoint
        self._emulator = emulator
        self._assumed: dict[str, Credentials] = {}

    def assume(self, role: str) -> Mapping[str, str]:
        """A role's credentials as environment variables. Raises `RefusedError`."""
        if not self._trusts_lambda(role):
            raise invalid_parameter(
                "The role defined for the function cannot be assumed by Lambda."
            )
        return self.credentials(role).environment()

    def _trusts_lambda(self, role: str) -> bool:
        try:
            found = self._emulator.client("iam").get_role(RoleName=role.rpartition("/")[2])
        except ClientError:
            return False
        return "lambda.amazonaws.com" in json.dumps(found["Role"]["AssumeRolePolicyDocument"])

    def credentials(self, role: str) -> Credentials:
        """What a role may not do, they may not."""
        if role not in self._assumed:
            self._assumed[role] = self._emulator.assume_role(role)
        return self._assumed[role]

    def logs(self, role: str) -> Any:
        return self._emulator.client("logs", self.credentials(role))

    def of_role(self, service: str, role: str) -> Any:
        """A client of a service with a role's permissions."""
        return self._emulator.client(service, self.credentials(role))


class StreamReaders:
    """Reads streams for mappings, with the roles that their functions have now."""

    def __init__(
        self,
        platform: LambdaPlatform,
        functions: Functions,
        on_event: Callable[[DeliveryEvent], None],
        store: MetricStore,
    ) -> None:
        self._platform = platform
        self._functions = functions
        self._on_event = on_event
        self._store = store

    def check(self, settings: MappingSettings) -> None:
        """Raises `InvalidParameterValueError` where the role does not reach both ends."""
        ensure_readable(self._client("dynamodbstreams", settings), settings.stream_arn)
        if settings.destination_arn is not None:
            ensure_writable(self._client("s3", settings), settings.destination_arn)

    def reader(self, settings: MappingSettings, **state: Any) -> EventSourceMapping:
        """With the `state` that the one before has left."""
        streams = self._client("dynamodbstreams", settings)
        destination = None
        if settings.destination_arn is not None:
            destination = S3Destination(
                self._client("s3", settings),
                bucket_arn=settings.destination_arn,
                mapping_uuid=settings.uuid,
            )
        return EventSourceMapping(
            settings,
            source=DynamoDBStreamReader(streams, settings.stream_arn, self._platform.place.region),
            function=MeteredFunction(
                _Invoked(self._functions, settings),
                settings.function_name,
                self._store,
            ),
            destination=destination,
            on_event=self._on_event,
            **state,
        )

    def _client(self, service: str, settings: MappingSettings) -> Any:
        function = self._functions.by_name[settings.function_name]
        return self._platform.of_role(service, function.parameters["Role"])


class FunctionGoneError(Exception):
    """A mapping's function was deleted: its batches wait for another of its name."""


class _Invoked(Function):
    """The function of a mapping, whichever has its name then."""

    def __init__(self, functions: Functions, settings: MappingSettings) -> None:
        self._functions = functions
        self._settings = settings

    async def invoke(self, event: Mapping[str, Any], *, request_id: str) -> Invocation:
        function = self._functions.by_name.get(self._settings.function_name)
        if function is None:
            raise FunctionGoneError(f"Function not found: {self._settings.function_arn}")
        return await function.running.invoke(event, request_id=request_id)
