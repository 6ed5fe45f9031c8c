"""The stack files as they stand there: read, merged with what a caller gives, handed over."""

from pathlib import Path

import pytest

from infra.config.stack_file import (
    StackFileError,
    handed_over,
    merged,
    overridden,
    project_name,
    stack_names,
    stack_values,
)


def test_objects_are_merged_key_by_key_and_everything_else_is_replaced() -> None:
    values = {"a": {"b": 1, "c": [1]}, "d": 1}

    assert merged(values, {"a": {"c": [2]}, "d": {"e": 1}}) == {
        "a": {"b": 1, "c": [2]},
        "d": {"e": 1},
    }
    assert values == {"a": {"b": 1, "c": [1]}, "d": 1}


def test_what_a_caller_gives_is_merged_under_the_projects_name_at_every_depth() -> None:
    values = {"orders:a": {"b": {"c": 1, "d": 2}}, "aws:region": "eu-west-1"}

    assert overridden(values, {"a": {"b": {"c": 3}}}, "orders") == {
        "orders:a": {"b": {"c": 3, "d": 2}},
        "aws:region": "eu-west-1",
    }


def test_values_are_handed_over_as_strings_and_objects_as_json() -> None:
    assert handed_over({"a": "b", "c": 1, "d": {"e": [True]}}) == {
        "a": "b",
        "c": "1",
        "d": '{"e": [true]}',
    }


def test_a_stacks_name_may_have_a_dot(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: orders\n")
    (tmp_path / "Pulumi.eu.prod.yaml").write_text("config: {aws:region: eu-west-1}\n")

    assert stack_names(tmp_path) == ["eu.prod"]
    assert stack_values(tmp_path, "eu.prod") == {"aws:region": "eu-west-1"}


def test_a_key_without_a_namespace_is_the_projects_own(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: orders\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {table: {}, orders:tags: {}, aws:region: x}")

    assert stack_values(tmp_path, "dev") == {
        "orders:table": {},
        "orders:tags": {},
        "aws:region": "x",
    }


def test_a_stack_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: orders\n")
    (tmp_path / "Pulumi.here.yaml").write_text("config: [\n")

    with pytest.raises(StackFileError, match=r"Pulumi\.here\.yaml cannot be read"):
        stack_values(tmp_path, "here")


def test_a_folder_that_is_no_project_is_said(tmp_path: Path) -> None:
    with pytest.raises(StackFileError, match=r"Pulumi\.yaml cannot be read"):
        project_name(tmp_path)
