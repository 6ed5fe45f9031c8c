"""Lambda's part of the one endpoint: a request is checked here, and answered by the run's process.

moto's own Lambda never answers: it runs images in Docker, and its mappings empty the stream. Until
a Lambda is attached there is none.
"""

import http.client
import json
import re
import socket
from collections.abc import Iterator
from typing import Any, Final

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
    region = scope[1] if scope else ""
    needed = _permissions(operation.name, path, _document(body), region)
    authorization.authorize_request(request, _target(request), body, [*needed])


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
    operation: str, path: dict[str, Any], document: dict[str, Any], region: str
) -> Iterator[tuple[str, str]]:
    """Which action on which resource."""
    prefix = f"arn:aws:lambda:{region}:{authorization.ACCOUNT}"
    if operation in _OF_NOTHING:
        resource = "*"
    elif "UUID" in path:
        resource = f"{prefix}:event-source-mapping:{path['UUID']}"
    elif "Resource" in path:
        resource = path["Resource"]
    else:
        name = str(path.get("FunctionName") or document.get("FunctionName") or "*")
        resource = f"{prefix}:function:{_bare(name)}"
    yield f"lambda:{_OTHER_ACTIONS.get(operation, operation)}", resource
    role = document.get("Role")
    if role and operation in ("CreateFunction", "UpdateFunctionConfiguration"):
        yield "iam:PassRole", str(role)


def _bare(given: str) -> str:
    """The name, with its qualifier where it has one."""
    try:
        name = read_name(given)
    except RefusedError:
        return given
    return ":".join(filter(None, [name.name, name.qualifier]))
