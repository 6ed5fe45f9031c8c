"""Dollars, reckoned by hand beside the model."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from infra.alarms.definitions import metric_alarms
from infra.capacity import listed as listed_module
from infra.capacity.cost import ALARM_METRICS, MONTH, Usage, monthly
from infra.capacity.listed import listed
from infra.config.stack import StackConfig
from infra.config.stack_settings import Architecture

USAGE = Usage(
    writes=1000.0,
    write_units=2,
    remembered=500.0,
    remembered_for=32 * 24 * 3600.0,
    processed=500.0,
    invocations=100.0,
    busy=10.0,
    memory_size=512,
    architecture=Architecture.ARM64,
    traced=True,
    is_monitored=True,
    has_topic=True,
)

FILE = Path(listed_module.__file__).with_name("listed.json")


def test_each_service_costs_what_its_units_cost() -> None:
    cost = monthly(USAGE)

    assert cost == pytest.approx(
        {
            "DynamoDB, the table's writes": 1000 * 2 * MONTH * 0.625 / 1e6,
            "DynamoDB, the memory of events": 2 * 500 * MONTH * 0.625 / 1e6
            + 500 * 32 * 24 * 3600 * 181 / 1e9 * 0.25,
            "Lambda, requests": 100 * MONTH * 0.20 / 1e6,
            "Lambda, duration": 10 * 0.5 * MONTH * 0.0000133334,
            "CloudWatch, logs": (500 * 240 + 100 * 720) * MONTH / 1e9 * 0.50,
            "CloudWatch, metrics and alarms": 4 * 0.30 + 13 * 0.10 + 0.50 + 3.00,
            "X-Ray": (1 + 99 * 0.05) * MONTH * 5 / 1e6,
            "KMS, the topic's key": 1.00,
        }
    )


def test_what_is_switched_off_costs_nothing() -> None:
    bare = replace(USAGE, remembered=0.0, traced=False, is_monitored=False, has_topic=False)

    cost = monthly(bare)

    assert cost["DynamoDB, the memory of events"] == 0
    assert cost["X-Ray"] == 0
    assert cost["KMS, the topic's key"] == 0
    assert cost["CloudWatch, metrics and alarms"] == pytest.approx(1.20)


def test_x86_costs_a_quarter_more() -> None:
    x86 = monthly(replace(USAGE, architecture=Architecture.X86_64))

    ratio = x86["Lambda, duration"] / monthly(USAGE)["Lambda, duration"]
    assert ratio == pytest.approx(1.25, abs=0.001)


def test_prices_and_quotas_have_a_date_and_sources() -> None:
    content = json.loads(FILE.read_text(encoding="utf-8"))

    assert date.fromisoformat(content["date"]) >= date(2025, 1, 1)
    assert all(
        re.match(r"https://(docs\.)?aws\.amazon\.com/", each)
        for each in content["sources"].values()
    )


def test_each_price_and_quota_is_used() -> None:
    code = "".join(each.read_text(encoding="utf-8") for each in FILE.parent.glob("*.py"))

    of_architecture = {f"lambda_gb_second_{each}" for each in Architecture}
    named = {*listed().prices, *listed().quotas} - of_architecture
    assert {name for name in named if f'"{name}"' not in code} == set()
    assert of_architecture <= set(listed().prices)


def test_as_many_metrics_have_alarms_as_are_paid_for() -> None:
    alarms = list(metric_alarms(StackConfig()))

    assert sum(len(each.readings) for each in alarms) == ALARM_METRICS
