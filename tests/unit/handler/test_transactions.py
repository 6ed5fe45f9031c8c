"""What `process` returns is written with the event's memory, or nothing is."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from handler.calls import returns_writes
from handler.records import Request
from handler.writes import ConditionCheck, Delete, Put, Update, Write, Writes
from tests.unit.handler.events import batch, record
from tests.unit.handler.fake_dynamodb import TABLE, FakeDynamoDB, KilledError
from tests.unit.handler.stubs import Parked, run
from tests.unit.handler.worlds import World, id_of


@pytest.fixture
def world() -> World:
    return World()


def order(request: Request) -> Writes:
    return Writes([Put(table="orders", item={"id": request.event_id, "total": Decimal("1.50")})])


def returning(*writes: Write, **options: Any) -> Callable[[Request], Writes]:
    return lambda _: Writes(list(writes), **options)


def put(**changes: Any) -> Put:
    return Put(**{"table": "orders", "item": {"id": "one"}, **changes})


def test_writes_and_memory_are_written_together(world: World) -> None:
    process = world.process(work=order, claims_beforehand=False)

    assert process.deliver([1, 2]) is None
    assert world.tables.items["orders"][id_of(1)]["total"] == {"N": "1.50"}
    assert world.tables.is_remembered(id_of(1))
    assert [name for name, _ in process.client.calls] == ["TransactWriteItems"] * 2


def test_no_claim_is_made_where_process_is_declared_to_return_writes() -> None:
    def maybe(request: Request) -> Writes | None:
        return order(request) if request.payload else None

    def nothing(_: Request) -> None:
        """Returns none."""

    assert returns_writes(order)
    assert returns_writes(maybe)
    assert not returns_writes(nothing)
    assert not returns_writes(lambda _: None)


def test_an_event_whose_memory_is_there_was_processed_before(world: World) -> None:
    world.process(work=order, claims_beforehand=False).deliver([1])
    world.tables.items["orders"].clear()

    assert world.process(work=order, claims_beforehand=False).deliver([1]) is None
    assert world.tables.items["orders"] == {}


@pytest.mark.parametrize("claims_beforehand", [True, False])
def test_writes_are_committed_whether_the_event_is_claimed_or_not(
    world: World, claims_beforehand: bool
) -> None:
    process = world.process(work=order, claims_beforehand=claims_beforehand)

    assert process.deliver(range(1, 41)) is None
    assert len(world.tables.items["orders"]) == 40


def test_an_event_that_another_invocation_has_claimed_is_left_to_it(world: World) -> None:
    answers: list[int | None] = []

    def meanwhile(request: Request) -> Writes:
        other = world.process(work=order, claims_beforehand=False, timeout=5)
        answers.append(other.deliver([1]))
        return order(request)

    assert world.process(work=meanwhile).deliver([1]) is None
    assert answers == [1]


def test_a_condition_that_fails_rejects_the_request(world: World) -> None:
    world.tables.items["orders"]["one"] = {"id": {"S": "one"}}
    process = world.process(work=returning(put(condition="attribute_not_exists(id)")))

    assert process.deliver([1]) is None
    ((_, reason),) = world.parking.records
    assert reason.startswith("RejectedWritesError: a condition does not hold")
    assert not world.tables.is_remembered(id_of(1))


def test_a_condition_that_may_pass_is_delivered_again(world: World) -> None:
    world.tables.items["orders"]["one"] = {"id": {"S": "one"}}
    work = returning(put(condition="attribute_not_exists(id)"), retry_failed_conditions=True)
    process = world.process(work=work, claims_beforehand=False)

    assert process.deliver([1]) == 1
    world.tables.items["orders"].clear()
    assert process.deliver([1]) is None
    assert world.parking.records == []


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ([put(item={"id": str(number)}) for number in range(100)], "100 writes"),
        ([put(item={"id": "one", "ratio": 0.5})], "a value that DynamoDB does not have"),
        ([put(table="requests")], "process writes to requests, which it is fed from"),
        ([put(table="arn:aws:dynamodb:eu-west-1:1:table/requests")], "which it is fed from"),
        ([Delete(table=TABLE, key={"id": "x"})], "the handler's own"),
    ],
)
def test_what_no_retry_can_help_is_rejected(
    world: World, returned: list[Write], reason: str
) -> None:
    assert world.process(work=returning(*returned)).deliver([1]) is None

    ((_, told),) = world.parking.records
    assert reason in told
    assert set(world.tables.items["orders"]) == set()


@pytest.mark.parametrize("claims_beforehand", [True, False])
def test_a_validation_error_is_rejected(world: World, claims_beforehand: bool) -> None:
    process = world.process(
        lambda name, _: "invalid" if name == "TransactWriteItems" else None,
        work=order,
        claims_beforehand=claims_beforehand,
    )

    assert process.deliver([1]) is None
    ((_, reason),) = world.parking.records
    assert "DynamoDB refuses the writes" in reason


@pytest.mark.parametrize(
    "fault", ["throttled", "internal error", "conflict", "cancelled by a conflict", "request lost"]
)
def test_what_passes_is_tried_again_while_time_remains(world: World, fault: str) -> None:
    short = world.process(
        lambda _, number: fault if number < 2 else None, work=order, claims_beforehand=False
    )
    assert short.deliver([1]) is None

    long = world.process(lambda *_: fault, work=order, claims_beforehand=False, timeout=5)
    assert long.deliver([2]) == 2
    assert set(world.tables.items["orders"]) == {id_of(1)}


def test_a_denial_is_not_tried_again(world: World) -> None:
    process = world.process(lambda *_: "denied", work=order, claims_beforehand=False)

    assert process.deliver([1]) == 1
    assert len(process.client.calls) == 1
    assert world.parking.records == []


def test_a_lost_reply_is_recognised_as_its_own(world: World) -> None:
    process = world.process(
        lambda _, number: "reply lost" if number == 0 else None,
        work=order,
        claims_beforehand=False,
    )

    assert process.deliver([1]) is None
    assert len(process.client.calls) == 2
    assert world.tables.is_remembered(id_of(1))


@pytest.mark.parametrize("moment", ["killed before", "killed after"])
def test_a_kill_leaves_both_or_neither(world: World, moment: str) -> None:
    process = world.process(lambda *_: moment, work=order, claims_beforehand=False)
    with pytest.raises(KilledError):
        process.deliver([1])

    assert (id_of(1) in world.tables.items["orders"]) == world.tables.is_remembered(id_of(1))
    assert (id_of(1) in world.tables.items["orders"]) == (moment == "killed after")


def test_every_kind_of_write_is_sent_as_dynamodb_takes_it(world: World) -> None:
    sent: list[Any] = []

    class Recording(FakeDynamoDB):
        def transact_write_items(self, *, TransactItems: list[Any]) -> Any:  # noqa: N803 - boto3's
            sent.extend(TransactItems)
            return super().transact_write_items(TransactItems=TransactItems)

    process = world.process(
        work=returning(
            put(condition="attribute_not_exists(#id)", names={"#id": "id"}),
            Update(table="orders", key={"id": "two"}, expression="SET n = :n", values={":n": 2}),
            Delete(table="orders", key={"id": "three"}),
            ConditionCheck(
                table="orders", key={"id": "four"}, condition="attribute_not_exists(id)"
            ),
        ),
        claims_beforehand=False,
        client_type=Recording,
    )

    assert process.deliver([1]) is None
    assert sent[1:] == [
        {
            "Put": {
                "TableName": "orders",
                "Item": {"id": {"S": "one"}},
                "ConditionExpression": "attribute_not_exists(#id)",
                "ExpressionAttributeNames": {"#id": "id"},
            }
        },
        {
            "Update": {
                "TableName": "orders",
                "Key": {"id": {"S": "two"}},
                "UpdateExpression": "SET n = :n",
                "ExpressionAttributeValues": {":n": {"N": "2"}},
            }
        },
        {"Delete": {"TableName": "orders", "Key": {"id": {"S": "three"}}}},
        {
            "ConditionCheck": {
                "TableName": "orders",
                "Key": {"id": {"S": "four"}},
                "ConditionExpression": "attribute_not_exists(id)",
            }
        },
    ]


def test_a_list_of_writes_that_is_not_wrapped_is_a_failure_and_not_ignored() -> None:
    response, parking = run(batch(record(1)), lambda _: [put()], parking=Parked())

    assert len(response["batchItemFailures"]) == 1
    assert parking.records == []
