"""Event source mappings through Lambda's API: made, read, listed, tagged, refused, deleted.

[V], [VS] and [S] as in stream-semantics.md: recorded on AWS. What an update means for records on
their way stands in `test_mapping_updates`.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from tests.processes import wait_until
from tests.unit.infra.local.lambda_api.conftest import EmbeddedLambda, is_gone, refusal

pytestmark = pytest.mark.slow  # they wait for functions and mappings

LAMBDA: Final = "arn:aws:lambda:ap-northeast-1:123456789012"
NOT_THERE: Final = "11111111-2222-4333-8444-555555555555"
NO_STREAM: Final = (
    "arn:aws:dynamodb:ap-northeast-1:123456789012:table/none/stream/2026-11-25T00:00:00.000"
)


def test_a_mapping_is_described_as_on_aws(lambda_: EmbeddedLambda) -> None:
    """[V]"""
    lambda_.create_function("one")
    stream = lambda_.create_table()
    created = lambda_.client.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="one", StartingPosition="LATEST"
    )
    uuid = created["UUID"]
    lambda_.become(uuid, "Enabled")
    found = lambda_.mapping(uuid)

    described = {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": stream,
        "EventSourceMappingArn": f"{LAMBDA}:event-source-mapping:{uuid}",
        "FunctionArn": f"{LAMBDA}:function:one",
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "LATEST",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
        "UUID": uuid,
    }
    assert without_time(created) == (202, {**described, "State": "Creating"})
    assert without_time(found) == (200, {**described, "State": "Enabled"})
    assert datetime.now(UTC) >= found["LastModified"] > created["LastModified"]


def without_time(answer: Any) -> tuple[int, dict[str, Any]]:
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    left_out = ("ResponseMetadata", "LastModified")
    return status, {key: each for key, each in answer.items() if key not in left_out}


@pytest.mark.parametrize(
    ("given", "described"),
    [
        ({"FilterCriteria": {}}, None),
        ({"FilterCriteria": {"Filters": []}}, None),
        ({"DestinationConfig": {}}, {"OnFailure": {}}),
        ({"DestinationConfig": {"OnFailure": {"Destination": ""}}}, {"OnFailure": {}}),
    ],
    ids=repr,
)
def test_what_is_empty_is_described_as_what_was_never_given(
    lambda_: EmbeddedLambda, given: dict[str, Any], described: object
) -> None:
    """[V]: the filters; [D]: an empty destination is none."""
    lambda_.create_function("one")
    uuid = lambda_.create_mapping(lambda_.create_table(), Enabled=False, **given)

    assert lambda_.mapping(uuid).get(*given) == described


def test_a_mapping_that_is_created_disabled_is_not_polled_for(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one")
    uuid = lambda_.create_mapping(lambda_.create_table(), Enabled=False)
    lambda_.become(uuid, "Disabled")
    lambda_.put("a")
    lambda_.aws.drain()

    assert lambda_.processed() == []
    lambda_.update(uuid, Enabled=True)
    lambda_.aws.drain()
    assert lambda_.processed() == ["a"]


def test_the_last_processing_result_is_what_became_of_the_last_batch(
    lambda_: EmbeddedLambda,
) -> None:
    """[S]"""
    fails = "def handler(event, context): raise ValueError"
    uuid = lambda_.pipe(MaximumRetryAttempts=0)
    before = lambda_.mapping(uuid)["LastProcessingResult"]
    lambda_.put("a")
    lambda_.aws.drain()
    processed = lambda_.mapping(uuid)["LastProcessingResult"]
    lambda_.client.update_function_code(FunctionName="one", ImageUri=lambda_.image("fails", fails))
    lambda_.put("b")
    lambda_.aws.drain()
    failed = lambda_.mapping(uuid)["LastProcessingResult"]
    lambda_.update(uuid, Enabled=False)

    assert (before, processed) == ("No records processed", "OK")
    assert failed == "PROBLEM: Function call failed"
    assert lambda_.mapping(uuid)["LastProcessingResult"] == failed


@pytest.mark.parametrize("call", ["get", "update", "delete"])
def test_a_mapping_that_is_not_there_is_not_found(lambda_: EmbeddedLambda, call: str) -> None:
    """[V]"""
    assert refusal(getattr(lambda_.client, f"{call}_event_source_mapping"), UUID=NOT_THERE) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
        404,
    )


def test_a_second_mapping_of_stream_and_function_is_a_conflict(lambda_: EmbeddedLambda) -> None:
    """[V]"""
    lambda_.create_function("one")
    lambda_.create_function("two")
    stream = lambda_.create_table()
    first = lambda_.create_mapping(stream)
    other = lambda_.create_mapping(stream, "two")
    lambda_.become(other, "Enabled")
    message = (
        f'The event source arn (" {stream} ") and function (" one ") provided mapping already '
        f"exists. Please update or delete the existing mapping with UUID {first}"
    )

    again = refusal(lambda_.create_mapping, stream=stream)
    by_arn = refusal(lambda_.create_mapping, stream=stream, function=f"{LAMBDA}:function:one")
    update = lambda_.client.update_event_source_mapping
    updated = refusal(update, UUID=other, FunctionName="one")

    assert again == by_arn == updated == ("ResourceConflictException", message, 409)
    assert lambda_.mapping(other)["FunctionArn"] == f"{LAMBDA}:function:two"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        (
            {"EventSourceArn": None},
            "InvalidParameterValueException",
            "Unrecognized event source.",
        ),
        (
            {"EventSourceArn": NO_STREAM},
            "InvalidParameterValueException",
            f"Stream not found: {NO_STREAM}",
        ),
        (
            {"EventSourceArn": "arn:aws:dynamodb:ap-northeast-1:123456789012:table/table"},
            "InvalidParameterValueException",
            "Unrecognized event source.",
        ),
        (
            {"ScalingConfig": {"MaximumConcurrency": 2}},
            "InvalidParameterValueException",
            "Unsupported ScalingConfig parameter for given event source mapping type.",
        ),
        ({"FunctionName": "none"}, "InvalidParameterValueException", "Function does not exist"),
        (
            {"FunctionName": "one:live"},
            "InvalidParameterValueException",
            "Function does not exist",
        ),
        (
            {"StartingPosition": None},
            "InvalidParameterValueException",
            (
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
                "constraint: Member must not be null."
            ),
        ),
        (
            {"StartingPosition": "EARLIEST"},
            "ValidationException",
            (
                "1 validation error detected: Value 'EARLIEST' at 'startingPosition' failed to "
                "satisfy constraint: Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, "
                "TRIM_HORIZON]"
            ),
        ),
        (
            {"StartingPositionTimestamp": datetime(2026, 11, 25, tzinfo=UTC)},
            "InvalidParameterValueException",
            "Timestamp only valid with StartingPosition AT_TIMESTAMP",
        ),
        (
            {"MaximumRecordAgeInSeconds": 59},
            "InvalidParameterValueException",
            (
                "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 "
                "(inclusive)"
            ),
        ),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": "single-string"}]}},
            "InvalidParameterValueException",
            "Invalid filter pattern definition.",
        ),
        (
            {"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:s3:::bucket"}}},
            "InvalidParameterValueException",
            "OnSuccess configuration is not supported for event source mappings.",
        ),
        (
            {"BatchSize": 10_001},
            "ValidationException",
            (
                "1 validation error detected: Value '10001' at 'batchSize' failed to satisfy "
                "constraint: Member must have value less than or equal to 10000"
            ),
        ),
        (
            {"ParallelizationFactor": 11},
            "ValidationException",
            (
                "1 validation error detected: Value '11' at 'parallelizationFactor' failed to "
                "satisfy constraint: Member must have value less than or equal to 10"
            ),
        ),
    ],
    ids=[
        "no source",
        "no stream",
        "table",
        "of queues",
        "no function",
        "no alias",
        "no position",
        "position",
        "timestamp",
        "age",
        "pattern",
        "OnSuccess",
        "batch size",
        "factor",
    ],
)
def test_what_lambda_refuses_of_a_mapping(
    shared: tuple[EmbeddedLambda, str], parameters: dict[str, Any], code: str, message: str
) -> None:
    """[V], [S], [M]: all but the alias, whose words are those of a missing function."""
    lambda_, stream = shared
    complete = {"EventSourceArn": stream, "FunctionName": "one", "StartingPosition": "LATEST"}
    given = {key: each for key, each in {**complete, **parameters}.items() if each is not None}

    refused = refusal(lambda_.client.create_event_source_mapping, **given)

    assert refused[0] == code
    assert refused[1].startswith(message)
    assert refused[2] == 400
    assert lambda_.client.list_event_source_mappings()["EventSourceMappings"] == []


@pytest.fixture
def shared(lambda_: EmbeddedLambda) -> tuple[EmbeddedLambda, str]:
    """With a function and a stream, and no mapping between."""
    lambda_.create_function("one")
    return lambda_, lambda_.create_table()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"FunctionName": "none"}, "Function does not exist"),
        ({"MaximumRecordAgeInSeconds": 1}, "MaximumRecordAgeInSeconds must be either -1"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "["}]}}, "Invalid filter pattern definition."),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::no-such-bucket"}}},
            "The function execution role does not have permissions to call PutObject on S3",
        ),
    ],
    ids=["function", "age", "pattern", "destination"],
)
def test_an_update_that_is_refused_changes_nothing(
    lambda_: EmbeddedLambda, parameters: dict[str, Any], words: str
) -> None:
    uuid = lambda_.pipe(BatchSize=3)
    before = without_time(lambda_.mapping(uuid))

    update = lambda_.client.update_event_source_mapping
    code, message, _ = refusal(update, UUID=uuid, BatchSize=4, **parameters)

    assert code == "InvalidParameterValueException"
    assert message.startswith(words)
    assert without_time(lambda_.mapping(uuid)) == before
    lambda_.put("a")
    lambda_.aws.drain()
    assert lambda_.processed() == ["a"]


def test_a_role_that_cannot_read_the_stream_gets_no_mapping(lambda_: EmbeddedLambda) -> None:
    """[S]"""
    lambda_.create_function("one", Role=lambda_.role("reads-nothing", "logs:*"))
    stream = lambda_.create_table()

    code, message, _ = refusal(lambda_.create_mapping, stream=stream)

    assert code == "InvalidParameterValueException"
    assert message.startswith(
        f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
    )


@pytest.mark.parametrize("form", ["one:$LATEST", f"{LAMBDA}:function:one:$LATEST"])
def test_a_mapping_keeps_the_version_that_it_was_created_with(
    lambda_: EmbeddedLambda, form: str
) -> None:
    """[VS]"""
    lambda_.create_function("one")
    uuid = lambda_.create_mapping(lambda_.create_table(), form)
    lambda_.put("a")
    lambda_.aws.drain()

    assert lambda_.mapping(uuid)["FunctionArn"] == f"{LAMBDA}:function:one:$LATEST"
    assert lambda_.processed() == ["a"]


def test_mappings_are_listed_by_stream_and_by_function(lambda_: EmbeddedLambda) -> None:
    """[V]: whether what the list is restricted to exists does not matter."""
    streams = [lambda_.create_table(name) for name in ("first", "second")]
    for function in ("one", "two"):
        lambda_.create_function(function)
    every = [
        lambda_.create_mapping(stream, function, Enabled=False)
        for stream in streams
        for function in ("one", "two")
    ]

    assert listed(lambda_) == every
    assert listed(lambda_, EventSourceArn=streams[0]) == every[:2]
    assert listed(lambda_, FunctionName="two") == every[1::2]
    assert listed(lambda_, FunctionName=f"{LAMBDA}:function:two") == every[1::2]
    assert listed(lambda_, FunctionName="one", EventSourceArn=streams[1]) == every[2:3]
    assert listed(lambda_, FunctionName="none") == []
    assert listed(lambda_, EventSourceArn=NO_STREAM) == []


def test_mappings_are_listed_page_by_page(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one")
    every = [
        lambda_.create_mapping(lambda_.create_table(f"table-{number}"), Enabled=False)
        for number in range(3)
    ]
    first = lambda_.client.list_event_source_mappings(MaxItems=2)
    second = lambda_.client.list_event_source_mappings(MaxItems=2, Marker=first["NextMarker"])

    for marker in ("nonsense", "-1", "²"):
        assert refusal(lambda_.client.list_event_source_mappings, Marker=marker) == (
            "InvalidParameterValueException",
            f"Marker must be the NextMarker of a list, got {marker!r}",
            400,
        )
    for number, limit in ((0, "greater than or equal to 1"), (10_001, "less than or equal to 10")):
        refused = refusal(lambda_.client.list_event_source_mappings, MaxItems=number)
        assert refused[0] == "ValidationException"
        assert f"Value '{number}' at 'maxItems'" in refused[1]
        assert limit in refused[1]
    beyond = lambda_.client.list_event_source_mappings(Marker="3")
    assert beyond["EventSourceMappings"] == []

    pages = [[each["UUID"] for each in page["EventSourceMappings"]] for page in (first, second)]
    assert pages == [every[:2], every[2:]]
    assert "NextMarker" not in second


def listed(lambda_: EmbeddedLambda, **restriction: Any) -> list[str]:
    found = lambda_.client.list_event_source_mappings(**restriction)
    return [each["UUID"] for each in found["EventSourceMappings"]]


def test_tags_of_a_mapping_are_added_changed_and_removed(lambda_: EmbeddedLambda) -> None:
    """[V]"""
    client = lambda_.client
    lambda_.create_function("one")
    stream = lambda_.create_table()
    uuid = lambda_.create_mapping(stream, Enabled=False, Tags={"a": "1", "b": "1"})
    arn = lambda_.mapping(uuid)["EventSourceMappingArn"]
    client.tag_resource(Resource=arn, Tags={"b": "2", "c": "2"})
    client.untag_resource(Resource=arn, TagKeys=["a", "none"])

    assert client.list_tags(Resource=arn)["Tags"] == {"b": "2", "c": "2"}
    missing = f"{LAMBDA}:event-source-mapping:{NOT_THERE}"
    for call in (
        lambda: client.list_tags(Resource=missing),
        lambda: client.tag_resource(Resource=missing, Tags={"a": "1"}),
        lambda: client.untag_resource(Resource=missing, TagKeys=["a"]),
    ):
        assert refusal(call)[:2] == (
            "ResourceNotFoundException",
            f"Event source mapping not found: {missing}",
        )


def test_a_deleted_mapping_is_gone_and_another_may_take_its_place(
    lambda_: EmbeddedLambda,
) -> None:
    """[V]"""
    uuid = lambda_.pipe()
    lambda_.put("a")
    lambda_.aws.drain()
    stream = lambda_.mapping(uuid)["EventSourceArn"]
    deleted = lambda_.client.delete_event_source_mapping(UUID=uuid)
    wait_until(lambda: is_gone(lambda_, uuid))

    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (deleted["State"], deleted["LastProcessingResult"]) == ("Deleting", "OK")
    again = lambda_.create_mapping(stream)
    lambda_.aws.drain()
    assert again != uuid
    assert lambda_.processed() == ["a", "a"]


def test_a_deleted_function_leaves_its_mapping_and_one_of_its_name_takes_it_over(
    lambda_: EmbeddedLambda,
) -> None:
    """[V]: the mapping stays. Its records wait, since a call that cannot be made is no attempt."""
    uuid = lambda_.pipe(MaximumRetryAttempts=0)
    role = lambda_.client.get_function_configuration(FunctionName="one")["Role"]
    lambda_.client.delete_function(FunctionName="one")
    lambda_.put("a")
    wait_until(lambda: lambda_.mapping(uuid)["LastProcessingResult"] != "No records processed")

    assert lambda_.mapping(uuid)["State"] == "Enabled"
    lambda_.create_function("one", Role=role)
    lambda_.aws.drain()
    assert lambda_.processed() == ["a"]


def test_a_mapping_whose_function_is_gone_can_be_deleted(lambda_: EmbeddedLambda) -> None:
    uuid = lambda_.pipe()
    lambda_.client.delete_function(FunctionName="one")
    lambda_.put("a")
    lambda_.client.delete_event_source_mapping(UUID=uuid)

    wait_until(lambda: is_gone(lambda_, uuid))


def test_the_events_of_a_mapping_are_its_functions_alone(lambda_: EmbeddedLambda) -> None:
    """Two functions on one stream, and one function on two streams: each gets all of its own."""
    for function in ("one", "two"):
        lambda_.create_function(function)
    first, second = lambda_.create_table("first"), lambda_.create_table("second")
    for stream, function in ((first, "one"), (first, "two"), (second, "one")):
        lambda_.create_mapping(stream, function)
    lambda_.put("a", "b", table="first")
    lambda_.put("c", table="second")
    lambda_.aws.drain()

    assert sorted(lambda_.processed("one")) == ["a", "b", "c"]
    assert lambda_.processed("two") == ["a", "b"]
    sources = {
        record["eventSourceARN"]
        for invocation in lambda_.aws.invocations
        for record in json.loads(json.dumps(invocation.event))["Records"]
    }
    assert sources == {first, second}
