"""Previews and updates: on which stacks, with which rights, and never two updates at once."""

from typing import Any

import pytest

from tests.unit.workflows.workflow_files import (
    ACTIONS,
    GITHUB,
    WORKFLOWS,
    job,
    set_up,
    step_running,
    step_using,
    steps_running,
    workflow,
)

PLACES = ("dev", "others", "prod")
"""The jobs that deploy, in their order."""


def deploying(place: str) -> dict[str, Any]:
    return job("deploy", place)


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
    around = [workflow("deploy"), workflow("update"), *map(deploying, PLACES)]

    assert not any("concurrency" in each for each in around)


def test_an_update_has_all_the_time_that_github_gives() -> None:
    assert job("update", "update")["timeout-minutes"] == "360"


def test_dev_is_deployed_from_main_then_the_others_then_prod() -> None:
    assert workflow("deploy")["on"] == {"push": {"branches": ["main"]}}
    assert [deploying(place)["needs"] for place in PLACES] == [
        "stacks",
        ["stacks", "dev"],
        ["stacks", "dev", "others"],
    ]


def test_a_stack_that_is_not_there_keeps_none_back_and_one_that_fails_keeps_back_the_rest() -> None:
    """A job whose `needs` were skipped is skipped too, unless its condition asks for a status."""
    for place in PLACES[1:]:
        there = f"fromJSON(needs.stacks.outputs.{place}).include[0]"

        assert deploying(place)["if"] == f"${{{{ !failure() && !cancelled() && {there} }}}}"


def test_stacks_next_to_each_other_do_not_stop_each_other() -> None:
    assert all(deploying(place)["strategy"]["fail-fast"] == "false" for place in PLACES)


def test_a_stack_is_guarded_by_the_environment_of_its_name() -> None:
    assert job("update", "update")["environment"] == "${{ inputs.stack }}"


def test_an_update_is_given_all_that_is_known_of_its_stack() -> None:
    for place in PLACES:
        strategy = deploying(place)["strategy"]

        assert strategy["matrix"] == f"${{{{ fromJSON(needs.stacks.outputs.{place}) }}}}"
        assert deploying(place)["with"] == {
            name: f"${{{{ matrix.{name} }}}}"
            for name in ("stack", "region", "runner", "role", "backend")
        }
    assert job("update", "update")["runs-on"] == "${{ inputs.runner }}"


def test_jobs_with_credentials_wait_for_the_decision_to_hand_them_out() -> None:
    decided = job("preview", "preview")["if"]

    assert decided.startswith("needs.stacks.outputs.ready == 'true' && ")
    assert decided.endswith("fromJSON(needs.stacks.outputs.matrix).include[0]")
    for place in PLACES:
        assert f"fromJSON(needs.stacks.outputs.{place}).include[0]" in deploying(place)["if"]


@pytest.mark.parametrize("name", ["preview", "deploy"])
def test_the_stacks_are_found_by_the_variables_of_the_repository(name: str) -> None:
    given = step_using(job(name, "stacks")["steps"], "$/.github/actions/stacks")["with"]

    assert given == {"what": name, "variables": "${{ toJSON(vars) }}"}


def test_an_update_is_previewed_first() -> None:
    up = step_running("update", "update", "pulumi up")["run"]
    ours = [*WORKFLOWS, *ACTIONS, *GITHUB.glob("scripts/*.py")]
    everything = [path.read_text(encoding="utf-8") for path in ours]

    assert 'pulumi up --stack "$STACK" --yes ' in up
    assert not any(word in text for text in everything for word in ("skip-preview", "--skip"))


def test_no_secret_is_shown() -> None:
    run = [each for name in ("preview", "update") for each in steps_running(name, name, "pulumi ")]

    assert len(run) == 3
    assert not any("--show-secrets" in step["run"] for step in run)


@pytest.mark.parametrize(
    ("name", "from_", "role"), [("preview", "matrix", "PREVIEW"), ("update", "inputs", "DEPLOY")]
)
def test_a_job_works_with_the_role_and_the_backend_of_its_stack(
    name: str, from_: str, role: str
) -> None:
    given = step_using(job(name, name)["steps"], "$/.github/actions/set-up")["with"]
    pulumi = steps_running(name, name, "pulumi ")

    assert given["role-to-assume"] == f"${{{{ {from_}.role }}}}"
    assert given["service-account"] == f"${{{{ vars.GOOGLE_{role}_SERVICE_ACCOUNT }}}}"
    backends = {step["env"]["PULUMI_BACKEND_URL"] for step in pulumi}
    assert backends == {f"${{{{ {from_}.backend }}}}"}


def test_aws_is_reached_by_openid_connect_and_no_stored_key() -> None:
    credentials = step_using(set_up(), "aws-actions/configure-aws-credentials")["with"]

    assert credentials["role-to-assume"] == "${{ inputs.role-to-assume }}"
    assert set(credentials) == {"aws-region", "audience", "role-to-assume", "role-session-name"}


def test_the_audience_is_the_partitions() -> None:
    credentials = step_using(set_up(), "aws-actions/configure-aws-credentials")["with"]

    in_china = "startsWith(inputs.region, 'cn-') && 'sts.amazonaws.com.cn'"
    assert credentials["audience"] == f"${{{{ {in_china} || 'sts.amazonaws.com' }}}}"


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


@pytest.mark.parametrize(("name", "command"), [("preview", "--diff"), ("update", "pulumi up")])
def test_the_policy_pack_holds_for_previews_and_updates(name: str, command: str) -> None:
    assert "--policy-pack infra/policy_pack" in step_running(name, name, command)["run"]
    installed = [step.get("run", "") for step in set_up()]
    assert "make .venv/installed infra/policy_pack/.venv/installed" in installed
