"""The stack's configuration: what it accepts, and what it says of what it does not."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.config import EventName, RequestsStream, StreamViewType
from infra.config import (
    Architecture,
    EventSourceConfig,
    FunctionConfig,
    ImageConfig,
    StartingPosition,
    StreamConfig,
    TableConfig,
)
from infra.config.declaration import InvalidSettingError, declarations, described
from infra.config.stack import ConfigError, StackConfig, handler_config
from tests.plan import handed_over, plan_of, stack_values

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def parse(**sections: object) -> StackConfig:
    """A configuration from nested values."""
    return StackConfig.parse(sections, namespace="requests-processor")


def mistakes(**sections: object) -> list[str]:
    """What is wrong with a configuration, line by line."""
    with pytest.raises(ConfigError) as caught:
        parse(**sections)
    heading, *lines = str(caught.value).splitlines()
    assert heading.startswith(f"{len(lines)} mistake")
    return [line.removeprefix("  - ") for line in lines]


def load(values: Mapping[str, str], secrets: tuple[str, ...] = ()) -> StackConfig:
    """A configuration from what Pulumi hands over."""
    pulumi.runtime.set_all_config(dict(values), list(secrets))
    return StackConfig.load(pulumi.Config("requests-processor"))


def test_an_empty_configuration_is_right() -> None:
    assert parse() == StackConfig()


def test_values_arrive_in_their_own_types() -> None:
    config = parse(
        function={"architecture": "x86_64", "subnetIds": [], "tracing": False},
        stream={"viewType": "NEW_AND_OLD_IMAGES", "events": ["INSERT", "REMOVE"]},
        eventSource={"startingPosition": "LATEST", "batchSize": 7},
        tags={"Owner": "payments"},
    )

    assert config.function.architecture is Architecture.X86_64
    assert config.function.tracing is False
    assert config.stream.view_type is StreamViewType.NEW_AND_OLD_IMAGES
    assert config.stream.events == (EventName.INSERT, EventName.REMOVE)
    assert config.event_source.starting_position is StartingPosition.LATEST
    assert config.event_source.batch_size == 7
    assert config.tags == {"Owner": "payments"}


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_section_that_is_there_but_empty_has_its_defaults(nothing: object) -> None:
    assert parse(table=nothing) == StackConfig()


def test_a_setting_without_a_value_has_its_default() -> None:
    assert parse(eventSource={"batchSize": None}) == StackConfig()


@pytest.mark.parametrize(
    ("section", "setting", "least", "greatest"),
    [
        ("image", "keep", 5, 1000),
        ("function", "memorySize", 128, 10_240),
        ("function", "timeout", 2, 900),
        ("function", "ephemeralStorage", 512, 10_240),
        ("function", "reservedConcurrency", 1, 10_000),
        ("eventSource", "filterQuota", 5, 10),
        ("eventSource", "batchSize", 1, 10_000),
        ("eventSource", "maximumBatchingWindowInSeconds", 0, 300),
        ("eventSource", "parallelizationFactor", 1, 10),
        ("eventSource", "maximumRetryAttempts", -1, 10_000),
        ("failures", "retentionDays", 1, 3650),
    ],
)
def test_a_number_is_taken_up_to_both_ends_of_its_range(
    section: str, setting: str, least: int, greatest: int
) -> None:
    parse(**{section: {setting: least}})
    parse(**{section: {setting: greatest}})

    outside = {setting: least - 1} if setting != "timeout" else {setting: 0}
    assert len(mistakes(**{section: outside})) == 1
    assert len(mistakes(**{section: {setting: greatest + 1}})) == 1


@pytest.mark.parametrize("age", [-1, 60, 604_800])
def test_a_record_age_is_forever_or_in_awss_range(age: int) -> None:
    config = parse(eventSource={"maximumRecordAgeInSeconds": age})

    assert config.event_source.maximum_record_age_in_seconds == age


@pytest.mark.parametrize("age", [-2, 0, 59, 604_801])
def test_any_other_record_age_is_refused_in_awss_words(age: int) -> None:
    (mistake,) = mistakes(eventSource={"maximumRecordAgeInSeconds": age})

    assert mistake == (
        "requests-processor:eventSource.maximumRecordAgeInSeconds must be either -1 (forever) "
        f"or between 60 and 604800 (inclusive), got {age}"
    )


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"eventSource": {"batchSize": 0}}, "must be between 1 and 10000 records, got 0"),
        ({"eventSource": {"batchSize": "50"}}, 'must be a whole number, got the string "50"'),
        ({"eventSource": {"batchSize": 50.5}}, "must be a whole number, got 50.5"),
        ({"eventSource": {"batchSize": True}}, "must be a whole number, got true"),
        ({"eventSource": {"enabled": "true"}}, 'must be true or false, got the string "true"'),
        ({"eventSource": {"enabled": 1}}, "must be true or false, got 1"),
        ({"eventSource": {"filters": {}}}, "must be a list, got an object"),
        (
            {"eventSource": {"startingPosition": "AT_TIMESTAMP"}},
            'must be one of TRIM_HORIZON, LATEST, got the string "AT_TIMESTAMP"',
        ),
        (
            {"eventSource": {"batchsize": 50}},
            "is unknown; did you mean batchSize?",
        ),
        ({"eventsource": {}}, "is unknown; did you mean eventSource?"),
        ({"failures": {"x": 1}}, "is unknown; known are retentionDays, forceDestroy"),
        ({"function": 5}, "must be an object, got 5"),
        ({"function": []}, "must be an object, got the list []"),
        (
            {"function": {"architecture": "arm"}},
            'must be one of x86_64, arm64, got the string "arm"',
        ),
        ({"function": {"subnetIds": "subnet-1"}}, "must be a list, each a subnet id (subnet-...)"),
        ({"function": {"logLevel": "TRACE"}}, "must be one of DEBUG, INFO, WARN, ERROR, FATAL"),
        ({"function": {"logRetentionDays": 31}}, "must be one of 1, 3, 5, 7, 14, 30, 60,"),
        ({"table": {"kmsKeyArn": "alias/mine"}}, "must be the ARN of a KMS key"),
        ({"table": {"ttlAttribute": ""}}, "must be an attribute name of 1 to 255 characters"),
        ({"image": {"repository": "Upper"}}, "must be the name of an ECR repository"),
        ({"image": {"digest": "sha256:12"}}, "must be sha256: and 64 hexadecimal digits"),
        ({"stream": {"events": "INSERT"}}, "must be a list, each one of INSERT, MODIFY, REMOVE"),
        (
            {"stream": {"events": ["INSERT", "CREATE"]}},
            'stream.events[1] must be one of INSERT, MODIFY, REMOVE, got the string "CREATE"',
        ),
        (
            {"function": {"subnetIds": ["subnet-12345678", "eni-1"]}},
            'function.subnetIds[1] must be a subnet id (subnet-...), got the string "eni-1"',
        ),
        ({"function": {"securityGroupIds": [5]}}, "function.securityGroupIds[0] must be a string"),
        ({"stream": {"viewType": "new_image"}}, "must be one of KEYS_ONLY, NEW_IMAGE, OLD_IMAGE,"),
        ({"tags": {"Cost": []}}, "tags.Cost must be a string, got the list []"),
        ({"tags": {"Cost": None}}, "tags.Cost must be a string, got nothing"),
        (
            {"tags": {"Cost": ["a", None, True]}},
            "tags.Cost must be a string, got the list [a, null, true]",
        ),
        ({"tags": []}, "tags must be an object, got the list []"),
        ({"tags": {"aws:owner": "me"}}, 'tags["aws:owner"] must have a name of 1 to 128 letters'),
        (
            {"tags": {"Owner": "you & me"}},
            "tags.Owner must be at most 256 letters, digits, spaces and",
        ),
        (
            {"tags": {f"t{i}": "" for i in range(49)}},
            "must be at most 48, because the stack adds 2",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_would(
    sections: Mapping[str, object], message: str
) -> None:
    found = mistakes(**sections)

    assert any(message in each for each in found), found


@pytest.mark.parametrize(
    ("sections", "key", "message"),
    [
        (
            {"stream": {"viewType": "KEYS_ONLY"}},
            "stream",
            "INSERT records carry no image under KEYS_ONLY",
        ),
        (
            {"stream": {"events": ["REMOVE"]}},
            "stream",
            "REMOVE records carry no image under NEW_IMAGE",
        ),
        ({"stream": {"events": []}}, "stream", "events must name at least one"),
        (
            {"function": {"subnetIds": ["subnet-12345678"]}},
            "function.securityGroupIds",
            "must be set too",
        ),
        (
            {"function": {"securityGroupIds": ["sg-12345678"]}},
            "function.subnetIds",
            "must be set too",
        ),
        (
            {"function": {"timeout": 1}},
            "function.minimumRemainingTimeInMillis",
            "must be less than the timeout (1 second)",
        ),
        (
            {
                "function": {"reservedConcurrency": 2},
                "eventSource": {"parallelizationFactor": 3},
            },
            "function.reservedConcurrency",
            "must be at least eventSource.parallelizationFactor (3)",
        ),
        ({"image": {"tag": "1.0"}}, "image.tag", "image.repository must be set too"),
        (
            {"image": {"ownRepository": False}},
            "image.ownRepository",
            "must be true, or image.repository must name",
        ),
        (
            {"table": {"serverSideEncryption": False, "kmsKeyArn": KEY}},
            "table.serverSideEncryption",
            "must be true with table.kmsKeyArn",
        ),
        ({"image": {"repository": "mine"}}, "image", "takes either tag or digest"),
        (
            {"image": {"repository": "mine", "tag": "1", "digest": "sha256:" + "0" * 64}},
            "image",
            "takes either tag or digest",
        ),
        (
            {"image": {"repository": "mine", "tag": "1", "baseImage": "python"}},
            "image.baseImage",
            "is for an image that is built",
        ),
        (
            {"table": {"ttlEnabled": True, "ttlAttribute": "request_id"}},
            "table.ttlAttribute",
            "must not be request_id",
        ),
        (
            {"eventSource": {"filters": [{"eventName": ["MODIFY"]}]}},
            "eventSource.filters[0].eventName",
            "INSERT",
        ),
        (
            {"eventSource": {"filters": [{}, {"dynamodb": {"OldImage": {"a": {"S": ["b"]}}}}]}},
            "eventSource.filters[1]",
            "OldImage",
        ),
    ],
)
def test_settings_that_make_no_sense_together_are_refused(
    sections: Mapping[str, object], key: str, message: str
) -> None:
    found = mistakes(**sections)

    assert any(
        each.startswith(f"requests-processor:{key}") and message in each for each in found
    ), found


def test_all_mistakes_are_said_at_once() -> None:
    found = mistakes(
        tabel={},
        eventSource={"batchSize": 0, "batchsize": 5},
        function={"subnetIds": ["subnet-12345678"], "memorySize": "1 GB"},
        image={"tag": "1.0"},
        stream={"viewType": "KEYS_ONLY"},
    )

    assert [each.split(" ", 1)[0] for each in found] == [
        "requests-processor:tabel",
        "requests-processor:eventSource.batchsize",
        "requests-processor:eventSource.batchSize",
        "requests-processor:function.memorySize",
        "requests-processor:image.tag",
        "requests-processor:stream",
    ]


@pytest.mark.parametrize(
    "sections",
    [
        # The timeout's default of 60 seconds would leave no room.
        {"function": {"timeout": "900", "minimumRemainingTimeInMillis": 90_000}},
        {"function": {"timout": 900, "minimumRemainingTimeInMillis": 90_000}},
        # Nor would a reserved concurrency of 1, with a factor that is not known.
        {"function": {"reservedConcurrency": 1}, "eventSource": {"parallelizationFactor": 11}},
        # NEW_IMAGE, the default, carries nothing of a REMOVE.
        {"stream": {"events": ["REMOVE"], "viewType": "OLDIMAGE"}},
        {
            "streem": {"viewType": "OLD_IMAGE"},
            "eventSource": {"filters": [{"eventName": ["REMOVE"]}]},
        },
        {
            "stream": {"viewType": "OLD_IMAGE", "event": ["REMOVE"]},
            "eventSource": {"filters": [{"eventName": ["REMOVE"]}]},
        },
        {"stream.events": "[]", "eventSource": {"filters": [{"eventName": ["REMOVE"]}]}},
    ],
)
def test_a_mistake_makes_no_second_one_of_what_is_not_known(sections: Mapping[str, object]) -> None:
    assert len(mistakes(**sections)) == 1


def test_a_section_whose_values_are_right_is_checked_beside_one_that_is_not() -> None:
    found = mistakes(
        eventSource={"batchSize": 0}, function={"timeout": 1}, image={"repository": "mine"}
    )

    assert [each.split(" ", 1)[0].partition(":")[2] for each in found] == [
        "eventSource.batchSize",
        "image",
        "function.minimumRemainingTimeInMillis",
    ]


@pytest.mark.parametrize(
    ("sections", "key", "got", "command"),
    [
        (
            {"image": {"repository": "r", "tag": 20240115}},
            "image.tag",
            "20240115",
            "image.tag 20240115",
        ),
        ({"tags": {"CostCenter": 1234}}, "tags.CostCenter", "1234", "tags.CostCenter 1234"),
        ({"tags": {"On": True}}, "tags.On", "true", "tags.On true"),
        ({"tags": {"a b": 1}}, 'tags["a b"]', "1", "'tags[\"a b\"]' 1"),
    ],
)
def test_a_number_in_place_of_a_string_is_refused_with_the_line_that_keeps_a_string(
    sections: Mapping[str, object], key: str, got: str, command: str
) -> None:
    (mistake,) = mistakes(**sections)

    assert mistake == (
        f"requests-processor:{key} must be a string, got {got}; "
        f"write: pulumi config set --path --type string {command}"
    )


@pytest.mark.parametrize(
    ("construct", "message"),
    [
        (
            lambda: EventSourceConfig(batch_size=0),
            "EventSourceConfig: batch_size must be between 1 and 10000 records, got 0",
        ),
        (lambda: EventSourceConfig(maximum_record_age_in_seconds=59), "must be either -1"),
        (lambda: FunctionConfig(log_retention_days=31), "must be one of 1, 3, 5"),
        (lambda: FunctionConfig(subnet_ids=("eni-1",)), r"subnet_ids\[0\] must be a subnet id"),
        (lambda: ImageConfig(keep=0), "keep must be between 5 and 1000 images"),
        (lambda: TableConfig(kms_key_arn="alias/mine"), "must be the ARN of a KMS key"),
        (lambda: StackConfig(tags={"aws:x": "y"}), "not beginning with aws:"),
        (
            lambda: dataclasses.replace(FunctionConfig(), timeout=0, memory_size=1),
            "memory_size must be .*; timeout must be",
        ),
    ],
)
def test_a_section_with_a_value_out_of_range_cannot_be_constructed(
    construct: Callable[[], object], message: str
) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        construct()


def test_a_configuration_that_contradicts_itself_cannot_be_constructed() -> None:
    with pytest.raises(ConfigError, match="INSERT records carry no image under KEYS_ONLY"):
        StackConfig(stream=StreamConfig(view_type=StreamViewType.KEYS_ONLY))


def test_what_follows_from_the_settings_is_there_once_they_are_right() -> None:
    config = StackConfig(stream=StreamConfig(events=(EventName.INSERT, EventName.MODIFY)))

    assert config.requests_stream.events == (EventName.INSERT, EventName.MODIFY)
    assert config.filter_patterns == ('{"eventName":["INSERT","MODIFY"]}',)


REMOVALS = RequestsStream(
    view_type=StreamViewType.OLD_IMAGE, events=(EventName.REMOVE,), entry_point="gone.handler"
)


@pytest.mark.parametrize("stream", [{}, {"stream": None}, {"stream": {"events": None}}])
def test_a_stack_that_sets_no_stream_has_the_contracts(stream: Mapping[str, object]) -> None:
    config = StackConfig.parse(stream, REMOVALS, namespace="requests-processor")

    assert config.requests_stream == REMOVALS
    assert config.filter_patterns == ('{"eventName":["REMOVE"]}',)


def test_a_stacks_stream_goes_before_the_contracts_setting_by_setting() -> None:
    config = StackConfig.parse(
        {"stream": {"viewType": "NEW_AND_OLD_IMAGES"}}, REMOVALS, namespace="requests-processor"
    )

    assert config.requests_stream == dataclasses.replace(
        REMOVALS, view_type=StreamViewType.NEW_AND_OLD_IMAGES
    )


def test_a_stream_that_lacks_what_the_contract_needs_is_one_mistake() -> None:
    needs_old = dataclasses.replace(REMOVALS, old=True)
    stream = {"viewType": "NEW_IMAGE", "events": ["MODIFY"]}

    with pytest.raises(ConfigError, match="MODIFY records carry no old image under NEW_IMAGE"):
        StackConfig.parse({"stream": stream}, needs_old, namespace="requests-processor")


def test_the_contract_is_no_setting() -> None:
    assert mistakes(contract={}) == [
        "requests-processor:contract is unknown; known are "
        + ", ".join(each.key for each in declarations(StackConfig))
    ]


def test_one_mistake_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^1 mistake in the stack's configuration:\n  - .*$"):
        parse(eventSource={"batchSize": 0})


def test_a_mistake_is_printed_by_pulumi_without_a_traceback() -> None:
    assert issubclass(ConfigError, pulumi.RunError)


def test_the_program_stops_before_the_first_resource() -> None:
    with pytest.raises(ConfigError):
        plan_of({"eventSource": {"batchSize": 0}})


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_both_stacks_load(stack: str) -> None:
    assert load(handed_over(stack_values(stack), {})) != StackConfig()


def test_what_a_number_may_have_lost_is_said_with_the_line_to_write() -> None:
    (mistake,) = mistakes(image={"repository": "orders", "tag": 1.1})

    assert mistake.endswith(
        "write: pulumi config set --path --type string image.tag 1.1 "
        "(or 1.10, if that is what was lost as a number)"
    )


def test_a_dotted_key_is_told_how_to_nest() -> None:
    with pytest.raises(ConfigError) as caught:
        load({"requests-processor:eventSource.batchSize": "50"})

    assert (
        "requests-processor:eventSource.batchSize is no key of its own; "
        "nest it: pulumi config set --path eventSource.batchSize" in str(caught.value)
    )


def test_a_section_of_a_project_that_was_renamed_is_not_passed_over() -> None:
    with pytest.raises(ConfigError) as caught:
        load({"old-name:eventSource": json.dumps({"batchSize": 50})})

    assert (
        "requests-processor:eventSource is set as old-name:eventSource, "
        "which this project does not read: rename it" in str(caught.value)
    )


def test_what_stands_under_another_programs_name_is_left_alone() -> None:
    given = {"datadog:tags": json.dumps({"a": "b"}), "datadog:apiKey": "x", "k8s:context": "y"}

    assert load(given) == StackConfig()


def test_what_is_named_of_another_partition_than_the_regions_is_a_mistake() -> None:
    boundary = "arn:aws:iam::123456789012:policy/limit"
    given = {
        "aws:region": "cn-north-1",
        "requests-processor:table": json.dumps({"kmsKeyArn": KEY}),
        "requests-processor:function": json.dumps({"permissionsBoundary": boundary}),
    }

    with pytest.raises(ConfigError) as caught:
        load(given)

    assert str(caught.value).splitlines()[1:] == [
        f"  - requests-processor:{key} must be of the partition of aws:region "
        f"(cn-north-1: aws-cn), got {arn}"
        for key, arn in (("table.kmsKeyArn", KEY), ("function.permissionsBoundary", boundary))
    ]
    load({**given, "aws:region": "eu-west-1"})


def test_a_region_that_is_not_known_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    load({"aws:region": "eu-wst-1"})

    assert "aws:region eu-wst-1 is no region that is known here" in capsys.readouterr().err


def test_what_is_no_name_of_a_region_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="aws:region must be a region's name such as"):
        load({"aws:region": "Tokyo"})


@pytest.mark.parametrize(
    ("monitoring", "is_told"),
    [
        ({}, False),
        ({"subscriptions": ["team@example.com"]}, True),
        ({"topicArn": "arn:aws:sns:eu-west-1:123456789012:on-call"}, True),
        ({"enabled": False}, True),
    ],
)
def test_alarms_that_nobody_hears_are_a_warning(
    monitoring: dict[str, object], is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    load({"requests-processor:monitoring": json.dumps(monitoring)})

    said = capsys.readouterr().err
    assert ("monitoring.subscriptions is empty, so nobody is told" in said) == (not is_told)


def test_a_topic_that_there_is_takes_no_subscriptions_from_here() -> None:
    given = {
        "topicArn": "arn:aws:sns:eu-west-1:123456789012:on-call",
        "subscriptions": ["team@example.com"],
    }

    with pytest.raises(ConfigError, match=r"monitoring\.subscriptions are of the stack's own"):
        load({"requests-processor:monitoring": json.dumps(given)})


def test_a_topic_of_another_region_hears_nothing_and_is_a_mistake() -> None:
    topic = json.dumps({"topicArn": "arn:aws:sns:eu-west-1:123456789012:on-call"})

    with pytest.raises(ConfigError, match=r"topicArn must be in aws:region \(eu-west-2\)"):
        load({"aws:region": "eu-west-2", "requests-processor:monitoring": topic})
    load({"aws:region": "eu-west-1", "requests-processor:monitoring": topic})


@pytest.mark.parametrize(
    "endpoint",
    ["team", "http://example.com/x", "arn:aws:s3:::bucket", "team@example", "+49 30 1234567"],
)
def test_what_sns_reaches_in_no_way_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="must be an e-mail address, an https URL"):
        load({"requests-processor:monitoring": json.dumps({"subscriptions": [endpoint]})})


def test_a_filter_that_another_makes_needless_is_a_warning_and_no_mistake(
    capsys: pytest.CaptureFixture[str],
) -> None:
    narrow = {"dynamodb": {"NewImage": {"request_id": {"S": ["new"]}}}}
    wide = {"dynamodb": {"NewImage": {"request_id": {"S": ["new", "old"]}}}}

    config = load(
        {
            "requests-processor:eventSource": json.dumps({"filters": [wide, narrow]}),
            "requests-processor:monitoring": json.dumps({"enabled": False}),
        }
    )

    assert len(config.filter_patterns) == 2
    assert capsys.readouterr().err == (
        "warning: requests-processor:eventSource.filters[1] is needless: "
        "filters[0] matches all it matches\n"
    )


def test_the_settings_of_providers_are_left_alone() -> None:
    values = {"aws:region": "eu-west-1", "docker:host": "ssh://builder", "pulumi:tags": "{}"}

    assert load(values) == StackConfig()


def test_a_tag_may_be_a_secret() -> None:
    values = {"requests-processor:tags": json.dumps({"Owner": "payments"})}

    assert load(values, secrets=("requests-processor:tags",)).are_tags_secret is True
    assert load(values).are_tags_secret is False


@pytest.mark.parametrize(
    "key",
    [
        *(f"requests-processor:{each.key}" for each in declarations(StackConfig)),
        "aws:defaultTags",
    ],
)
def test_a_secret_anywhere_else_is_one_mistake(key: str) -> None:
    if key == "requests-processor:tags":
        return
    with pytest.raises(ConfigError) as caught:
        load({key: "{}"}, secrets=(key,))

    assert str(caught.value).splitlines()[1:] == [
        (
            f"  - {key} holds a secret, which would stand in plain text in the state: "
            "only tags may hold one"
        )
    ]


@pytest.mark.parametrize("key", ["aws:secretKey", "docker:registryAuth", "other:thing"])
def test_the_secrets_of_others_are_theirs(key: str) -> None:
    assert load({key: "hush"}, secrets=(key,)) == StackConfig()


@pytest.mark.parametrize(
    ("tags", "default_tags", "message"),
    [
        pytest.param(
            {"project": "x"},
            {},
            "requests-processor:tags.project differs from the tag Project only in case",
            id="the stack's own",
        ),
        pytest.param(
            {"Owner": "a", "OWNER": "b"},
            {},
            "requests-processor:tags.OWNER differs from the tag Owner only in case",
            id="each other",
        ),
        pytest.param(
            {"Owner": "a"},
            {"owner": "b"},
            "aws:defaultTags.tags.owner differs from the tag Owner only in case",
            id="a default tag and a tag",
        ),
        pytest.param(
            {},
            {"STACK": "b"},
            "aws:defaultTags.tags.STACK differs from the tag Stack only in case",
            id="a default tag and the stack's own",
        ),
        pytest.param(
            {},
            {"Team": "a", "team": "b"},
            "aws:defaultTags.tags.team differs from the tag Team only in case",
            id="two default tags",
        ),
        pytest.param(
            {f"t{i}": "" for i in range(40)},
            {f"d{i}": "" for i in range(9)},
            "aws:defaultTags.tags must leave room for the stack's own: AWS takes 50 tags of a "
            "resource, and together there are 51",
            id="together too many",
        ),
        pytest.param(
            {},
            {"Owner": "you & me"},
            "aws:defaultTags.tags.Owner must be at most 256 letters, digits, spaces and",
            id="a default tag that AWS refuses",
        ),
        pytest.param(
            {"Owner": "a\tb"},
            {},
            "requests-processor:tags.Owner must be at most 256 letters, digits, spaces and",
            id="a control character in a value",
        ),
        pytest.param(
            {"Own\ner": "a"},
            {},
            "must have a name of 1 to 128 letters, digits, spaces and",
            id="a control character in a name",
        ),
    ],
)
def test_tags_that_a_service_would_refuse_are_one_mistake(
    tags: dict[str, str], default_tags: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(
            {
                "requests-processor:tags": json.dumps(tags),
                "aws:defaultTags": json.dumps({"tags": default_tags}),
            }
        )

    assert str(caught.value).startswith("1 mistake in")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("tags", "default_tags"),
    [
        pytest.param({"Project": "renamed"}, {"Project": "too"}, id="the same name"),
        pytest.param(
            {f"t{i}": "" for i in range(40)}, {f"t{i}": "" for i in range(45)}, id="shared names"
        ),
        pytest.param({"Kostenstelle Süd": "a + b"}, {}, id="letters of any language"),
    ],
)
def test_tags_that_every_service_takes_are_taken(
    tags: dict[str, str], default_tags: dict[str, str]
) -> None:
    config = load(
        {
            "requests-processor:tags": json.dumps(tags),
            "aws:defaultTags": json.dumps({"tags": default_tags}),
        }
    )

    assert config.tags == tags


def test_a_secret_value_that_does_not_fit_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        load(
            {"requests-processor:table": json.dumps({"kmsKeyArn": "hush"})},
            secrets=("requests-processor:table",),
        )

    assert "kmsKeyArn must be the ARN of a KMS key, got a secret" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_string_that_is_no_json_is_refused_as_a_string() -> None:
    with pytest.raises(
        ConfigError, match=r"table must be an object, got the string \"\{not json\""
    ):
        load({"requests-processor:table": "{not json"})


@given(
    st.dictionaries(
        st.sampled_from(
            [key for each in described(StackConfig) for key in each.key.split(".")] + ["", "x"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from([each.key.split(".")[-1] for each in described(StackConfig)])
                    | st.text(max_size=5),
                    inner,
                    max_size=5,
                )
            ),
            max_leaves=12,
        ),
        max_size=6,
    )
)
def test_whatever_stands_there_is_either_right_or_refused_with_a_message(
    sections: dict[str, Any],
) -> None:
    try:
        config = StackConfig.parse(sections, namespace="requests-processor")
    except ConfigError as error:
        said = str(error).splitlines()[1:]
    else:
        told = handler_config(config, service="s", failure_bucket="b", idempotency_table=None)
        said = [*told.to_environ()]

    assert said


def test_the_handler_is_told_what_the_stack_says_of_its_stream() -> None:
    config = parse(stream={"viewType": "OLD_IMAGE", "events": ["MODIFY", "REMOVE"]})

    told = handler_config(config, service="s", failure_bucket="b", idempotency_table=None)
    assert told.stream == config.requests_stream
    assert told.stream.events == (EventName.MODIFY, EventName.REMOVE)
