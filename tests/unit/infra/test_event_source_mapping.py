"""The event source mapping, and the rights that Lambda needs for it."""

import json

import pytest

from tests.plan import EVENT_SOURCE_MAPPING, plan_of

SETTINGS = {
    "enabled": False,
    "startingPosition": "TRIM_HORIZON",
    "batchSize": 7,
    "maximumBatchingWindowInSeconds": 11,
    "parallelizationFactor": 3,
    "maximumRetryAttempts": 9,
    "maximumRecordAgeInSeconds": 3600,
    "bisectBatchOnFunctionError": False,
}


def test_the_mapping_leads_from_the_tables_stream_to_the_function() -> None:
    plan = plan_of()

    mapping = plan.inputs_of(EVENT_SOURCE_MAPPING)
    assert mapping["eventSourceArn"] == plan.exports["streamArn"]
    assert mapping["functionName"] == plan.exports["functionArn"]


def test_by_default_only_inserts_reach_the_function() -> None:
    filters = plan_of().inputs_of(EVENT_SOURCE_MAPPING)["filterCriteria"]["filters"]

    assert filters == [{"pattern": '{"eventName":["INSERT"]}'}]


def test_the_stacks_own_filters_are_ored_and_each_for_the_contracts_events() -> None:
    big = {"dynamodb": {"NewImage": {"size": {"S": ["big"]}}}}
    odd = {"dynamodb": {"NewImage": {"odd": {"BOOL": [True]}}}}
    plan = plan_of({"eventSource": {"filters": [big, json.dumps(odd)]}})

    filters = plan.inputs_of(EVENT_SOURCE_MAPPING)["filterCriteria"]["filters"]
    patterns = [json.loads(each["pattern"]) for each in filters]
    assert sorted(patterns, key=json.dumps) == sorted(
        [{"eventName": ["INSERT"], **big}, {"eventName": ["INSERT"], **odd}], key=json.dumps
    )


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_mapping_is_sent_what_the_stack_sets(setting: str) -> None:
    plan = plan_of({"eventSource": SETTINGS})

    assert plan.inputs_of(EVENT_SOURCE_MAPPING)[setting] == SETTINGS[setting]


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_mapping_is_sent_every_setting_even_when_the_stack_has_none(setting: str) -> None:
    plan = plan_of({"eventSource": dict.fromkeys(SETTINGS)})

    assert setting in plan.inputs_of(EVENT_SOURCE_MAPPING)


def test_the_handler_names_what_failed_and_the_batch_ends_in_the_failure_bucket() -> None:
    plan = plan_of()

    mapping = plan.inputs_of(EVENT_SOURCE_MAPPING)
    bucket = f"arn:aws:s3:::{plan.exports['failureBucket']}"
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["destinationConfig"] == {"onFailure": {"destinationArn": bucket}}


def test_the_mapping_counts_events() -> None:
    mapping = plan_of().inputs_of(EVENT_SOURCE_MAPPING)

    assert mapping["metricsConfig"] == {"metrics": ["EventCount"]}


def test_the_mapping_waits_until_the_role_may_read_the_stream_and_reach_the_destination() -> None:
    mapping = plan_of().resource(EVENT_SOURCE_MAPPING)

    assert mapping.depends_on >= {"requests-mapping-stream", "requests-mapping-destination"}


def test_the_old_mapping_goes_before_a_new_one_comes() -> None:
    assert plan_of().resource(EVENT_SOURCE_MAPPING).delete_before_replace is True


def test_the_mapping_keeps_its_name_whatever_its_filter() -> None:
    filters = [{"dynamodb": {"NewImage": {"size": {"S": ["big"]}}}}]
    with_filter = plan_of({"eventSource": {"filters": filters}})

    assert with_filter.resource(EVENT_SOURCE_MAPPING).name == "requests-mapping"
    assert plan_of().resource(EVENT_SOURCE_MAPPING).name == "requests-mapping"


def test_lambda_may_read_this_stream_and_no_other() -> None:
    plan = plan_of()

    policy = plan.policy("requests-mapping-stream")
    assert set(policy["ReadTheStream"]["Action"]) == {
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
    }
    assert policy["ReadTheStream"]["Resource"] == plan.exports["streamArn"]


def test_listing_streams_is_the_only_right_on_all_of_them() -> None:
    policy = plan_of().policy("requests-mapping-stream")

    on_all = {sid: each["Action"] for sid, each in policy.items() if each["Resource"] == "*"}
    assert on_all == {"FindTheStream": ["dynamodb:ListStreams"]}


def test_the_development_stack_reads_as_the_article_does_and_misses_no_first_item() -> None:
    mapping = plan_of(stack="dev").inputs_of(EVENT_SOURCE_MAPPING)

    assert mapping["batchSize"] == 50
    # The article's LATEST would miss what is written before the new mapping polls.
    assert mapping["startingPosition"] == "TRIM_HORIZON"
    assert mapping["enabled"] is True


def test_the_production_stack_misses_nothing_and_leaves_time_to_act() -> None:
    mapping = plan_of(stack="prod").inputs_of(EVENT_SOURCE_MAPPING)

    assert mapping["startingPosition"] == "TRIM_HORIZON"
    assert mapping["bisectBatchOnFunctionError"] is True
    assert 0 < mapping["maximumRetryAttempts"] <= 10
    assert 3600 <= mapping["maximumRecordAgeInSeconds"] <= 12 * 3600
