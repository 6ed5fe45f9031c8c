"""Whether the caller of a request may do it, and the refusal in each service's own words.

Out of the box moto asks IAM whether the caller may do it to `*`, so that a policy scoped to an ARN,
as it should be, is refused. Here it is asked for the action and the ARN that
`infra.local.aws.authorized` finds, by the evaluation in `infra.local.aws.access`. DynamoDB's own
rules stand in `infra.local.aws.dynamodb.authorization`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from xml.sax.saxutils import escape

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import JsonRESTError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.access_control import IAMRequest, S3IAMRequest
from moto.s3.exceptions import BucketAccessDeniedError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from infra.local.aws import authorized, encryption
from infra.local.aws.access import why_refused
from infra.local.aws.dynamodb.authorization import Permission, authorize
from infra.local.lambda_api.refusals import RefusedError

ACCOUNT: Final = str(DEFAULT_ACCOUNT_ID)

ROOT_KEY: Final = "root"
"""The access key of the account's root user, who may do everything; the run makes resources so."""


def install() -> None:
    """Replaces moto's question, in this process."""
    ask = ActionAuthenticatorMixin._authenticate_and_authorize_action  # noqa: SLF001 - the seam

    def unless_root(handler: Any, request: type, resource: str = "*") -> None:
        if f"Credential={ROOT_KEY}/" not in handler.headers.get("Authorization", ""):
            ask(handler, request, resource)

    ActionAuthenticatorMixin._authenticate_and_authorize_action = unless_root  # type: ignore[method-assign, assignment]  # noqa: SLF001
    ActionAuthenticatorMixin._authenticate_and_authorize_normal_action = _authorize  # type: ignore[method-assign, assignment]  # noqa: SLF001
    ActionAuthenticatorMixin._authenticate_and_authorize_s3_action = _authorize_s3  # type: ignore[method-assign, assignment]  # noqa: SLF001


class _Call(ActionAuthenticatorMixin):
    """A request of a service that moto does not answer, as moto's question wants it."""

    def __init__(self, request: Request, target: str, body: bytes) -> None:
        self.headers = request.headers
        self.uri = f"http://localhost{target}"
        self.raw_path = target.partition("?")[0]
        self.current_account = ACCOUNT
        self.method = request.method
        self.data: dict[str, str] = {}
        self.raw_body = body

    def _get_action(self) -> str:
        return ""


_OWN_CODES: Final = {
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
"""AWS's codes for moto's, of services that speak REST."""


def authorize_request(
    request: Request, target: str, body: bytes, permissions: Sequence[Permission]
) -> None:
    """Raises `RefusedError` where the caller lacks one of them; `target` is what was signed."""
    call = _Call(request, target, body)
    try:
        authorize(call, permissions)
    except KeyError:  # moto looks for a signature
        message = "Missing Authentication Token"
        raise RefusedError("MissingAuthenticationTokenException", message) from None
    except HTTPException as refused:
        code = str(getattr(refused, "error_type", "AccessDeniedException")).rpartition("#")[2]
        message = str(getattr(refused, "message", refused.description))
        raise RefusedError(_OWN_CODES.get(code, code), message) from None


def _authorize(handler: Any, resource: str = "*") -> None:
    permissions = authorized.permissions(handler)
    if permissions is not None:
        permissions += encryption.key_permissions(handler, permissions)
    request = IAMRequest if permissions is None else partial(_Request, permissions)
    handler._authenticate_and_authorize_action(request, resource)  # noqa: SLF001 - moto's own


def _authorize_s3(handler: Any, bucket_name: str = "*", key_name: str | None = None) -> None:
    permissions = authorized.s3_permissions(handler, bucket_name, key_name)
    permissions += encryption.key_permissions(handler, permissions)
    handler._authenticate_and_authorize_action(partial(_S3Request, permissions))  # noqa: SLF001 - as above


class _QueryAccessDeniedError(HTTPException):
    """A refusal as the services of AWS's query protocol write it."""

    code = 403

    def __init__(self, code: str, message: str) -> None:
        super().__init__(
            "<ErrorResponse><Error><Type>Sender</Type>"
            f"<Code>{code}</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"
        )


class _ForbiddenError(JsonRESTError):
    """A refusal of SQS, which kept its code when it left the query protocol."""

    code = 403


class _Request(IAMRequest):
    """Needs several permissions; tells what was refused, and why."""

    def __init__(self, permissions: Sequence[Permission], **request: Any) -> None:
        super().__init__(**request)
        self._permissions = permissions

    def check_action_permitted(self, resource: str) -> None:
        """Raises AWS's refusal."""
        del resource
        for action, arn in self._permissions:
            why = why_refused(self._access_key, action, arn)
            if why is not None:
                raise self._refusal(action, arn or "*", why)

    def _refusal(self, action: str, resource: str, why: str) -> HTTPException:
        service, user = self._service, self._access_key.arn
        is_query = "x-www-form-urlencoded" in self._headers.get("Content-Type", "")
        if action.startswith("kms:") and service in _KEY_REFUSED:
            return _key_refusal(service, user, action, resource, why)
        if service == "sqs":
            # SQS writes its actions small.
            why, action = why.replace(action, action.lower()), action.lower()
        if service == "sns":
            why, action = (each.replace("sns:", "SNS:") for each in (why, action))
        message = (
            f"User: {user} is not authorized to perform: {action} on resource: {resource} {why}"
        )
        if service in ("email", "ses"):
            message = (
                f"User `{user}' is not authorized to perform `{action}' on resource `{resource}'"
            )
        if is_query and service != "sqs":
            code = "AuthorizationError" if service == "sns" else "AccessDenied"
            return _QueryAccessDeniedError(code, message)
        if service == "sqs":
            return _ForbiddenError("AccessDenied", message)
        return JsonRESTError("AccessDeniedException", message)


_KEY_REFUSED: Final = {
    "kinesis": "KMSAccessDeniedException",
    "secretsmanager": "AccessDeniedException",
    "sns": "KMSAccessDenied",
    "sqs": "KMS.AccessDeniedException",
}
"""What a service says when its caller may not use the key; the others say what KMS says."""


def _key_refusal(service: str, user: str, action: str, resource: str, why: str) -> HTTPException:
    message = f"User: {user} is not authorized to perform: {action} on resource: {resource} {why}"
    if service == "sns":
        return _QueryAccessDeniedError(_KEY_REFUSED[service], message)
    if service == "secretsmanager":
        message = "Access to KMS is not allowed"
    return JsonRESTError(_KEY_REFUSED[service], message)


class _S3AccessDeniedError(BucketAccessDeniedError):
    """A refusal of S3, which puts the resource in quotes."""

    def __init__(self, bucket: str, message: str) -> None:
        super().__init__(bucket)
        self.message = self.msg = message


class _S3Request(S3IAMRequest):
    def __init__(self, permissions: Sequence[Permission], **request: Any) -> None:
        super().__init__(**request)
        self._permissions = permissions

    def check_action_permitted(self, resource: str) -> None:
        """Raises AWS's refusal."""
        del resource
        for action, arn in self._permissions:
            why = why_refused(self._access_key, action, arn)
            if why is not None:
                message = (
                    f"User: {self._access_key.arn} is not authorized to perform: {action} on "
                    f'resource: "{arn}" {why}'
                )
                bucket = arn.rpartition(":")[2].partition("/")[0]
                raise _S3AccessDeniedError(bucket, message)
