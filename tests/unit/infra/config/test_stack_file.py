"""The stack files as they stand there: read, merged with what a caller gives, handed over."""

from pathlib import Path

import pytest

from infra.config.stack_file import (
    StackFileError,
    handed_over,
    merged,
    overridden,
    project_name,
    read,
    region_of,
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


def project(folder: Path, stack: str, declared: str = "") -> Path:
    (folder / "Pulumi.yaml").write_text(f"name: orders\nruntime: python\n{declared}")
    (folder / "Pulumi.dev.yaml").write_text(stack)
    return folder


def mistakes_of(folder: Path) -> list[str]:
    with pytest.raises(StackFileError) as refused:
        read(folder, "dev")
    return str(refused.value).splitlines()


def test_a_key_of_another_namespace_stays_what_it_is(tmp_path: Path) -> None:
    found = stack_values(
        project(tmp_path, "config: {table: {a: 1}, 'orders:tags': {b: c}, 'datadog:tags': {d: e}}"),
        "dev",
    )

    assert found == {
        "orders:table": {"a": 1},
        "orders:tags": {"b": "c"},
        "datadog:tags": {"d": "e"},
    }


def test_the_old_form_of_a_key_is_taken_too(tmp_path: Path) -> None:
    found = stack_values(project(tmp_path, "config: {'orders:config:table': 1}"), "dev")

    assert found == {"orders:table": 1}


def test_every_key_that_pulumi_would_refuse_is_named_at_once(tmp_path: Path) -> None:
    stack = "config: {'a:b:c': 1, 'orders:': 1, 'orders:x': 1, x: 2}"

    assert mistakes_of(project(tmp_path, stack)) == [
        "Pulumi.dev.yaml: a:b:c is no key: it must be like project:key, or the key alone",
        "Pulumi.dev.yaml: orders: is no key: it must be like project:key, or the key alone",
        "Pulumi.dev.yaml: orders:x is set twice, with the project's name and without",
    ]


OBJECT = "config: {table: {type: object, default: {}}}"


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ("", "nothing"),
        ("null", "nothing"),
        ('""', "nothing"),
        ("'{\"a\": 1}'", 'the string "{"a": 1}"'),
        ("[1]", "[1]"),
        ("{secure: v1:abc}", "a secret"),
    ],
)
def test_a_section_that_pulumi_would_refuse_by_its_type_is_refused_in_one_line(
    tmp_path: Path, given: str, got: str
) -> None:
    assert mistakes_of(project(tmp_path, f"config:\n  table: {given}\n", OBJECT)) == [
        (
            "Pulumi.dev.yaml: orders:table must be of type object, as Pulumi.yaml declares it, "
            f"got {got}: write its keys below it, or leave it out"
        )
    ]


@pytest.mark.parametrize("given", ['""', "'{}'"])
def test_where_pulumi_yaml_declares_no_type_a_section_may_be_a_string(
    tmp_path: Path, given: str
) -> None:
    assert "orders:table" in stack_values(project(tmp_path, f"config: {{table: {given}}}"), "dev")


@pytest.mark.parametrize(
    ("declared", "given", "is_taken"),
    [
        ("integer", "12", True),
        ("integer", "'12'", True),
        ("integer", "12.5", False),
        ("integer", "yes", False),
        ("boolean", "'true'", True),
        ("boolean", "yes", False),
        ("string", "12", True),
        ("string", "[1]", False),
        ("array", "[1]", True),
        ("array", "{}", False),
    ],
)
def test_a_value_is_of_the_type_that_pulumi_yaml_declares(
    tmp_path: Path, declared: str, given: str, *, is_taken: bool
) -> None:
    folder = project(tmp_path, f"config: {{x: {given}}}", f"config: {{x: {{type: {declared}}}}}")

    if is_taken:
        assert "orders:x" in stack_values(folder, "dev")
    else:
        assert len(mistakes_of(folder)) == 1


def test_the_defaults_of_pulumi_yaml_apply_where_the_stack_sets_nothing(tmp_path: Path) -> None:
    declared = "config: {a: {default: 1}, b: {default: 1}, 'aws:region': {value: eu-west-1}, c: d}"
    folder = project(tmp_path, "config: {b: 2}", declared)

    assert stack_values(folder, "dev") == {
        "orders:a": 1,
        "orders:b": 2,
        "aws:region": "eu-west-1",
        "orders:c": "d",
    }
    assert region_of(folder, "dev") == "eu-west-1"


def test_a_key_that_the_stack_must_set_is_missed(tmp_path: Path) -> None:
    folder = project(tmp_path, "config: {}", "config: {a: {type: string}}")

    assert mistakes_of(folder) == [
        "Pulumi.dev.yaml: orders:a is missing, and Pulumi.yaml has no default for it"
    ]
    assert read(folder, "dev", {"a": "b"}).values == {"orders:a": "b"}


def test_what_is_encrypted_is_a_placeholder_and_named_in_one_line(tmp_path: Path) -> None:
    stack = (
        "config: {tags: {Owner: {secure: v1:x}, Team: a}, list: [{secure: v1:y}], no: {secure: 5}}"
    )

    found = read(project(tmp_path, stack), "dev")

    assert found.values == {
        "orders:tags": {"Owner": "encrypted", "Team": "a"},
        "orders:list": ["encrypted"],
        "orders:no": {"secure": 5},
    }
    assert found.secrets == {"orders:tags", "orders:list"}
    assert found.notes == (
        (
            "Pulumi.dev.yaml: orders:tags.Owner, orders:list.0 are encrypted for Pulumi alone: "
            '"encrypted" stands for it here'
        ),
    )


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ("[aws/dev, other]", "the environment aws/dev, other of Pulumi Cloud (ESC)"),
        (
            "{imports: [aws/dev, {other: {}}]}",
            "the environment aws/dev, other of Pulumi Cloud (ESC)",
        ),
        ("{values: {pulumiConfig: {}}}", "the environment of Pulumi Cloud (ESC)"),
        # Pulumi hands over whatever it is.
        ("prod", "the environment of Pulumi Cloud (ESC)"),
        ("3", "the environment of Pulumi Cloud (ESC)"),
        ("{imports: prod}", "the environment of Pulumi Cloud (ESC)"),
    ],
)
def test_an_environment_of_pulumi_cloud_is_named_and_so_is_how_to_give_the_region(
    tmp_path: Path, environment: str, name: str
) -> None:
    declared = "config: {must: {type: string}}"
    folder = project(tmp_path, f"environment: {environment}\nconfig: {{a: 1}}\n", declared)

    (note,) = read(folder, "dev").notes

    assert (
        note
        == f"Pulumi.dev.yaml: {name} is not read here: give what it sets with --config KEY=VALUE"
    )
    with pytest.raises(StackFileError) as refused:
        region_of(folder, "dev", otherwise=", or name it so")
    assert str(refused.value) == (
        f"Pulumi.dev.yaml: aws:region is missing (perhaps {name} has it, which is not read here); "
        "it must be a region's name, or name it so"
    )
    assert region_of(folder, "dev", {"aws:region": "eu-west-1"}) == "eu-west-1"
    assert region_of(folder, "dev", named="eu-west-2") == "eu-west-2"


def test_an_encrypted_region_is_named_otherwise(tmp_path: Path) -> None:
    folder = project(tmp_path, "config: {'aws:region': {secure: v1:x}}")

    with pytest.raises(StackFileError) as refused:
        region_of(folder, "dev", otherwise=", or name it so")
    assert str(refused.value) == (
        "Pulumi.dev.yaml: aws:region is encrypted for Pulumi alone; "
        "it must be a region's name, or name it so"
    )
    assert region_of(folder, "dev", {"aws:region": "eu-west-1"}) == "eu-west-1"
    assert region_of(folder, "dev", named="eu-west-2") == "eu-west-2"
    assert read(folder, "dev").notes == ()


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_a_file_that_nests_too_deep_is_refused_in_one_line(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"Pulumi{suffix}").write_text('{"name": "orders"}')
    (tmp_path / f"Pulumi.dev{suffix}").write_text('{"config": ' + "[" * 99_999 + "]" * 99_999 + "}")

    with pytest.raises(StackFileError, match=rf"^Pulumi\.dev\{suffix}.* nests deeper than can be"):
        read(tmp_path, "dev")


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_the_stacks_files_have_the_ending_of_the_projects(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"Pulumi{suffix}").write_text('{"name": "orders", "runtime": "python"}')
    (tmp_path / f"Pulumi.eu.dev{suffix}").write_text('{"config": {"a": 1}}')

    assert stack_names(tmp_path) == ["eu.dev"]
    assert stack_values(tmp_path, "eu.dev") == {"orders:a": 1}


def test_a_stack_file_with_another_ending_is_not_read_and_that_is_said(tmp_path: Path) -> None:
    folder = project(tmp_path, "config: {}")
    (folder / "Pulumi.prod.yml").write_text("config: {}")

    with pytest.raises(
        StackFileError, match=r"does not read Pulumi\.prod\.yml beside Pulumi\.yaml"
    ):
        read(folder, "prod")


@pytest.mark.parametrize("place", ["stackConfigDir", "config"])
def test_the_stacks_files_may_lie_in_a_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: orders\nruntime: python\n{place}: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.dev.yaml").write_text("config: {a: 1}")

    assert stack_values(tmp_path, "dev") == {"orders:a": 1}


@pytest.mark.parametrize("content", ["[]", "config: []", "config: text"])
def test_a_stack_file_of_another_shape_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    (line,) = mistakes_of(project(tmp_path, content))

    assert "must be an object" in line


def test_a_mistake_in_the_yaml_is_one_line_with_its_place(tmp_path: Path) -> None:
    (line,) = mistakes_of(project(tmp_path, "config:\n  a: 1\n  a: 2\n"))

    assert line == 'Pulumi.dev.yaml cannot be read: line 3: mapping key "a" already defined'


def test_an_empty_stack_file_sets_nothing(tmp_path: Path) -> None:
    assert stack_values(project(tmp_path, ""), "dev") == {}
