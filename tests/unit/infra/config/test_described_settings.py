"""The descriptions for users say what the code does: each setting, once, with default and range."""

import shutil
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml

from infra.config import documentation
from infra.config.declaration import declarations, described
from infra.config.stack import StackConfig
from tests.plan import PROJECT_NAME
from tests.project import PROJECT


def project_file() -> dict[str, Any]:
    """Pulumi.yaml."""
    return dict(yaml.safe_load((PROJECT / "Pulumi.yaml").read_text(encoding="utf-8")))


def test_the_documentation_says_what_the_declarations_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = documentation.main(["--check"])

    assert (code, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize("name", ["README.md", "docs/configuration.md", "Pulumi.yaml"])
def test_a_file_that_says_something_else_is_named_and_written_anew(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for path in documentation.documents(PROJECT):
        copy = tmp_path / path.relative_to(PROJECT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    changed = tmp_path / name
    changed.write_text(
        changed.read_text().replace("How long one batch may take", "How long it takes")
    )
    monkeypatch.setattr(documentation, "PROJECT", tmp_path)

    assert documentation.main(["--check"]) == 1
    assert capsys.readouterr().err.startswith(changed.name)
    assert documentation.main([]) == 0
    assert changed.read_bytes() == (PROJECT / name).read_bytes()


def test_every_setting_is_described_with_its_default_its_range_and_its_name_at_aws() -> None:
    row = (
        "| `eventSource.batchSize` | 100 | between 1 and 10000 records | BatchSize "
        "| Most records of one invocation. |"
    )
    lines = (PROJECT / "docs/configuration.md").read_text(encoding="utf-8").splitlines()

    assert row in lines
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(list(described(StackConfig)))


def test_the_project_file_has_every_section_and_requires_none() -> None:
    config = project_file()["config"]

    assert list(config) == [each.key for each in declarations(StackConfig)]
    # Pulumi refuses a stack that lacks a key without a default.
    assert all(each["type"] == "object" and each["default"] == {} for each in config.values())


def test_the_project_runs_in_the_environment_that_make_sets_up() -> None:
    runtime = project_file()["runtime"]

    assert runtime == {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}


def test_a_new_project_is_asked_for_what_has_no_default_in_the_program() -> None:
    asked = project_file()["template"]["config"]

    assert list(asked) == ["aws:region"]


def test_what_a_new_project_is_asked_for_exists_and_has_a_valid_default() -> None:
    asked = project_file()["template"]["config"]
    defaults = {key: each["default"] for key, each in asked.items()}

    region = defaults.pop("aws:region")

    assert region in botocore.session.get_session().get_available_regions("lambda")
    # Raises for a key that the program does not know, or a value that it refuses.
    StackConfig.parse(defaults, namespace=PROJECT_NAME)
