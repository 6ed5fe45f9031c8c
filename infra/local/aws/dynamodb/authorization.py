"""Which actions on which resources a request needs, and the refusal in AWS's words.

moto asks IAM for the call's own name on `*`. AWS asks for the actions of the items within: of a
transaction for each item's own (Developer Guide, "DynamoDB Transactions: How it works", IAM), of a
batch for the batch's on each table (Service Authorization Reference), of a PartiQL statement for
what it does (Developer Guide, "IAM security policies with PartiQL for DynamoDB").
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import JsonRESTError
from moto.iam.access_control import IAMRequest

from infra.local.aws.access import why_refused

Permission: TypeAlias = tuple[str, str]
"""An action and the ARN of what it is done to."""

TRANSACTED: Final = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Get": "dynamodb:GetItem",
}


class AccessDeniedError(JsonRESTError):
    """The caller may not do it."""

    def __init__(self, user: str, permission: Permission, why: str) -> None:
        action, resource = permission
        super().__init__(
            "com.amazon.coral.service#AccessDeniedException",
            f"User: {user} is not authorized to perform: {action} on resource: {resource} {why}",
        )


class _Request(IAMRequest):
    """A request that needs several permissions."""

    def __init__(self, permissions: Sequence[Permission], **request: Any) -> None:
        super().__init__(**request)
        self._permissions = permissions

    def check_action_permitted(self, resource: str) -> None:
        del resource
        for action, arn in self._permissions:
            why = why_refused(self._access_key, action, arn)
            if why is not None:
                raise AccessDeniedError(self._access_key.arn, (action, arn), why)


def authorize(handler: ActionAuthenticatorMixin, permissions: Iterable[Permission]) -> None:
    """Raises `AccessDeniedError`, and what moto raises of a wrong signature."""
    each_once = list(dict.fromkeys(permissions))
    handler._authenticate_and_authorize_action(partial(_Request, each_once))  # type: ignore[arg-type]  # noqa: SLF001 - makes the request by calling it


def item_permissions(action: str, body: Mapping[str, Any], arn: "TableArn") -> list[Permission]:
    """Of every call but PartiQL's."""
    if action in ("TransactWriteItems", "TransactGetItems"):
        items = [each for item in body["TransactItems"] for each in item.items()]
        return [(TRANSACTED[kind], arn(each["TableName"])) for kind, each in items]
    if action in ("BatchWriteItem", "BatchGetItem"):
        return [(f"dynamodb:{action}", arn(table)) for table in body["RequestItems"]]
    if "TableName" not in body:
        return [(f"dynamodb:{action}", body.get("ResourceArn") or body.get("TableArn") or "*")]
    index = f"/index/{body['IndexName']}" if body.get("IndexName") else ""
    return [(f"dynamodb:{action}", arn(body["TableName"]) + index)]


class TableArn:
    """The ARN of a table, from its name or its ARN."""

    def __init__(self, *, region: str, account: str) -> None:
        self._prefix = f"arn:aws:dynamodb:{region}:{account}:table/"

    def __call__(self, table: str) -> str:
        return self._prefix + table.rpartition("/")[2]
