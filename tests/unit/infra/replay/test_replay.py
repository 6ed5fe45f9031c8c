"""The replay against a real S3 and DynamoDB API (the embedded AWS's) and a function scripted here.

The function is a stand-in: what Lambda's Invoke API answers is scripted, so that every kind of
answer can be had. The whole way with the real handler is in tests/integration.
"""

import io
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from infra.local.aws.emulator import Emulator
from infra.replay.__main__ import main
from infra.replay.target import Target

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

BUCKET = "replayed"
TABLE = "requests"
LAMBDA_KEY = "aws/lambda/0a1b2c3d/shardId-1/2026/11/23/2026-11-23T01.02.03-11111111"
REJECTED_KEY = "rejected/processor/2026/11/23/2026-11-23T01.00.00-22222222"

Answer = Callable[[list[dict[str, Any]]], Any]


class ScriptedFunction:
    """Answers as Lambda's Invoke API does; remembers what it was sent."""

    def __init__(self, answer: Answer = lambda _: {"batchItemFailures": []}) -> None:
        self.answer = answer
        self.batches: list[list[str]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's
        del FunctionName
        records = json.loads(Payload)["Records"]
        self.batches.append([record["eventID"] for record in records])
        answer = self.answer(records)
        if isinstance(answer, Exception):
            error = {"errorType": type(answer).__name__, "errorMessage": str(answer)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(error).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    @property
    def sent(self) -> list[str]:
        return [event_id for batch in self.batches for event_id in batch]


@pytest.fixture
def session(aws: Emulator) -> boto3.Session:
    class LocalSession(boto3.Session):
        def client(self, service_name: str, **_: Any) -> Any:  # type: ignore[override] # any service
            return aws.client(service_name)

    return LocalSession("key", "secret", region_name=aws.region)


@pytest.fixture
def s3(aws: Emulator) -> "S3Client":
    client: S3Client = aws.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=_in_region(aws.region))
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


def _in_region(region: str) -> Any:  # boto3's types know the regions one by one
    return {"LocationConstraint": region}


@pytest.fixture
def replay(
    session: boto3.Session, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Runs a command line with clients of the embedded AWS and a scripted function."""
    del s3

    def run(*arguments: str, function: ScriptedFunction | None = None) -> int:
        def local_target(*, stack: str | None, named: dict[str, str | None]) -> Target:
            del stack
            names = {"bucket": BUCKET, "function": "processor", **_given(named)}
            made = Target(names=names, session=session)
            made.__dict__["awslambda"] = function or ScriptedFunction()
            return made

        monkeypatch.setattr("infra.replay.__main__.target", local_target)
        return main(arguments)

    return run


def _given(named: dict[str, str | None]) -> dict[str, str]:
    return {part: name for part, name in named.items() if name is not None}


def record(number: int, *, item: str | None = None, payload: str = "hello") -> dict[str, Any]:
    key = {"request_id": {"S": item or f"item-{number}"}}
    return {
        "eventID": f"event-{number}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_790_000_000.0 + number,
            "Keys": key,
            "NewImage": {**key, "payload": {"M": {"text": {"S": payload}, "n": {"N": "7"}}}},
            "SequenceNumber": f"{number:021d}",
            "SizeBytes": 60,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/requests/stream/1",
    }


def document(records: Sequence[object], *, at: str = "01.02.03", **changes: Any) -> dict[str, Any]:
    return {
        "requestContext": {
            "requestId": "r",
            "functionArn": "f",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 6,
        },
        "responseContext": {
            "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": f"2026-11-23T{at.replace('.', ':')}.000Z",
        "DDBStreamBatchInfo": {"batchSize": len(records)},
        "payload": json.dumps({"Records": records}),
        **changes,
    }  # fmt: skip


def put(s3: "S3Client", key: str, content: object) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def keys(s3: "S3Client") -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def payload_records(s3: "S3Client", key: str) -> list[str]:
    body = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    return [one["eventID"] for one in json.loads(body["payload"])["Records"]]


def failing(*event_ids: str) -> Answer:
    """Does as the handler does: stops at the first failure and reports it."""

    def answer(records: list[dict[str, Any]]) -> Any:
        for one in records:
            if one["eventID"] in event_ids:
                number = one["dynamodb"]["SequenceNumber"]
                return {"batchItemFailures": [{"itemIdentifier": number}]}
        return {"batchItemFailures": []}

    return answer


Run = Callable[..., int]
Printed = pytest.CaptureFixture[str]


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


def test_list_of_an_empty_bucket_says_so(replay: Run, capsys: Printed) -> None:
    assert replay("list") == 0
    assert "0 failed records in 0 objects" in capsys.readouterr().err


def test_show_decodes_typed_values(s3: "S3Client", replay: Run, capsys: Printed) -> None:
    odd = record(1)
    odd["dynamodb"]["NewImage"]["blob"] = {"B": "aGVsbG8="}
    odd["dynamodb"]["NewImage"]["words"] = {"SS": ["b", "a"]}
    put(s3, LAMBDA_KEY, document([odd]))

    assert replay("show", LAMBDA_KEY) == 0
    (shown,) = json.loads(capsys.readouterr().out)
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
        "1 record read: 1 done, 0 rejected again, 0 failed, 0 held back behind a failed one; "
        "1 of 1 object removed\n"
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
    assert "3 records read: 2 done, 0 rejected again, 1 failed, 0 held" in capsys.readouterr().out


def test_later_records_of_a_failing_item_are_held_back(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    function = ScriptedFunction(failing("event-1"))
    put(s3, LAMBDA_KEY, document([record(1, item="a"), record(2, item="b"), record(3, item="a")]))

    assert replay("run", "--all", function=function) == 1
    assert "event-3" not in function.batches[-1]
    assert payload_records(s3, LAMBDA_KEY) == ["event-1", "event-3"]
    assert "1 done, 0 rejected again, 1 failed, 1 held back" in capsys.readouterr().out


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


def test_a_record_that_is_rejected_again_stays(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    def park_again(records: list[dict[str, Any]]) -> Any:
        put(s3, REJECTED_KEY, document(records, reason="still wrong"))
        return {"batchItemFailures": []}

    put(s3, REJECTED_KEY, document([record(1)], reason="wrong"))

    assert replay("run", "--all", function=ScriptedFunction(park_again)) == 1
    assert keys(s3) == [REJECTED_KEY]
    assert "0 done, 1 rejected again" in capsys.readouterr().out


def test_a_given_up_record_that_is_now_rejected_moves_to_the_rejected_ones(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    def park(records: list[dict[str, Any]]) -> Any:
        put(s3, REJECTED_KEY, document(records, reason="wrong"))
        return {"batchItemFailures": []}

    put(s3, LAMBDA_KEY, document([record(1)]))

    assert replay("run", "--all", function=ScriptedFunction(park)) == 1
    assert keys(s3) == [REJECTED_KEY]
    assert "0 done, 1 rejected again" in capsys.readouterr().out


def test_a_dry_run_names_the_records_and_sends_nothing(
    s3: "S3Client", replay: Run, capsys: Printed
) -> None:
    function = ScriptedFunction()
    put(s3, LAMBDA_KEY, document([record(1)]))

    assert replay("run", "--all", "--dry-run", function=function) == 0
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
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_document_is_one_line_and_does_not_stop_the_others(
    s3: "S3Client", replay: Run, capsys: Printed, content: object
) -> None:
    function = ScriptedFunction()
    put(s3, LAMBDA_KEY, content)
    put(s3, REJECTED_KEY, document([record(1)]))

    assert replay("run", "--all", function=function) == 1
    assert function.sent == ["event-1"]
    assert keys(s3) == [LAMBDA_KEY]
    (warning,) = capsys.readouterr().err.splitlines()
    assert warning.startswith(f"warning: not read: {LAMBDA_KEY}: ")


def test_run_warns_when_the_table_holds_a_newer_version(
    s3: "S3Client", replay: Run, session: boto3.Session, capsys: Printed
) -> None:
    with _table(session) as dynamodb:
        dynamodb.put_item(TableName=TABLE, Item=record(1)["dynamodb"]["NewImage"])
        dynamodb.put_item(TableName=TABLE, Item={"request_id": {"S": "item-2"}})
        put(s3, LAMBDA_KEY, document([record(1), record(2), record(3)]))

        replay("run", "--all", "--dry-run", "--table", TABLE)

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
        (["backfill", "--table", TABLE], "choose items with --since or --filter"),
        (["backfill", "--table", TABLE, "--since", "when"], "--since takes ATTRIBUTE=VALUE"),
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


def test_a_backfill_sends_each_item_as_an_insert_once(
    replay: Run, session: boto3.Session, capsys: Printed
) -> None:
    function = ScriptedFunction()
    with _table(session) as dynamodb:
        for number in range(3):
            dynamodb.put_item(TableName=TABLE, Item=record(number)["dynamodb"]["NewImage"])

        assert replay("backfill", "--table", TABLE, "--all", function=function) == 0
        first = sorted(function.sent)
        assert replay("backfill", "--table", TABLE, "--all", function=function) == 0

    assert len(set(first)) == 3
    assert sorted(function.sent[3:]) == first
    assert all(len(event_id) == 32 for event_id in first)
    assert "3 items scanned: 3 done, 0 failed, 0 left out" in capsys.readouterr().out


def test_a_backfilled_record_has_the_form_of_a_stream_record(
    replay: Run, session: boto3.Session
) -> None:
    seen: list[dict[str, Any]] = []
    function = ScriptedFunction(seen.extend)
    image = {**record(1)["dynamodb"]["NewImage"], "blob": {"B": b"hello"}}
    with _table(session) as dynamodb:
        dynamodb.put_item(TableName=TABLE, Item=image)
        arn = dynamodb.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]

        replay("backfill", "--table", TABLE, "--all", function=function)

    (sent,) = seen
    assert sent["eventName"] == "INSERT"
    assert sent["eventSourceARN"] == arn
    assert sent["dynamodb"]["Keys"] == {"request_id": {"S": "item-1"}}
    assert sent["dynamodb"]["NewImage"] == {**image, "blob": {"B": "aGVsbG8="}}
    assert set(sent) == set(record(1))


def test_a_backfill_takes_the_items_that_the_filter_lets_through(
    replay: Run, session: boto3.Session, capsys: Printed
) -> None:
    with _table(session) as dynamodb:
        for number in range(4):
            item = record(number)["dynamodb"]["NewImage"] | {"at": {"N": str(number)}}
            dynamodb.put_item(TableName=TABLE, Item=item)

        replay("backfill", "--table", TABLE, "--since", "at=2")
        replay(
            "backfill", "--table", TABLE, "--filter", "request_id = :id",
            "--values", '{":id": {"S": "item-3"}}',
        )  # fmt: skip

    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "4 items scanned: 2 done, 0 failed, 2 left out by the filter",
        "4 items scanned: 1 done, 0 failed, 3 left out by the filter",
    ]


def test_a_backfill_dry_run_counts_and_sends_nothing(
    replay: Run, session: boto3.Session, capsys: Printed
) -> None:
    function = ScriptedFunction()
    with _table(session) as dynamodb:
        dynamodb.put_item(TableName=TABLE, Item=record(1)["dynamodb"]["NewImage"])

        assert replay("backfill", "--table", TABLE, "--all", "--dry-run", function=function) == 0

    assert function.batches == []
    assert "1 item scanned: 1 would be sent" in capsys.readouterr().out


def test_a_backfill_that_is_stopped_says_where_to_go_on_and_does(
    replay: Run,
    session: boto3.Session,
    capsys: Printed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("infra.replay.backfilling.PAGE", 1)
    stopped = ScriptedFunction(_stopping_at_the_second_call())
    resumed = ScriptedFunction()
    with _table(session) as dynamodb:
        for number in range(3):
            dynamodb.put_item(TableName=TABLE, Item=record(number)["dynamodb"]["NewImage"])

        arguments = ["backfill", "--table", TABLE, "--all", "--rate", "100000"]
        assert replay(*arguments, function=stopped) == 1
        told = capsys.readouterr().err
        key = told.split("--start-after '")[1].split("'")[0]
        assert replay(*arguments, "--start-after", key, function=resumed) == 0

    assert len(resumed.sent) == 2
    assert set(resumed.sent) & set(stopped.batches[0]) == set()


def _stopping_at_the_second_call() -> Answer:
    calls: list[None] = []

    def answer(records: list[dict[str, Any]]) -> Any:
        del records
        calls.append(None)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return None

    return answer


class _table:  # noqa: N801 - reads as a function: a context
    """A table with a stream, for one test."""

    def __init__(self, session: boto3.Session) -> None:
        self._client = session.client("dynamodb")

    def __enter__(self) -> Any:
        self._client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "request_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "request_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.delete_table(TableName=TABLE)
