"""The Lambda entry point: puts the processor together as the environment says, and hands it events.

`handler.processor` takes a batch, `handler.process` does what is done with a request.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from handler import logs
from handler.calls import ProcessBatch, returns_writes
from handler.config import IDEMPOTENCY_TABLE_VARIABLE, HandlerConfig
from handler.context import Context
from handler.counting import Counting
from handler.idempotency import Idempotency, NoIdempotency
from handler.outcome_report import Response
from handler.parking import S3Parking
from handler.processor import Processor

if TYPE_CHECKING:
    from handler.idempotency_table import IdempotencyTable
    from handler.transactions import Transactions

# Before the user's module: a service's first logger decides on the format of all its lines.
logs.set_up(os.environ)

from handler import process as users  # noqa: E402 - the reason stands above
from handler.process import process  # noqa: E402 - likewise


def handler(event: object, context: Context) -> Response:
    """Processes a batch of stream records; the answer is Lambda's partial batch response.

    Raises `InvalidContractError` when the environment is wrong, and what `Processor.handle` raises;
    Lambda then delivers the whole batch again.
    """
    return _processor().handle(event, context)


@cache
def _processor() -> Processor:
    """Made at the first invocation, so that importing this module needs no environment."""
    config = HandlerConfig.from_environ(os.environ)
    # A user's module may have one or not: only then is a call per batch made.
    process_batch: ProcessBatch | None = getattr(users, "process_batch", None)
    return Processor(
        config,
        process=process,
        process_batch=process_batch,
        parking=S3Parking(config.failure_bucket),
        idempotency=_idempotency(config),
        transactions=lambda: _transactions(config.idempotency_table),
        counting=Counting(service=config.service, namespace=config.metrics_namespace),
    )


def _idempotency(config: HandlerConfig) -> Idempotency:
    if config.idempotency_table is None:
        return NoIdempotency()
    from handler.claims import Claims  # noqa: PLC0415 - boto3, which not every stack needs

    # Where writes are returned, the transaction with the event's memory is the lock.
    claims_beforehand = not returns_writes(process)
    return Claims(config, _table(config.idempotency_table), claims_beforehand=claims_beforehand)


@cache
def _table(name: str) -> "IdempotencyTable":
    from handler.idempotency_table import IdempotencyTable  # noqa: PLC0415 - likewise

    return IdempotencyTable(name)


@cache
def _transactions(table: str | None) -> "Transactions":
    from handler.transactions import Transactions, new_client  # noqa: PLC0415 - likewise

    if table is None:
        return Transactions(new_client())
    return Transactions(_table(table).client, own_tables=[table])


def _prepare(environ: Mapping[str, str]) -> None:
    """Makes the client in the init phase, whose time is not the first batch's, if it is needed."""
    table = environ.get(IDEMPOTENCY_TABLE_VARIABLE)
    if table:
        _table(table)


_prepare(os.environ)
