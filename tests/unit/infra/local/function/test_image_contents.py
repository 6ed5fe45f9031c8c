"""What the handler finds in its image: its code as the build context has it, and packages."""

import importlib.metadata
from pathlib import Path

import pytest

from infra.local.function import image_contents
from infra.local.function.image_contents import (
    MissingPackageError,
    left_out,
    packages,
    task_root,
)
from infra.local.program.run import PROJECT
from tests.unit.infra.local.function.functions import invoke


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose build context lets Python and its requirements through."""
    context = tmp_path / "handler"
    (context / "inner").mkdir(parents=True)
    (context / "__pycache__").mkdir()
    (context / "Dockerfile").write_text("FROM scratch\n")
    (context / ".dockerignore").write_text("*\n!**/*.py\n!requirements.txt\n")
    (context / "requirements.txt").write_text("six==1.17.0 \\\n    --hash=sha256:00\n")
    for name in ("app.py", "inner/more.py", "prices.json", "inner/rates.csv"):
        (context / name).write_text(name)
    for name in ("__pycache__/app.cpython-313.pyc", ".DS_Store", "app.py~"):
        (context / name).write_text(name)
    return tmp_path


def below(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_the_function_finds_what_the_build_context_lets_through_and_no_more(project: Path) -> None:
    assert below(task_root(project)) == ["handler/app.py", "handler/inner/more.py"]


def test_a_file_that_the_context_leaves_out_is_named_but_not_what_tools_leave(
    project: Path,
) -> None:
    assert left_out(project / "handler") == ["inner/rates.csv", "prices.json"]


def test_of_this_projects_handler_no_module_is_left_out() -> None:
    """What else its user keeps beside them is theirs."""
    assert [name for name in left_out(PROJECT / "handler") if name.endswith(".py")] == []


def test_another_content_is_another_folder_and_the_same_the_same(project: Path) -> None:
    first = task_root(project)
    (project / "handler/prices.json").write_text("of no account")
    same = task_root(project)
    (project / "handler/app.py").write_text("new")
    changed = task_root(project)

    assert same == first
    assert changed != first
    assert (first / "handler/app.py").read_text() == "app.py"
    assert (changed / "handler/app.py").read_text() == "new"


def test_a_folder_without_a_build_context_is_there_as_it_is(tmp_path: Path) -> None:
    assert task_root(tmp_path) == tmp_path


def test_the_function_has_the_packages_of_its_requirements_and_of_aws(tmp_path: Path) -> None:
    code = """
        import aws_lambda_powertools, boto3, dateutil, six, urllib3
        import importlib.metadata, sys

        def handler(event, context):
            return importlib.metadata.version("boto3"), sys.argv[1:]
    """

    (invocation,) = invoke(tmp_path, code, {})

    assert invocation.response == [importlib.metadata.version("boto3"), ["function.handler"]]


@pytest.mark.parametrize("package", ["yaml", "pulumi", "moto", "rich", "pytest", "infra"])
def test_what_only_this_machine_has_cannot_be_imported(tmp_path: Path, package: str) -> None:
    # Of its own: this project's may have got any of them.
    (tmp_path / "handler").mkdir()
    (tmp_path / "handler/requirements.txt").write_text("aws-lambda-powertools==3.37.0\n")
    code = f"import {package}\ndef handler(event, context): pass"

    (invocation,) = invoke(tmp_path, code, {})

    assert invocation.error == {
        **(invocation.error or {}),
        "errorType": "Runtime.ImportModuleError",
        "errorMessage": f"Unable to import module 'function': No module named '{package}'",
    }


def test_a_requirement_of_the_project_is_there_and_others_of_ours_are_not(project: Path) -> None:
    names = {path.name for path in packages(project).iterdir()}

    assert {"six.py", "boto3", "awslambdaric"} <= names
    # Else it would be compiled at each start, where Python may write no bytecode.
    assert [*packages(project).glob("__pycache__/six.*.pyc")]
    assert not {"aws_lambda_powertools", "yaml", "pulumi"} & names


def test_a_requirement_that_is_not_installed_is_named_with_the_remedy(project: Path) -> None:
    (project / "handler/requirements.txt").write_text("nobody-has-this==1.0\n")

    with pytest.raises(MissingPackageError, match=r"nobody-has-this, .* run make lock"):
        packages(project)


def test_requirements_of_other_systems_are_passed_over(project: Path) -> None:
    (project / "handler/requirements.txt").write_text(
        "# written by make lock\n--only-binary :all:\n"
        'nobody-has-this==1.0 ; sys_platform == "win32"\nsix==1.17.0  # via dateutil\n'
    )

    assert packages(project).is_dir()


def test_a_folder_that_several_packages_share_gives_only_what_is_the_images(
    tmp_path: Path,
) -> None:
    for name in ("shared/ours/__init__.py", "shared/theirs/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    (tmp_path / "ours-1.dist-info").mkdir()
    (tmp_path / "ours-1.dist-info/RECORD").write_text(
        "shared/ours/__init__.py,,\nours-1.dist-info/RECORD,,\n../../bin/ours,,\n"
    )
    (tmp_path / "links").mkdir()
    ours = importlib.metadata.Distribution.at(tmp_path / "ours-1.dist-info")

    image_contents._link(ours, tmp_path / "links")

    assert sorted(path.name for path in (tmp_path / "links").iterdir()) == [
        "ours-1.dist-info",
        "shared",
    ]
    assert [path.name for path in (tmp_path / "links/shared").iterdir()] == ["ours"]
