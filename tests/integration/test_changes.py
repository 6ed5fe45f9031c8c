"""A project is taken to be changed: each change that the guide names leaves everything green.

Each is made in a copy of this repository, where the commands of the Makefile then run: lint, types,
the tests of the user's own files, the demo. All other tests are green whatever stands in those
files, so they run once only, in a copy in which nothing of the user's can be read, and there each
with one example: what a test reads is a matter of its code. Changes that hide nothing of each other
are made together.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests import pages
from tests.project import FROZEN, PACKAGES, PROJECT

CHANGES: Final = PROJECT / "tests" / "changes"
"""The files that each change brings, where they stand in a project."""

NOT_COPIED: Final = (".git", ".venv", ".build", "__pycache__", ".*_cache", ".hypothesis", "changes")

# Memory: mypy runs once at a time.
pytestmark = pytest.mark.xdist_group("changes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is changed, by the rows of the guide's table that it is made after."""

    name: str
    rows: Sequence[str]
    folders: Sequence[str] = ()
    """Whose files are written."""
    section: tuple[str, str] | None = None
    """A page and a section of it, whose files are written."""
    texts: Mapping[str, str] = field(default_factory=dict)
    removed: Sequence[str] = ()
    project: str | None = None
    packages: Sequence[str] = ()
    """What the handler gets, of the packages that the infrastructure has."""
    demo: Sequence[str] = ("",)
    """The options of the demo, each time that it is run."""


VALUES: Final = "a stack's values, filters, events"
STACKS: Final = "a stack more, or less"
NAME: Final = "the project's name"
ITEM: Final = "another item, another `process`"
EVENTS: Final = "the events and images of every stack"
RESOURCES: Final = "resources, permissions, settings"
PACKAGE: Final = "a package of the handler"
SECOND: Final = "a second pipeline"
PAPERS: Final = "what this project says of itself"

NO_TESTS: Final = ["tests/yours/test_process.py"]

MADE: Final = (
    # Region, batch size, timeout, events, view type, Python; alarms in dev, no memory of events.
    Change(
        name="values-no-prod-stack",
        rows=[STACKS, VALUES],
        folders=["values"],
        removed=["Pulumi.prod.yaml"],
    ),
    # Packages with types and without.
    Change(
        name="name-third-stack-readme-packages",
        rows=[NAME, STACKS, VALUES, PAPERS, ITEM, PACKAGE],
        folders=["staging", "packages"],
        texts={"README.md": "# Orders\n\nAbout 3 dollars a month.\n", "LICENSE": "All mine.\n"},
        removed=["CHANGELOG.md", *NO_TESTS],
        project="orders",
        packages=["pyyaml", "sortedcontainers"],
    ),
    # And what is there already: the table, the image. In another partition.
    Change(
        name="no-dev-stack-batches",
        rows=[STACKS, VALUES, ITEM],
        folders=["existing", "batches"],
        removed=["Pulumi.dev.yaml"],
        demo=["--config aws:region=us-east-1"],
    ),
    # With a sort key, flat but for what it holds; a filter on one of its attributes.
    Change(name="item-filter", rows=[ITEM, VALUES], folders=["order", "filter"]),
    Change(
        name="removals-with-old-image",
        rows=[ITEM, EVENTS, RESOURCES, VALUES],
        section=("your-processing.md", "Expired items, archived"),
        removed=NO_TESTS,
    ),
    Change(
        name="changes-with-both-images",
        rows=[ITEM, EVENTS, RESOURCES, VALUES],
        section=("your-processing.md", "A status that changes, old beside new"),
        removed=NO_TESTS,
    ),
    # A client at module level.
    Change(name="own-table", rows=[ITEM, RESOURCES], folders=["own_table"]),
    Change(
        name="second-pipeline",
        rows=[SECOND],
        section=("several.md", ""),
        demo=["--pipeline requests", "--pipeline payments"],
    ),
)


@pytest.fixture(scope="module")
def as_it_came(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this repository, in which what its user has changed is as it came."""
    project = tmp_path_factory.mktemp("came") / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(*NOT_COPIED))
    for file in (*project.glob("Pulumi.*.yaml"), *(project / "tests/yours").glob("items.jsonl")):
        file.unlink()
    for package in PACKAGES:
        shutil.copytree(FROZEN / package, project / package, dirs_exist_ok=True)
    for file in FROZEN.glob("Pulumi.*.yaml"):
        shutil.copy(file, project)
    return project


@pytest.fixture(scope="module")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy knows of the packages, for one copy after the other."""
    cache = tmp_path_factory.mktemp("mypy") / "cache"
    if (PROJECT / ".mypy_cache").exists():
        shutil.copytree(PROJECT / ".mypy_cache", cache)
    return cache


def guide() -> dict[str, list[str]]:
    """Of each change that the guide names, its files, as patterns."""
    section = pages.sections("your-processing.md")["Which change is made where"]
    rows = re.findall(r"^\| (?!change|---)(.+?) \| (.+) \|$", section, re.MULTILINE)
    return {
        change: [pattern(file) for file in re.findall(r"`([^` ]+)`", files)]
        for change, files in rows
    }


def pattern(file: str) -> str:
    """`handler/<name>/` is any file below any folder."""
    literal = re.split(r"<.*?>", file.removesuffix("/"))
    return r"[\w-]+".join(map(re.escape, literal)) + ("/.+" if file.endswith("/") else "")


@pytest.mark.each_commit
def test_every_change_of_the_guide_is_made_here() -> None:
    assert {row for change in MADE for row in change.rows} == set(guide())


@pytest.mark.parametrize("change", MADE, ids=lambda change: change.name)
def test_a_change_of_the_users_files_leaves_everything_green(
    tmp_path: Path, as_it_came: Path, mypy_cache: Path, change: Change
) -> None:
    project = tmp_path / "a user's project"
    shutil.copytree(as_it_came, project)
    make_change(project, change)
    named = [file for row in change.rows for file in guide()[row]]

    assert unnamed(changed(as_it_came, project), named) == []
    use_this_environment(project)
    make(project, "lint", "types", MYPY_CACHE_DIR=str(mypy_cache))
    make(project, "test", "ARGS=--numprocesses 0 tests/yours")
    for options in change.demo:
        make(project, "demo", f"ARGS={options}")


def test_all_other_tests_are_green_whatever_the_users_files_say(
    tmp_path: Path, as_it_came: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(as_it_came, project)
    for file in users_files(project):
        file.write_text(UNREADABLE, encoding="utf-8")
    for package in PACKAGES:
        (project / package / "theirs").mkdir()
        (project / package / "theirs/__init__.py").write_text(UNREADABLE, encoding="utf-8")
    (project / "handler/notes.md").touch()
    leave_as_pulumi_new_does(project / "Pulumi.yaml", "my-project")
    add_package(project, "pyyaml")
    if (PROJECT.parent / "shared").exists():  # the cases that were recorded on AWS
        (tmp_path / "shared").symlink_to(PROJECT.parent / "shared")
    (project / "once.py").write_text(ONCE, encoding="utf-8")

    use_this_environment(project)
    once = "-p once --hypothesis-profile once"
    make(project, "test", f"ARGS=--numprocesses 0 {once} --ignore tests/yours")


def test_without_docs_or_workflows_what_is_said_of_them_is_not_tested(
    tmp_path: Path, as_it_came: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(as_it_came, project)
    for folder in ("docs", ".github"):
        shutil.rmtree(project / folder)
    about = [
        str(file.relative_to(project))
        for file in project.glob("tests/**/test_*.py")
        if re.search(r"docs/|pages|github", file.read_text(encoding="utf-8"))
    ]

    use_this_environment(project)
    make(project, "test", " ".join(["ARGS=--numprocesses 0", *about]))


ONCE: Final = '''
"""A plugin: one example of a property, of a test with parameters the first and those with files."""

import os.path
from pathlib import Path

from hypothesis import settings

settings.register_profile("once", max_examples=1, deadline=None, derandomize=True, database=None)


def pytest_collection_modifyitems(config, items):
    seen = set()
    left_out = [item for item in items if is_another(item, seen) and not names_a_file(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in {*left_out}]


def is_another(item, seen):
    test = item.nodeid.partition("[")[0]
    return test in seen or seen.add(test)


def names_a_file(item):
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return any(
        isinstance(each, Path) or (isinstance(each, str) and os.path.isfile(each))
        for each in values
    )
'''
"""What keeps the run of all other tests short."""

UNREADABLE: Final = """{[ raise SyntaxError("a test of the project itself reads its user's file")
"""
"""Neither Python nor YAML nor JSON."""


def users_files(project: Path) -> Iterator[Path]:
    """Those of which only the name is known, with some that a user may add."""
    for package in PACKAGES:
        yield from (project / package / file.name for file in (FROZEN / package).glob("*.py"))
    yield from project.glob("Pulumi.*.yaml")
    yield from (project / name for name in ("__main__.py", "README.md", "CHANGELOG.md", "LICENSE"))
    yield from (project / "Pulumi.theirs.yaml", project / "tests/yours/items.jsonl")


def make_change(project: Path, change: Change) -> None:
    for folder in change.folders:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHANGES / folder, project, ignore=ignored, dirs_exist_ok=True)
    if change.section:
        page, section = change.section
        pages.write(pages.files(pages.sections(page)[section]), project)
    for name, text in change.texts.items():
        (project / name).write_text(text, encoding="utf-8")
    for name in change.removed:
        (project / name).unlink()
    if change.project:
        leave_as_pulumi_new_does(project / "Pulumi.yaml", change.project)
    for package in change.packages:
        add_package(project, package)


def leave_as_pulumi_new_does(file: Path, name: str) -> None:
    """As seen with the CLI 3.274: another name, no template, and a tag among the settings."""
    replace(file, r"^name: .*", f"name: {name}")
    text, _, _ = file.read_text(encoding="utf-8").partition("template:\n")
    tags = "  pulumi:tags:\n    value:\n      pulumi:template: https://example.com/a-project\n"
    file.write_text(f"{text}{tags}", encoding="utf-8")


def add_package(project: Path, package: str) -> None:
    """As `make lock` does, which would ask the package index."""
    replace(project / "pyproject.toml", r"^handler = \[", f'handler = ["{package}", ')
    pinned = re.search(
        rf"^{package}==.*(?:\n    .*)+\n", (project / "requirements.txt").read_text(), re.MULTILINE
    )
    assert pinned
    with (project / "handler" / "requirements.txt").open("a", encoding="utf-8") as requirements:
        requirements.write(pinned[0])


def replace(file: Path, pattern: str, instead: str) -> None:
    text, count = re.subn(pattern, instead, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count == 1, pattern
    file.write_text(text, encoding="utf-8")


def changed(before: Path, after: Path) -> list[str]:
    """The files that are another, or there only before, or only after."""
    files = {
        str(file.relative_to(folder))
        for folder in (before, after)
        for file in folder.rglob("*")
        if file.is_file()
    }
    return sorted(name for name in files if content(before / name) != content(after / name))


def content(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None


def unnamed(files: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """The files that none of the patterns names."""
    return [file for file in files if not any(re.fullmatch(each, file) for each in patterns)]


def use_this_environment(project: Path) -> None:
    """As if it had been made in the project, and is newer than what it is made of."""
    (project / ".venv").mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != "installed":
            (project / ".venv" / entry.name).symlink_to(entry)
    (project / ".venv/installed").touch()
    os.utime(project / ".venv/installed", (2**32, 2**32))


NOT_INHERITED: Final = ("PYTEST_", "COV", "MAKE", "MFLAGS")
"""Of this run's own tools."""


def make(project: Path, *arguments: str, **environ: str) -> None:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)
    }
    done = subprocess.run(
        ["make", *arguments],  # noqa: S607 - the one that the user has
        cwd=project,
        env={**inherited, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"make {arguments}\n{done.stdout}{done.stderr}"
