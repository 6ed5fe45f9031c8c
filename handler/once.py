"""Once only: an event that was processed is not processed again, however often it is delivered.

Powertools' idempotency over a DynamoDB table, keyed on the event id. Importing this module imports
boto3; the handler does so only when the stack has the table.
"""

from collections.abc import Callable

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

from handler.aws_client import CLIENT_CONFIG
from handler.config import (
    IDEMPOTENCY_EXPIRY_ATTRIBUTE,
    IDEMPOTENCY_KEY_ATTRIBUTE,
    HandlerConfig,
)
from handler.context import Context
from handler.records import Request

Process = Callable[[Request], object]


class Once:
    """Runs `process` for an event unless it has been run to its end before.

    An exception of `process` forgets the event, so that a retry can run it. An event that another
    invocation has begun and not finished raises Powertools' IdempotencyAlreadyInProgressError,
    until that invocation's timeout at the latest; every error of the table is an exception too.
    """

    def __init__(
        self, config: HandlerConfig, table: str, layer: DynamoDBPersistenceLayer | None = None
    ) -> None:
        self._idempotency = IdempotencyConfig(
            event_key_jmespath="eventID",
            raise_on_no_idempotency_key=True,
            expires_after_seconds=config.idempotency_expires_after,
            hash_function="sha256",
        )
        self._layer = layer or DynamoDBPersistenceLayer(
            table_name=table,
            key_attr=IDEMPOTENCY_KEY_ATTRIBUTE,
            expiry_attr=IDEMPOTENCY_EXPIRY_ATTRIBUTE,
            boto_config=CLIENT_CONFIG,
        )

    def run(self, process: Process, request: Request, context: Context) -> bool:
        """Returns whether `process` was run; False: it had been before."""
        self._idempotency.register_lambda_context(context)  # type: ignore[arg-type] # a protocol of it
        ran = False

        # Only the id is given to Powertools: nothing of the payload is stored.
        @idempotent_function(  # type: ignore[untyped-decorator] # Powertools' is not annotated
            data_keyword_argument="event",
            config=self._idempotency,
            persistence_store=self._layer,
            key_prefix=context.function_name,
        )
        def run_once(*, event: dict[str, str]) -> None:
            del event
            nonlocal ran
            ran = True
            process(request)

        run_once(event={"eventID": request.event_id})
        return ran
