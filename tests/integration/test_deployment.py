"""A deployment is whole or not there, and an embedded AWS serves one after the other."""

import asyncio
import queue
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local import LocalDeployment
from infra.local.aws.emulator import Emulator, EmulatorError
from infra.local.function.lambda_function import FunctionInitError
from infra.local.mapping.delivery import DeliveryEvent
from infra.local.watching import Watcher
from tests.integration.conftest import Deploy, JournalledFunction, item, put
from tests.processes import PATIENCE

REGION = "ap-northeast-1"


@pytest.fixture
def local_runs() -> list[threading.Thread]:
    """The threads of deployments that another fixture may have open."""
    return running()


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "local-run"]


def test_the_second_deployment_in_an_embedded_aws_finds_nothing_of_the_first(
    deploy: Deploy, function: JournalledFunction
) -> None:
    with deploy(**function.deployed) as first:
        put(first, item("a"))
        first.drain()
    with deploy(**function.deployed) as second:
        put(second, item("b"))
        second.drain()
        rows = second.client("dynamodb").scan(TableName=second.outputs["tableName"])["Items"]

        assert rows == [item("b")]
        assert second.metrics["PolledEventCount"] == 1
        # Enforced again, although all was allowed while the second was deployed.
        with pytest.raises(ClientError, match="not authorized"):
            second.client("dynamodb", second.role_credentials).delete_item(
                TableName=second.outputs["tableName"], Key={"request_id": {"S": "b"}}
            )
        # Its users are gone, and their keys with them.
        with pytest.raises(ClientError, match="security token"):
            second.client("dynamodb", first.credentials).list_tables()
    assert function.keys == ["a", "b"]


def test_an_embedded_aws_holds_one_deployment_at_a_time(
    deploy: Deploy, function: JournalledFunction
) -> None:
    with deploy(**function.deployed) as up:
        with (
            pytest.raises(EmulatorError, match="still holds another deployment"),
            deploy(),
        ):
            pass
        put(up, item("a"))
        up.drain()

    assert function.keys == ["a"]


def test_an_embedded_aws_of_another_region_is_refused(deploy: Deploy) -> None:
    with (
        Emulator(region="eu-west-1") as elsewhere,
        pytest.raises(EmulatorError, match=r"of region ap-northeast-1 .* is of eu-west-1"),
        deploy(emulator=elsewhere),
    ):
        pass


def test_of_a_deployment_that_fails_nothing_is_left(
    deploy: Deploy, function: JournalledFunction, local_runs: list[threading.Thread]
) -> None:
    (function.folder / "function.py").write_text("import nowhere\n")
    with pytest.raises(FunctionInitError), deploy(**function.deployed):
        pass

    assert running() == local_runs
    with deploy() as up:
        assert up.outputs["tableName"]


def test_a_deployment_can_be_closed_before_its_block_ends(
    deploy: Deploy, function: JournalledFunction, local_runs: list[threading.Thread]
) -> None:
    with deploy(**function.deployed) as up:
        up.close()

        assert running() == local_runs
        with pytest.raises(RuntimeError, match="not running"):
            up.drain()


def test_what_ends_the_mapping_is_raised_to_who_waits_for_it(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def shard_ids(_: Any) -> list[str]:
        await asyncio.sleep(0)
        raise ZeroDivisionError("a fault of the local run's own")

    monkeypatch.setattr(
        "infra.local.mapping.stream_reader.DynamoDBStreamReader.shard_ids", shard_ids
    )

    with (
        pytest.raises(ExceptionGroup) as raised,
        deploy(),
    ):
        pass

    assert raised.group_contains(ZeroDivisionError, match="of the local run's own")


def test_a_drain_says_why_the_stream_cannot_be_read(
    deploy: Deploy, function: JournalledFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def records(*_: Any) -> Any:
        await asyncio.sleep(0)
        raise KeyError("an attribute named ''")

    with deploy(**function.deployed) as up:
        monkeypatch.setattr(
            "infra.local.mapping.stream_reader.DynamoDBStreamReader.records", records
        )
        with pytest.raises(TimeoutError, match=r"a stream cannot be read: KeyError.*attribute"):
            up.drain(timeout=3)


def test_a_drain_that_took_too_long_leaves_no_task_behind(
    deploy: Deploy, function: JournalledFunction
) -> None:
    function.fail_on("a")
    with deploy(**function.deployed) as up:
        tasks = number_of_tasks(up)
        put(up, item("a"))
        for _ in range(3):
            with pytest.raises(TimeoutError, match="still being delivered"):
                up.drain(timeout=0.1)
        up.pause()

        assert number_of_tasks(up) < tasks


def number_of_tasks(deployment: LocalDeployment) -> int:
    async def count() -> int:
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    return int(deployment._portal.call(count))


def test_who_watches_can_neither_stop_nor_hold_up_the_delivery(
    deploy: Deploy, function: JournalledFunction, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise TypeError("a report that expects another answer")

    watcher = Watcher(on_invocation=fail, on_log=fail, on_delivery=fail)
    with deploy(watcher=watcher, **function.deployed) as up:
        put(up, item("a"))
        up.drain()
        put(up, item("b"))
        up.drain()

    assert function.keys == ["a", "b"]
    assert "what watches the local run failed" in caplog.text


def test_a_reload_retries_at_once_what_is_waiting(
    deploy: Deploy, function: JournalledFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.mapping.delivery.FIRST_BACK_OFF", 60.0)
    waits: queue.SimpleQueue[DeliveryEvent] = queue.SimpleQueue()
    function.fail_on("a")
    with deploy(watcher=Watcher(on_delivery=waits.put), **function.deployed) as up:
        put(up, item("a"))
        waits.get(timeout=PATIENCE)
        function.fail_on()
        up.reload()
        up.drain(timeout=30)

    assert function.keys[-1] == "a"
