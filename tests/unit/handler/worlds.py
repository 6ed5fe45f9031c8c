"""A world of events in which processes come and go: what takes effect, and what must never happen.

The model is the list of effects. Each effect is checked, as it begins, against what the table of
events says at that moment.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from handler.calls import Process, ProcessBatch
from handler.claims import Claims
from handler.config import HandlerConfig
from handler.counting import Counting
from handler.idempotency_table import IdempotencyTable
from handler.processor import Processor
from handler.records import Request
from handler.transactions import Transactions
from tests.unit.handler.events import batch, record
from tests.unit.handler.fake_dynamodb import (
    TABLE,
    Clock,
    FakeDynamoDB,
    InlineExecutor,
    KilledError,
    Script,
    Tables,
)
from tests.unit.handler.stubs import FakeContext, Parked

TIMEOUT = 60.0


class World:
    """Tables, a clock, a failure bucket, and the effects so far."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.tables = Tables(self.clock)
        self.parking = Parked()
        self.effects: list[str] = []
        self.running: dict[str, float] = {}
        """Events, and when Lambda ends the invocations that run them."""
        self.wrong: list[str] = []

    def process(
        self,
        script: Script = lambda *_: None,
        *,
        client_type: type[FakeDynamoDB] = FakeDynamoDB,
        **options: Any,
    ) -> "LambdaProcess":
        """A new sandbox of the function."""
        return LambdaProcess(self, client_type(self.tables, script), **options)

    def counts(self) -> Counter[str]:
        return Counter(self.effects)

    def begins(self, event_id: str) -> None:
        if self.tables.is_remembered(event_id):
            self.wrong.append(f"{event_id} runs although it is remembered")
        if self.clock() < self.running.get(event_id, 0):
            self.wrong.append(f"{event_id} runs while it is running")


class LambdaProcess:
    """One sandbox: a processor with a client and a memory of its own."""

    def __init__(
        self,
        world: World,
        client: FakeDynamoDB,
        *,
        work: Callable[[Request], Any] = lambda _: None,
        process_batch: ProcessBatch | None = None,
        claims_beforehand: bool = True,
        timeout: float = TIMEOUT,
        process_batch_size: int = 100,
    ) -> None:
        self.world = world
        self.client = client
        self.timeout = timeout
        self.deadline = 0.0
        self._work = work
        config = HandlerConfig(
            failure_bucket="failures",
            idempotency_table=TABLE,
            process_batch_size=process_batch_size,
        )
        fake: Any = client
        table = IdempotencyTable(TABLE, fake, clock=world.clock)
        self.claims = Claims(
            config,
            table,
            claims_beforehand=claims_beforehand,
            seconds_to_gather=math.inf,
            executor=InlineExecutor(),
            sleep=world.clock.sleep,
        )
        process: Process = self._process
        self.processor = Processor(
            config,
            process=process,
            process_batch=process_batch,
            parking=world.parking,
            idempotency=self.claims,
            transactions=lambda: Transactions(fake, own_tables=[TABLE]),
            counting=Counting(namespace="Test", service="test"),
            sleep=world.clock.sleep,
        )

    def deliver(self, numbers: Sequence[int]) -> int | None:
        """The number of the record from which on it comes again; None: all are done.

        Raises `KilledError` when the process is killed.
        """
        self.deadline = self.world.clock() + self.timeout
        context = FakeContext(lambda: int((self.deadline - self.world.clock()) * 1000))
        answer = self.processor.handle(batch(*map(record, numbers)), context)
        if self.client.is_killed:
            raise KilledError
        failures = answer["batchItemFailures"]
        return int(failures[0]["itemIdentifier"]) if failures else None

    def _process(self, request: Request) -> Any:
        event_id = request.event_id
        if self.claims.claims_beforehand:
            self.world.begins(event_id)
        self.world.running[event_id] = self.deadline
        try:
            returned = self._work(request)
            if self.client.is_killed:
                raise KilledError
            if returned is None:
                self.world.effects.append(event_id)
            return returned
        finally:
            self.world.running.pop(event_id, None)


def id_of(number: int) -> str:
    return f"{number:032x}"
