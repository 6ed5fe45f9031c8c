"""Previews and updates: on which stacks, with which rights, and never two updates at once."""

import pytest

from tests.unit.workflows.workflow_files import (
    GITHUB,
    job,
    set_up,
    step_running,
    step_using,
    workflow,
)


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
    everything = [path.read_text(encoding="utf-8") for path in GITHUB.rglob("*.*")]

    assert 'pulumi up --stack "$STACK" --yes --non-interactive --color never\n' in up
    assert not any(word in text for text in everything for word in ("skip-preview", "--skip"))


def test_no_secret_is_shown() -> None:
    run = [step_running("preview", "preview", "pulumi"), step_running("update", "update", "pulumi")]

    assert not any("--show-secrets" in step["run"] for step in run)


@pytest.mark.parametrize(
    ("name", "job_id", "role"),
    [("preview", "preview", "PREVIEW"), ("update", "update", "DEPLOY")],
)
def test_a_job_works_with_the_role_that_is_meant_for_it(name: str, job_id: str, role: str) -> None:
    given = step_using(job(name, job_id)["steps"], "$/.github/actions/set-up")["with"]

    assert given["role-to-assume"] == f"${{{{ vars.AWS_{role}_ROLE_ARN }}}}"
    assert given["service-account"] == f"${{{{ vars.GOOGLE_{role}_SERVICE_ACCOUNT }}}}"


def test_aws_is_reached_by_openid_connect_and_no_stored_key() -> None:
    credentials = step_using(set_up(), "aws-actions/configure-aws-credentials")["with"]

    assert credentials["role-to-assume"] == "${{ inputs.role-to-assume }}"
    assert set(credentials) == {"aws-region", "role-to-assume", "role-session-name"}


@pytest.mark.parametrize(("name", "job_id"), [("preview", "preview"), ("update", "update")])
def test_no_job_runs_pulumi_before_docker_makes_what_lambda_accepts(name: str, job_id: str) -> None:
    always = [step.get("run") for step in set_up() if "if" not in step]
    steps = [step.get("uses") or step["run"] for step in job(name, job_id)["steps"]]

    assert "python .github/scripts/classic_image_store.py /etc/docker/daemon.json" in always
    assert steps[1] == "$/.github/actions/set-up"
    assert "pulumi" in steps[2]


def test_pulumis_own_action_only_installs_the_cli() -> None:
    """With a command it would run `up --skip-preview`, whatever its inputs."""
    install = step_using(set_up(), "pulumi/actions")

    assert set(install["with"]) == {"pulumi-version"}


def test_credentials_come_after_everything_that_installs() -> None:
    credentials = ["aws-actions/configure-aws-credentials", "google-github-actions/auth"]
    names = [step.get("uses", "run").split("@")[0] for step in set_up()]

    assert names[-2:] == credentials
    assert not {*credentials} & {*names[:-2]}


def test_a_failed_preview_is_commented_on_too_and_a_cancelled_one_is_not() -> None:
    comment = step_running("preview", "preview", "preview_comment.py")

    assert comment["if"] == (
        "always() && (steps.preview.outcome == 'success' || steps.preview.outcome == 'failure')"
    )
