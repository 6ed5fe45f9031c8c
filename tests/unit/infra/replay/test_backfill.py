"""The backfill against a real DynamoDB API (moto's server) and a function scripted here."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.replay.backfilling import insert_record
from tests.unit.infra.replay.scripted import (
    BY_CONTRACT,
    TABLE,
    Answer,
    Printed,
    Run,
    ScriptedFunction,
    record,
)

BACKFILL = ("backfill", "--table", TABLE, "--rate", "100000")
EVERY = (*BACKFILL, "--all", "--yes")


def image(number: int, **attributes: Any) -> dict[str, Any]:
    return {**record(number)["dynamodb"]["NewImage"], **attributes}


def put_items(table: Any, *items: dict[str, Any]) -> None:
    for item in items:
        table.put_item(TableName=TABLE, Item=item)


def test_each_item_is_sent_as_an_insert(replay: Run, table: Any, capsys: Printed) -> None:
    function = ScriptedFunction()
    put_items(table, *map(image, range(3)))

    assert replay(*EVERY, function=function) == 0
    assert len(set(function.sent)) == 3
    assert all(len(event_id) == 32 for event_id in function.sent)
    assert capsys.readouterr().out.splitlines() == [
        (
            "3 items scanned: 3 to send, 0 left out by the selection, "
            "0 kept away by the mapping's filters"
        ),
        (
            "3 items sent: 3 processed, 0 processed before, 0 rejected, 0 ignored, 0 failed, "
            "0 held back"
        ),
    ]


def test_the_same_content_has_the_same_event_id_and_a_rewritten_item_another(
    replay: Run, table: Any
) -> None:
    function = ScriptedFunction()
    put_items(table, image(1), image(2))
    replay(*EVERY, function=function)
    put_items(table, image(2, status={"S": "rewritten"}))

    replay(*EVERY, function=function)

    assert len(function.sent) == 4
    assert len(set(function.sent)) == 3


def test_content_that_dynamodb_calls_equal_has_one_event_id(replay: Run, table: Any) -> None:
    function = ScriptedFunction()
    put_items(table, image(1, n={"N": "10"}, words={"SS": ["a", "b"]}, ns={"NS": ["1", "2.0"]}))
    replay(*EVERY, function=function)
    put_items(table, image(1, n={"N": "1e1"}, words={"SS": ["b", "a"]}, ns={"NS": ["2", "1"]}))

    replay(*EVERY, function=function)

    assert len(set(function.sent)) == 1


def test_the_order_of_a_sets_members_is_no_content() -> None:
    description: dict[str, Any] = {
        "TableArn": "arn:aws:dynamodb:eu-west-1:1:table/t",
        "KeySchema": [{"AttributeName": "id"}],
        "CreationDateTime": datetime(2026, 11, 23, tzinfo=UTC),
    }
    members: dict[str, list[Any]] = {"SS": ["a", "b"], "NS": ["1", "2"], "BS": [b"a", b"b"]}

    def event_id(*, turned: bool) -> str:
        sets = {
            kind: {"L": [{kind: each[::-1] if turned else each}]} for kind, each in members.items()
        }
        item = {"id": {"S": "x"}, "nested": {"M": sets}}
        event: str = insert_record(description, item, 1)["eventID"]
        return event

    assert event_id(turned=False) == event_id(turned=True)


def test_a_record_is_the_same_in_every_run_but_for_its_place(replay: Run, table: Any) -> None:
    seen: list[dict[str, Any]] = []
    put_items(table, image(1))

    for _ in range(2):
        replay(*EVERY, function=ScriptedFunction(seen.extend))

    first, second = seen
    assert first == second


def test_a_record_has_the_form_of_a_stream_record(replay: Run, table: Any) -> None:
    seen: list[dict[str, Any]] = []
    stored = image(1, blob={"B": b"hello"})
    put_items(table, stored)

    replay(*EVERY, function=ScriptedFunction(seen.extend))

    (sent,) = seen
    described = table.describe_table(TableName=TABLE)["Table"]
    assert sent["eventName"] == "INSERT"
    assert sent["eventSourceARN"] == described["LatestStreamArn"]
    assert sent["dynamodb"]["Keys"] == {"request_id": {"S": "item-1"}}
    assert sent["dynamodb"]["NewImage"] == {**stored, "blob": {"B": "aGVsbG8="}}
    assert set(sent) == set(record(1))


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (("--since", "at=2"), {"item-2", "item-3"}),
        (("--before", "at=2"), {"item-0", "item-1"}),
        (("--since", "at=1", "--before", "at=3"), {"item-1", "item-2"}),
        (("--since", "day=2026-11-02"), {"item-2", "item-3"}),
        (("--before", "at=1e0"), {"item-0"}),
        (("--filter", "request_id = :id", "--values", '{":id": {"S": "item-3"}}'), {"item-3"}),
        (
            ("--filter", "#at = :a OR #at = :b", "--since", "at=1", "--names", '{"#at": "at"}',
             "--values", '{":a": {"N": "0"}, ":b": {"N": "3"}}'),
            {"item-3"},
        ),
        (
            ("--filter", "(binary_ = :a) AND (size(binary_) = :b)", "--since", "day=2026-11-01",
             "--values", '{":a": {"B": "AQ=="}, ":b": {"N": "1"}}'),
            {"item-1"},
        ),
        (
            ("--filter", "(binary_ = :a)", "--before", "day=2026-11-02",
             "--values", '{":a": {"B": "AQ=="}}'),
            {"item-1"},
        ),
    ],
)  # fmt: skip
def test_the_selection_decides_what_is_sent(
    replay: Run, table: Any, selection: tuple[str, ...], taken: set[str]
) -> None:
    seen: list[dict[str, Any]] = []
    for number in range(4):
        at, day = {"N": str(number)}, {"S": f"2026-11-0{number}"}
        put_items(table, image(number, at=at, day=day, binary_={"B": bytes([number])}))

    assert replay(*BACKFILL, *selection, function=ScriptedFunction(seen.extend)) == 0
    assert {each["dynamodb"]["Keys"]["request_id"]["S"] for each in seen} == taken


def test_before_it_sends_it_says_how_many_and_what_takes_effect_again(
    replay: Run, table: Any, capsys: Printed
) -> None:
    put_items(table, image(1), image(2))

    replay(*BACKFILL, "--filter", "attribute_exists(payload)")

    assert capsys.readouterr().err.splitlines()[0] == (
        "2 items will be sent. Those that the stream has delivered take effect again, and so may "
        "those that are written while this runs, unless the selection leaves them out."
    )


def test_all_without_a_confirmation_sends_nothing(
    replay: Run, table: Any, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = ScriptedFunction()
    put_items(table, image(1))
    monkeypatch.setattr("sys.stdin", Answering("n\n", is_terminal=True))

    assert replay(*BACKFILL, "--all", function=function) == 1
    assert function.batches == []
    assert capsys.readouterr().err.splitlines()[-1] == "nothing was sent"


def test_all_is_sent_once_it_is_confirmed(
    replay: Run, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = ScriptedFunction()
    put_items(table, image(1))
    monkeypatch.setattr("sys.stdin", Answering("y\n", is_terminal=True))

    assert replay(*BACKFILL, "--all", function=function) == 0
    assert len(function.sent) == 1


def test_all_where_nobody_can_answer_is_refused(
    replay: Run, table: Any, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = ScriptedFunction()
    put_items(table, image(1))
    monkeypatch.setattr("sys.stdin", Answering("y\n", is_terminal=False))

    assert replay(*BACKFILL, "--all", function=function) == 2
    assert function.batches == []
    assert "add --yes" in capsys.readouterr().err


class Answering:
    """A standard input."""

    def __init__(self, line: str, *, is_terminal: bool) -> None:
        self._line = line
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def readline(self) -> str:
        return self._line


def test_what_the_mapping_would_keep_away_is_counted_and_not_sent(
    replay: Run, table: Any, capsys: Printed
) -> None:
    pattern = {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"status": {"S": ["open"]}}},
    }
    function = ScriptedFunction(filters=[json.dumps(pattern)])
    for number, status in enumerate(("open", "closed", "open")):
        put_items(table, image(number, status={"S": status}))

    assert replay(*EVERY, function=function) == 0
    assert len(function.sent) == 2
    assert "2 to send, 0 left out by the selection, 1 kept away" in capsys.readouterr().out


@pytest.mark.parametrize(
    "filters",
    [
        ['{"eventName": ["MODIFY", "REMOVE"]}'],
        ['{"eventName": ["MODIFY"]}', '{"eventName": [{"anything-but": "INSERT"}]}'],
    ],
)
def test_a_stack_whose_events_hold_no_insert_refuses(
    replay: Run, table: Any, capsys: Printed, filters: list[str]
) -> None:
    function = ScriptedFunction(filters=filters)
    put_items(table, image(1))

    assert replay(*EVERY, function=function) == 2
    assert function.batches == []
    assert "the stack's events hold none" in capsys.readouterr().err


def test_a_function_that_reads_another_tables_stream_refuses(
    replay: Run, table: Any, capsys: Printed
) -> None:
    del table
    other = ScriptedFunction(table_arn="arn:aws:dynamodb:eu-west-1:123456789012:table/requests-2")

    assert replay(*EVERY, function=other) == 2
    assert "are they of the same stack?" in capsys.readouterr().err


def test_poison_counts_as_rejected(replay: Run, table: Any, capsys: Printed) -> None:
    parked = {"outcomes": [{"outcome": "rejected", "key": "rejected/k"}, {"outcome": "processed"}]}
    put_items(table, image(1), image(2))

    assert replay(*EVERY, function=ScriptedFunction(lambda _: parked)) == 1
    printed = capsys.readouterr()
    assert "2 items sent: 1 processed, 0 processed before, 1 rejected" in printed.out
    assert "parked as rejected/k" in printed.err


def test_ignored_is_not_done(replay: Run, table: Any) -> None:
    put_items(table, image(1))

    ignored = {"outcomes": [{"outcome": "ignored"}]}
    assert replay(*EVERY, function=ScriptedFunction(lambda _: ignored)) == 1


def test_a_dry_run_counts_and_sends_nothing(replay: Run, table: Any, capsys: Printed) -> None:
    function = ScriptedFunction()
    put_items(table, image(1))

    assert replay(*BACKFILL, "--all", "--dry-run", *BY_CONTRACT, function=function) == 0
    assert function.batches == []
    assert "1 item scanned: 1 to send" in capsys.readouterr().out


def test_one_that_is_stopped_says_where_to_go_on_and_does(
    replay: Run, table: Any, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.replay.backfilling.PAGE", 1)
    stopped, resumed = ScriptedFunction(_stopping_at_the_second_call()), ScriptedFunction()
    put_items(table, *map(image, range(3)))

    assert replay(*EVERY, function=stopped) == 1
    key = capsys.readouterr().err.split("--start-after '")[1].split("'")[0]
    assert replay(*EVERY, "--start-after", key, function=resumed) == 0

    assert len(resumed.sent) == 2
    assert set(resumed.sent) & set(stopped.batches[0]) == set()


def test_a_place_to_go_on_from_may_be_a_binary_key(
    replay: Run, table: Any, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.replay.backfilling.PAGE", 1)
    table.create_table(
        TableName="binary",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "B"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(3):
        table.put_item(TableName="binary", Item={"id": {"B": bytes([number])}})
    arn = table.describe_table(TableName="binary")["Table"]["TableArn"]
    arguments = ("backfill", "--table", "binary", "--all", "--yes")
    stopped = ScriptedFunction(_stopping_at_the_second_call(), table_arn=arn)
    resumed = ScriptedFunction(table_arn=arn)

    assert replay(*arguments, function=stopped) == 1
    key = capsys.readouterr().err.split("--start-after '")[1].split("'")[0]
    assert replay(*arguments, "--start-after", key, function=resumed) == 0
    assert len(resumed.sent) == 2


def _stopping_at_the_second_call() -> Answer:
    calls: list[None] = []

    def answer(records: list[dict[str, Any]]) -> Any:
        del records
        calls.append(None)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return None

    return answer


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "name=nan"], "nan is no number of DynamoDB's"),
        (["--before", "name=inf"], "inf is no number of DynamoDB's"),
        (["--since", "name=1_000"], "1_000 is no number of DynamoDB's"),
        (["--since", "name=1e300"], "1e300 is no number of DynamoDB's"),
        (["--since", f"name={'1' * 39}"], "is no number of DynamoDB's"),
        (["--since", "name"], "--since takes ATTRIBUTE=VALUE, got name"),
        (["--filter", "a = :a", "--values", '{":a": {"N": "nan"}}'], "--values: .:a must be"),
        (["--filter", "a = :a", "--values", '{":a": 1}'], "--values: .:a must be"),
        (["--all", "--start-after", '{"request_id": 1}'], "--start-after: .request_id must be"),
        (["--filter", "no expression ("], "cannot be scanned: ValidationException"),
        ([], "choose items with --since, --before or --filter"),
        (["--all", "--since", "a=1"], "choose items with --since, --before or --filter"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    replay: Run, table: Any, capsys: Printed, arguments: list[str], message: str
) -> None:
    del table

    assert replay(*BACKFILL, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line


@pytest.mark.parametrize(
    "option",
    [
        ("--rate", "nan"),
        ("--rate", "inf"),
        ("--rate", "0"),
        ("--rate", "-1"),
        ("--rate", "1e-100"),
        ("--rate", "1_0"),
        ("--batch-size", "0"),
        ("--batch-size", "²"),
        ("--batch-size", "1" * 5000),
        ("--values", "["),
        ("--values", "[]"),
        ("--start-after", "\x1b[2J"),
    ],
)
def test_an_option_that_is_wrong_is_named_in_one_line(
    replay: Run, capsys: Printed, option: tuple[str, str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        replay("backfill", "--all", *option)

    *_, line = capsys.readouterr().err.splitlines()
    assert exit_.value.code == 2
    assert f"argument {option[0]}: must be" in line
    assert "\x1b" not in line
