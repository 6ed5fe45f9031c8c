"""The workflows: valid, pinned, least privileged; and what a change must pass."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import PROJECT
from tests.unit.workflows.workflow_files import (
    ACTIONS,
    GITHUB,
    WORKFLOWS,
    job,
    jobs,
    set_up,
    step_using,
    workflow,
)

EXECUTABLES = Path(sys.executable).parent


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [EXECUTABLES / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def uses_lines() -> list[str]:
    return [
        line.strip().removeprefix("- ")
        for path in [*WORKFLOWS, *ACTIONS]
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(- )?uses:", line)
    ]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", ACTIONS),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
    ],
)
def test_files_are_valid_against_githubs_published_schemas(schema: str, files: list[Path]) -> None:
    result = run("check-jsonschema", "--builtin-schema", schema, *files)

    assert files
    assert result.returncode == 0, result.stdout


def test_the_security_linter_finds_nothing_and_is_told_to_ignore_nothing() -> None:
    strict = ["--offline", "--pedantic", "--strict-collection", "--no-ignores", "--no-config"]

    result = run("zizmor", *strict, "--no-progress", *WORKFLOWS, *ACTIONS)

    assert result.returncode == 0, result.stdout
    assert all(f"completed {path}" in result.stderr for path in [*WORKFLOWS, *ACTIONS])


@pytest.mark.parametrize("line", uses_lines())
def test_an_action_is_pinned_by_its_commit_with_the_version_beside_it(line: str) -> None:
    own = re.fullmatch(r"uses: \$/\.github/[a-z/-]+(\.yml)?", line)
    pinned = re.fullmatch(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)

    assert own or pinned


def test_one_version_of_an_action_is_used_throughout() -> None:
    third_party = {line for line in uses_lines() if "@" in line}

    assert len({line.split("@")[0] for line in third_party}) == len(third_party)


@pytest.mark.parametrize("name", [path.stem for path in WORKFLOWS])
def test_a_workflow_grants_nothing_to_jobs_that_do_not_ask(name: str) -> None:
    assert workflow(name)["permissions"] == {}


@pytest.mark.parametrize(("name", "job_id"), jobs())
def test_a_job_asks_for_no_more_than_it_needs(name: str, job_id: str) -> None:
    needs = {"contents": "read"}
    if job_id in {"preview", "dev", "others", "prod", "update"}:
        needs["id-token"] = "write"
    if job_id == "preview":
        needs["pull-requests"] = "write"

    assert job(name, job_id)["permissions"] == needs


def test_nothing_runs_with_this_repositorys_rights_on_a_strangers_event() -> None:
    events = {path.stem: set(workflow(path.stem)["on"]) for path in WORKFLOWS}

    assert events == {
        "test": {"pull_request", "push"},
        "preview": {"pull_request"},
        "deploy": {"push"},
        "update": {"workflow_call"},
    }


def test_no_checkout_leaves_its_token_behind() -> None:
    checkouts = [
        step
        for name, job_id in jobs()
        for step in job(name, job_id).get("steps", [])
        if step.get("uses", "").startswith("actions/checkout@")
    ]

    assert len(checkouts) == 6
    assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_the_tests_run_on_every_supported_python() -> None:
    test = job("test", "test")
    python = step_using(test["steps"], "actions/setup-python")

    assert test["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert python["with"]["python-version"] == "${{ matrix.python }}"
    assert [step["run"] for step in test["steps"] if "run" in step] == [".ci/run"]


def test_the_command_that_a_change_must_pass_lints_checks_types_and_tests() -> None:
    commands = (PROJECT / ".ci/run").read_text(encoding="utf-8").splitlines()

    assert {"set -euo pipefail", "make lint types", "make test"} <= set(commands)


def test_what_pip_downloads_is_cached_as_long_as_the_requirements_stay() -> None:
    for steps in (job("test", "test")["steps"], set_up()):
        python = step_using(steps, "actions/setup-python")

        assert python["with"]["cache"] == "pip"
        for path in python["with"]["cache-dependency-path"].split():
            assert (PROJECT / path).is_file()


def test_main_is_tested_as_pull_requests_are() -> None:
    assert workflow("test")["on"] == {"pull_request": "", "push": {"branches": ["main"]}}


def test_known_vulnerabilities_are_asked_for_of_every_pinned_package() -> None:
    audit = [step.get("run", "") for step in job("test", "audit")["steps"]]
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")

    assert "make audit" in audit
    (command,) = [line for line in makefile.splitlines() if "pip-audit" in line]
    pinned = [
        file.relative_to(PROJECT)
        for file in PROJECT.glob("*/**/requirements.txt")
        if not {".venv", ".build", "fixtures"} & set(file.parts)
    ]
    assert len(pinned) == 3
    for file in (Path("requirements.txt"), *pinned):
        assert f"--requirement {file}" in command
