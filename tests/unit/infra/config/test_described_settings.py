"""The descriptions for users say what the code does: each setting, once, with default and range."""

from typing import Any

import botocore.session
import pytest
import yaml

from infra.config.settings import DescribedSetting, declarations, described
from infra.config.stack import StackConfig
from tests.plan import PROJECT, PROJECT_NAME

SETTINGS = list(described(StackConfig))


def project_file() -> dict[str, Any]:
    """Pulumi.yaml."""
    return dict(yaml.safe_load((PROJECT / "Pulumi.yaml").read_text(encoding="utf-8")))


def in_project_file(setting: DescribedSetting) -> str:
    """How Pulumi.yaml describes a setting of a section."""
    name = setting.key.partition(".")[2]
    return (
        f"- {name}: {setting.help} Default {setting.default}; {setting.accepts}. "
        f"AWS: {setting.aws}."
    )


def in_readme(setting: DescribedSetting) -> str:
    """How README.md describes a setting."""
    return (
        f"| `{setting.key}` | {setting.default} | {setting.accepts} | {setting.aws} "
        f"| {setting.help} |"
    )


@pytest.mark.parametrize("section", [*declarations(StackConfig)], ids=lambda each: each.key)
def test_the_project_file_describes_exactly_the_settings_of_a_section(section: Any) -> None:
    lines = project_file()["config"][section.key]["description"].splitlines()

    expected = [
        in_project_file(each) for each in SETTINGS if each.key.startswith(f"{section.key}.")
    ]
    assert [line for line in lines if line.startswith("- ")] == expected


def test_the_project_file_has_every_section_and_requires_none() -> None:
    config = project_file()["config"]

    assert list(config) == [each.key for each in declarations(StackConfig)]
    # Pulumi refuses a stack that lacks a key without a default.
    assert all(each["type"] == "object" and each["default"] == {} for each in config.values())


def test_the_readme_describes_exactly_the_settings_there_are() -> None:
    lines = (PROJECT / "README.md").read_text(encoding="utf-8").splitlines()

    beginnings = tuple(f"| `{each.key}" for each in declarations(StackConfig))
    rows = [line for line in lines if line.startswith(beginnings)]
    assert rows == [in_readme(each) for each in SETTINGS]


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
