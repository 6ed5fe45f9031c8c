"""The workflow files as plain data: their jobs, their steps, and the set-up that jobs share."""

from typing import Any, Final

import pytest
import yaml

from tests.project import PROJECT

GITHUB: Final = PROJECT / ".github"
# Who deploys in another way has nothing there that could be wrong.
if not GITHUB.exists():
    pytest.skip(".github was removed", allow_module_level=True)

OURS: Final = ("deploy", "preview", "test", "update")
"""A user may have others beside them."""
WORKFLOWS: Final = [GITHUB / "workflows" / f"{name}.yml" for name in OURS]
ACTIONS: Final = [GITHUB / "actions" / name / "action.yml" for name in ("set-up", "stacks")]


def workflow(name: str) -> dict[str, Any]:
    """A workflow; every value in it is a text."""
    # BaseLoader: to YAML 1.1 the key `on` is a boolean.
    text = (GITHUB / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    return dict(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506 - it builds only texts


def job(name: str, job_id: str) -> dict[str, Any]:
    """A job of a workflow."""
    return dict(workflow(name)["jobs"][job_id])


def jobs() -> list[tuple[str, str]]:
    """Workflow and id of every job."""
    return [(path.stem, job_id) for path in WORKFLOWS for job_id in workflow(path.stem)["jobs"]]


def step_running(name: str, job_id: str, command: str) -> dict[str, Any]:
    """The only step of a job whose script has that text."""
    (found,) = (step for step in job(name, job_id)["steps"] if command in step.get("run", ""))
    return dict(found)


def steps_running(name: str, job_id: str, command: str) -> list[dict[str, Any]]:
    """All steps of a job whose script has that text."""
    return [step for step in job(name, job_id)["steps"] if command in step.get("run", "")]


def set_up() -> list[dict[str, Any]]:
    """The steps of the action that makes a runner ready for Pulumi."""
    content = yaml.safe_load((GITHUB / "actions/set-up/action.yml").read_text(encoding="utf-8"))
    return list(content["runs"]["steps"])


def step_using(steps: list[dict[str, Any]], action: str) -> dict[str, Any]:
    """The only step that uses an action, whatever its version."""
    (found,) = (step for step in steps if step.get("uses", "").split("@")[0] == action)
    return found
