"""A table that exists, end to end: written to, delivered from, filled from, and left alone."""

from pathlib import Path
from textwrap import dedent

import pytest
from rich.console import Console

from infra.local.report import resource_tree
from infra.replay.command import main as replay
from tests.integration.conftest import Deploy, item

PROGRAM = """
    import pulumi
    from infra.config.stack import StackConfig
    from infra.pipeline import RequestsPipeline

    pipeline = RequestsPipeline("requests", StackConfig.load(pulumi.Config()))
    pulumi.export("tableName", pipeline.table.name)
    pulumi.export("functionName", pipeline.function.name)
    pulumi.export("putItemCommand", pipeline.put_item_command)
"""


def test_a_table_that_exists_is_read_and_filled_from_and_left_alone(
    deploy: Deploy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "__main__.py").write_text(dedent(PROGRAM))
    (tmp_path / "Pulumi.yaml").write_text("name: requests-processor\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config:\n  aws:region: ap-northeast-1\n  requests-processor:table: {name: orders}\n"
    )

    with deploy(project=tmp_path) as deployment:
        assert deployment.outputs["tableName"] == "orders"
        assert "--table-name orders" in deployment.outputs["putItemCommand"]
        for key in ("order-1", "order-2", "order-2"):
            deployment.client("dynamodb").put_item(TableName="orders", Item=item(key))
        deployment.drain()
        processed = [line for line in deployment.log if '"Request done"' in line]
        for name, value in deployment.environment.items():
            monkeypatch.setenv(name, value)
        function = deployment.outputs["functionName"]
        code = replay(["backfill", "--all", "--yes", "--table", "orders", "--function", function])
        console = Console(width=200)
        console.print(resource_tree(deployment.resources, "stack dev"))

    printed = capsys.readouterr().out
    assert len(processed) == 2
    assert code == 0
    assert "2 items sent: 2 processed" in printed
    assert "(orders exists on AWS and stays as it is; made here by the contract)" in printed
