"""The replay against a real S3 and DynamoDB API (moto's server) and a function scripted here."""

import json
import sys
import tracemalloc
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from infra.replay.command import Terminal, main
from infra.replay.failed_batches import ChangedObjectError, FailedBatches
from tests.unit.infra.replay.scripted import (
    BUCKET,
    BY_CONTRACT,
    LAMBDA_KEY,
    REJECTED_KEY,
    TABLE,
    Printed,
    Run,
    ScriptedFunction,
    document,
    failing,
    keys,
    payload_records,
    put,
    record,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def test_list_names_what_failed_oldest_first(s3: "S3Client", replay: Run, capsys: Printed) -> None:
    put(s3, LAMBDA_KEY, document([record(1), record(2)]))
    put(s3, REJECTED_KEY, document([record(3)], at="01.00.00", reason="payload is missing"))

    assert replay("list", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        {
            "key": REJECTED_KEY,
            "failedAt": "2026-11-23T01:00:00.000Z",
            "condition": "RetryAttemptsExhausted",
            "reason": "payload is missing",
            "records": 1,
        },
        {
            "key": LAMBDA_KEY,
            "failedAt": "2026-11-23T01:02:03.000Z",
            "condition": "RetryAttemptsExhausted",
            "reason": "",
            "records": 2,
        },
    ]


def test_list_prints_whole_keys_where_there_is_no_terminal(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    put(s3, LAMBDA_KEY, document([record(1)]))

    assert replay("list") == 0
    printed = capsys.readouterr()
    assert LAMBDA_KEY in printed.out
    assert "1 failed record in 1 object" in printed.err


@pytest.mark.parametrize("columns", [40, 100])
def test_list_prints_whole_keys_on_a_terminal_and_the_rest_fits_it(
    s3: "S3Client",
    replay: Run,
    capsys: Printed,
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    reason = "nothing to do " * 20
    put(s3, LAMBDA_KEY, {**document([record(1)]), "reason": reason})
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert replay("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if LAMBDA_KEY in line] == [f"  {LAMBDA_KEY}"]
    assert all(len(line) <= columns for line in lines if LAMBDA_KEY not in line)
    assert any("1 record" in line for line in lines)


def test_list_of_an_empty_bucket_says_so(replay: Run, capsys: Printed) -> None:
    assert replay("list") == 0
    assert "0 failed records in 0 objects" in capsys.readouterr().err


def test_show_decodes_typed_values(s3: "S3Client", replay: Run, capsys: Printed) -> None:
    odd = record(1)
    odd["dynamodb"]["NewImage"]["blob"] = {"B": "aGVsbG8="}
    odd["dynamodb"]["NewImage"]["words"] = {"SS": ["b", "a"]}
    put(s3, LAMBDA_KEY, document([odd]))

    assert replay("show", LAMBDA_KEY) == 0
    (shown,) = json.loads(capsys.readouterr().out)["records"]
    assert shown["dynamodb"]["NewImage"] == {
        "request_id": "item-1",
        "payload": {"text": "hello", "n": 7},
        "blob": "aGVsbG8=",
        "words": ["a", "b"],
    }
    assert shown["eventID"] == "event-1"


def test_a_payload_that_is_an_object_is_read_like_one_that_is_text(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    put(s3, LAMBDA_KEY, document([record(1)], payload={"Records": [record(1)]}))

    assert replay("list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["records"] == 1


def test_run_sends_the_records_in_stream_order_across_objects(s3: "S3Client", replay: Run) -> None:
    function = ScriptedFunction()
    put(s3, LAMBDA_KEY, document([record(2), record(4)]))
    put(s3, REJECTED_KEY, document([record(3)]))
    put(s3, REJECTED_KEY + "b", document([record(10)]))

    assert replay("run", "--all", function=function) == 0
    assert function.batches == [["event-2", "event-3", "event-4", "event-10"]]


def test_run_removes_an_object_whose_records_are_all_done_recoverably(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    put(s3, LAMBDA_KEY, document([record(1)]))

    assert replay("run", LAMBDA_KEY) == 0
    assert keys(s3) == []
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 1
    assert capsys.readouterr().out == (
        "1 record read: 1 processed, 0 processed before, 0 rejected, 0 ignored, 0 failed, "
        "0 held back; 1 of 1 object removed\n"
    )


def test_a_second_run_does_nothing_twice(s3: "S3Client", replay: Run) -> None:
    put(s3, LAMBDA_KEY, document([record(1), record(2), record(3)]))
    replay("run", "--all", function=ScriptedFunction(failing("event-2")))
    second = ScriptedFunction()

    assert replay("run", "--all", function=second) == 0
    assert second.sent == ["event-2"]
    assert keys(s3) == []


def test_what_is_left_of_an_object_stays_in_a_new_version(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    put(s3, LAMBDA_KEY, document([record(1), record(2), record(3)]))

    assert replay("run", "--all", function=ScriptedFunction(failing("event-2"))) == 1
    assert payload_records(s3, LAMBDA_KEY) == ["event-2"]
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 2
    assert "3 records read: 2 processed, " in capsys.readouterr().out


def test_later_records_of_a_failing_item_are_held_back(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    function = ScriptedFunction(failing("event-1"))
    put(s3, LAMBDA_KEY, document([record(1, item="a"), record(2, item="b"), record(3, item="a")]))

    assert replay("run", "--all", function=function) == 1
    assert "event-3" not in function.batches[-1]
    assert payload_records(s3, LAMBDA_KEY) == ["event-1", "event-3"]
    assert "1 processed, 0 processed before, 0 rejected, 0 ignored, 1 failed, 1 held back; " in (
        capsys.readouterr().out
    )


def test_an_error_of_a_whole_batch_is_narrowed_down_to_its_record(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    def crash(records: list[dict[str, Any]]) -> Any:
        poisoned = any(one["eventID"] == "event-3" for one in records)
        return RuntimeError("out of paper") if poisoned else None

    put(s3, LAMBDA_KEY, document([record(number) for number in range(1, 6)]))

    assert replay("run", "--all", function=ScriptedFunction(crash)) == 1
    assert payload_records(s3, LAMBDA_KEY) == ["event-3"]
    assert "RuntimeError: out of paper" in capsys.readouterr().err


@pytest.mark.parametrize("answer", [None, {}, [], "", {"batchItemFailures": None}])
def test_an_empty_answer_is_success(s3: "S3Client", replay: Run, answer: Any) -> None:
    put(s3, LAMBDA_KEY, document([record(1), record(2)]))

    assert replay("run", "--all", function=ScriptedFunction(lambda _: answer)) == 0
    assert keys(s3) == []


@pytest.mark.parametrize(
    "failure", [{"itemIdentifier": 123}, {"itemIdentifier": ""}, {"foo": "1"}, None]
)
def test_a_failure_that_names_no_record_fails_the_batch(
    s3: "S3Client", replay: Run, failure: Any
) -> None:
    put(s3, LAMBDA_KEY, document([record(1), record(2)]))
    function = ScriptedFunction(lambda _: {"batchItemFailures": [failure]})

    assert replay("run", "--all", function=function) == 1
    assert payload_records(s3, LAMBDA_KEY) == ["event-1", "event-2"]


def parking(records: list[dict[str, Any]], s3: "S3Client") -> Any:
    """Does as the handler does with poison: parks it, and says so."""
    put(s3, REJECTED_KEY, document(records, reason="still wrong"))
    rejected = {"outcome": "rejected", "key": REJECTED_KEY}
    return {"batchItemFailures": [], "outcomes": [rejected] * len(records)}


@pytest.mark.parametrize("key", [LAMBDA_KEY, REJECTED_KEY])
def test_a_record_that_is_parked_again_is_not_done_and_its_object_stays(
    s3: "S3Client", replay: Run, capsys: Printed, key: str
) -> None:
    put(s3, key, document([record(1)], reason="wrong"))

    function = ScriptedFunction(lambda records: parking(records, s3))
    assert replay("run", "--all", function=function) == 1
    assert keys(s3) == list(dict.fromkeys([key, REJECTED_KEY]))
    printed = capsys.readouterr()
    assert "1 record read: 0 processed, 0 processed before, 1 rejected" in printed.out
    assert f"parked as {REJECTED_KEY}" in printed.err


@pytest.mark.parametrize("versioning", ["Enabled", "Suspended", None])
def test_what_was_just_parked_is_never_deleted(
    s3: "S3Client", replay: Run, capsys: Printed, versioning: Any
) -> None:
    """Somebody else's invocation parks a record anew while this one says that it is done."""
    if versioning is None:
        s3.delete_bucket(Bucket=BUCKET)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=_where(s3))
    else:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": versioning})

    def park_meanwhile(records: list[dict[str, Any]]) -> Any:
        put(s3, REJECTED_KEY, document(records, reason="parked just now"))

    put(s3, REJECTED_KEY, document([record(1)], reason="parked before"))

    assert replay("run", "--all", function=ScriptedFunction(park_meanwhile)) == 1
    body = json.loads(s3.get_object(Bucket=BUCKET, Key=REJECTED_KEY)["Body"].read())
    assert body["reason"] == "parked just now"
    assert "written anew since it was read" in capsys.readouterr().err


def test_what_is_left_is_not_written_over_what_was_just_parked(s3: "S3Client", replay: Run) -> None:
    def park_meanwhile(records: list[dict[str, Any]]) -> Any:
        put(s3, LAMBDA_KEY, document([record(7)]))
        return failing("event-2")(records)

    put(s3, LAMBDA_KEY, document([record(1), record(2)]))

    assert replay("run", "--all", function=ScriptedFunction(park_meanwhile)) == 1
    assert payload_records(s3, LAMBDA_KEY) == ["event-7"]


def _where(s3: "S3Client") -> Any:
    return {"LocationConstraint": s3.meta.region_name}


@pytest.mark.parametrize("outcome", ["ignored", "failed", "rejected"])
def test_only_processed_is_done(s3: "S3Client", replay: Run, capsys: Printed, outcome: str) -> None:
    put(s3, LAMBDA_KEY, document([record(1), record(2)]))
    reported = {"outcomes": [{"outcome": "processed before"}, {"outcome": outcome}]}

    assert replay("run", "--all", function=ScriptedFunction(lambda _: reported)) == 1
    assert payload_records(s3, LAMBDA_KEY) == ["event-2"]
    assert "0 processed, 1 processed before, " in capsys.readouterr().out


def test_a_function_that_does_not_tell_has_done_nothing_that_is_known(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    put(s3, LAMBDA_KEY, document([record(1), record(2)]))

    assert replay("run", "--all", function=ScriptedFunction(tells=False)) == 1
    assert payload_records(s3, LAMBDA_KEY) == ["event-1", "event-2"]
    printed = capsys.readouterr()
    assert "2 untold; 0 of 1 object removed" in printed.out
    assert "--trust-silence" in printed.err


def test_a_function_whose_silence_is_trusted_has_done_what_it_does_not_report(
    s3: "S3Client", replay: Run
) -> None:
    put(s3, LAMBDA_KEY, document([record(1), record(2), record(3)]))
    function = ScriptedFunction(failing("event-2"), tells=False)

    assert replay("run", "--all", "--trust-silence", function=function) == 1
    assert payload_records(s3, LAMBDA_KEY) == ["event-2"]


def test_a_record_that_was_not_reached_is_sent_again(s3: "S3Client", replay: Run) -> None:
    def one_at_a_time(records: list[dict[str, Any]]) -> Any:
        rest = [{"itemIdentifier": one["dynamodb"]["SequenceNumber"]} for one in records[1:2]]
        return {"batchItemFailures": rest, "outcomes": [{"outcome": "processed"}]}

    function = ScriptedFunction(one_at_a_time)
    put(s3, LAMBDA_KEY, document([record(1), record(2), record(3)]))

    assert replay("run", "--all", function=function) == 0
    assert function.batches == [
        ["event-1", "event-2", "event-3"],
        ["event-2", "event-3"],
        ["event-3"],
    ]
    assert keys(s3) == []


def test_a_dry_run_names_the_records_and_sends_nothing(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    function = ScriptedFunction()
    put(s3, LAMBDA_KEY, document([record(1)]))

    assert replay("run", "--all", "--dry-run", *BY_CONTRACT, function=function) == 0
    assert function.batches == []
    assert keys(s3) == [LAMBDA_KEY]
    assert 'would send event-1 of {"request_id": {"S": "item-1"}}' in capsys.readouterr().out


def test_batches_stay_below_the_payload_limit_of_an_invocation(s3: "S3Client", replay: Run) -> None:
    function = ScriptedFunction()
    big = [record(number, payload="x" * 2_500_000) for number in (1, 2, 3)]
    put(s3, LAMBDA_KEY, document(big))

    assert replay("run", "--all", function=function) == 0
    assert function.batches == [["event-1", "event-2"], ["event-3"]]


def test_a_record_without_a_sequence_number_is_sent_alone(s3: "S3Client", replay: Run) -> None:
    function = ScriptedFunction()
    bare = {"eventID": "bare", "eventName": "INSERT", "dynamodb": {}}
    put(s3, LAMBDA_KEY, document([bare, record(1), record(2)]))

    assert replay("run", "--all", function=function) == 0
    assert function.batches == [["event-1", "event-2"], ["bare"]]


def changed(name: str, value: object) -> dict[str, Any]:
    whole = record(1)
    return {**whole, "dynamodb": {**whole["dynamodb"], name: value}}


def nested(levels: int) -> object:
    value: object = {"NULL": True}
    for _ in range(levels):
        value = {"L": [value]}
    return value


BROKEN = {
    "no JSON": b"\xff\xfe not json",
    "a list": [],
    "a number": 7,
    "no request context": {"payload": "{}"},
    "payload is missing": {"requestContext": {}},
    "payload is no JSON": {"requestContext": {}, "payload": "{"},
    "payload is null": {"requestContext": {}, "payload": None},
    "no records": {"requestContext": {}, "payload": '{"Records": []}'},
    "records is a text": {"requestContext": {}, "payload": '{"Records": "x"}'},
    "deeply nested": b"[" * 100_000,
    "no number": document([], payload='{"Records": [NaN]}'),
    "a number of 5,000 digits": b'{"requestContext": {}, "payload": {"Records": [' + b"1" * 5000,
    "an infinite number": document([], payload='{"Records": [1e999]}'),
    "a record that is a number": document([1]),
    "a record that is null": document([None]),
    "dynamodb is a list": document([{"dynamodb": []}]),
    "a key of the wrong type": document([changed("Keys", {"request_id": 7})]),
    "a key that is a list": document([changed("Keys", {"request_id": {"L": []}})]),
    "keys that are a text": document([changed("Keys", "request_id")]),
    "an unknown attribute type": document([changed("NewImage", {"a": {"X": "b"}})]),
    "no number of DynamoDB's": document([changed("NewImage", {"a": {"N": "nan"}})]),
    "a sequence number of 5,000 digits": document([changed("SequenceNumber", "9" * 5000)]),
    "a sequence number in other digits": document([changed("SequenceNumber", "\u0663" * 21)]),
    "a sequence number that is a number": document([changed("SequenceNumber", 7)]),
    "half a surrogate pair": document([changed("NewImage", {"a": {"S": "\ud800"}})]),
    "half a pair in a key": document([changed("Keys", {"request_id": {"S": "\udfff"}})]),
    "an event id that is a list": document([{**record(1), "eventID": []}]),
    "an unknown event": document([{**record(1), "eventName": "UPSERT"}]),
    "a value that is nested too deeply": document([changed("NewImage", {"a": nested(100)})]),
    **{
        f"a record that is nested {levels} times": document(
            [], payload=f'{{"Records": [{{"eventID": "a", "x": {"[" * levels + "]" * levels}}}]}}'
        )
        for levels in (60, 600, 900, 950, 980, 1_000)
    },
    "thousands of mistakes": document([changed("NewImage", {"a": {"L": [1] * 5000}})]),
}


def put_broken(s3: "S3Client") -> dict[str, str]:
    """Every broken object, by its key, and a good one among them."""
    names = {f"{LAMBDA_KEY}-{number:02}": name for number, name in enumerate(BROKEN)}
    for key, name in names.items():
        put(s3, key, BROKEN[name])
    put(s3, REJECTED_KEY, document([record(2)]))
    return names


def test_each_broken_object_is_named_in_one_line_and_the_others_go_on(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    function = ScriptedFunction()
    names = put_broken(s3)

    assert replay("run", "--all", "--table", TABLE, function=function) == 1
    assert function.sent == ["event-2"]
    assert keys(s3) == list(names)
    told = capsys.readouterr().err.splitlines()
    # On a busy machine it also says how far it is.
    warnings = [line for line in told if line.startswith("warning: ")]
    named = [line.removeprefix("warning: left alone: ").split(": ")[0] for line in warnings]
    assert [names[key] for key in named] == list(BROKEN)
    assert [line for line in warnings if len(line) > 500] == []


def test_broken_objects_do_not_stop_the_list(s3: "S3Client", replay: Run, capsys: Printed) -> None:
    names = put_broken(s3)

    assert replay("list", "--json") == 1
    printed = capsys.readouterr()
    listed = [json.loads(line)["key"] for line in printed.out.splitlines()]
    assert REJECTED_KEY in listed
    assert [key for key in names if key not in listed and key not in printed.err] == []


def test_a_broken_object_is_shown_or_named_in_one_line(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    for key, name in put_broken(s3).items():
        code = replay("show", key)
        printed = capsys.readouterr()
        assert code == 2 or json.loads(printed.out)["key"] == key, name
        assert code == 0 or len(printed.err.splitlines()) == 1, name
        assert printed.out.isascii(), name


@pytest.mark.parametrize("member", ["reason", "timestamp", "condition", "another"])
def test_documents_of_any_depth_stop_no_command(
    s3: "S3Client", replay: Run, capsys: Printed, member: str
) -> None:
    for levels in (100, 600, 900, 950, 980, 1_000, 20_000):
        whole = document([record(1)])
        whole |= {"requestContext": {"condition": "HERE"}} if member == "condition" else {}
        whole = {**whole, member: "HERE"}
        deep = json.dumps(whole).replace('"HERE"', "[" * levels + "]" * levels)
        put(s3, f"{LAMBDA_KEY}-{levels}", deep.encode())
    put(s3, REJECTED_KEY, document([record(2)]))

    for command in (("list",), ("list", "--json"), ("show", f"{LAMBDA_KEY}-950"), ("run", "--all")):
        replay(*command)
        capsys.readouterr()
    assert REJECTED_KEY not in keys(s3)


def test_an_object_that_is_too_large_is_not_read(
    s3: "S3Client", replay: Run, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.replay.failed_batches.MAXIMUM_SIZE", 10_000)
    put(s3, LAMBDA_KEY, document([record(1, payload="x" * 20_000)]))
    put(s3, REJECTED_KEY, document([record(2)]))

    assert replay("run", "--all") == 1
    assert keys(s3) == [LAMBDA_KEY]
    assert "bytes are too many" in capsys.readouterr().err


def test_a_list_with_an_object_that_cannot_be_read_ends_with_1(s3: "S3Client", replay: Run) -> None:
    put(s3, LAMBDA_KEY, b"no JSON")

    assert replay("list") == 1


ATTACK = "\x1b]0;owned\x07\x1b[2J\nsecond line\r\x9b31m\u202e\ud800"


def test_nothing_that_is_printed_harms_a_terminal(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    hostile = document([record(1, item="key" + ATTACK.replace("\ud800", ""), payload=ATTACK[:-1])])
    hostile |= {"reason": ATTACK, "timestamp": ATTACK}
    hostile["requestContext"]["condition"] = ATTACK
    put(s3, LAMBDA_KEY + "\u202e", hostile)
    put(s3, LAMBDA_KEY + "\x7f", ATTACK.encode(errors="surrogatepass"))

    for command in (
        ("list",), ("list", "--json"), ("show", LAMBDA_KEY + "\u202e"),
        ("run", "--all", "--dry-run", *BY_CONTRACT), ("run", "--all"),
    ):  # fmt: skip
        replay(*command, function=ScriptedFunction(failing("event-1")))
    printed = capsys.readouterr()
    assert [
        each for each in printed.out + printed.err if not each.isprintable() and each != "\n"
    ] == []
    assert "second line" not in (printed.out + printed.err).splitlines()


def test_a_reason_is_capped_but_for_json(s3: "S3Client", replay: Run, capsys: Printed) -> None:
    put(s3, LAMBDA_KEY, document([record(1)], reason="x" * 10_000))

    replay("list")
    assert "x" * 200 + "... (10,000 characters)" in capsys.readouterr().out
    replay("show", LAMBDA_KEY)
    assert json.loads(capsys.readouterr().out)["reason"].endswith("... (10,000 characters)")
    for command in (("list", "--json"), ("show", LAMBDA_KEY, "--json")):
        replay(*command)
        assert json.loads(capsys.readouterr().out)["reason"] == "x" * 10_000


def test_show_prints_the_reason_and_whatever_dynamodb_holds_exactly(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    digits = "12345678901234567890123456789012345678"
    odd = changed("NewImage", {
        "whole": {"N": digits},
        "part": {"N": f"0.{digits}"},
        "small": {"N": "1E-130"},
        "large": {"N": "-9.9E+125"},
        "numbers": {"NS": [digits, "-1", "0.5"]},
        "binaries": {"BS": ["Yg==", "YQ=="]},
        "binary": {"B": "aGVsbG8="},
        "nothing": {"NULL": True},
        "list": {"L": [{"BOOL": False}, {"M": {"a": {"S": "\x7f"}}}]},
    })  # fmt: skip
    put(s3, LAMBDA_KEY, document([odd], reason="no such product"))

    assert replay("show", LAMBDA_KEY) == 0
    shown = json.loads(capsys.readouterr().out, parse_float=Decimal)
    assert shown["reason"] == "no such product"
    assert shown["records"][0]["dynamodb"]["NewImage"] == {
        "whole": int(digits),
        "part": Decimal(f"0.{digits}"),
        "small": Decimal("1E-130"),
        "large": Decimal("-9.9E+125"),
        "numbers": [-1, Decimal("0.5"), int(digits)],
        "binaries": ["YQ==", "Yg=="],
        "binary": "aGVsbG8=",
        "nothing": None,
        "list": [False, {"a": "\x7f"}],
    }


@pytest.mark.slow  # hundreds of objects
@pytest.mark.parametrize("command", [("list", "--json"), ("run", "--all")])
def test_memory_stays_flat_however_many_objects_there_are(
    s3: "S3Client", replay: Run, command: tuple[str, ...]
) -> None:
    def peak(first: int, last: int) -> int:
        for number in range(first, last):
            records = [record(number * 100 + each, payload="x" * 5_000) for each in range(50)]
            put(s3, f"{LAMBDA_KEY}-{number}", document(records))
        tracemalloc.start()
        try:
            replay(*command, function=ScriptedFunction(failing("event-0")))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    replay("list")  # what is imported and made once is no part of it
    few, many = peak(0, 5), peak(5, 40)

    assert many < few * 2


def test_run_warns_when_the_table_holds_a_newer_version(
    s3: "S3Client", replay: Run, table: Any, capsys: Printed
) -> None:
    table.put_item(TableName=TABLE, Item=record(1)["dynamodb"]["NewImage"])
    table.put_item(TableName=TABLE, Item={"request_id": {"S": "item-2"}})
    put(s3, LAMBDA_KEY, document([record(1), record(2), record(3)]))

    replay("run", "--all", "--dry-run", "--table", TABLE, *BY_CONTRACT)

    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert warnings == [
        'warning: the table holds a newer version of this item: {"request_id": {"S": "item-2"}}',
        'warning: the table no longer holds this item: {"request_id": {"S": "item-3"}}',
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "name the objects to replay, or all of them with --all"),
        (["run", "some-key", "--all"], "name the objects to replay, or all of them with --all"),
        (["list", "--bucket", "no-such-bucket"], "bucket no-such-bucket cannot be listed"),
        (["show", "no-such-key"], "no-such-key: NoSuchKey"),
        (["backfill", "--table", "no-such-table", "--all"], "table no-such-table cannot be"),
        (["backfill", "--all"], "which table? Name it with --table"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    replay: Run, capsys: Printed, arguments: list[str], message: str
) -> None:
    assert replay(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_without_the_pulumi_cli_a_stack_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("PATH", "")

    assert main(["list", "--stack", "dev"]) == 2
    assert "Pulumi CLI, which is not installed" in capsys.readouterr().err


def test_what_is_kept_is_compared_in_the_same_step_as_it_is_written(s3: "S3Client") -> None:
    bucket = FailedBatches(s3, BUCKET)
    put(s3, LAMBDA_KEY, document([record(1), record(2)]))
    batch = bucket.read(LAMBDA_KEY)
    put(s3, LAMBDA_KEY, document([record(7)]))

    with pytest.raises(ChangedObjectError):
        bucket.keep_only(batch, [record(2)])
    assert payload_records(s3, LAMBDA_KEY) == ["event-7"]


def test_long_work_says_how_far_it_is(capsys: Printed) -> None:
    terminal = Terminal(interval=0)

    terminal.progress("objects read", 1_000)
    assert capsys.readouterr().err == "objects read: 1,000\n"
