"""Lambda's part of the one endpoint: a request is checked here, and answered by the run's process.

moto's own Lambda never answers: it runs images in Docker, and its mappings empty the stream. Until
a Lambda is attached there is none.
"""

import http.client
import json
import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.model import OperationModel
from werkzeug.wrappers import Request, Response

from infra.local.aws import authorization
from infra.local.lambda_api.names import read_name
from infra.local.lambda_api.operations import operation_of
from infra.local.lambda_api.refusals import RefusedError

_TIMEOUT: Final = 910
"""Seconds: the longest invocation, and some."""

_PASSED_ON: Final = ("content-type", "x-amz-", "x-amzn-")
"""How the headers of an answer begin that are Lambda's own."""

_SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/([\w-]+)/([\w-]+)/")


class LambdaGateway:
    """Knows which requests are Lambda's, and where Lambda listens."""

    def __init__(self) -> None:
        self.address = ""
        """The path of its socket; empty: there is none."""

    def attach(self, address: bytes) -> Any:
        """Empty: nobody answers any more."""
        self.address = address.decode()
        return {"lambda": self.address}

    def is_for(self, request: Request) -> bool:
        """By the service that it is signed for; where it is not signed, by its path."""
        scope = _SCOPE.search(request.headers.get("Authorization", ""))
        if scope is not None:
            return scope[2] == "lambda"
        return operation_of(request.method, _target(request)) is not None

    def answer(self, request: Request) -> Response:
        body = request.get_data()
        try:
            _authorize(request, body)
            return self._handed_on(request, body)
        except RefusedError as refused:
            return Response(refused.body, status=refused.status, headers=refused.headers)

    def _handed_on(self, request: Request, body: bytes) -> Response:
        if not self.address:
            raise RefusedError("ServiceException", "no Lambda is attached to the embedded AWS")
        connection = _SocketConnection(self.address)
        try:
            headers = {key: each for key, each in request.headers if key.lower() != "connection"}
            connection.request(request.method, _target(request), body, headers)
            answer = connection.getresponse()
            passed_on = {
                key: value
                for key, value in answer.getheaders()
                if key.lower().startswith(_PASSED_ON)
            }
            return Response(answer.read(), status=answer.status, headers=passed_on)
        except OSError as error:
            raise RefusedError("ServiceException", f"Lambda does not answer: {error}") from error
        finally:
            connection.close()


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a socket of this machine."""

    def __init__(self, address: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._address)


def _target(request: Request) -> str:
    """Path and query as they were sent: an ARN in a path is escaped, and signed so."""
    return str(request.environ.get("RAW_URI") or request.full_path.rstrip("?"))


def _authorize(request: Request, body: bytes) -> None:
    """Raises `RefusedError` for who may not do it."""
    found = operation_of(request.method, _target(request))
    if found is None:
        return
    operation, path = found
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    prefix = f"arn:aws:lambda:{scope[1] if scope else ''}:{authorization.ACCOUNT}"
    given = dict(_given(operation, path, request.args.to_dict(), _document(body)))
    needed = _permissions(operation.name, given, prefix)
    authorization.authorize_request(request, _target(request), body, [*needed])


def _given(
    operation: OperationModel,
    path: Mapping[str, Any],
    query: Mapping[str, Any],
    document: Mapping[str, Any],
) -> Iterator[tuple[str, Any]]:
    """The parameters, each from where the model has it: an event may have keys of their names."""
    sources = {"uri": path, "querystring": query, "header": {}}
    members: Mapping[str, Any] = operation.input_shape.members if operation.input_shape else {}
    for name, member in members.items():
        location = member.serialization.get("location")
        key = name if location == "uri" else member.serialization.get("name", name)
        source = sources.get(location, document)
        if source.get(key) is not None:
            yield name, source[key]


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


_OTHER_ACTIONS: Final = {"Invoke": "InvokeFunction"}
"""Operations whose action has another name (Service Authorization Reference, AWS Lambda)."""

_OF_NOTHING: Final = frozenset(
    {"CreateEventSourceMapping", "ListEventSourceMappings", "ListFunctions", "GetAccountSettings"}
)
"""Actions without a resource (the same)."""


def _permissions(
    operation: str, given: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, str]]:
    """Which action on which resource, of a request with these parameters."""
    resource = _resource(operation, given, prefix)
    yield f"lambda:{_OTHER_ACTIONS.get(operation, operation)}", resource
    role = given.get("Role")
    if role and operation in ("CreateFunction", "UpdateFunctionConfiguration"):
        yield "iam:PassRole", str(role)
    if given.get("Tags") and operation.startswith("Create"):
        # "anyone who needs to ... perform a tag on create" (developer guide, "Using tags ...")
        is_mapping = operation == "CreateEventSourceMapping"
        yield "lambda:TagResource", f"{prefix}:event-source-mapping:*" if is_mapping else resource


def _resource(operation: str, given: Mapping[str, Any], prefix: str) -> str:
    if operation in _OF_NOTHING:
        return "*"
    if "UUID" in given:
        return f"{prefix}:event-source-mapping:{given['UUID']}"
    if "Resource" in given:
        return str(given["Resource"])
    return f"{prefix}:function:{_bare(str(given.get('FunctionName', '*')), given.get('Qualifier'))}"


def _bare(given: str, qualifier: str | None) -> str:
    """The name, with its qualifier where it has one."""
    try:
        name = read_name(given, qualifier=qualifier)
    except RefusedError:
        return given
    return ":".join(filter(None, [name.name, name.qualifier]))
