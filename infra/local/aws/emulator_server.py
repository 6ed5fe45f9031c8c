"""The embedded AWS's process: moto's server, which the emulator starts and stops.

Its DynamoDB is our own (`infra.local.aws.dynamodb`), and has two controls which no AWS has; its
Lambda is in the run's process, and is attached by a third. Who may do what to which resource,
`infra.local.aws.authorization` adds.
"""

import argparse
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

import flask
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from infra.local import callers
from infra.local.aws import authorization, log_filter_patterns, managed_policies, templated_mail
from infra.local.aws.dynamodb import handlers
from infra.local.aws.dynamodb.stream import TableStream
from infra.local.aws.lambda_gateway import LambdaGateway


def _expire(_: bytes) -> Any:
    return {"expired": handlers.expire()}


def _set_shards(body: bytes) -> Any:
    TableStream.shards_of_new = int(body)
    return {"shards": TableStream.shards_of_new}


LAMBDA: Final = LambdaGateway()

CONTROLS: Final[dict[str, Callable[[bytes], Any]]] = {
    "/moto-api/dynamodb/expire": _expire,
    "/moto-api/dynamodb/shards": _set_shards,
    "/moto-api/lambda": LAMBDA.attach,
}
"""What can be asked of the embedded AWS beside moto's own API, each with POST."""


_LOADED_AHEAD: Final = (
    "moto_api", "iam", "s3", "dynamodb", "ecr", "logs", "sts", "dynamodbstreams",
)  # fmt: skip
"""In the order in which this project's program needs them."""


def _service(name: Any) -> Any:
    """moto's application of one service, which says in AWS's form what it does not know."""
    app = create_backend_app(name)
    app.register_error_handler(NotImplementedError, lambda error: _not_known(name, error))
    return app


def _not_known(service: str, error: NotImplementedError) -> Any:
    """With a status that no client tries again."""
    said = " ".join(str(error).split()) or "no reason given"
    message = f"this call of {service} is not known in the local run: {said}"
    if "json" in (flask.request.content_type or ""):
        body = json.dumps({"__type": _NOT_KNOWN, "message": message})
        return body, 501, {"Content-Type": "application/json"}
    error_of_xml = f"<Code>{_NOT_KNOWN}</Code><Message>{escape(message)}</Message>"
    whole = f"<ErrorResponse><Error>{error_of_xml}</Error></ErrorResponse>"
    return whole, 501, {"Content-Type": "text/xml"}


_NOT_KNOWN: Final = "NotImplemented"


class _Application:
    """moto's, behind the controls, and for no page in a browser: moto answers those too."""

    def __init__(self) -> None:
        moto: Any = DomainDispatcherApplication(_service)
        # For each request moto looks through the folder of its own sources, and others wait.
        moto.get_backend_for_host = cache(moto.get_backend_for_host)
        self._moto = moto

    def load_ahead(self) -> None:
        """The services that the first requests are for: each takes a tenth of a second to load."""
        for service in _LOADED_AHEAD:
            with self._moto.lock:
                if service not in self._moto.app_instances:
                    self._moto.app_instances[service] = self._moto.create_app(service)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        refused = callers.refusal(environ.get("HTTP_HOST"), environ.get("HTTP_ORIGIN"))
        if refused is not None:
            return Response(refused, status=403)(environ, start_response)
        control = CONTROLS.get(environ.get("PATH_INFO", ""))
        if control is None:
            request = Request(environ, populate_request=False)
            if LAMBDA.is_for(request):
                return LAMBDA.answer(request)(environ, start_response)
            answer: Iterable[bytes] = self._moto(environ, start_response)
            return answer
        done = json.dumps(control(Request(environ).get_data()))
        return Response(done, content_type="application/json")(environ, start_response)


class _QuietHandler(WSGIRequestHandler):
    """HTTP/1.1, so that clients keep their connections, and no line for each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def _end_with_the_caller() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serves until it is killed. Prints its port once it listens."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    handlers.install()
    authorization.install()
    log_filter_patterns.install()
    managed_policies.install()
    templated_mail.install()
    application = _Application()
    server = make_server(
        options.host, options.port, application, threaded=True, request_handler=_QuietHandler
    )
    print(server.port, flush=True)
    for work in (application.load_ahead, _end_with_the_caller):
        threading.Thread(target=work, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
