"""docs/deploying.md says what the workflows read, and its commands are sound."""

import json
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from infra.config.settings import described
from infra.config.stack import StackConfig
from tests.plan import ACCOUNT, PROJECT
from tests.unit.workflows.workflow_runner import Call, Runner

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


def setting_up_environments(folder: Path) -> list[Call]:
    """The calls of GitHub's CLI that the guide's block on variables and environments makes."""
    (block,) = (block for block in BLOCKS if "deployment_branch_policy" in block)
    runner = Runner(folder)
    runner.stand_in("gh", "if sys.argv[1:3] == ['api', 'user']: print(7)")
    names = {**NAMES, "REPOSITORY": "octo-org/requests", "PULUMI_BACKEND_URL": "s3://pulumi-state"}
    assert runner.shell(block, **names).returncode == 0
    return runner.calls_of("gh")


def test_in_the_guide_prod_has_a_reviewer_and_only_main_is_deployed(tmp_path: Path) -> None:
    calls = setting_up_environments(tmp_path)

    main = {"protected_branches": False, "custom_branch_policies": True}
    reviewer = {"type": "User", "id": 7}
    environments = {
        call.arguments[4]: json.loads(call.request) for call in calls if "PUT" in call.arguments
    }
    assert environments == {
        "repos/octo-org/requests/environments/dev": {
            "reviewers": None,
            "deployment_branch_policy": main,
        },
        "repos/octo-org/requests/environments/prod": {
            "reviewers": [reviewer],
            "deployment_branch_policy": main,
        },
    }
    branches = [call.arguments[4:] for call in calls if "POST" in call.arguments]
    assert branches == [
        [f"{environment}/deployment-branch-policies", "--field", "name=main"]
        for environment in environments
    ]


def test_in_the_guide_nothing_is_switched_on_before_the_environments_guard_it(
    tmp_path: Path,
) -> None:
    """GitHub makes an environment that a job names and that is not there: without reviewers."""
    commands = [call.arguments[0] for call in setting_up_environments(tmp_path)]

    assert commands == [*["api"] * 5, *["variable"] * 3]


def test_what_the_guide_made_for_github_it_also_removes(tmp_path: Path) -> None:
    (block,) = (block for block in BLOCKS if "gh variable delete" in block)
    runner = Runner(tmp_path)
    for program in ("gh", "aws"):
        runner.stand_in(program)

    # -u: a shell of its own, with no more than step 1 gives it.
    result = runner.shell(f"set -u\n{block}", **NAMES, REPOSITORY="octo-org/requests")

    assert (result.returncode, result.stderr) == (0, "")
    calls = [call.arguments for call in runner.calls_of("gh")]
    deleted = {(kind, rest[0]) for kind, action, *rest in calls if action == "delete"}
    assert deleted == {
        ({"vars": "variable", "secrets": "secret"}[kind], name) for kind, name in READ
    }
    assert [call[-1] for call in calls if "DELETE" in call] == [
        "repos/octo-org/requests/environments/dev",
        "repos/octo-org/requests/environments/prod",
    ]
    roles = [call.arguments for call in runner.calls_of("aws") if "delete-role" in call.arguments]
    assert [call[-1] for call in roles] == ["github-requests-preview", "github-requests-deploy"]


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
