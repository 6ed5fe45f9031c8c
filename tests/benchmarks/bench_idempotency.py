"""What once only costs: records a second, calls, write units and CPU, priced at AWS's latencies.

The clients are boto3's own, down to the HTTP request; there each call takes as long as was measured
on AWS, from a Lambda function: github.com/alexdebrie/dynamodb-performance-testing, p50 of PutItem
7.55 ms, of BatchWriteItem of 5 items 8.14 ms and of 25 items 10.2 ms, of TransactWriteItems of 5
items 25.3 ms. No figure of BatchExecuteStatement was found: it is taken to be as fast as
BatchWriteItem. The CPU is this machine's; the stand-in for DynamoDB is part of it.
"""

import contextlib
import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

import boto3
import botocore.awsrequest
import botocore.httpsession
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from botocore.compat import HTTPHeaders

from handler.claims import Claims
from handler.config import HandlerConfig
from handler.counting import Counting
from handler.idempotency import Idempotency, NoIdempotency
from handler.idempotency_table import CLIENT_CONFIG, IdempotencyTable
from handler.processor import Processor
from handler.records import Request
from handler.transactions import Transactions
from handler.writes import Put, Writes
from tests.benchmarks.figures import Part, Table, with_spread
from tests.benchmarks.side_by_side import Samples, in_turns
from tests.benchmarks.target import at_least, at_most
from tests.unit.handler.events import batch, record
from tests.unit.handler.fake_dynamodb import TABLE, Clock, FakeDynamoDB, Tables
from tests.unit.handler.stubs import FakeContext, Parked

MILLISECONDS: Final = {1: 7.55, 5: 8.14, 25: 10.2}
"""Of a call that writes so many items."""
TRANSACTION: Final = 25.3
UNIT_PRICE: Final = 0.625
"""Dollars for a million write request units: AWS's price of on-demand tables in us-east-1."""


class FailedError(Exception):
    """What `process` raises where a head fails."""


ROUNDS: Final = 3


def main() -> Part:
    logging.disable(logging.ERROR)
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "bench")
    with _aws() as aws:
        batches = in_turns(_cases(aws), rounds=ROUNDS)
    logging.disable(logging.NOTSET)
    rows = tuple(_row(name, each) for name, each in batches.items())
    targets = Table(head=("held to", "measured", "target"), rows=tuple(_targets(batches)))
    return Part(title="Once only", tables=(Table(head=HEAD, rows=rows), targets), notes=NOTES)


HEAD: Final = (
    "a batch", "records a second", "calls", "write units", "CPU µs a record", "$ a million records"
)  # fmt: skip
_SOURCE: Final = "https://github.com/alexdebrie/dynamodb-performance-testing"
NOTES: Final = (
    (
        "One shard, one batch at a time, `process` that takes no time itself. The clients are "
        "boto3's own; each call takes as long as was measured on AWS, from a Lambda function, "
        f"p50 ([alexdebrie/dynamodb-performance-testing]({_SOURCE}): PutItem 7.55 ms, "
        "BatchWriteItem of 5 items 8.14 ms and of 25 items 10.2 ms, TransactWriteItems of 5 "
        "items 25.3 ms). No figure of BatchExecuteStatement was found: it is taken to be as fast"
        " as BatchWriteItem."
    ),
    (
        f"Dollars are those of on-demand write units in us-east-1, ${UNIT_PRICE} a million; the "
        "records' own table comes on top."
    ),
)


def _cases(aws: "Aws") -> dict[str, Callable[[], "Batch"]]:
    def failing_again() -> Batch:
        aws.of_ours(100, fails=True)
        return aws.of_ours(100, fails=True, keep=True)

    return {
        POWERTOOLS: lambda: aws.of_powertools(100),
        "without, 1,000": lambda: aws.of_ours(1_000, idempotency=None),
        OURS: lambda: aws.of_ours(100),
        OURS_LARGE: lambda: aws.of_ours(1_000),
        "100, delivered again, 1 known": lambda: aws.of_ours(100, known=1),
        "100, delivered again, 50 known": lambda: aws.of_ours(100, known=50),
        "100, its first fails": lambda: aws.of_ours(100, fails=True),
        "100, its first fails again": failing_again,
        SLOW: lambda: aws.of_ours(100, seconds=0.02),
        "5, process of 1 s": lambda: aws.of_ours(5, seconds=1),
        "100, a write each in a transaction": lambda: aws.of_ours(100, writes=True),
    }


POWERTOOLS: Final = "100, Powertools' idempotency"
OURS: Final = "100"
OURS_LARGE: Final = "1,000"
SLOW: Final = "100, process of 20 ms"


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What one batch took."""

    size: int
    seconds: float
    cpu: float
    slept: float
    """In `process`."""
    units: int
    calls: int


def _row(name: str, batches: Sequence[Batch]) -> tuple[str, ...]:
    def cell(form: str, *values: float) -> str:
        return with_spread(Samples(values), form)

    return (
        name,
        cell("{:,.0f}", *(each.size / each.seconds for each in batches)),
        cell("{:,.0f}", *(each.calls for each in batches)),
        cell("{:,.0f}", *(each.units for each in batches)),
        cell("{:,.0f}", *(each.cpu / each.size * 1e6 for each in batches)),
        cell("{:.2f}", *(each.units / each.size * UNIT_PRICE for each in batches)),
    )


def _targets(batches: Mapping[str, Sequence[Batch]]) -> Iterator[tuple[str, str, str]]:
    powertools = _samples(batches[POWERTOOLS], lambda each: each.size / each.seconds)
    for name, target in ((OURS, 15), (OURS_LARGE, 40)):
        rates = _samples(batches[name], lambda each: each.size / each.seconds)
        ratio = rates.times(powertools)
        yield (
            f"{name}: records a second, times Powertools' at 100",
            with_spread(ratio),
            at_least(ratio, target),
        )
    units = _samples(batches[OURS], lambda each: each.units / each.size)
    yield f"{OURS}: write units a record", with_spread(units), at_most(units, 2)
    calls = _samples(batches[OURS], lambda each: each.calls / each.size * 100)
    yield f"{OURS}: calls per 100 records", with_spread(calls), at_most(calls, 8)
    overhead = _samples(batches[SLOW], lambda each: (each.seconds / each.slept - 1) * 100)
    yield f"{SLOW}: overhead, %", with_spread(overhead, "{:.1f}"), at_most(overhead, 5)


def _samples(batches: Sequence[Batch], value: Callable[[Batch], float]) -> Samples:
    return Samples(tuple(map(value, batches)))


class Aws:
    """DynamoDB at its own pace, behind boto3's clients."""

    def __init__(self) -> None:
        self.tables = Tables(Clock())
        self.fake = FakeDynamoDB(self.tables, wait=self._wait, validates=False)
        self.client = boto3.client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="bench",
            aws_secret_access_key="bench",
            config=CLIENT_CONFIG,
        )
        self.slept = 0.0
        self._claims = self._new_claims()
        self._first = 0

    def send(self, request: Any) -> botocore.awsrequest.AWSResponse:
        """In place of the network."""
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        body = json.loads(request.body)
        match operation:
            case "BatchExecuteStatement":
                answer = self.fake.batch_execute_statement(**body)
            case "BatchWriteItem":
                answer = self.fake.batch_write_item(**body)
            case "TransactWriteItems":
                body.pop("ClientRequestToken")
                answer = self.fake.transact_write_items(**body)
            case _:  # Powertools' PutItem and UpdateItem
                self._wait(operation, 1)
                self.fake.calls.append((operation, 1))
                self.tables.units["write"] += 1
                answer = {}
        response: Any = botocore.awsrequest.AWSResponse(request.url, 200, HTTPHeaders(), None)
        response._content = json.dumps(answer).encode()
        answered: botocore.awsrequest.AWSResponse = response
        return answered

    def of_powertools(self, size: int) -> Batch:
        """Its idempotency, a record at a time."""
        layer = DynamoDBPersistenceLayer(table_name=TABLE, boto3_client=self.client)
        config = IdempotencyConfig(event_key_jmespath="eventID")
        config.register_lambda_context(FakeContext())  # type: ignore[arg-type] # a protocol of it

        @idempotent_function(  # type: ignore[untyped-decorator] # Powertools' is not annotated
            data_keyword_argument="event", config=config, persistence_store=layer
        )
        def run_once(*, event: dict[str, str]) -> None:
            del event

        return self._measured(
            size,
            lambda records: [run_once(event={"eventID": one["eventID"]}) for one in records],
        )

    def of_ours(
        self,
        size: int,
        *,
        idempotency: str | None = "on",
        known: int = 0,
        fails: bool = False,
        keep: bool = False,
        seconds: float = 0,
        writes: bool = False,
    ) -> Batch:
        """The handler in a process that is warm; `keep`: in the one of the batch before."""
        if not keep:
            self._claims = self._new_claims(claims_beforehand=not writes)
        parts = self._claims if idempotency else NoIdempotency()
        if not keep and not writes:
            self._known(parts, 2)
            self._first += 2
        self._known(parts, known)

        def process(request: Request) -> Writes | None:
            if fails:
                raise FailedError
            if seconds:
                begun = time.perf_counter()
                time.sleep(seconds)
                self.slept += time.perf_counter() - begun
            item = {"id": request.request_id}
            return Writes([Put(table="orders", item=item)]) if writes else None

        processor = self._processor(parts, process)
        return self._measured(
            size, lambda records: processor.handle(batch(*records), FakeContext())
        )

    def _known(self, parts: Idempotency, count: int) -> None:
        """The next events have been processed."""
        if count:
            numbers = range(self._first + 1, self._first + count + 1)
            with contextlib.redirect_stdout(io.StringIO()):
                processor = self._processor(parts, lambda _: None)
                processor.handle(batch(*map(record, numbers)), FakeContext())

    def _measured(self, size: int, work: Callable[[list[Any]], object]) -> Batch:
        records = [record(number) for number in range(self._first + 1, self._first + size + 1)]
        self._first += size
        self.slept = 0.0
        self.fake.calls.clear()
        self.tables.units.clear()
        # Standard output is CloudWatch Logs: what is written there is part of the work.
        with contextlib.redirect_stdout(io.StringIO()):
            begun, cpu = time.perf_counter(), time.process_time()
            work(records)
            took, cpu = time.perf_counter() - begun, time.process_time() - cpu
        return Batch(
            size=size,
            seconds=took,
            cpu=cpu,
            slept=self.slept,
            units=self.tables.units["write"],
            calls=len(self.fake.calls),
        )

    def _processor(self, idempotency: Idempotency, process: Any) -> Processor:
        return Processor(
            HandlerConfig(failure_bucket="failures"),
            process=process,
            parking=Parked(),
            idempotency=idempotency,
            transactions=lambda: Transactions(self.client, own_tables=[TABLE]),
            counting=Counting(service="bench", namespace="Bench"),
        )

    def _new_claims(self, *, claims_beforehand: bool = True) -> Claims:
        config = HandlerConfig(failure_bucket="failures", idempotency_table=TABLE)
        table = IdempotencyTable(TABLE, self.client)
        return Claims(config, table, claims_beforehand=claims_beforehand)

    def _wait(self, operation: str, items: int) -> None:
        if operation == "TransactWriteItems":
            time.sleep(TRANSACTION / 1000)
            return
        sizes = sorted(MILLISECONDS)
        above = next(size for size in sizes if size >= items)
        below = max(size for size in sizes if size <= items)
        share = (items - below) / (above - below) if above > below else 0
        milliseconds = MILLISECONDS[below] + share * (MILLISECONDS[above] - MILLISECONDS[below])
        time.sleep(milliseconds / 1000)


@contextlib.contextmanager
def _aws() -> Iterator[Aws]:
    aws = Aws()

    def send(_: object, request: Any) -> botocore.awsrequest.AWSResponse:
        return aws.send(request)

    with mock.patch.object(botocore.httpsession.URLLib3Session, "send", send):
        yield aws
