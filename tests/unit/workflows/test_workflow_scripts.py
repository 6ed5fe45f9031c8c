"""What the workflows' own scripts do: the preview's comment, and Docker's image store."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workflows.workflow_runner import Result, Runner

COMMENTS = "repos/octo-org/requests/issues/7/comments"


def comment(
    runner: Runner, output: str, *, outcome: str = "success", impact: str | None = None
) -> Result:
    file, said = runner.folder / "preview.txt", runner.folder / "impact.md"
    file.write_text(output, encoding="utf-8")
    if impact is not None:
        said.write_text(impact, encoding="utf-8")
    return runner.script(
        "preview_comment.py",
        "dev",
        str(file),
        str(said),
        REPOSITORY="octo-org/requests",
        PULL_REQUEST="7",
        OUTCOME=outcome,
        RUN_URL="https://github.com/octo-org/requests/actions/runs/1",
    )


def github_with(runner: Runner, *pages: list[dict[str, Any]]) -> None:
    runner.stand_in("gh", f"if '--paginate' in sys.argv: print({json.dumps(pages)!r})")


def by(login: str, id_: int, body: str) -> dict[str, Any]:
    return {"id": id_, "body": body, "user": {"login": login}}


def written(runner: Runner) -> str:
    """The text of the comment that was written last."""
    return str(json.loads(runner.calls_of("gh")[-1].request)["body"])


def test_a_stacks_first_preview_writes_its_comment(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    github_with(runner, [by("github-actions[bot]", 1, "<!-- pulumi preview of dev-eu -->")])

    result = comment(runner, "+ 10 to create")

    assert result.returncode == 0, result.stderr
    last = runner.calls_of("gh")[-1]
    assert last.arguments == ["api", "--method", "POST", COMMENTS, "--input", "-"]
    assert written(runner).startswith("<!-- pulumi preview of dev -->\n")


def test_the_next_preview_updates_the_comment_however_many_stand_before_it(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    others = [by("octocat", number, "looks good") for number in range(100)]
    own = by("github-actions[bot]", 4711, "<!-- pulumi preview of dev -->\n...")
    github_with(runner, others, [own])

    comment(runner, "+ 10 to create")

    path = "repos/octo-org/requests/issues/comments/4711"
    assert runner.calls_of("gh")[-1].arguments[:4] == ["api", "--method", "PATCH", path]


def test_a_comment_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    github_with(runner, [by("octocat", 1, "<!-- pulumi preview of dev -->")])

    comment(runner, "+ 10 to create")

    assert "POST" in runner.calls_of("gh")[-1].arguments


def test_what_the_update_would_lose_comes_first(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    github_with(runner, [])

    comment(runner, "+ 10 to create", impact="#### Impact on dev: 1 lossy")

    text = written(runner)
    assert text.index("#### Impact on dev: 1 lossy") < text.index("+ 10 to create")


def test_a_comment_fits_whatever_was_said(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    github_with(runner, [])

    comment(runner, 70_000 * "x", impact=70_000 * "y")

    assert len(written(runner)) < 65_536


def test_what_a_program_prints_is_no_markup_in_the_comment(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    github_with(runner, [])

    comment(runner, "</pre><img src=x>")

    assert "&lt;/pre&gt;&lt;img src=x&gt;" in written(runner)
    assert written(runner).count("</pre>") == 1


def test_the_comment_of_a_failed_preview_says_so(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    github_with(runner, [])

    comment(runner, "error: 1 mistake", outcome="failure")

    assert "#### Preview of `dev`: failure\n" in written(runner)


def test_a_comment_fits_github_and_keeps_the_end(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    github_with(runner, [])

    comment(runner, "<" * 100_000 + "error: at the end")

    assert len(written(runner)) < 65_536
    assert "error: at the end</pre>" in written(runner)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, {"features": {"containerd-snapshotter": False}}),
        (
            {"cgroup-parent": "/actions_job", "features": {"cdi": True}},
            {
                "cgroup-parent": "/actions_job",
                "features": {"cdi": True, "containerd-snapshotter": False},
            },
        ),
    ],
)
def test_docker_is_told_to_keep_images_in_its_classic_store(
    tmp_path: Path, before: dict[str, Any] | None, after: dict[str, Any]
) -> None:
    settings = tmp_path / "daemon.json"
    if before is not None:
        settings.write_text(json.dumps(before), encoding="utf-8")
    runner = Runner(tmp_path)
    runner.stand_in("sudo")
    runner.stand_in("docker", """print('[["Backing Filesystem","extfs"]]')""")

    result = runner.script("classic_image_store.py", str(settings))

    assert result.returncode == 0, result.stderr
    wrote, restarted = runner.calls_of("sudo")
    assert wrote.arguments == ["tee", str(settings)]
    assert json.loads(wrote.request) == after
    assert restarted.arguments == ["systemctl", "restart", "docker"]


def test_a_docker_that_keeps_its_containerd_store_fails_the_job(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.stand_in("sudo")
    runner.stand_in("docker", """print('[["driver-type","io.containerd.snapshotter.v1"]]')""")

    result = runner.script("classic_image_store.py", str(tmp_path / "daemon.json"))

    assert result.returncode == 1
    assert "::error::Docker still keeps images in containerd's store" in result.stderr
