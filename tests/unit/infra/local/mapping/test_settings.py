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
        batchSize=7,
        maximumBatchingWindowInSeconds=8,
        parallelizationFactor=9,
        maximumRetryAttempts=10,
        maximumRecordAgeInSeconds=70,
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


@pytest.mark.parametrize("qualifier", ["", ":$LATEST"])
def test_a_function_has_its_name_whatever_version_the_mapping_names(qualifier: str) -> None:
    assert settings(functionName=f"{FUNCTION_ARN}{qualifier}").function_name == "processor"


@pytest.mark.parametrize(
    "destination", [None, {}, {"onFailure": {}}, {"onFailure": {"destinationArn": ""}}], ids=repr
)
def test_an_empty_destination_is_none(destination: object) -> None:
    """[D]: "" removes it."""
    assert settings(destinationConfig=destination).destination_arn is None


@pytest.mark.parametrize("age", [0, 1, 59])
def test_a_record_age_under_a_minute_is_refused(age: int) -> None:
    """[3]: the API's own text."""
    assert refusal(maximumRecordAgeInSeconds=age) == (
        "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)"
    )
    assert settings(maximumRecordAgeInSeconds=60).maximum_record_age_in_seconds == 60


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


@pytest.mark.parametrize(
    "source", ["sqs:us-east-1:123456789012:queue", "dynamodb:a:123456789012:b"]
)
def test_a_source_that_is_no_dynamodb_stream_is_refused(source: str) -> None:
    assert refusal(eventSourceArn=f"arn:aws:{source}") == "Unrecognized event source."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("topics", ["topic"]),
        ("queues", ["queue"]),
        ("scalingConfig", {"maximumConcurrency": 2}),
        ("provisionedPollerConfig", {"minimumPollers": 1}),
        ("loggingConfig", {"systemLogLevel": "INFO"}),
    ],
)
def test_what_only_other_sources_have_is_refused(name: str, value: object) -> None:
    parameter = name[0].upper() + name[1:]

    assert refusal(**{name: value}) == (
        f"Unsupported {parameter} parameter for given event source mapping type."
    )


def test_more_filters_than_any_quota_allows_are_refused() -> None:
    def filters(number: int) -> dict[str, Any]:
        return {"filters": [{"pattern": '{"eventName":["INSERT"]}'}] * number}

    assert len(settings(filterCriteria=filters(10)).patterns) == 10
    assert (
        refusal(filterCriteria=filters(11)) == "FilterCriteria.Filters must be at most 10, got 11"
    )


@pytest.mark.parametrize("pattern", ["single-string", '[{"eventName": ["INSERT"=123}]', "{}"])
def test_a_malformed_filter_pattern_is_refused_in_lambdas_words(pattern: str) -> None:
    """[V]"""
    message = refusal(filterCriteria={"filters": [{"pattern": pattern}]})

    assert message.startswith("Invalid filter pattern definition.")


def test_tumbling_windows_are_refused_rather_than_ignored() -> None:
    assert "TumblingWindowInSeconds" in refusal(tumblingWindowInSeconds=30)
    assert settings(tumblingWindowInSeconds=0).batch_size == 100


@pytest.mark.parametrize(
    "destination",
    ["sqs:us-east-1:123456789012:failures", "sns:a:123456789012:b", "s3:::bucket/prefix"],
)
def test_a_destination_that_is_no_bucket_is_refused_rather_than_ignored(destination: str) -> None:
    arn = f"arn:aws:{destination}"

    assert arn in refusal(destinationConfig={"onFailure": {"destinationArn": arn}})
