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
from collections.abc import Callable, Iterator
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


def main() -> None:
    logging.disable(logging.ERROR)
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "bench")
    with _aws() as aws:
        powertools = aws.of_powertools(100)
        off = aws.of_ours("off", 1_000, idempotency=None)
        for size, target in ((100, 15), (1_000, 40)):
            ours = aws.of_ours(f"batch of {size:,}", size)
            ratio = ours.rate / powertools.rate
            print(f"  {ratio:.3g} times Powertools' {at_least(ratio, target, ' times')}")
            print(f"  write units a record {at_most(ours.units, 2)}")
        warm = aws.of_ours("batch of 100, again", 100)
        print(f"  calls per 100 records {at_most(warm.calls, 8)}")
        print(f"  off: {off.rate:,.0f} records/s")
        print(
            f"  ${warm.units * UNIT_PRICE:.2f} per million records (${UNIT_PRICE} a million units)"
        )
        aws.of_ours("1 of 100 known", 100, known=1)
        aws.of_ours("50 of 100 known", 100, known=50)
        aws.of_ours("a head that fails, the first time", 100, fails=True)
        aws.of_ours("a head that fails, again", 100, fails=True, keep=True)
        slow = aws.of_ours("process of 20 ms", 100, seconds=0.02)
        overhead = (100 / slow.rate - aws.slept) / aws.slept * 100
        print(f"  overhead {overhead:.1f} % {at_most(overhead, 5, ' %')}")
        aws.of_ours("process of 1 s", 5, seconds=1)
        aws.of_ours("writes in a transaction", 100, writes=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Of one batch."""

    rate: float
    units: float
    calls: float


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

    def of_powertools(self, size: int) -> Measured:
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
            f"Powertools, batch of {size}",
            size,
            lambda records: [run_once(event={"eventID": one["eventID"]}) for one in records],
        )

    def of_ours(
        self,
        name: str,
        size: int,
        *,
        idempotency: str | None = "on",
        known: int = 0,
        fails: bool = False,
        keep: bool = False,
        seconds: float = 0,
        writes: bool = False,
    ) -> Measured:
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
            name, size, lambda records: processor.handle(batch(*records), FakeContext())
        )

    def _known(self, parts: Idempotency, count: int) -> None:
        """The next events have been processed."""
        if count:
            numbers = range(self._first + 1, self._first + count + 1)
            with contextlib.redirect_stdout(io.StringIO()):
                processor = self._processor(parts, lambda _: None)
                processor.handle(batch(*map(record, numbers)), FakeContext())

    def _measured(self, name: str, size: int, work: Callable[[list[Any]], object]) -> Measured:
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
        units, calls = self.tables.units["write"], len(self.fake.calls)
        print(
            f"idempotency, {name:<34}: {size / took:>8,.0f} records/s, {calls:>4} calls, "
            f"{units:>5} write units, {cpu / size * 1e6:>6,.0f} µs CPU a record"
        )
        return Measured(rate=size / took, units=units / size, calls=calls / size * 100)

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


if __name__ == "__main__":
    main()
