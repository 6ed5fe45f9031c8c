"""Settings from a mapping's inputs: Lambda's defaults, and AWS's words for what it refuses."""

from typing import Any

import pytest

from infra.config import StartingPosition
from infra.local.mapping.settings import InvalidParameterValueError, MappingSettings
from tests.unit.infra.local.mapping.deliveries import FUNCTION_ARN, MAPPING_UUID, settings
from tests.unit.infra.local.mapping.scripted import STREAM_ARN


def refusal(**inputs: Any) -> str:
    with pytest.raises(InvalidParameterValueError) as refused:
        settings(**inputs)
    return str(refused.value)


def test_what_is_left_out_has_lambdas_defaults() -> None:
    """[V, M]"""
    assert settings() == MappingSettings(
        uuid=MAPPING_UUID,
        stream_arn=STREAM_ARN,
        function_arn=FUNCTION_ARN,
        starting_position=StartingPosition.TRIM_HORIZON,
        enabled=True,
        patterns=(),
        batch_size=100,
        maximum_batching_window_in_seconds=0,
        parallelization_factor=1,
        maximum_retry_attempts=-1,
        maximum_record_age_in_seconds=-1,
        bisect_batch_on_function_error=False,
        report_batch_item_failures=False,
        destination_arn=None,
    )


def test_every_input_is_read() -> None:
    read = settings(
        startingPosition="LATEST",
        enabled=False,
        filterCriteria={"filters": [{"pattern": '{"eventName":["INSERT"]}'}]},
        batchSize=7.0,
        maximumBatchingWindowInSeconds=8.0,
        parallelizationFactor=9.0,
        maximumRetryAttempts=10.0,
        maximumRecordAgeInSeconds=70.0,
        bisectBatchOnFunctionError=True,
        functionResponseTypes=["ReportBatchItemFailures"],
        destinationConfig={"onFailure": {"destinationArn": "arn:aws:s3:::failures"}},
        metricsConfig={"metrics": ["EventCount"]},
    )

    assert read == MappingSettings(
        uuid=MAPPING_UUID,
        stream_arn=STREAM_ARN,
        function_arn=FUNCTION_ARN,
        starting_position=StartingPosition.LATEST,
        enabled=False,
        patterns=('{"eventName":["INSERT"]}',),
        batch_size=7,
        maximum_batching_window_in_seconds=8,
        parallelization_factor=9,
        maximum_retry_attempts=10,
        maximum_record_age_in_seconds=70,
        bisect_batch_on_function_error=True,
        report_batch_item_failures=True,
        destination_arn="arn:aws:s3:::failures",
    )


def test_numbers_that_arrive_as_floats_are_whole_numbers() -> None:
    assert type(settings(batchSize=7.0).batch_size) is int


def test_a_function_name_is_one_of_the_streams_account_and_region() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:processor"

    assert settings(functionName="processor").function_arn == arn
    assert settings(functionName=arn).function_arn == arn


@pytest.mark.parametrize(
    "destination", [None, {}, {"onFailure": None}, {"onFailure": {"destinationArn": ""}}], ids=repr
)
def test_an_empty_destination_is_none(destination: object) -> None:
    """[D]: "" removes it."""
    assert settings(destinationConfig=destination).destination_arn is None


@pytest.mark.parametrize(
    ("name", "least", "greatest"),
    [
        ("batchSize", 1, 10_000),
        ("maximumBatchingWindowInSeconds", 0, 300),
        ("parallelizationFactor", 1, 10),
        ("maximumRetryAttempts", -1, 10_000),
        ("maximumRecordAgeInSeconds", -1, 604_800),
    ],
)
def test_numbers_out_of_the_api_models_range_are_refused(
    name: str, least: int, greatest: int
) -> None:
    """[M]"""
    settings(**{name: least})
    settings(**{name: greatest})

    assert refusal(**{name: least - 1}) == (
        f"1 validation error detected: Value '{least - 1}' at '{name}' failed to satisfy "
        f"constraint: Member must have value greater than or equal to {least}"
    )
    assert refusal(**{name: greatest + 1}) == (
        f"1 validation error detected: Value '{greatest + 1}' at '{name}' failed to satisfy "
        f"constraint: Member must have value less than or equal to {greatest}"
    )


@pytest.mark.parametrize("age", [0, 1, 59])
def test_a_record_age_under_a_minute_is_refused(age: int) -> None:
    """[3]: the API's own text."""
    assert refusal(maximumRecordAgeInSeconds=age) == (
        "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)"
    )
    assert settings(maximumRecordAgeInSeconds=60).maximum_record_age_in_seconds == 60


def code_of_refusal(**inputs: Any) -> str:
    with pytest.raises(InvalidParameterValueError) as refused:
        settings(**inputs)
    return refused.value.code


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"startingPosition": "EARLIEST"}, "ValidationException"),
        ({"batchSize": 0}, "ValidationException"),
        ({"functionResponseTypes": ["Bad"]}, "ValidationException"),
        ({"startingPosition": "EARLIEST", "eventSourceArn": None}, "ValidationException"),
        ({"startingPosition": None}, "InvalidParameterValueException"),
        ({"startingPosition": "AT_TIMESTAMP"}, "InvalidParameterValueException"),
        ({"eventSourceArn": None}, "InvalidParameterValueException"),
        ({"maximumRecordAgeInSeconds": 59}, "InvalidParameterValueException"),
        ({"filterCriteria": {"filters": [{"pattern": "x"}]}}, "InvalidParameterValueException"),
    ],
    ids=repr,
)
def test_a_refusal_has_aws_code(inputs: dict[str, Any], code: str) -> None:
    """[V, M]: what the API layer refuses is a ValidationException"""
    assert code_of_refusal(**inputs) == code


def test_a_starting_position_is_required() -> None:
    """[V]: with a full stop, unlike what the API layer says"""
    assert refusal(startingPosition=None) == (
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
        "constraint: Member must not be null."
    )


def test_a_timestamp_is_for_at_timestamp_only() -> None:
    """[V, S]"""
    assert refusal(startingPositionTimestamp=1_700_000_000.0) == (
        "Timestamp only valid with StartingPosition AT_TIMESTAMP"
    )


def test_of_a_missing_source_nothing_else_is_said() -> None:
    """[V]"""
    broken = {"startingPosition": None, "maximumRecordAgeInSeconds": 5}

    assert refusal(eventSourceArn=None, **broken) == "Unrecognized event source."


def test_on_success_is_not_for_event_source_mappings() -> None:
    """[S]"""
    assert refusal(destinationConfig={"onSuccess": {"destinationArn": "arn:aws:s3:::done"}}) == (
        "OnSuccess configuration is not supported for event source mappings."
    )


def test_at_timestamp_is_not_for_dynamodb() -> None:
    """[D]"""
    assert refusal(startingPosition="AT_TIMESTAMP") == (
        f"Unsupported starting position for arn type: {STREAM_ARN}"
    )


def test_an_unknown_starting_position_is_refused() -> None:
    """[M]"""
    assert refusal(startingPosition="EARLIEST") == (
        "1 validation error detected: Value 'EARLIEST' at 'startingPosition' failed to satisfy "
        "constraint: Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"
    )


def test_the_only_function_response_type_is_report_batch_item_failures() -> None:
    """[S]"""
    assert refusal(functionResponseTypes=["Bad"]) == (
        "1 validation error detected: Value '[Bad]' at 'functionResponseTypes' failed to satisfy "
        "constraint: Member must satisfy constraint: [Member must satisfy enum value set: "
        "[ReportBatchItemFailures], Member must not be null]"
    )


def test_a_source_that_is_no_dynamodb_stream_is_refused() -> None:
    assert refusal(eventSourceArn="arn:aws:sqs:us-east-1:123456789012:queue") == (
        "Unrecognized event source."
    )


@pytest.mark.parametrize("pattern", ["single-string", '[{"eventName": ["INSERT"=123}]', "{}"])
def test_a_malformed_filter_pattern_is_refused_in_lambdas_words(pattern: str) -> None:
    """[V]"""
    message = refusal(filterCriteria={"filters": [{"pattern": pattern}]})

    assert message.startswith("Invalid filter pattern definition.")


def test_all_that_is_wrong_is_said_at_once() -> None:
    message = refusal(batchSize=0, parallelizationFactor=11, maximumRecordAgeInSeconds=5)

    assert message.startswith("2 validation errors detected: ")
    assert "'batchSize'" in message
    assert "'parallelizationFactor'" in message
    assert "MaximumRecordAgeInSeconds must be either -1" in message


def test_tumbling_windows_are_refused_rather_than_ignored() -> None:
    assert "tumblingWindowInSeconds" in refusal(tumblingWindowInSeconds=30)
    assert settings(tumblingWindowInSeconds=0).batch_size == 100


@pytest.mark.parametrize("service", ["sqs", "sns"])
def test_a_destination_that_gets_no_payload_is_refused_rather_than_ignored(service: str) -> None:
    arn = f"arn:aws:{service}:us-east-1:123456789012:failures"

    assert arn in refusal(destinationConfig={"onFailure": {"destinationArn": arn}})
