"""What the workflows' shell steps do, run as a runner runs them."""

from importlib.metadata import version
from pathlib import Path

import pytest

from tests.unit.workflows.workflow_files import GITHUB
from tests.unit.workflows.workflow_runner import Runner

OWN_PULL_REQUEST = {
    "OWN_BRANCH": "true",
    "AUTHOR": "octocat",
}
PULUMI = """
if sys.argv[1] == "up":
    sys.exit({up})
print(json.dumps({{"tableName": "requests", "password": "[secret]", "command": "a <b>"}}))
"""


def test_a_pull_request_of_this_repository_gets_a_preview(tmp_path: Path) -> None:
    runner = Runner(tmp_path)

    runner.step("workflows/preview.yml", "decide", **OWN_PULL_REQUEST)

    assert (runner.output, runner.summary) == ("ready=true\n", "")


@pytest.mark.parametrize(
    ("difference", "reason"),
    [
        ({"OWN_BRANCH": "false"}, "a fork gets no credentials"),
        ({"OWN_BRANCH": ""}, "a fork gets no credentials"),
        ({"AUTHOR": "dependabot[bot]"}, "Dependabot gets no credentials"),
    ],
)
def test_a_pull_request_without_a_preview_is_told_why_and_stays_green(
    tmp_path: Path, difference: dict[str, str], reason: str
) -> None:
    runner = Runner(tmp_path)

    result = runner.step("workflows/preview.yml", "decide", **{**OWN_PULL_REQUEST, **difference})

    assert (result.returncode, runner.output) == (0, "")
    assert runner.summary.startswith(f"No preview: {reason}")


def test_a_fork_is_recognized_by_where_its_branch_lies() -> None:
    text = (GITHUB / "workflows/preview.yml").read_text(encoding="utf-8")

    own = "${{ github.event.pull_request.head.repo.full_name == github.repository }}"
    assert f"OWN_BRANCH: {own}\n" in text


def test_the_cli_has_the_version_of_the_sdk(tmp_path: Path) -> None:
    runner = Runner(tmp_path)

    runner.step("actions/set-up/action.yml", "pulumi")

    assert runner.output == f"version={version('pulumi')}\n"


@pytest.mark.slow
def test_the_stacks_are_listed_with_one_requirement_and_its_hashes(tmp_path: Path) -> None:
    runner = Runner(tmp_path)

    # It is installed already: pip has nothing to fetch, but it does check the file's form.
    result = runner.step("actions/stacks/action.yml", "list", WHAT="deploy", VARIABLES="{}")

    assert result.returncode == 0, result.stderr
    first, *hashes = (tmp_path / "pyyaml.txt").read_text(encoding="utf-8").splitlines()
    assert first.startswith("pyyaml==")
    assert all(line.strip().startswith("--hash=sha256:") for line in hashes)
    assert not hashes[-1].endswith("\\")
    written = dict(line.split("=", 1) for line in runner.output.splitlines())
    assert set(written) == {"all", "dev", "others", "prod"}


def test_a_preview_shows_the_stacks_diff_and_keeps_what_was_said(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.stand_in("pulumi", "print('+ 10 to create')")

    result = runner.step("workflows/preview.yml", "Preview", STACK="dev")

    (call,) = runner.calls_of("pulumi")
    assert call.arguments[:4] == ["preview", "--stack", "dev", "--diff"]
    assert (result.returncode, result.stdout) == (0, "+ 10 to create\n")
    assert (tmp_path / "preview.txt").read_text(encoding="utf-8") == "+ 10 to create\n"


def test_a_preview_that_fails_fails_the_step_and_keeps_what_was_said(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.stand_in("pulumi", "print('error: 1 mistake', file=sys.stderr); sys.exit(255)")

    result = runner.step("workflows/preview.yml", "Preview", STACK="dev")

    assert result.returncode == 255
    assert "error: 1 mistake" in (tmp_path / "preview.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("description", "code"),
    [("", 1), ("Allow-impact: data-deleted:mine", 0), ("$(touch touched) Allow-impact: x", 1)],
)
def test_what_an_update_loses_fails_the_step_unless_the_description_allows_it(
    tmp_path: Path, description: str, code: int
) -> None:
    runner = Runner(tmp_path)
    deleted = {"op": "delete", "urn": "urn:pulumi:dev::p::aws:sqs/queue:Queue::mine"}
    runner.stand_in("pulumi", f"print(json.dumps({{'steps': [{deleted}]}}))")

    result = runner.step(
        "workflows/preview.yml",
        "Say what the update would lose",
        STACK="dev",
        DESCRIPTION=description,
    )

    assert result.returncode == code, result.stderr
    (call,) = runner.calls_of("pulumi")
    assert call.arguments == ["preview", "--stack", "dev", "--json", "--non-interactive"]
    assert "data-deleted:mine" in (tmp_path / "impact.md").read_text(encoding="utf-8")


def test_an_update_lists_the_stacks_exports_in_the_summary(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.stand_in("pulumi", PULUMI.format(up=0))

    result = runner.step("workflows/update.yml", "Update and export", STACK="dev")

    assert result.returncode == 0, result.stderr
    assert [call.arguments for call in runner.calls_of("pulumi")] == [
        [
            *("up", "--stack", "dev", "--yes", "--policy-pack", "infra/policy_pack"),
            *("--non-interactive", "--color", "never"),
        ],
        ["stack", "output", "--stack", "dev", "--json"],
    ]
    assert runner.summary.splitlines() == [
        "#### Exports of `dev`",
        "<dl>",
        "<dt>tableName</dt><dd><pre>requests</pre></dd>",
        "<dt>password</dt><dd><pre>[secret]</pre></dd>",
        "<dt>command</dt><dd><pre>a &lt;b&gt;</pre></dd>",
        "</dl>",
    ]


def test_an_update_that_fails_fails_the_job_and_lists_nothing(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.stand_in("pulumi", PULUMI.format(up=255))

    result = runner.step("workflows/update.yml", "Update and export", STACK="dev")

    assert (result.returncode, runner.summary) == (255, "")


def test_an_export_that_is_no_text_is_shown_as_json(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.stand_in("pulumi", "print('{\"sizes\": [1, 2]}')")

    runner.step("workflows/update.yml", "Update and export", STACK="dev")

    assert "<dt>sizes</dt><dd><pre>[1, 2]</pre></dd>" in runner.summary
