"""The workflows: valid, pinned, least privileged, and never two updates of a stack at once."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
GITHUB = PROJECT / ".github"
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))
ACTIONS = sorted(GITHUB.glob("actions/*/action.yml"))
EXECUTABLES = Path(sys.executable).parent


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [EXECUTABLES / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def workflow(name: str) -> dict[str, Any]:
    # BaseLoader: to YAML 1.1 the key `on` is a boolean.
    text = (GITHUB / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    return dict(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506 - it builds only texts


def job(name: str, job_id: str) -> dict[str, Any]:
    return dict(workflow(name)["jobs"][job_id])


def jobs() -> list[tuple[str, str]]:
    return [(path.stem, job_id) for path in WORKFLOWS for job_id in workflow(path.stem)["jobs"]]


def step_running(name: str, job_id: str, command: str) -> dict[str, Any]:
    (found,) = (step for step in job(name, job_id)["steps"] if command in step.get("run", ""))
    return dict(found)


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

    result = run("zizmor", *strict, "--no-progress", GITHUB)

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
    if job_id in {"preview", "dev", "prod", "update"}:
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

    assert len(checkouts) == 5
    assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_the_tests_run_on_every_supported_python() -> None:
    pythons = job("test", "test")["strategy"]["matrix"]["python"]
    commands = [step["run"] for step in job("test", "test")["steps"] if "run" in step]

    assert pythons == ["3.11", "3.12", "3.13", "3.14"]
    assert commands == ["make lint", "make types", "make test"]


def test_main_is_tested_as_pull_requests_are() -> None:
    assert workflow("test")["on"] == {"pull_request": "", "push": {"branches": ["main"]}}


def test_a_preview_is_made_of_every_stack_that_has_a_file() -> None:
    preview = job("preview", "preview")

    assert preview["strategy"]["matrix"] == "${{ fromJSON(needs.stacks.outputs.matrix) }}"
    assert preview["runs-on"] == "${{ matrix.runner }}"


def test_a_superseded_preview_of_a_stack_is_cancelled() -> None:
    assert job("preview", "preview")["concurrency"] == {
        "group": "preview-${{ matrix.stack }}-${{ github.event.pull_request.number }}",
        "cancel-in-progress": "true",
    }


def test_a_stack_is_updated_once_at_a_time_and_no_update_is_cancelled() -> None:
    assert job("update", "update")["concurrency"] == {
        "group": "update-${{ inputs.stack }}",
        "cancel-in-progress": "false",
    }


def test_nothing_around_an_update_can_cancel_it() -> None:
    """A group on the workflow, or on the calling job, would cancel what it calls."""
    around = [workflow("deploy"), workflow("update"), job("deploy", "dev"), job("deploy", "prod")]

    assert not any("concurrency" in each for each in around)


def test_an_update_has_all_the_time_that_github_gives() -> None:
    assert job("update", "update")["timeout-minutes"] == "360"


def test_dev_is_deployed_from_main_and_prod_after_it() -> None:
    dev, prod = job("deploy", "dev"), job("deploy", "prod")

    assert workflow("deploy")["on"] == {"push": {"branches": ["main"]}}
    assert (dev["with"]["stack"], dev["needs"]) == ("dev", "stacks")
    assert (prod["with"]["stack"], prod["needs"]) == ("prod", ["stacks", "dev"])


def test_a_stack_is_guarded_by_the_environment_of_its_name() -> None:
    assert job("update", "update")["environment"] == "${{ inputs.stack }}"


def test_a_stacks_image_builds_on_a_runner_of_the_functions_architecture() -> None:
    for stack in ("dev", "prod"):
        stacks = f"${{{{ fromJSON(needs.stacks.outputs.stacks).{stack}"

        given = job("deploy", stack)["with"]

        assert given["runner"] == f"{stacks}.runner }}}}"
        assert given["region"] == f"{stacks}.region }}}}"
    assert job("update", "update")["runs-on"] == "${{ inputs.runner }}"


def test_jobs_with_credentials_wait_for_the_decision_to_hand_them_out() -> None:
    for name, job_id in [("preview", "preview"), ("deploy", "dev"), ("deploy", "prod")]:
        guarded = job(name, job_id)

        assert "stacks" in guarded["needs"]
        assert guarded["if"].startswith("needs.stacks.outputs.ready == 'true'")


def test_an_update_is_previewed_first() -> None:
    up = step_running("update", "update", "pulumi up")["run"]
    everything = [path.read_text(encoding="utf-8") for path in [*WORKFLOWS, *ACTIONS]]

    assert 'pulumi up --stack "$STACK" --yes --non-interactive --color never\n' in up
    assert not any(
        re.search(r"^[^#\n]*--(skip-preview|show-secrets)", text, re.MULTILINE)
        for text in everything
    )


def test_pulumis_own_action_only_installs_the_cli() -> None:
    """With a command it would run `up --skip-preview`, whatever its inputs."""
    (install,) = (
        step
        for path in ACTIONS
        for step in yaml.safe_load(path.read_text(encoding="utf-8"))["runs"]["steps"]
        if step.get("uses", "").startswith("pulumi/actions@")
    )

    assert set(install["with"]) == {"pulumi-version"}


def test_credentials_come_after_everything_that_installs() -> None:
    set_up = yaml.safe_load((GITHUB / "actions/set-up/action.yml").read_text(encoding="utf-8"))
    names = [step.get("uses", "run").split("@")[0] for step in set_up["runs"]["steps"]]

    assert names[-2:] == ["aws-actions/configure-aws-credentials", "google-github-actions/auth"]
    assert not {"aws-actions/configure-aws-credentials", "google-github-actions/auth"} & {
        *names[:-2]
    }


def test_a_failed_preview_is_commented_on_too_and_a_cancelled_one_is_not() -> None:
    comment = step_running("preview", "preview", "preview_comment.py")

    assert comment["if"] == (
        "always() && (steps.preview.outcome == 'success' || steps.preview.outcome == 'failure')"
    )
