"""Counting decides nothing: the handler's metrics and those of `process` beside each other."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from handler.counting import Counting
from handler.records import Request
from tests.unit.handler.events import batch, record
from tests.unit.handler.stubs import MARKER, run

SUCCESS: dict[str, list[str]] = {"batchItemFailures": []}


@pytest.fixture(autouse=True)
def shared_set() -> Iterator[None]:
    """`Metrics` has one set for the whole process: the tests leave it empty."""
    yield
    Metrics(namespace="Test").clear_default_dimensions()
    Metrics(namespace="Test").clear_metrics()


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metrics_of(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The metric lines by their namespace."""
    return {
        line["_aws"]["CloudWatchMetrics"][0]["Namespace"]: line for line in lines if "_aws" in line
    }


def test_what_process_counts_is_printed_at_the_end_of_the_batch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    metrics = Metrics(namespace="Orders", service="orders")

    def process(_: Request) -> None:
        metrics.add_metric(name="Ordered", unit=MetricUnit.Count, value=1)

    run(batch(record(1), record(2)), process)

    lines = printed(capsys)
    assert metrics_of(lines)["Orders"]["Ordered"] == [1.0, 1.0]
    assert len([line for line in lines if "_aws" in line]) == 2


def test_metrics_of_an_instance_that_is_made_for_the_record_are_printed_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def process(_: Request) -> None:
        metrics = Metrics(namespace="Orders", service="orders")
        metrics.add_metric(name="Ordered", unit=MetricUnit.Count, value=1)

    run(batch(record(1), record(2)), process)

    assert metrics_of(printed(capsys))["Orders"]["Ordered"] == [1.0, 1.0]


def test_the_handlers_metrics_have_nothing_of_the_users(
    capsys: pytest.CaptureFixture[str],
) -> None:
    metrics = Metrics(namespace="Orders", service="orders")

    def process(_: Request) -> None:
        metrics.set_default_dimensions(environment="demo")
        metrics.add_dimension("shop", "berlin")
        metrics.add_metadata("order", "1")
        metrics.add_metric(name="Ordered", unit=MetricUnit.Count, value=1)

    run(batch(record(1)), process)

    both = metrics_of(printed(capsys))
    assert set(both) == {"Orders", "Test"}
    assert set(both["Test"]) == {"_aws", "function_name", "service", "Processed"}
    assert both["Test"]["service"] == "test"
    assert set(both["Orders"]) >= {"environment", "shop", "order", "service", "Ordered"}


def test_nothing_of_the_users_is_printed_when_process_counts_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Metrics(namespace="Orders", service="orders")

    run(batch(record(1)), lambda _: None)

    assert set(metrics_of(printed(capsys))) == {"Test"}


def test_each_batch_has_its_own_counts(capsys: pytest.CaptureFixture[str]) -> None:
    counting = Counting(service="test", namespace="Test")

    for counts in (
        {"Processed": 2},
        {"Processed": 1, "Failed": 3, "Rejected": 0},
        {"Processed": 7},
    ):
        counting.publish(counts, function_name="processor")

    counted = [
        {name: line[name] for name in ("Processed", "Failed", "Rejected") if name in line}
        for line in printed(capsys)
    ]
    assert counted == [
        {"Processed": [2.0]},
        {"Processed": [1.0], "Failed": [3.0]},
        {"Processed": [7.0]},
    ]


def test_a_line_is_what_powertools_prints(capsys: pytest.CaptureFixture[str]) -> None:
    Counting(service="test", namespace="Test").publish({"Failed": 3}, function_name="processor")
    metrics = EphemeralMetrics(service="test", namespace="Test")
    metrics.add_dimension(name="function_name", value="processor")
    metrics.add_metric(name="Failed", unit=MetricUnit.Count, value=3)
    metrics.flush_metrics()

    ours, theirs = printed(capsys)

    assert abs(ours["_aws"].pop("Timestamp") - theirs["_aws"].pop("Timestamp")) < 60_000
    assert ours == theirs


def test_nothing_is_printed_where_metrics_are_turned_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")

    Counting(service="test", namespace="Test").publish({"Failed": 3}, function_name="processor")

    assert printed(capsys) == []


def test_metrics_that_cannot_be_serialised_are_dropped_with_one_warning(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics(namespace="Orders", service="orders")

    def process(request: Request) -> None:
        metrics.add_metadata("amount", Decimal(7) if request.request_id == "request-1" else 7)
        metrics.add_metric(name="Ordered", unit="Count", value=1)

    first, _ = run(batch(record(1)), process)
    second, _ = run(batch(record(2)), process)

    assert (first, second) == (SUCCESS, SUCCESS)
    assert caplog.messages == ["Metrics of process are dropped"]
    assert metrics_of(printed(capsys))["Orders"]["Ordered"] == [1.0]


@pytest.mark.parametrize("names", [1, 120])
def test_a_long_batch_of_metrics_that_cannot_be_serialised_fails_no_record(names: int) -> None:
    metrics = Metrics(namespace="Orders", service="orders")

    def process(request: Request) -> None:
        metrics.add_metadata("amount", Decimal(7))
        name = f"Ordered-{int(request.sequence_number) % names}"
        metrics.add_metric(name=name, unit="Count", value=1)

    response, _ = run(batch(*map(record, range(1, 251))), process)

    assert response == SUCCESS


@pytest.mark.parametrize("names", [1, 250])
def test_many_metrics_of_one_record_that_cannot_be_serialised_do_not_fail_it(names: int) -> None:
    metrics = Metrics(namespace="Orders", service="orders")

    def process(_: Request) -> None:
        metrics.add_metadata("amount", Decimal(7))
        for number in range(250):
            metrics.add_metric(name=f"Ordered-{number % names}", unit="Count", value=1)

    response, _ = run(batch(record(1)), process)

    assert response == SUCCESS


def test_no_metric_of_a_full_set_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics(namespace="Orders", service="orders")

    def process(_: Request) -> None:
        for _number in range(250):
            metrics.add_metric(name="Ordered", unit="Count", value=1)

    run(batch(record(1)), process)

    counted = [line["Ordered"] for line in printed(capsys) if "Ordered" in line]
    assert sum(map(sum, counted)) == 250


def test_a_batch_that_cannot_be_counted_is_answered_all_the_same(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(MARKER)

    monkeypatch.setattr("handler.counting.EphemeralMetrics", full)

    response, _ = run(batch(record(1)), lambda _: None)

    assert response == SUCCESS
    assert caplog.messages == ["The batch is not counted"]
