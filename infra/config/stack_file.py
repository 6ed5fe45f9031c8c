"""The stack files of a project as they stand there, and values in the form Pulumi hands them over.

Whether a value is right is said by `infra.config.stack`. The local run, the tests and the
workflows read the files here; the workflows do so before Pulumi is installed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


class StackFileError(ValueError):
    """A stack file is missing, no YAML, or lacks what its reader must know; says which and what."""


def project_name(project: Path) -> str:
    """The name in a project's Pulumi.yaml. Raises `StackFileError`."""
    return str(_content(project / "Pulumi.yaml").get("name", ""))


def stack_names(project: Path) -> list[str]:
    """The stacks that have a file in the project's folder."""
    files = project.glob("Pulumi.*.yaml")
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files)


def stack_values(project: Path, stack: str) -> dict[str, Any]:
    """The values of a stack's file, under their full keys. Raises `StackFileError`.

    A key without a namespace is the project's own, as Pulumi reads it.
    """
    file = project / f"Pulumi.{stack}.yaml"
    known = stack_names(project)
    if stack not in known:
        raise StackFileError(
            f"there is no stack {stack}: {file.name} is missing; known: {', '.join(known)}"
        )
    name = project_name(project)
    values = _content(file).get("config") or {}
    return {key if ":" in key else f"{name}:{key}": value for key, value in values.items()}


def region_of(project: Path, stack: str) -> str:
    """The region of a stack. Raises `StackFileError`."""
    region = stack_values(project, stack).get("aws:region")
    if not isinstance(region, str):
        raise StackFileError(
            f"Pulumi.{stack}.yaml: aws:region is missing; it must be a region's name"
        )
    return region


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the changes merged over them, objects key by key."""
    result = dict(values)
    for key, change in changes.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(change, Mapping)
        result[key] = merged(old, change) if both else change  # type: ignore[arg-type] # both are
    return result


def overridden(values: Mapping[str, Any], changes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A stack's values with the project's own keys, which stand without its name, merged over."""
    return merged(values, {f"{name}:{key}": change for key, change in changes.items()})


def handed_over(values: Mapping[str, Any]) -> dict[str, str]:
    """In the form in which Pulumi hands values over: all strings, objects as JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
    }


def _content(file: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise StackFileError(f"{file.name} cannot be read: {error}") from error
    return content if isinstance(content, dict) else {}
