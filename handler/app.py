"""The Lambda entry point: puts the processor together as the environment says, and hands it events.

How a batch is taken is `handler.processor`'s business, what is done with a request
`handler.process`'.
"""

import os
from functools import cache

from handler import logs
from handler.config import HandlerConfig
from handler.context import Context
from handler.counting import Counting
from handler.outcome_report import Response
from handler.parking import S3Parking
from handler.processor import EveryTime, Processor, RunsOnce

# Before the user's module: a service's first logger decides on the format of all its lines.
logs.set_up(os.environ)

from handler.process import process  # noqa: E402 - the reason stands above


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
    return Processor(
        config,
        process=process,
        parking=S3Parking(config.failure_bucket),
        once=_once(config),
        counting=Counting(service=config.service, namespace=config.metrics_namespace),
    )


def _once(config: HandlerConfig) -> RunsOnce:
    if config.idempotency_table is None:
        return EveryTime()
    # It imports boto3, which only a stack with the table needs.
    from handler.once import Once  # noqa: PLC0415

    return Once(config, config.idempotency_table)
