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
from tests.plan import PROJECT, stack_values

SCRIPT = PROJECT / ".github/scripts/stacks.py"
LOADED = runpy.run_path(str(SCRIPT))
RUNNERS: dict[str, str] = LOADED["RUNNERS"]
stacks: Callable[[Path], dict[str, dict[str, str]]] = LOADED["stacks"]

REGION = "config:\n  aws:region: eu-central-1\n"


def project(folder: Path, **files: str) -> Path:
    (folder / "Pulumi.yaml").write_text("name: requests-processor\n", encoding="utf-8")
    for stack, text in files.items():
        (folder / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
    return folder


def function(architecture: str) -> str:
    return f"{REGION}  requests-processor:function:\n    architecture: {architecture}\n"


def test_every_stack_file_is_found_by_its_stacks_name(tmp_path: Path) -> None:
    found = stacks(project(tmp_path, dev=REGION, prod=REGION, staging=REGION))

    assert list(found) == ["dev", "prod", "staging"]


@pytest.mark.parametrize(
    ("architecture", "runner"), [("x86_64", "ubuntu-24.04"), ("arm64", "ubuntu-24.04-arm")]
)
def test_an_image_builds_on_a_runner_of_its_architecture(
    tmp_path: Path, architecture: str, runner: str
) -> None:
    found = stacks(project(tmp_path, dev=function(architecture)))

    assert found == {"dev": {"region": "eu-central-1", "runner": runner}}


def test_a_stack_that_sets_no_architecture_has_the_programs_default(tmp_path: Path) -> None:
    found = stacks(project(tmp_path, dev=REGION))

    default = StackConfig().function.architecture
    assert found["dev"]["runner"] == RUNNERS[default]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_this_projects_stacks_have_the_runner_that_the_program_implies(stack: str) -> None:
    values = {key.partition(":")[2]: value for key, value in stack_values(stack).items()}
    own = {key: value for key, value in values.items() if key != "region"}
    config = StackConfig.parse(own, namespace="requests-processor")

    found = stacks(PROJECT)[stack]

    assert found == {
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


def list_stacks(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_matrix_names_each_stack_beside_what_is_known_of_it(tmp_path: Path) -> None:
    result = list_stacks(project(tmp_path, dev=function("x86_64")))

    known = {"region": "eu-central-1", "runner": "ubuntu-24.04"}
    written = dict(line.split("=", 1) for line in result.stdout.splitlines())
    assert {name: json.loads(value) for name, value in written.items()} == {
        "stacks": {"dev": known},
        "matrix": {"include": [{"stack": "dev", **known}]},
    }


def test_a_mistake_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    result = list_stacks(project(tmp_path, dev="config: {}\n"))

    assert result.returncode == 1
    assert result.stderr == (
        "error: Pulumi.dev.yaml: aws:region is missing; it must be a region's name\n"
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
