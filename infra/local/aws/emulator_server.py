"""The embedded AWS's process: moto's server, which the emulator starts and stops.

Out of the box moto checks the permissions of DynamoDB, its streams and CloudWatch Logs against the
resource `*`, so that a policy scoped to an ARN, as it should be, is refused. moto's own SQS and IAM
parts have a seam for it, a method `_determine_resource`; it is added here to those that lack it.
"""

import argparse
from functools import cache
from typing import Any, Final

from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.models import DynamoDBStreamsBackend
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.logs.responses import LogsResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


def _table_arn(handler: Any) -> str:
    name = handler._get_param("TableName")  # noqa: SLF001 - moto's way to read a parameter
    if not name:
        return "*"
    account, region = handler.current_account, handler.region
    return f"arn:aws:dynamodb:{region}:{account}:table/{name.rpartition('/')[2]}"


def _stream_arn(handler: Any) -> str:
    """A shard iterator begins with the ARN of its stream."""
    iterator = handler._get_param("ShardIterator") or ""  # noqa: SLF001 - as above
    return handler._get_param("StreamArn") or iterator.partition("|")[0] or "*"  # noqa: SLF001 - as above


def _log_stream_arn(handler: Any) -> str:
    group = handler._get_param("logGroupName")  # noqa: SLF001 - as above
    if not group:
        return "*"
    account, region = handler.current_account, handler.region
    stream = handler._get_param("logStreamName") or ""  # noqa: SLF001 - as above
    return f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"


_ITERATORS: Final = 1_000
"""Shard iterators that are kept. On AWS one expires after 15 minutes; moto keeps all for ever, and
a stream that is polled uses up tens of thousands in an hour.
"""

_get_records = DynamoDBStreamsBackend.get_records


def _get_records_and_expire(
    backend: DynamoDBStreamsBackend, iterator_arn: str, limit: int
) -> dict[str, Any]:
    records = _get_records(backend, iterator_arn, limit)
    for expired in list(backend.shard_iterators)[:-_ITERATORS]:
        backend.shard_iterators.pop(expired, None)
    return records


class _QuietHandler(WSGIRequestHandler):
    """HTTP/1.1, so that clients keep their connections, and no line for each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def main() -> None:
    """Serves until it is killed. Prints its port once it listens."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    DynamoHandler._determine_resource = _table_arn  # type: ignore[attr-defined]  # noqa: SLF001 - the seam
    DynamoDBStreamsHandler._determine_resource = _stream_arn  # type: ignore[attr-defined]  # noqa: SLF001 - the seam
    LogsResponse._determine_resource = _log_stream_arn  # type: ignore[attr-defined]  # noqa: SLF001 - the seam
    DynamoDBStreamsBackend.get_records = _get_records_and_expire  # type: ignore[assignment] # as said above
    application: Any = DomainDispatcherApplication(create_backend_app)
    # For each request moto looks through the folder of its own sources, and others wait meanwhile.
    application.get_backend_for_host = cache(application.get_backend_for_host)
    server = make_server(
        options.host, options.port, application, threaded=True, request_handler=_QuietHandler
    )
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
