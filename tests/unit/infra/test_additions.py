"""What a user adds to the pipeline: settings of `process`, permissions, resources, indexes."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from infra.config.stack import ConfigError
from tests.plan import FUNCTION, ROLE_POLICY, TABLE, Plan, plan_of

PROGRAM = """
    import dataclasses
    from enum import StrEnum
    from typing import Optional
    import pulumi
    import pulumi_aws as aws
    from handler.config import NoSettings, RequestsStream
    from infra.additions import Additions, allow
    from infra.config.stack import StackConfig
    from infra.pipeline import RequestsPipeline

    class Mode(StrEnum):
        FAST = "fast"
        SAFE = "safe"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Settings:
        topic_arn: str
        limit: int = 5
        mode: Mode | None = None
        redacted: tuple[str, ...] = ("email",)
        prefix: Optional[str] = "orders/"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Unknown:
        ratio: float
        names: list[str]
        pair: tuple[int, int]

    def made(field):
        return dataclasses.make_dataclass("Made", [(field, str)])

    topic = aws.sns.Topic("orders")
    additions = Additions({additions})
    contract = RequestsStream(settings={settings})
    RequestsPipeline("requests", StackConfig.load(pulumi.Config(), contract), additions)
"""

FITTING = 'settings={"topic_arn": topic.arn, "limit": 7}'


def test_settings_reach_the_function_as_variables(tmp_path: Path) -> None:
    plan = planned(tmp_path, FITTING)

    variables = plan.inputs_of(FUNCTION)["environment"]["variables"]
    assert variables["TOPIC_ARN"] == "arn:aws:sns:ap-northeast-1:123456789012:orders"
    assert variables["LIMIT"] == "7"
    assert "MODE" not in variables
    assert variables["REQUESTS_EVENTS"] == "INSERT"


def test_a_setting_may_have_several_members(tmp_path: Path) -> None:
    plan = planned(tmp_path, 'settings={"topic_arn": "x", "redacted": ["email", "phone"]}')

    variables = plan.inputs_of(FUNCTION)["environment"]["variables"]
    assert variables["REDACTED"] == "email,phone"


@pytest.mark.parametrize(
    ("settings", "mistakes"),
    [
        ("Unknown", ["Unknown.ratio must be", "Unknown.names must be", "Unknown.pair must be"]),
        ("'Settings'", ["settings must be a dataclass, got 'Settings'"]),
        (
            "dataclasses.make_dataclass('Made', [('topic', 'Topic')])",
            ["Made: a hint cannot be resolved: name 'Topic' is not defined"],
        ),
    ],
)
def test_settings_that_no_variable_carries_are_refused_all_at_once(
    tmp_path: Path, settings: str, mistakes: list[str]
) -> None:
    with pytest.raises(ConfigError) as refused:
        planned(tmp_path, "", settings=settings, preview=True)

    for mistake in mistakes:
        assert mistake in str(refused.value)


def test_a_policy_is_one_more_of_the_functions_role_which_waits_for_it(tmp_path: Path) -> None:
    plan = planned(tmp_path, f'{FITTING}, policies={{"publish": allow("sns:Publish", topic.arn)}}')

    policy = json.loads(plan.inputs_of(ROLE_POLICY, "requests-processor-publish")["policy"])
    (statement,) = policy["Statement"]
    assert statement["Action"] == "sns:Publish"
    assert statement["Resource"] == "arn:aws:sns:ap-northeast-1:123456789012:orders"
    assert "requests-processor-publish" in plan.resource(FUNCTION).depends_on


def test_a_permission_may_be_on_several_resources(tmp_path: Path) -> None:
    allowed = 'allow("sns:Publish", [topic.arn, pulumi.Output.concat(topic.arn, "-2")])'
    plan = planned(tmp_path, f'{FITTING}, policies={{"publish": {allowed}}}')

    policy = json.loads(plan.inputs_of(ROLE_POLICY, "requests-processor-publish")["policy"])
    arn = "arn:aws:sns:ap-northeast-1:123456789012:orders"
    assert policy["Statement"][0]["Resource"] == [arn, f"{arn}-2"]


@pytest.mark.parametrize(
    "attribute",
    [
        'aws.dynamodb.TableAttributeArgs(name="payload", type="S")',
        '{"name": "payload", "type": "S"}',
    ],
)
def test_a_key_of_an_index_that_the_items_have_with_another_type_is_refused(
    tmp_path: Path, attribute: str
) -> None:
    with pytest.raises(ConfigError, match=r"payload is M in handler/request\.py, got S"):
        planned(tmp_path, f"{FITTING}, attributes=[{attribute}]", preview=True)


def test_an_index_is_the_tables(tmp_path: Path) -> None:
    plan = planned(
        tmp_path,
        f"""{FITTING},
        attributes=[aws.dynamodb.TableAttributeArgs(name="status", type="S")],
        global_secondary_indexes=[aws.dynamodb.TableGlobalSecondaryIndexArgs(
            name="by-status", projection_type="ALL",
            key_schemas=[aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(
                attribute_name="status", key_type="HASH")])]""",
    )

    table = plan.inputs_of(TABLE, "requests-table")
    assert {"name": "status", "type": "S"} in table["attributes"]
    assert table["globalSecondaryIndexes"] == [
        {
            "name": "by-status",
            "keySchemas": [{"attributeName": "status", "keyType": "HASH"}],
            "projectionType": "ALL",
        }
    ]


@pytest.mark.parametrize(
    ("additions", "mistake"),
    [
        ("", "settings.topic_arn is missing; __main__.py declares it"),
        (
            'settings={"topic_arn": "x", "limits": 1}',
            "settings.limits is not declared in __main__.py; did you mean limit?",
        ),
        (
            'settings={"topic_arn": "x", "redacted": ["a,b"]}',
            "settings.redacted has a member with a comma, which separates them: ['a,b']",
        ),
        (
            'settings={"topic_arn": "x", "redacted": [], "prefix": ""}',
            "settings.redacted is empty, and its default would be taken: ('email',)",
        ),
        (
            'settings={"topic_arn": "x", "redacted": [], "prefix": ""}',
            "settings.prefix is empty, and its default would be taken: 'orders/'",
        ),
        (
            'settings={"topic_arn": "x", "limit": "many"}',
            "LIMIT must be a whole number, got 'many'",
        ),
        (
            'settings={"topic_arn": "x", "mode": "slow"}',
            "MODE must be of fast, safe, got 'slow'",
        ),
        (f'{FITTING}, policies={{"logs": "{{}}"}}', "policies.logs is the name of a policy"),
        (
            'settings={"topic_arn": "x" * 4000}',
            "the largest is TOPIC_ARN: put it into a parameter",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_preview(
    tmp_path: Path, additions: str, mistake: str
) -> None:
    with pytest.raises(Exception, match="mistake") as caught:
        planned(tmp_path, additions, preview=True)

    assert mistake in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "field", "mistake"),
    [
        ("NoSettings", "anything", "settings.anything is not declared in handler/config.py"),
        ('made("aws_region")', "aws_region", "AWS_REGION, which Lambda or the pipeline sets"),
        ('made("requests_events")', "requests_events", "REQUESTS_EVENTS, which Lambda or the"),
    ],
)
def test_a_name_that_is_not_declared_or_not_free_is_refused(
    tmp_path: Path, settings: str, field: str, mistake: str
) -> None:
    with pytest.raises(Exception, match="mistake") as caught:
        planned(tmp_path, f'settings={{"{field}": "x"}}', settings=settings, preview=True)

    assert mistake in str(caught.value)


def test_a_setting_and_a_permission_may_be_made_of_the_table(tmp_path: Path) -> None:
    plan = planned(
        tmp_path,
        """settings={"topic_arn": lambda table: table.name},
        policies={"query": lambda table: allow(
            "dynamodb:Query", pulumi.Output.concat(table.arn, "/index/by-status"))}""",
        settings="Settings",
    )

    policy = json.loads(plan.inputs_of(ROLE_POLICY, "requests-processor-query")["policy"])
    assert plan.inputs_of(FUNCTION)["environment"]["variables"]["TOPIC_ARN"] == "requests-table"
    assert policy["Statement"][0]["Resource"].endswith(":table/requests-table/index/by-status")


def test_inputs_of_the_table_go_before_the_pipelines_own(tmp_path: Path) -> None:
    key = "arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    plan = planned(
        tmp_path,
        f"""{FITTING}, table=aws.dynamodb.TableArgs(
            billing_mode="PROVISIONED", read_capacity=5, write_capacity=5,
            table_class="STANDARD_INFREQUENT_ACCESS",
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=True, kms_key_arn="{key}"))""",
    )

    table = plan.inputs_of(TABLE, "requests-table")
    assert table["billingMode"] == "PROVISIONED"
    assert (table["readCapacity"], table["writeCapacity"]) == (5, 5)
    assert table["tableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert table["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": key}
    assert table["hashKey"] == "request_id"
    assert table["pointInTimeRecovery"] == {"enabled": True}


@pytest.mark.parametrize(
    ("inputs", "said_by"),
    [
        ('hash_key="id"', "the items' type"),
        ('range_key="at"', "the items' type"),
        ("stream_enabled=False", "the contract"),
        ('stream_view_type="KEYS_ONLY"', "the contract, or the setting stream.viewType"),
        ("deletion_protection_enabled=False", "the setting table.deletionProtection"),
        (
            'ttl=aws.dynamodb.TableTtlArgs(attribute_name="a", enabled=True)',
            "the settings table.ttlEnabled and table.ttlAttribute",
        ),
        ('tags={"a": "b"}', "the setting tags"),
        ("attributes=[]", "Additions.attributes, for the keys of indexes"),
    ],
)
def test_an_input_that_would_break_the_pipeline_is_refused(
    tmp_path: Path, inputs: str, said_by: str
) -> None:
    name = inputs.partition("=")[0]

    with pytest.raises(Exception, match="1 mistake") as caught:
        planned(tmp_path, f"{FITTING}, table=aws.dynamodb.TableArgs({inputs})", preview=True)

    assert f"table.{name} is no addition: it is said by {said_by}" in str(caught.value)


def test_resources_beside_the_pipeline_have_its_table(tmp_path: Path) -> None:
    plan = planned(
        tmp_path,
        f"""{FITTING}, beside=lambda pipeline: aws.dynamodb.ContributorInsights(
            "insights", table_name=pipeline.table.name)""",
    )

    insights = plan.inputs_of("aws:dynamodb/contributorInsights:ContributorInsights")
    assert insights["tableName"] == "requests-table"


def test_a_secret_setting_stays_one(tmp_path: Path) -> None:
    plan = planned(tmp_path, 'settings={"topic_arn": pulumi.Output.secret("x")}')

    assert "environment" in plan.resource(FUNCTION).secrets


def planned(
    folder: Path, additions: str, *, settings: str = "Settings", preview: bool = False
) -> Plan:
    program = dedent(PROGRAM).replace("{additions}", additions).replace("{settings}", settings)
    (folder / "__main__.py").write_text(program, encoding="utf-8")
    (folder / "Pulumi.yaml").write_text("name: requests-processor\n", encoding="utf-8")
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n  aws:region: ap-northeast-1\n", encoding="utf-8"
    )
    given = {"aws:sns/topic:Topic": {"arn": "arn:aws:sns:ap-northeast-1:123456789012:orders"}}
    return plan_of(project=folder, given=given, preview=preview)
