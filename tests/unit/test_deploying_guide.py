"""docs/deploying.md says what the workflows read, and its commands are sound."""

import json
import re
import subprocess
from typing import Final

import pytest

from infra.config import StackConfig
from infra.settings import described
from tests.plan import ACCOUNT, PROJECT

DOCS: Final = PROJECT / "docs"
POLICIES: Final = sorted(path.stem for path in (DOCS / "policies").glob("*.json"))
GUIDE: Final = (DOCS / "deploying.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"^```bash\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
GITHUB: Final = "".join(
    path.read_text(encoding="utf-8") for path in sorted((PROJECT / ".github").rglob("*.yml"))
)
READ: Final = sorted(set(re.findall(r"\b(vars|secrets)\.(\w+)", GITHUB)))
NAMES: Final = {
    "ACCOUNT": ACCOUNT,
    "AWS_REGION": "ap-northeast-1",
    "SUBJECT": "repo:octo-org@1/requests@2",
    "STATE_BUCKET": "pulumi-state-123456789012",
}


def rows(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, its own row left out."""
    table = GUIDE[GUIDE.index(heading) :].split("\n\n")[0]
    lines = table.splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(("kind", "name"), READ)
def test_each_variable_that_a_workflow_reads_is_explained(kind: str, name: str) -> None:
    kinds = {
        variable: row[1]
        for row in rows("| name | kind | needed |")
        for variable in re.findall(r"`([A-Z_]+)`", row[0])
    }

    assert kinds[name] == {"vars": "variable", "secrets": "secret"}[kind]


def test_no_variable_is_explained_that_no_workflow_reads() -> None:
    explained = {
        name
        for row in rows("| name | kind | needed |")
        for name in re.findall(r"`([A-Z_]+)`", row[0])
    }

    assert explained == {name for _, name in READ}


@pytest.mark.parametrize(("kind", "name"), READ)
def test_the_guide_has_a_command_that_sets_each_variable(kind: str, name: str) -> None:
    command = {"vars": "gh variable set", "secrets": "gh secret set"}[kind]

    assert re.search(rf"^{command} {name}\b", "\n".join(BLOCKS), re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS)
def test_commands_are_valid_bash(block: str) -> None:
    checked = subprocess.run(
        ["bash", "-n"],  # noqa: S607 - whichever bash the reader has
        input=block,
        text=True,
        capture_output=True,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, "")


def run(*lines: str) -> str:
    """What the guide's own functions print, with an `aws` that prints how it is called."""
    (functions,) = (block for block in BLOCKS if block.startswith("policy() {"))
    definitions = functions[: functions.index("aws iam create-open-id-connect-provider")]
    aws = 'aws() { printf "%s\\n" "$@" ---; }'
    return subprocess.run(
        ["bash", "-eu", "-c", "\n".join([aws, definitions, *lines])],  # noqa: S607 - as above
        cwd=PROJECT,
        env={"PATH": "/usr/bin:/bin", **NAMES},
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


@pytest.mark.parametrize("name", POLICIES)
def test_the_guides_policy_function_fills_every_name_in(name: str) -> None:
    text = run(f"policy {name}")

    json.loads(text)
    assert not re.search(r"\b(ACCOUNT|REGION|SUBJECT|STATE_BUCKET)\b", text)


def test_the_guides_role_function_makes_a_role_of_its_policies() -> None:
    printed = run("role preview read read-state")

    calls = [call.split("\n") for call in printed.split("---\n")[:-1]]
    assert [call[1] for call in calls] == ["create-role", "put-role-policy", "put-role-policy"]
    assert all(call[3] == "github-requests-preview" for call in calls)


def test_each_policy_is_linked() -> None:
    linked = set(re.findall(r"\(policies/([\w-]+)\.json\)", GUIDE))

    assert linked == set(POLICIES)


def test_each_link_into_the_repository_leads_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", GUIDE)

    assert targets
    assert [target for target in targets if not (DOCS / target).exists()] == []


def test_each_setting_that_the_guide_names_exists() -> None:
    known = {setting.key for setting in described(StackConfig)}
    by_command = re.findall(r"requests-processor:([\w.]+)", "\n".join(BLOCKS))
    by_text = re.findall(r"`((?:image|table|function)\.\w+)`", GUIDE)

    assert by_command
    assert by_text
    assert {*by_command, *by_text} <= known


def test_the_guide_names_the_environments_that_the_deploy_role_trusts() -> None:
    trusted = json.loads((DOCS / "policies/trust-deploy.json").read_text(encoding="utf-8"))
    (statement,) = trusted["Statement"]
    subjects = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]

    environments = [subject.rpartition(":")[2] for subject in subjects]

    assert f"for environment in {' '.join(environments)}; do" in GUIDE
    assert all(f"stack: {environment}\n" in GITHUB for environment in environments)
