"""Lambda itself: answers each operation of its API with the functions and the mappings."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from infra.local.lambda_api.functions import Function, Functions, tagged
from infra.local.lambda_api.invoking import Answer, Invoking
from infra.local.lambda_api.mappings import Mappings, StoredMapping
from infra.local.lambda_api.names import FunctionName, Place, read_name, unqualified
from infra.local.lambda_api.operations import Parameters, Request, read_request
from infra.local.lambda_api.refusals import RefusedError, invalid_parameter, not_found, not_here

logger = logging.getLogger(__name__)

_PAGES: Final = {"EventSourceMappings": 100, "Functions": 50}
"""How long a page of a list is at most, whatever the request says (Lambda's API reference)."""

ACCOUNT_LIMIT: Final = {
    "CodeSizeUnzipped": 250 * 1024**2,
    "CodeSizeZipped": 50 * 1024**2,
    "TotalCodeSize": 75 * 1024**3,
}
"""Bytes of code, an account's quotas (Lambda developer guide, "Lambda quotas"). No image counts."""

Answered: TypeAlias = Mapping[str, Any] | Answer | None


class LambdaService:
    """One account's Lambda in one region."""

    def __init__(self, place: Place, functions: Functions, mappings: Mappings) -> None:
        self.functions = functions
        self.mappings = mappings
        self._place = place
        self._invoking = Invoking()
        self._operations: Mapping[str, Callable[[Parameters], Awaitable[Answered]]] = {
            "CreateFunction": self._create_function,
            "GetFunction": self._get_function,
            "GetFunctionConfiguration": self._get_configuration,
            "UpdateFunctionCode": self._update_code,
            "UpdateFunctionConfiguration": self._update_configuration,
            "DeleteFunction": self._delete_function,
            "ListFunctions": self._list_functions,
            "PutFunctionConcurrency": self._put_concurrency,
            "GetFunctionConcurrency": self._get_concurrency,
            "DeleteFunctionConcurrency": self._delete_concurrency,
            "CreateEventSourceMapping": self._create_mapping,
            "GetEventSourceMapping": self._get_mapping,
            "UpdateEventSourceMapping": self._update_mapping,
            "DeleteEventSourceMapping": self._delete_mapping,
            "ListEventSourceMappings": self._list_mappings,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTags": self._list_tags,
            "Invoke": self._invoke,
            "GetAccountSettings": self._get_account_settings,
        }

    async def close(self) -> None:
        """Stops everything."""
        await self.mappings.close()
        await self._invoking.close()
        await self.functions.close()

    async def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Of one HTTP request."""
        try:
            return await self._answered(read_request(method, target, headers, body))
        except RefusedError as refused:
            return _refusal(refused)
        except Exception as fault:
            logger.exception("a request to Lambda failed, which nobody foresaw: %s", target)
            told = f"{type(fault).__name__}: {fault}"
            return _refusal(RefusedError("ServiceException", told))

    async def _answered(self, request: Request) -> Answer:
        operation = self._operations.get(request.name)
        if operation is None:
            raise not_here(request.name)
        answered = await operation(request.parameters)
        if isinstance(answered, Answer):
            return answered
        status = int(request.operation.http.get("responseCode", HTTPStatus.OK))
        if answered is None:
            return Answer(status=HTTPStatus.NO_CONTENT)
        return Answer(
            status=status,
            headers={"Content-Type": "application/json"},
            body=json.dumps(answered).encode(),
        )

    def _name(self, given: Parameters) -> FunctionName:
        return read_name(given["FunctionName"], self._place, given.get("Qualifier"))

    async def _create_function(self, given: Parameters) -> Answered:
        name = unqualified(self._name(given))
        created = await self.functions.create(name, given)
        self.mappings.follow(name.name)
        return created

    async def _get_function(self, given: Parameters) -> Answered:
        function = self.functions.get(self._name(given))
        reserved = function.reserved_concurrency
        concurrency = {"Concurrency": {"ReservedConcurrentExecutions": reserved}}
        return {
            "Configuration": function.configuration(),
            "Code": {
                "RepositoryType": "ECR",
                "ImageUri": function.image_uri,
                "ResolvedImageUri": function.resolved_image_uri,
            },
            **({"Tags": function.tags} if function.tags else {}),
            **({} if reserved is None else concurrency),
        }

    async def _get_configuration(self, given: Parameters) -> Answered:
        return self.functions.get(self._name(given)).configuration()

    async def _update_code(self, given: Parameters) -> Answered:
        return await self.functions.update_code(unqualified(self._name(given)), given)

    async def _update_configuration(self, given: Parameters) -> Answered:
        name = unqualified(self._name(given))
        updated = await self.functions.update_configuration(name, given)
        if "Role" in given:
            self.mappings.follow(name.name)
        return updated

    async def _delete_function(self, given: Parameters) -> Answered:
        await self.functions.delete(self._name(given))
        return None

    async def _list_functions(self, given: Parameters) -> Answered:
        every = [each.configuration() for each in self.functions.by_name.values()]
        for each in every:
            del each["State"], each["LastUpdateStatus"]
        return _page("Functions", every, given)

    async def _put_concurrency(self, given: Parameters) -> Answered:
        reserved = given["ReservedConcurrentExecutions"]
        self.functions.reserve(self._latest(given), reserved)
        return {"ReservedConcurrentExecutions": reserved}

    async def _get_concurrency(self, given: Parameters) -> Answered:
        reserved = self.functions.get(unqualified(self._name(given))).reserved_concurrency
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    async def _delete_concurrency(self, given: Parameters) -> Answered:
        self.functions.reserve(self._latest(given), None)
        return None

    def _latest(self, given: Parameters) -> FunctionName:
        """As recorded on AWS, a missing function is named with its version here."""
        return FunctionName(name=unqualified(self._name(given)).name, qualifier="$LATEST")

    async def _create_mapping(self, given: Parameters) -> Answered:
        return await self.mappings.create(given)

    async def _get_mapping(self, given: Parameters) -> Answered:
        return self.mappings.get(given["UUID"]).described()

    async def _update_mapping(self, given: Parameters) -> Answered:
        return await self.mappings.update(given["UUID"], given)

    async def _delete_mapping(self, given: Parameters) -> Answered:
        return await self.mappings.delete(given["UUID"])

    async def _list_mappings(self, given: Parameters) -> Answered:
        listed = self.mappings.list(given.get("EventSourceArn"), given.get("FunctionName"))
        return _page("EventSourceMappings", listed, given)

    async def _tag(self, given: Parameters) -> Answered:
        resource = self._tagged(given["Resource"])
        if not given["Tags"]:
            raise invalid_parameter("An error occurred and the request cannot be processed.")
        resource.tags = tagged(resource.tags, given["Tags"])
        return None

    async def _untag(self, given: Parameters) -> Answered:
        tags = self._tagged(given["Resource"]).tags
        for key in given["TagKeys"]:
            tags.pop(key, None)
        return None

    async def _list_tags(self, given: Parameters) -> Answered:
        return {"Tags": self._tagged(given["Resource"]).tags}

    def _tagged(self, arn: str) -> Function | StoredMapping:
        if ":event-source-mapping:" in arn:
            mapping = self.mappings.by_uuid.get(arn.rpartition(":")[2])
            if mapping is None or mapping.arn != arn:
                raise not_found(f"Event source mapping not found: {arn}")
            return mapping
        if ":function:" not in arn:
            raise not_here("tags but those of functions and event source mappings")
        name = read_name(arn, self._place)
        if name.qualifier is not None:
            raise invalid_parameter(
                "Tags on function aliases and versions are not supported. Please specify a "
                "function ARN."
            )
        return self.functions.get(name)

    async def _invoke(self, given: Parameters) -> Answered:
        function = self.functions.get(self._name(given))
        return await self._invoking.invoke(function.running, given)

    async def _get_account_settings(self, _: Parameters) -> Answered:
        return {
            "AccountLimit": {**ACCOUNT_LIMIT, **self.functions.concurrency},
            "AccountUsage": {"FunctionCount": len(self.functions.by_name), "TotalCodeSize": 0},
        }


def _refusal(refused: RefusedError) -> Answer:
    return Answer(status=refused.status, headers=refused.headers, body=refused.body)


def _page(key: str, every: Sequence[Any], given: Parameters) -> dict[str, Any]:
    """From the marker on; the next one is the number of what was listed so far.

    Raises `RefusedError` for another marker than one of these: the model's error, in our words.
    """
    marker = given.get("Marker") or "0"
    if not re.fullmatch("[0-9]{1,9}", marker):
        raise invalid_parameter(f"Marker must be the NextMarker of a list, got {marker!r}")
    start = int(marker)
    end = start + min(given.get("MaxItems", _PAGES[key]), _PAGES[key])
    following = {"NextMarker": str(end)} if end < len(every) else {}
    return {key: every[start:end], **following}
