"""Every `aws` command that the documentation or a stack tells, run on the embedded AWS.

By AWS's own CLI, the first version, which is the one that PyPI has. Pulumi's and GitHub's stand in.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from infra.local import LocalDeployment, up
from infra.local.aws.emulator import ROOT, Emulator, local_environment
from tests import pages
from tests.integration.conftest import Deploy, item, put
from tests.project import PROJECT
from tests.unit.workflows.workflow_runner import Runner

Operation = tuple[str, str]
"""A service and what is asked of it, as they stand behind `aws`."""

NOT_RUN: Final[Mapping[str, Mapping[Operation, str]]] = {
    "deploying.md": {
        ("iam", "create-policy-version"): "it is named without its policy",
    },
    "a stack": {
        ("logs", "tail"): "the second version of the CLI has it, which PyPI has not",
    },
}
"""What is not run, and why."""

PAGES: Final = ("changing.md", "deploying.md", "image.md", "operations.md")
"""Those that tell `aws` commands."""

_OPERATION: Final = re.compile(r"\baws ([a-z][a-z0-9]*) ([a-z][a-z0-9-]+)")
_BLOCK: Final = re.compile(r"^```(?:bash|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def page(name: str) -> str:
    return pages.text(name)


def blocks(text: str) -> list[str]:
    """The blocks of commands, of which one at least is AWS's."""
    return [block for block in _BLOCK.findall(text) if _OPERATION.search(block)]


def names(text: str) -> str:
    """The block of commands that says what the others call things by."""
    (block,) = (each for each in _BLOCK.findall(text) if each.startswith("STACK="))
    return str(block)


def inline(text: str) -> list[str]:
    """Commands in running text."""
    rest = _BLOCK.sub("", text)
    return [command for command in _INLINE.findall(rest) if _OPERATION.search(command)]


def told(text: str) -> set[Operation]:
    return {
        operation
        for code in (*blocks(text), *inline(text))
        for operation in _OPERATION.findall(code)
    }


@pytest.mark.each_commit
def test_no_other_page_tells_an_aws_command() -> None:
    """A README is its user's to write."""
    tell = {
        each.name for each in pages.file("").rglob("*.md") if told(each.read_text(encoding="utf-8"))
    }
    assert tell == set(PAGES)


@pytest.fixture(scope="session")
def cli() -> str:
    """AWS's own CLI, in an environment of its own."""
    # Does nothing where it is there, as under `make test-all`.
    installed = ".build/aws-cli/installed"
    make = ["make", "--silent", installed, f"PYTHON={sys.executable}"]
    subprocess.run(make, cwd=PROJECT, check=True)
    return str(PROJECT / ".build/aws-cli/bin/aws")


class Shell:
    """Where a reader types what a page or a stack tells."""

    def __init__(self, folder: Path, cli: str, environment: Mapping[str, str]) -> None:
        self._runner = Runner(folder)
        self._environment = {"HOME": str(folder), **environment}
        self._runner.stand_in("gh", "print('octo-org/requests')")
        self._runner.stand_in(
            "aws", f"import subprocess\nsys.exit(subprocess.call([{cli!r}, *sys.argv[1:]]))"
        )
        self.know({})

    def know(self, outputs: Mapping[str, Any]) -> None:
        """What `pulumi stack output NAME` prints."""
        self._runner.stand_in(
            "pulumi",
            "if sys.argv[1:3] == ['stack', 'output']:\n"
            f"    print(json.loads({json.dumps(json.dumps(dict(outputs)))})[sys.argv[-1]])",
        )

    def run(self, commands: str) -> str:
        """What they print; none may fail."""
        done = self._runner.shell(commands, **self._environment)
        assert (done.returncode, done.stderr) == (0, ""), f"{commands}\n{done.stderr}"
        return done.stdout

    @property
    def ran(self) -> set[Operation]:
        calls = (call.arguments for call in self._runner.calls_of("aws"))
        return {(service, operation) for service, operation, *_ in calls}


@pytest.fixture
def shell(tmp_path: Path, cli: str, prod: LocalDeployment) -> Shell:
    """With the variables that `make up` prints, and a stack that Pulumi knows."""
    shell = Shell(tmp_path, cli, prod.environment)
    shell.know(prod.outputs)
    return shell


@pytest.fixture
def prod(deploy: Deploy) -> Any:
    """The stack prod, which has processed a record and rejected one."""
    with deploy("prod") as deployment:
        put(deployment, item("good"), {"request_id": {"S": "bad"}, "payload": {"M": {}}})
        deployment.drain()
        yield deployment


def test_the_commands_of_operations_do_what_the_page_says(
    shell: Shell, prod: LocalDeployment
) -> None:
    text = page("operations.md")

    printed = {block: shell.run(names(text) + block) for block in blocks(text)}

    assert shell.ran == told(text)
    assert json.loads(output(printed, "[State, ")) == ["Enabled", "User action", "OK"]
    assert json.loads(output(printed, "AccountLimit"))["UnreservedConcurrentExecutions"] == 1000
    assert prod.outputs["failureBucket"] in output(printed, "--query DestinationConfig")
    log = output(printed, '"ERROR"')
    lines = [json.loads(line) for line in log.split("\t")]
    assert {line["level"] for line in lines} <= {"ERROR", "WARNING"}
    assert any("rejected" in line["message"] for line in lines)
    uuid = prod.outputs["mappingUuid"]
    mapping = prod.client("lambda").get_event_source_mapping(UUID=uuid)
    assert mapping["State"] in ("Disabling", "Disabled")


def output(printed: Mapping[str, str], words: str) -> str:
    """What the only block with these words printed."""
    (found,) = (each for block, each in printed.items() if words in block)
    return found


def test_the_commands_of_changing_and_image_run(shell: Shell, prod: LocalDeployment) -> None:
    iam = prod.client("iam")
    role = iam.list_roles()["Roles"][0]["RoleName"]
    other = iam.list_role_policies(RoleName=role)["PolicyNames"][0]
    policy = iam.get_role_policy(RoleName=role, PolicyName=other)["PolicyDocument"]
    iam.put_role_policy(RoleName=role, PolicyName="name-network", PolicyDocument=json.dumps(policy))
    made_twice = prod.outputs["tableName"] + "-2"
    prod.client("dynamodb").create_table(
        TableName=made_twice,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    called = {
        "NAME-network": "name-network",
        "ROLE": role,
        "NAME": made_twice,
        "UUID": prod.outputs["mappingUuid"],
    }
    changing, image = page("changing.md"), page("image.md")

    for block in (*blocks(changing), *blocks(image)):
        shell.run(block)
    for command in inline(changing):
        words = re.compile(rf"\b({'|'.join(called)})\b")
        shell.run(words.sub(lambda found: called[found[0]], command))

    assert shell.ran == told(changing) | told(image)
    assert made_twice not in prod.client("dynamodb").list_tables()["TableNames"]
    assert "name-network" not in iam.list_role_policies(RoleName=role)["PolicyNames"]


def test_what_a_stack_and_make_up_print_can_be_pasted(shell: Shell, prod: LocalDeployment) -> None:
    lines = [line for line in up._commands(prod.outputs) if line.startswith("aws ")]
    not_run = NOT_RUN["a stack"]
    run = [line for line in lines if not {*_OPERATION.findall(line)} & {*not_run}]

    before = len(prod.invocations)
    for line in run:
        shell.run(line)
    prod.drain()

    assert len(lines) - len(run) == len(not_run)
    assert len(prod.invocations) == before + 1


def test_the_commands_of_deploying_make_what_they_also_remove(
    aws: Emulator, tmp_path: Path, cli: str
) -> None:
    text = page("deploying.md")
    every = blocks(text)
    removing = next(number for number, block in enumerate(every) if "aws s3 sync" in block)
    (tmp_path / "docs").symlink_to(pages.DOCS)
    shell = Shell(tmp_path, cli, local_environment(aws.endpoint, aws.region, ROOT))
    shell.know({"failureBucket": "failures"})
    region = {"LocationConstraint": aws.region}
    s3, iam = aws.client("s3"), aws.client("iam")
    s3.create_bucket(Bucket="failures", CreateBucketConfiguration=region)
    s3.put_object(Bucket="failures", Key="kept", Body=b"whole")
    begin = f"set -u; cd {tmp_path}\n{names(text)}\n"

    shell.run(begin + "\n".join(every[1:removing]))
    roles = [each["RoleName"] for each in iam.list_roles()["Roles"]]
    shell.run(begin + "\n".join(every[removing:]))

    assert shell.ran == told(text) - NOT_RUN["deploying.md"].keys()
    assert sorted(roles) == ["github-requests-dev-deploy", "github-requests-dev-preview"]
    assert iam.list_roles()["Roles"] == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    # The guide's third pipeline stands for those that there may be.
    left = [each["PolicyName"] for each in iam.list_policies(Scope="Local")["Policies"]]
    assert sorted(left) == [f"audit-{each}-dev" for each in ("boundary", "read", "write")]
    assert (tmp_path / "failed-records-dev/kept").read_bytes() == b"whole"
