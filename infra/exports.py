"""The exports of a stack, by pipeline: what the commands know a deployed one by.

The exports of the only pipeline stand at the top, as names. Of several, each has one object, under
its own name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

FUNCTION_NAME: Final = "functionName"
"""Every pipeline exports it, so that its exports are known by it."""
FUNCTION_ENDING: Final = "-processor"
"""Behind the pipeline's name, it is the function's."""


class WhichPipelineError(ValueError):
    """A pipeline is not named where there are several, or there is none of that name."""


def pipeline_exports(exports: Mapping[str, Any], pipeline: str | None) -> Mapping[str, Any]:
    """The exports of one pipeline; None: of the only one. Raises `WhichPipelineError`."""
    if several := pipeline_names(exports):
        found: Mapping[str, Any] = exports[chosen(several, pipeline)]
        return found
    if pipeline is not None and not _is_of(exports, pipeline):
        raise WhichPipelineError(
            f"there is no pipeline {pipeline}: the stack has one, and needs no --pipeline"
        )
    return exports


def pipeline_names(exports: Mapping[str, Any]) -> list[str]:
    """The names of several pipelines; empty where there is one, which the exports do not name."""
    return sorted(
        name
        for name, value in exports.items()
        if isinstance(value, Mapping) and FUNCTION_NAME in value
    )


def exports_before(exports: Mapping[str, Any], pipeline: str) -> Mapping[str, Any]:
    """What a pipeline exported when it was last deployed; empty: there was none of that name."""
    own = exports.get(pipeline)
    if isinstance(own, Mapping):
        return own
    return exports if FUNCTION_NAME not in exports or _is_of(exports, pipeline) else {}


def chosen(names: Sequence[str], pipeline: str | None) -> str:
    """The pipeline that is meant. Raises `WhichPipelineError`."""
    if pipeline is None and len(names) == 1:
        return names[0]
    known = ", ".join(sorted(names)) or "none"
    if pipeline is None:
        raise WhichPipelineError(f"which pipeline? Name it with --pipeline: {known}")
    if pipeline not in names:
        raise WhichPipelineError(f"there is no pipeline {pipeline}; known are {known}")
    return pipeline


def _is_of(exports: Mapping[str, Any], pipeline: str) -> bool:
    # Pulumi puts its own ending behind the name that the function has in the program.
    return str(exports.get(FUNCTION_NAME, "")).startswith(f"{pipeline}{FUNCTION_ENDING}")
