"""What a user adds to the pipeline: settings of `process`, permissions, resources, indexes."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.plan import FUNCTION, ROLE_POLICY, TABLE, Plan, plan_of

PROGRAM = """
    import dataclasses
    from enum import StrEnum
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
    assert variables["TOPIC_ARN"] == "arn:of-orders"
    assert variables["LIMIT"] == "7"
    assert "MODE" not in variables
    assert variables["REQUESTS_EVENTS"] == "INSERT"


def test_a_policy_is_one_more_of_the_functions_role_which_waits_for_it(tmp_path: Path) -> None:
    plan = planned(tmp_path, f'{FITTING}, policies={{"publish": allow("sns:Publish", topic.arn)}}')

    policy = json.loads(plan.inputs_of(ROLE_POLICY, "requests-processor-publish")["policy"])
    (statement,) = policy["Statement"]
    assert statement["Action"] == "sns:Publish"
    assert statement["Resource"] == "arn:of-orders"
    assert "requests-processor-publish" in plan.resource(FUNCTION).depends_on


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
    given = {"aws:sns/topic:Topic": {"arn": "arn:of-orders"}}
    return plan_of(project=folder, given=given, preview=preview)
