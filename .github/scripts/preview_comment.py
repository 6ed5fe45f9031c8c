"""Writes what a preview said as the pull request's comment of that stack, or updates it.

Usage: preview_comment.py STACK OUTPUT-FILE IMPACT-FILE, with GH_TOKEN, REPOSITORY, PULL_REQUEST,
OUTCOME and RUN_URL in the environment. What the update would lose (`python -m infra.impact`) is
missing after a failed preview. GitHub's own CLI does the talking.
"""

import html
import json
import os
import subprocess
import sys
from pathlib import Path

# GitHub takes 65536 characters; the end says most: the summary, or what went wrong.
LONGEST_OUTPUT = 60_000
LONGEST_IMPACT = 30_000


def marker(stack: str) -> str:
    """The comment's first line, by which the next preview finds it."""
    return f"<!-- pulumi preview of {stack} -->"


def body(stack: str, output: str, impact: str) -> str:
    """The comment's text; what the program printed cannot become markup in it."""
    outcome, run = os.environ["OUTCOME"], os.environ["RUN_URL"]
    impact = f"\n{impact[:LONGEST_IMPACT]}\n" if impact else ""
    shown = html.escape(output)[-LONGEST_OUTPUT + len(impact) :]
    return (
        f"{marker(stack)}\n#### Preview of `{stack}`: {outcome}\n"
        f"{impact}\n<pre>\n{shown}</pre>\n\n[Whole output]({run})"
    )


def previous(stack: str, comments: str) -> str | None:
    """The path of the workflow's own earlier comment, if there is one."""
    pages = json.loads(gh("--paginate", "--slurp", f"{comments}?per_page=100"))
    for comment in [comment for page in pages for comment in page]:
        own = comment["user"]["login"] == "github-actions[bot]"
        if own and comment["body"].startswith(marker(stack)):
            return f"repos/{os.environ['REPOSITORY']}/issues/comments/{comment['id']}"
    return None


def gh(*arguments: str, request: str | None = None) -> str:
    """What GitHub's API answers."""
    command = ["gh", "api", *arguments]
    return subprocess.run(  # noqa: S603 - the runner's own program, without a shell
        command, input=request, text=True, check=True, stdout=subprocess.PIPE
    ).stdout


def main(stack: str, output: str, impact: str) -> None:
    """Updates the stack's comment, or writes the first."""
    comments = f"repos/{os.environ['REPOSITORY']}/issues/{os.environ['PULL_REQUEST']}/comments"
    said = Path(impact).read_text(encoding="utf-8") if Path(impact).exists() else ""
    text = json.dumps({"body": body(stack, Path(output).read_text(encoding="utf-8"), said)})
    earlier = previous(stack, comments)
    method, path = ("PATCH", earlier) if earlier else ("POST", comments)
    gh("--method", method, path, "--input", "-", request=text)


if __name__ == "__main__":
    main(*sys.argv[1:])
