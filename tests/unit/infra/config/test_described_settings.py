"""The descriptions for users say what the code does: each setting, once, with default and range."""

from pathlib import Path
from typing import Any, Final

import botocore.session
import pytest
import yaml

from infra.config import documentation
from infra.config.declaration import declarations, described
from infra.config.stack import StackConfig
from tests.project import PROJECT


def project_file() -> dict[str, Any]:
    """Pulumi.yaml."""
    return dict(yaml.safe_load((PROJECT / "Pulumi.yaml").read_text(encoding="utf-8")))


def test_the_documentation_says_what_the_declarations_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = documentation.main(["--check"])

    assert (code, capsys.readouterr().err) == (0, "")


PAGE: Final = """# A page

<!-- settings: written by `make docs` from infra/config -->
<!-- end of the settings -->

More.
"""

PROJECT_FILE: Final = """name: orders
runtime: python
# settings: written by `make docs` from infra/config
config:
  gone:
    type: object
  pulumi:tags:
    value: {}
"""


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project as `pulumi new` leaves it, whose files have an empty block each."""
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/configuration.md"):
        (tmp_path / name).write_text(PAGE, encoding="utf-8")
    (tmp_path / "Pulumi.yaml").write_text(PROJECT_FILE, encoding="utf-8")
    monkeypatch.setattr(documentation, "PROJECT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["README.md", "docs/configuration.md", "Pulumi.yaml"])
def test_a_file_that_says_something_else_is_named_and_written_anew(
    name: str, pages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documentation.main([])
    changed = pages / name
    written = changed.read_text(encoding="utf-8")
    changed.write_text(written.replace("How long one batch may take", "How long it takes"))

    assert documentation.main(["--check"]) == 1
    assert capsys.readouterr().err.startswith(changed.name)
    assert documentation.main([]) == 0
    assert changed.read_text(encoding="utf-8") == written


def test_what_stands_around_the_settings_is_left_alone(pages: Path) -> None:
    documentation.main([])

    page = (pages / "README.md").read_text(encoding="utf-8")
    assert (page[:8], page[-7:]) == (PAGE[:8], PAGE[-7:])
    file = yaml.safe_load((pages / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert file["name"] == "orders"
    assert file["config"].pop("pulumi:tags") == {"value": {}}
    assert list(file["config"]) == [each.key for each in declarations(StackConfig)]


def test_a_page_of_the_users_own_is_left_alone(pages: Path) -> None:
    (pages / "README.md").write_text("# Orders\n", encoding="utf-8")
    (pages / "docs/configuration.md").unlink()

    assert documentation.main([]) == 0
    assert documentation.main(["--check"]) == 0
    assert (pages / "README.md").read_text(encoding="utf-8") == "# Orders\n"


def test_every_setting_is_described_with_its_default_its_range_and_its_name_at_aws(
    pages: Path,
) -> None:
    row = (
        "| `eventSource.batchSize` | 100 | between 1 and 10000 records | BatchSize "
        "| Most records of one invocation. |"
    )
    documentation.main([])
    lines = (pages / "docs/configuration.md").read_text(encoding="utf-8").splitlines()

    assert row in lines
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(list(described(StackConfig)))


def test_the_project_file_has_every_section_and_requires_none() -> None:
    config = {key: value for key, value in project_file()["config"].items() if ":" not in key}

    assert list(config) == [each.key for each in declarations(StackConfig)]
    # Pulumi refuses a stack that lacks a key without a default.
    assert all(each["type"] == "object" and each["default"] == {} for each in config.values())


def test_the_project_runs_in_the_environment_that_make_sets_up() -> None:
    runtime = project_file()["runtime"]

    assert runtime == {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}


def test_a_new_project_is_asked_for_what_has_no_default_in_the_program() -> None:
    asked = asked_for()

    assert asked.keys() == {"aws:region"}
    assert asked["aws:region"]["default"] in botocore.session.get_session().get_available_regions(
        "lambda"
    )


def asked_for() -> dict[str, Any]:
    """What `pulumi new` asks for; the new project no longer has it, and nobody is asked again."""
    of_a_template = {"config": {"aws:region": {"default": "ap-northeast-1"}}}
    asked: dict[str, Any] = project_file().get("template", of_a_template)["config"]
    return asked
