"""Which stacks the workflows find, and what they are told of each."""

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.config.stack import StackConfig
from infra.config.stack_file import StackFileError
from tests.plan import stack_values
from tests.project import FROZEN, PROJECT
from tests.unit.workflows.workflow_files import GITHUB

SCRIPT = GITHUB / "scripts/stacks.py"
LOADED = runpy.run_path(str(SCRIPT))
RUNNERS: dict[str, str] = LOADED["RUNNERS"]
stacks: Callable[..., list[dict[str, str]]] = LOADED["stacks"]
ROLE = "arn:aws:iam::123456789012:role/github-requests"

REGION = "config:\n  aws:region: eu-central-1\n"


def project(folder: Path, **files: str) -> Path:
    (folder / "Pulumi.yaml").write_text("name: requests-processor\n", encoding="utf-8")
    for stack, text in files.items():
        (folder / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
    return folder


def function(architecture: str) -> str:
    return f"{REGION}  function:\n    architecture: {architecture}\n"


def test_every_stack_file_is_found_by_its_stacks_name(tmp_path: Path) -> None:
    found = stacks(project(tmp_path, dev=REGION, prod=REGION, staging=REGION))

    assert [each["stack"] for each in found] == ["dev", "prod", "staging"]


@pytest.mark.parametrize(
    ("architecture", "runner"), [("x86_64", "ubuntu-24.04"), ("arm64", "ubuntu-24.04-arm")]
)
def test_an_image_builds_on_a_runner_of_its_architecture(
    tmp_path: Path, architecture: str, runner: str
) -> None:
    found = stacks(project(tmp_path, dev=function(architecture)))

    assert found == [{"stack": "dev", "region": "eu-central-1", "runner": runner}]


def test_a_stack_that_sets_no_architecture_has_the_programs_default(tmp_path: Path) -> None:
    found = stacks(project(tmp_path, dev=REGION))

    default = StackConfig().function.architecture
    assert found[0]["runner"] == RUNNERS[default]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_has_the_runner_that_the_program_implies(stack: str) -> None:
    values = {key.partition(":")[2]: value for key, value in stack_values(stack).items()}
    own = {key: value for key, value in values.items() if key != "region"}
    config = StackConfig.parse(own, namespace="requests-processor")

    (found,) = (each for each in stacks(FROZEN) if each["stack"] == stack)

    assert found == {
        "stack": stack,
        "region": values["region"],
        "runner": RUNNERS[config.function.architecture],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("secretsprovider: awskms://alias/pulumi-state\n", "Pulumi.dev.yaml: aws:region is"),
        (
            function("arm"),
            "Pulumi.dev.yaml: requests-processor:function.architecture must be one of",
        ),
    ],
)
def test_a_stack_file_that_lacks_what_its_jobs_need_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(StackFileError, match=f"^{message}"):
        stacks(project(tmp_path, dev=text))


@pytest.mark.parametrize("given", ['\'{"architecture": "arm64"}\'', "", "null"])
def test_a_section_that_pulumi_refuses_is_one_line_here_too(tmp_path: Path, given: str) -> None:
    folder = project(tmp_path, dev=f"{REGION}  function: {given}\n")
    (folder / "Pulumi.yaml").write_bytes((PROJECT / "Pulumi.yaml").read_bytes())

    with pytest.raises(StackFileError, match=r"^Pulumi.dev.yaml: \S+:function must be of type obj"):
        stacks(folder)


@pytest.mark.parametrize("given", ['\'{"architecture": "arm64"}\'', "{architecture: arm64}"])
def test_a_section_as_json_counts_where_pulumi_yaml_declares_no_type(
    tmp_path: Path, given: str
) -> None:
    (found,) = stacks(project(tmp_path, dev=f"{REGION}  function: {given}\n"))

    assert found["runner"] == "ubuntu-24.04-arm"


@pytest.mark.parametrize("given", ["", '""', "[1]", "x86_64"])
def test_a_section_that_says_nothing_leaves_the_default(tmp_path: Path, given: str) -> None:
    (found,) = stacks(project(tmp_path, dev=f"{REGION}  function: {given}\n"))

    assert found["runner"] == RUNNERS[StackConfig().function.architecture]


def test_a_region_that_only_pulumi_cloud_knows_is_named_by_a_variable(tmp_path: Path) -> None:
    folder = project(tmp_path, **{"eu.dev": "environment: [aws/eu]\n"})

    (found,) = stacks(folder, {"AWS_REGION_EU_DEV": "eu-west-3"})

    assert found["region"] == "eu-west-3"
    with pytest.raises(StackFileError, match=r"environment aws/eu .*variable AWS_REGION_EU_DEV"):
        stacks(folder)


def variables(*stacks: str, what: str = "DEPLOY") -> dict[str, str]:
    """Those that the guide sets for stacks."""
    return {
        name: value
        for stack in stacks
        for name, value in (
            (f"AWS_{what}_ROLE_ARN_{stack}", f"{ROLE}-{stack}"),
            (f"PULUMI_BACKEND_URL_{stack}", f"s3://state-{stack}"),
        )
    }


def list_stacks(
    folder: Path, known: dict[str, str] | None = None, *, what: str = "deploy"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), what],
        cwd=folder,
        env={
            "PYTHONPATH": str(PROJECT),
            "VARIABLES": json.dumps(known or {}),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def written(result: subprocess.CompletedProcess[str]) -> dict[str, list[dict[str, str]]]:
    """The members of each matrix."""
    lines = dict(line.split("=", 1) for line in result.stdout.splitlines())
    return {name: json.loads(value)["include"] for name, value in lines.items()}


def order(result: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """The names of the stacks in the order in which they are deployed."""
    found = written(result)
    return [[each["stack"] for each in found[place]] for place in ("dev", "others", "prod")]


def test_the_matrix_names_each_stack_beside_what_is_known_of_it(tmp_path: Path) -> None:
    result = list_stacks(project(tmp_path, dev=function("x86_64")), variables("DEV"))

    assert written(result)["all"] == [
        {
            "stack": "dev",
            "region": "eu-central-1",
            "runner": "ubuntu-24.04",
            "role": f"{ROLE}-DEV",
            "backend": "s3://state-DEV",
        }
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["dev", "prod"], [["dev"], [], ["prod"]]),
        (["dev", "prod", "staging", "test"], [["dev"], ["staging", "test"], ["prod"]]),
        (["live"], [[], ["live"], []]),
        (["prod", "staging"], [[], ["staging"], ["prod"]]),
        (["prod"], [[], [], ["prod"]]),
        ([], [[], [], []]),
    ],
)
def test_dev_comes_first_and_prod_last_of_the_stacks_that_are_there(
    tmp_path: Path, names: list[str], expected: list[list[str]]
) -> None:
    folder = project(tmp_path, **dict.fromkeys(names, REGION))

    result = list_stacks(folder, variables(*map(str.upper, names)))

    assert order(result) == expected


def test_a_stack_without_its_variables_is_left_out_and_told_which_to_set(tmp_path: Path) -> None:
    folder = project(tmp_path, dev=REGION, prod=REGION)

    result = list_stacks(folder, variables("DEV"))

    reason = "set AWS_DEPLOY_ROLE_ARN_PROD and PULUMI_BACKEND_URL_PROD (docs/deploying.md)"
    assert order(result) == [["dev"], [], []]
    assert result.stderr == f"::notice title=No deploy of prod::{reason}\n"
    assert (folder / "summary").read_text(encoding="utf-8") == f"No deploy of prod: {reason}.\n\n"
    assert result.returncode == 0


def test_no_role_serves_two_stacks(tmp_path: Path) -> None:
    shared = {"AWS_DEPLOY_ROLE_ARN": ROLE, "PULUMI_BACKEND_URL": "s3://state"}

    result = list_stacks(project(tmp_path, dev=REGION, prod=REGION), shared)

    assert order(result) == [[], [], []]
    assert "set AWS_DEPLOY_ROLE_ARN_DEV (" in result.stderr


def test_a_preview_has_a_role_of_its_own(tmp_path: Path) -> None:
    folder = project(tmp_path, dev=REGION)
    known = {**variables("DEV", what="PREVIEW"), "AWS_DEPLOY_ROLE_ARN_DEV": "another"}

    result = list_stacks(folder, known, what="preview")

    assert [each["role"] for each in written(result)["all"]] == [f"{ROLE}-DEV"]


def test_a_backend_may_serve_all_stacks(tmp_path: Path) -> None:
    known = {"AWS_DEPLOY_ROLE_ARN_DEV": ROLE, "PULUMI_BACKEND_URL": "https://api.pulumi.com"}

    result = list_stacks(project(tmp_path, dev=REGION), known)

    assert written(result)["all"][0]["backend"] == "https://api.pulumi.com"


def test_a_variable_has_the_stacks_name_in_capitals_and_underscores(tmp_path: Path) -> None:
    result = list_stacks(project(tmp_path, **{"prod-eu.2": REGION}), variables("PROD_EU_2"))

    assert [each["stack"] for each in written(result)["all"]] == ["prod-eu.2"]


def test_a_mistake_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    result = list_stacks(project(tmp_path, dev="config: {}\n"))

    assert result.returncode == 1
    assert result.stderr == (
        "error: Pulumi.dev.yaml: aws:region is missing; it must be a region's name, "
        "or set the variable AWS_REGION_DEV\n"
    )


def test_listing_the_stacks_needs_nothing_but_pyyaml(tmp_path: Path) -> None:
    folder = project(tmp_path, dev=REGION)
    code = (
        f"import runpy, sys; runpy.run_path({str(SCRIPT)!r}); "
        "sys.exit(sorted({'pulumi', 'boto3'} & set(sys.modules)) or 0)"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={"PYTHONPATH": str(PROJECT)}, check=False
    )

    assert result.returncode == 0
