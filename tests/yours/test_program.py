"""Your program, your stacks and your `process`: what is true of them whatever stands there.

Nothing here has to be changed when they are.
"""

import subprocess
import sys
from typing import Final

import pytest

from infra.config.regions import partition_of
from infra.config.stack_file import stack_names, stack_values
from infra.filters.pattern import FilterPattern
from infra.local.pipelines import pipelines
from infra.local.program.run import declared_by_program
from tests.plan import EVENT_SOURCE_MAPPING, Plan, plan_of
from tests.project import PROJECT

STACKS: Final = stack_names(PROJECT)


@pytest.fixture(params=STACKS, scope="module")
def plan(request: pytest.FixtureRequest) -> Plan:
    """The plan of each stack that has a file; a mistake in it is told here."""
    return plan_of(stack=request.param, project=PROJECT, preview=True)


def test_the_program_plans_a_pipeline_for_every_stack_file(plan: Plan) -> None:
    assert plan.of_type(EVENT_SOURCE_MAPPING)
    assert plan.exports


def test_the_filters_of_every_stack_are_what_lambda_takes(plan: Plan) -> None:
    for mapping in plan.of_type(EVENT_SOURCE_MAPPING):
        for each in mapping.inputs["filterCriteria"]["filters"]:
            FilterPattern(each["pattern"])


def test_process_handles_an_item_made_up_of_its_own_type() -> None:
    stack = STACKS[0]
    demo = [sys.executable, "-m", "infra.local", "demo", "--stack", stack, "--count", "1"]
    if partition_of(stack_values(PROJECT, stack).get("aws:region", "us-east-1")) != "aws":
        # The account here is of this partition.
        demo += ["--config", "aws:region=us-east-1"]

    for name in pipelines(declared_by_program(stack, {}, project=PROJECT)):
        done = subprocess.run(
            [*demo, "--pipeline", name], cwd=PROJECT, capture_output=True, text=True, check=False
        )

        assert done.returncode == 0, done.stdout + done.stderr
