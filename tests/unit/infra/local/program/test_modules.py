"""A program imports the packages of its own project, as in a process of its own."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import handler
from infra.local.program.run import run_program


class _NothingMade:
    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError(f"{type_} {name} {inputs}")

    def read(self, type_: str, name: str, id_: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
        del state
        return {**self.create(type_, name, {}), "id": id_}

    def component(self, inputs: Mapping[str, Any]) -> None:
        raise AssertionError(str(inputs))

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError(f"{token} {arguments}")


def test_a_program_imports_its_own_projects_packages_and_leaves_ours(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: orders\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (tmp_path / "handler").mkdir()
    (tmp_path / "handler" / "__init__.py").write_text("")
    (tmp_path / "handler" / "order.py").write_text("KEY = 'customer'\n")
    (tmp_path / "__main__.py").write_text(
        "import pulumi\nfrom handler import order\npulumi.export('key', order.KEY)\n"
    )
    before = dict(sys.modules)

    deployed = run_program("dev", {}, _NothingMade(), project=tmp_path)

    assert deployed.exports == {"key": "customer"}
    assert {name: sys.modules[name] for name in before} == before
    assert sys.modules["handler"] is handler
    assert "handler.order" not in sys.modules
    assert str(tmp_path) not in sys.path
