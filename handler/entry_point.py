"""A Lambda entry point, put together from a contract and the functions that take its requests.

    handler = entry_point(CONTRACT, process)

Import it before your own modules: a service's first logger decides on the format of all its lines,
and no garbage is collected from then on until the entry point is made.
`handler.processor` takes a batch, `process` does what is done with a request.
"""

import gc

# What is imported stays. Looking for garbage in it takes a fifth of a cold start with boto3
# (`make bench ARGS=cold-start`).
gc.disable()

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from handler import logs
from handler.calls import Process, ProcessBatch, returns_writes
from handler.config import IDEMPOTENCY_TABLE_VARIABLE, HandlerConfig, RequestsStream
from handler.context import Context
from handler.counting import Counting
from handler.idempotency import Idempotency, NoIdempotency
from handler.outcome_report import Response
from handler.parking import S3Parking
from handler.processor import Processor

if TYPE_CHECKING:
    from handler.idempotency_table import IdempotencyTable
    from handler.transactions import Transactions

logs.set_up(os.environ)


def entry_point(
    contract: RequestsStream,
    process: Process,
    *,
    process_batch: ProcessBatch | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Callable[[object, Context], Response]:
    """The function that Lambda calls with a batch; the answer is its partial batch response.

    With `process_batch` that is called in place of `process`. What is returned raises
    `InvalidContractError` when the environment is wrong, and what `Processor.handle` raises; Lambda
    then delivers the whole batch again.
    """

    @cache
    def processor() -> Processor:
        """Made at the first invocation: importing the user's module needs no environment."""
        config = HandlerConfig.from_environ(environ, contract)
        return _processor(config, process, process_batch)

    def handler(event: object, context: Context) -> Response:
        return processor().handle(event, context)

    _prepare(environ)
    # Nor will a later collection look through what is there now.
    gc.freeze()
    gc.enable()
    return handler


def _processor(
    config: HandlerConfig, process: Process, process_batch: ProcessBatch | None
) -> Processor:
    return Processor(
        config,
        process=process,
        process_batch=process_batch,
        parking=S3Parking(config.failure_bucket),
        idempotency=_idempotency(config, process),
        transactions=lambda: _transactions(config.idempotency_table),
        counting=Counting(service=config.service, namespace=config.metrics_namespace),
    )


def _idempotency(config: HandlerConfig, process: Process) -> Idempotency:
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
