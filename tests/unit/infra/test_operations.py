"""docs/operations.md and the alarms say the same."""

import re
from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests import pages
from tests.plan import COMPOSITE_ALARM, METRIC_ALARM, Plan, plan_of

TEXT: Final = pages.text("operations.md")
PREFIX: Final = "requests-monitoring-"


@pytest.fixture(scope="module")
def prod() -> Plan:
    return plan_of(stack="prod")


def sections() -> dict[str, str]:
    """The page's section of each alarm, by the alarm's name."""
    alarms = TEXT.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    _, *parts = re.split(r"^### ", alarms, flags=re.MULTILINE)
    return {part.splitlines()[0]: part for part in parts}


def test_every_alarm_has_a_section_and_every_section_an_alarm(prod: Plan) -> None:
    alarms = [*prod.of_type(METRIC_ALARM), *prod.of_type(COMPOSITE_ALARM)]

    assert sections().keys() == {each.name.removeprefix(PREFIX) for each in alarms}


@pytest.mark.parametrize("name", sections())
def test_a_section_says_meaning_first_look_remedy_and_rule(name: str) -> None:
    heads = re.findall(r"^\*\*(.+?)\.\*\*", sections()[name], flags=re.MULTILINE)

    assert heads == ["Means", "First look", "Remedy", "Rule"]


def test_a_rule_is_the_alarms_own(prod: Plan) -> None:
    for alarm in prod.of_type(METRIC_ALARM):
        rule = sections()[alarm.name.removeprefix(PREFIX)].partition("**Rule.**")[2]
        missing = [word for word in words(alarm.inputs) if word not in rule]
        assert missing == [], alarm.name


def words(alarm: Mapping[str, Any]) -> list[str]:
    """What the rule of an alarm has to name."""
    expressions = [
        each["expression"] for each in alarm.get("metricQueries", []) if "expression" in each
    ]
    named = [f"`{alarm['metricName']}`"] if "metricName" in alarm else []
    periods = alarm["evaluationPeriods"]
    times = [f"{alarm['datapointsToAlarm']} of {periods} minutes"] if periods > 1 else []
    return [*(_read_as(each) for each in expressions), *named, *times]


MISSING_DATA: Final = {
    "breaching": r"missing data is breaching",
    "ignore": r"missing data is ignored",
}
"""What a rule says of it; where it says nothing, it does not breach."""


def test_a_rule_says_how_missing_data_is_treated(prod: Plan) -> None:
    for alarm in prod.of_type(METRIC_ALARM):
        rule = sections()[alarm.name.removeprefix(PREFIX)].partition("**Rule.**")[2]
        treated = {key for key, words in MISSING_DATA.items() if words in rule}
        assert treated == {alarm.inputs["treatMissingData"]} - {"notBreaching"}, alarm.name


def _read_as(expression: str) -> str:
    return expression.replace("throttled", "WriteThrottleEvents")


def test_every_link_within_the_page_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", TEXT, flags=re.MULTILINE)
    places = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}

    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) - places == set()
