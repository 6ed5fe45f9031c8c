"""docs/deploying.md says what the workflows read, and its commands are sound."""

import json
import re
import runpy
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import pytest

from infra.config.declaration import described
from infra.config.stack import StackConfig
from tests import pages
from tests.plan import ACCOUNT
from tests.project import PROJECT
from tests.unit.workflows.workflow_files import ACTIONS, WORKFLOWS
from tests.unit.workflows.workflow_runner import Call, Runner

POLICIES: Final = sorted(path.stem for path in pages.file("policies").glob("*.json"))
GUIDE: Final = pages.text("deploying.md")
BLOCKS: Final = re.findall(r"^```bash\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
GITHUB: Final = "".join(path.read_text(encoding="utf-8") for path in [*WORKFLOWS, *ACTIONS])
WRITTEN: Final = {
    "STACK": "prod-eu",
    "AWS_REGION": "ap-northeast-1",
    "ACCOUNT": ACCOUNT,
    "PARTITION": "aws",
    "REPOSITORY": "octo-org/requests",
    "SUBJECT": "repo:octo-org@1/requests@2",
}
"""What step 1 asks for; the rest it makes of these."""
OF_A_STACK: Final = [
    "AWS_PREVIEW_ROLE_ARN",
    "AWS_DEPLOY_ROLE_ARN",
    "AWS_REGION",
    "PULUMI_BACKEND_URL",
]
"""The variables that the workflows read with a stack's name behind them."""
READ: Final = sorted(
    {(kind, name) for kind, name in re.findall(r"\b(vars|secrets)\.(\w+)", GITHUB)}
    | {("vars", name) for name in OF_A_STACK}
)


def names(**changes: str) -> dict[str, str]:
    """The names of step 1, by its own commands."""
    (block,) = (block for block in BLOCKS if block.startswith("STACK="))
    made = [
        line
        for line in block.splitlines()
        if not line.removeprefix("export ").startswith(tuple(f"{name}=" for name in WRITTEN))
    ]
    shell = ["bash", "-eu", "-c", "set -a\n" + "\n".join(made) + "\nenv -0"]
    environ = {"PATH": "/usr/bin:/bin", **WRITTEN, **changes}
    printed = subprocess.run(
        shell, env=environ, text=True, stdout=subprocess.PIPE, check=True
    ).stdout
    found = dict(line.split("=", 1) for line in printed.split("\0") if line)
    return {
        name: found[name] for name in re.findall(r"^(?:export )?([A-Z_]+)=", block, re.MULTILINE)
    }


NAMES: Final = names()


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
        for variable in re.findall(r"`([A-Z_]+?)(?:_<STACK>)?`", row[0])
    }

    assert kinds[name] == {"vars": "variable", "secrets": "secret"}[kind]


def test_no_variable_is_explained_that_no_workflow_reads() -> None:
    explained = {
        name
        for row in rows("| name | kind | needed |")
        for name in re.findall(r"`([A-Z_]+?)(?:_<STACK>)?`", row[0])
    }

    assert explained == {name for _, name in READ}


@pytest.mark.parametrize(("kind", "name"), READ)
def test_the_guide_has_a_command_that_sets_each_variable(kind: str, name: str) -> None:
    command = {"vars": "gh variable set", "secrets": "gh secret set"}[kind]

    ending = "_$SUFFIX" if name in OF_A_STACK else ""
    assert re.search(
        rf'^{command} "?{name}{re.escape(ending)}(?!\w)', "\n".join(BLOCKS), re.MULTILINE
    )


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


def run(*lines: str, **changes: str) -> str:
    """What the guide's own functions print, with an `aws` that prints how it is called."""
    (functions,) = (block for block in BLOCKS if block.startswith("policy() {"))
    definitions = functions[: functions.index("# Once in an account")]
    aws = 'aws() { printf "%s\\n" "$@" ---; }'
    return subprocess.run(
        ["bash", "-eu", "-c", "\n".join([aws, definitions, *lines])],  # noqa: S607 - as above
        cwd=PROJECT,
        env={"PATH": "/usr/bin:/bin", **names(**changes)},
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
@pytest.mark.parametrize("name", POLICIES)
def test_the_guides_policy_function_fills_every_name_in(name: str, partition: str) -> None:
    text = run(f"policy {name}", PARTITION=partition)

    json.loads(text)
    placeholders = "PARTITION|ACCOUNT|REGION|AUDIENCE|SUBJECT|STATE_BUCKET|ENDING|STACK"
    assert not re.search(rf"\b({placeholders})\b", text)
    assert set(re.findall(r"\barn:([\w-]+):", text)) == {partition}


@pytest.mark.parametrize(
    ("partition", "audience"),
    [
        ("aws", "sts.amazonaws.com"),
        ("aws-us-gov", "sts.amazonaws.com"),
        ("aws-cn", "sts.amazonaws.com.cn"),
    ],
)
def test_the_audience_is_the_partitions(partition: str, audience: str) -> None:
    assert names(PARTITION=partition)["AUDIENCE"] == audience


def test_no_command_of_the_guide_names_a_partition() -> None:
    assert not re.search(r"\barn:aws", "\n".join(BLOCKS))


def test_the_guides_role_function_makes_a_role_of_its_policies() -> None:
    printed = run("role preview read read-state")

    calls = [call.split("\n") for call in printed.split("---\n")[:-1]]
    assert [call[1] for call in calls] == ["create-role", "put-role-policy", "put-role-policy"]
    assert all(call[3] == "github-requests-prod-eu-preview" for call in calls)


def test_the_guide_gives_each_further_pipeline_its_own_policies() -> None:
    (block,) = (block for block in BLOCKS if block.startswith("further() {"))
    pulumi = 'pulumi() { printf "%s\\n" pulumi "$@" ---; }'

    calls = [call.strip().split("\n") for call in run(pulumi, block).split("---\n") if call]

    policies = {
        call[3]: json.loads("\n".join(call[5:])) for call in calls if call[1] == "create-policy"
    }
    assert list(policies) == [
        f"{pipeline}-{name}-prod-eu"
        for pipeline in ("payments", "audit")
        for name in ("boundary", "read", "write")
    ]
    for name, of in (("payments", "payments"), ("audit", "requests")):
        (stream,) = (
            each["Resource"]
            for each in policies[f"{name}-boundary-prod-eu"]["Statement"]
            if each["Sid"] == "ReadTheStream"
        )
        assert f":table/{of}-table-prod-eu-" in stream
    attached = [(call[3], call[5]) for call in calls if call[1] == "attach-role-policy"]
    own = f"arn:aws:iam::{ACCOUNT}:policy/payments"
    assert attached[:3] == [
        ("github-requests-prod-eu-preview", f"{own}-read-prod-eu"),
        ("github-requests-prod-eu-deploy", f"{own}-read-prod-eu"),
        ("github-requests-prod-eu-deploy", f"{own}-write-prod-eu"),
    ]
    boundary = ["payments:function.permissionsBoundary", f"{own}-boundary-prod-eu"]
    assert next(call for call in calls if call[0] == "pulumi")[-2:] == boundary


def setting_up_environments(folder: Path, stack: str) -> list[Call]:
    """The calls of GitHub's CLI that the guide's block on variables and environments makes."""
    (block,) = (block for block in BLOCKS if "deployment_branch_policy" in block)
    runner = Runner(folder)
    runner.stand_in("gh", "if sys.argv[1:3] == ['api', 'user']: print(7)")
    given = {**names(STACK=stack), "PULUMI_BACKEND_URL": "s3://pulumi-state"}
    assert runner.shell(block, **given).returncode == 0
    return runner.calls_of("gh")


@pytest.mark.parametrize(
    ("stack", "reviewers"), [("dev", None), ("prod", [{"type": "User", "id": 7}])]
)
def test_in_the_guide_prod_has_a_reviewer_and_only_main_is_deployed(
    tmp_path: Path, stack: str, reviewers: object
) -> None:
    calls = setting_up_environments(tmp_path, stack)

    main = {"protected_branches": False, "custom_branch_policies": True}
    environments = {
        call.arguments[4]: json.loads(call.request) for call in calls if "PUT" in call.arguments
    }
    name = f"repos/octo-org/requests/environments/{stack}"
    assert environments == {name: {"reviewers": reviewers, "deployment_branch_policy": main}}
    branches = [call.arguments[4:] for call in calls if "POST" in call.arguments]
    assert branches == [[f"{name}/deployment-branch-policies", "--field", "name=main"]]


def test_in_the_guide_nothing_is_switched_on_before_the_environment_guards_it(
    tmp_path: Path,
) -> None:
    """GitHub makes an environment that a job names and that is not there: without reviewers."""
    commands = [call.arguments[0] for call in setting_up_environments(tmp_path, "prod")]

    assert commands == [*["api"] * 3, *["variable"] * 3]


def test_the_guide_sets_the_variables_that_the_workflows_read_of_a_stack(tmp_path: Path) -> None:
    calls = setting_up_environments(tmp_path, "prod-eu")

    found = {
        call.arguments[2]: call.arguments[4] for call in calls if call.arguments[0] == "variable"
    }
    access = runpy.run_path(str(PROJECT / ".github/scripts/stacks.py"))["access"]
    role = f"arn:aws:iam::{ACCOUNT}:role/github-requests-prod-eu"
    for what in ("preview", "deploy"):
        told = {"role": f"{role}-{what}", "backend": "s3://pulumi-state"}
        assert access("prod-eu", what, found) == (told, [])


def removed(folder: Path, tool: str) -> list[list[str]]:
    """How the guide's blocks that remove call a tool."""
    blocks = [block for block in BLOCKS if re.search("gh variable delete|delete-policy", block)]
    runner = Runner(folder)
    for program in ("gh", "aws"):
        runner.stand_in(program)
    # -u: a shell of its own, with no more than step 1 gives it.
    result = runner.shell("set -u\n" + "\n".join(blocks), **NAMES)
    assert (result.returncode, result.stderr) == (0, "")
    return [call.arguments for call in runner.calls_of(tool)]


def test_what_the_guide_made_for_github_it_also_removes(tmp_path: Path) -> None:
    calls = removed(tmp_path, "gh")

    deleted = {(kind, rest[0]) for kind, action, *rest in calls if action == "delete"}
    assert deleted == {
        (
            {"vars": "variable", "secrets": "secret"}[kind],
            f"{name}_PROD_EU" if name in OF_A_STACK else name,
        )
        for kind, name in READ
    }
    assert [call[-1] for call in calls if "DELETE" in call] == [
        "repos/octo-org/requests/environments/prod-eu"
    ]


def test_what_the_guide_made_in_the_account_it_also_removes(tmp_path: Path) -> None:
    calls = removed(tmp_path, "aws")

    roles = [call[-1] for call in calls if "delete-role" in call]
    assert roles == ["github-requests-prod-eu-preview", "github-requests-prod-eu-deploy"]
    further = [
        f"arn:aws:iam::{ACCOUNT}:policy/payments-{name}-prod-eu"
        for name in ("boundary", "read", "write")
    ]
    assert [call[-1] for call in calls if "delete-policy" in call] == [NAMES["BOUNDARY"], *further]
    assert [call[-1] for call in calls if "delete-alias" in call] == ["alias/pulumi-state-prod-eu"]


def test_each_policy_is_linked() -> None:
    linked = set(re.findall(r"\(policies/([\w-]+)\.json\)", GUIDE))

    assert linked == set(POLICIES)


def test_each_link_into_the_repository_leads_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", GUIDE)

    assert targets
    assert [target for target in targets if not (pages.DOCS / target).exists()] == []


def test_each_setting_that_the_guide_names_exists() -> None:
    known = {setting.key for setting in described(StackConfig)}
    by_command = re.findall(r"pulumi config set.* --path ([\w.]+)", "\n".join(BLOCKS))
    by_text = re.findall(r"`((?:image|table|function)\.\w+)`", GUIDE)

    assert by_command
    assert by_text
    assert {*by_command, *by_text} <= known


def test_a_new_stack_has_the_names_that_its_roles_know() -> None:
    (pattern,) = re.findall(r"pulumi:autonaming.pattern\" '(.*)'", "\n".join(BLOCKS))

    name = pattern.replace("${name}", "requests-table").replace("${stack}", "prod-eu")
    name = name.replace("${hex(7)}", "1a2b3c4")
    assert fnmatchcase(name, f"requests-table-{NAMES['ENDING']}")


def test_a_new_stack_has_the_boundary_that_its_deploy_role_asks_for() -> None:
    write = json.loads(run("policy write"))

    asked_for = {
        value
        for statement in write["Statement"]
        for value in statement.get("Condition", {}).get("StringEquals", {}).values()
    }
    (command,) = re.findall(r".*permissionsBoundary (\S+)", "\n".join(BLOCKS))
    assert command == '"$BOUNDARY"'
    assert NAMES["BOUNDARY"] in asked_for
