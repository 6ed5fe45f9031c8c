"""A program that refers to other stacks goes on: with what the project says of them, or made up."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from infra.local.program.run import run_program

PROGRAM = """
    import pulumi

    site = pulumi.StackReference("acme/site/prod")
    before = pulumi.StackReference("before", stack_name="organization/shop/dev")
    pulumi.export("vpc", site.require_output("vpcId"))
    pulumi.export("zone", site.get_output(pulumi.Output.from_input("zone")))
    pulumi.export("named", pulumi.Output.concat(site.outputs["bucket"], "/*"))
    pulumi.export("arn", site.outputs.apply(lambda found: found.get("arn")))
    pulumi.export("own", before.outputs.apply(lambda found: found.get("tableName", "none")))
"""


class Provider:
    """Knows one output of one stack."""

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        raise NotImplementedError

    def read(self, type_: str, name: str, id_: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
        del type_, name, state
        return {"name": id_, "outputs": {"vpcId": "vpc-1"} if "site" in id_ else {}}

    def component(self, inputs: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        raise NotImplementedError


def test_what_is_not_said_of_another_stack_is_made_up_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "__main__.py").write_text(dedent(PROGRAM))
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")

    exports = run_program("dev", {}, Provider(), project=tmp_path).exports

    assert exports == {
        "vpc": "vpc-1",
        "zone": "not-made-here",
        "named": "not-made-here/*",
        "arn": "not-made-here",
        "own": "none",
    }
    assert sorted(each.getMessage().split(" is ")[0] for each in caplog.records) == [
        f"{name} of stack acme/site/prod" for name in ("arn", "bucket", "zone")
    ]
    assert "tests/yours/stack-outputs.yaml can say it" in caplog.text
