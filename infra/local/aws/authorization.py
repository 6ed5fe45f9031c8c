"""Which resource a request is about, for the services that `process` commonly calls.

Out of the box moto asks IAM whether the caller may do it to `*`, so that a policy scoped to an ARN,
as it should be, is refused. Here it is asked for the ARN, as the Service Authorization Reference
names it for the action, and a refusal has AWS's code and message. DynamoDB's own rules stand in
`infra.local.aws.dynamodb.authorization`; SQS, IAM and S3 are right in moto.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import JsonRESTError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.access_control import IAMPolicy, IAMRequest, PermissionResult
from moto.secretsmanager.models import secretsmanager_backends
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

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
    resources = _RESOURCES.get(handler.service_name)
    for arn in [*resources(handler)] if resources else [resource]:
        handler._authenticate_and_authorize_action(_Request, arn)  # noqa: SLF001 - moto's own


class _QueryAccessDeniedError(HTTPException):
    """A refusal as the services of AWS's query protocol write it."""

    code = 403

    def __init__(self, code: str, message: str) -> None:
        super().__init__(
            "<ErrorResponse><Error><Type>Sender</Type>"
            f"<Code>{code}</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"
        )


_QUERY_CODES: Final = {"sns": "AuthorizationError", "email": "AccessDenied", "ses": "AccessDenied"}
"""Services of the query protocol, by the name they are signed under, with their code for it."""


class _Request(IAMRequest):
    """Tells what was refused, and why."""

    def check_action_permitted(self, resource: str) -> None:
        """Raises AWS's refusal."""
        try:
            super().check_action_permitted(resource)
        except HTTPException:
            action = self._action
            message = (
                f"User: {self._access_key.arn} is not authorized to perform: {action} on resource: "
                f"{resource} {self._why(resource)}"
            )
            if self._service in _QUERY_CODES:
                raise _QueryAccessDeniedError(_QUERY_CODES[self._service], message) from None
            raise JsonRESTError("AccessDeniedException", message) from None

    def _why(self, resource: str) -> str:
        policies = map(IAMPolicy, self._access_key.collect_policies())
        results = {policy.is_action_permitted(self._action, resource) for policy in policies}
        if PermissionResult.DENIED in results:
            return "with an explicit deny in an identity-based policy"
        return f"because no identity-based policy allows the {self._action} action"


def _arn(handler: Any, service: str, resource: str) -> str:
    if resource.startswith("arn:"):
        return resource
    return f"arn:aws:{service}:{handler.region}:{handler.current_account}:{resource}"


def _given(handler: Any, *names: str) -> str:
    values = (handler._get_param(name) for name in names)  # noqa: SLF001 - moto's way to read a parameter
    return next((value for value in values if value), "")


def _topics(handler: Any) -> Iterator[str]:
    yield _given(handler, "TopicArn", "TargetArn", "SubscriptionArn", "ResourceArn") or "*"


def _buses(handler: Any) -> Iterator[str]:
    entries = handler._get_param("Entries")  # noqa: SLF001 - as above
    if isinstance(entries, list):
        names = [each.get("EventBusName") or "default" for each in entries]
    else:
        names = [_given(handler, "EventBusName") or "default"]
    for name in dict.fromkeys(names):
        yield _arn(handler, "events", name if name.startswith("arn:") else f"event-bus/{name}")


def _streams(handler: Any) -> Iterator[str]:
    name = _given(handler, "StreamARN", "StreamName")
    yield _arn(handler, "kinesis", name if name.startswith("arn:") else f"stream/{name}")


def _parameters(handler: Any) -> Iterator[str]:
    names = handler._get_param("Names")  # noqa: SLF001 - as above
    for name in names if isinstance(names, list) else [_given(handler, "Name", "Path")]:
        path = name if name.startswith("/") else f"/{name}"
        yield _arn(handler, "ssm", name if name.startswith("arn:") else f"parameter{path}")


def _secrets(handler: Any) -> Iterator[str]:
    secret = _given(handler, "SecretId", "Name")
    backend = secretsmanager_backends[handler.current_account][handler.region]
    known = {each.name: each.arn for each in backend.secrets.values()}
    name = known.get(secret, secret)
    yield _arn(handler, "secretsmanager", name if name.startswith("arn:") else f"secret:{name}")


def _state_machines(handler: Any) -> Iterator[str]:
    yield _given(handler, "stateMachineArn", "executionArn", "resourceArn") or "*"


def _identities(handler: Any) -> Iterator[str]:
    sender = _given(handler, "Source", "FromEmailAddress")
    yield _arn(handler, "ses", f"identity/{sender}") if sender else "*"


def _keys(handler: Any) -> Iterator[str]:
    key = _given(handler, "KeyId")
    is_whole = not key or key.startswith(("arn:", "alias/"))
    yield (_arn(handler, "kms", key) if is_whole else _arn(handler, "kms", f"key/{key}")) or "*"


def _log_streams(handler: Any) -> Iterator[str]:
    group, stream = _given(handler, "logGroupName"), _given(handler, "logStreamName")
    yield _arn(handler, "logs", f"log-group:{group}:log-stream:{stream}") if group else "*"


_RESOURCES: Final[dict[str, Callable[[Any], Iterator[str]]]] = {
    "events": _buses,
    "kinesis": _streams,
    "kms": _keys,
    "logs": _log_streams,
    "secretsmanager": _secrets,
    "ses": _identities,
    "sesv2": _identities,
    "sns": _topics,
    "ssm": _parameters,
    "stepfunctions": _state_machines,
}
"""By moto's name of the service."""
