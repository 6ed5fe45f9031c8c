"""The files of a Pulumi project: which they are, and what stands in them.

The engine takes Pulumi.json, Pulumi.yaml or Pulumi.yml, whichever it finds first, and the stacks'
files with the same ending (workspace/paths.go, encoding/marshal.go of its sdk 3.274.1).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from infra.config import pulumi_yaml

_SUFFIXES: Final = (".json", ".yaml", ".yml")


class StackFileError(ValueError):
    """A stack file is missing, or says what Pulumi does not take; names the file and what."""


def project_name(project: Path) -> str:
    """The name in a project's Pulumi.yaml. Raises `StackFileError`."""
    return str(content_of(_project_file(project)).get("name", ""))


def stack_names(project: Path) -> list[str]:
    """The stacks that have a file in the project. Raises `StackFileError`."""
    suffix = _project_file(project).suffix
    files = _stack_folder(project).glob(f"Pulumi.*{suffix}")
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(suffix) for file in files)


def project_content(project: Path) -> Mapping[str, Any]:
    """What stands in Pulumi.yaml; nothing when there is none. Raises `StackFileError`."""
    file = _project_file(project)
    return content_of(file) if file.exists() else {}


def _project_file(project: Path) -> Path:
    names = (project / f"Pulumi{suffix}" for suffix in _SUFFIXES)
    return next((file for file in names if file.is_file()), project / "Pulumi.yaml")


def _stack_folder(project: Path) -> Path:
    content = project_content(project)
    config = content.get("config")
    folder = content.get("stackConfigDir") or (config if isinstance(config, str) else "")
    return project / str(folder)


def stack_file(project: Path, stack: str) -> Path:
    """The file of a stack. Raises `StackFileError` when there is none."""
    file = _stack_folder(project) / f"Pulumi.{stack}{_project_file(project).suffix}"
    known = stack_names(project)
    if stack in known:
        return file
    message = f"there is no stack {stack}: {file.name} is missing; known: {', '.join(known)}"
    for other in sorted(file.parent.glob(f"Pulumi.{stack}.*")):
        if other.suffix in _SUFFIXES:
            message += f"; Pulumi does not read {other.name} beside {_project_file(project).name}"
    raise StackFileError(message)


def content_of(file: Path) -> Mapping[str, Any]:
    """The object that a file is. Raises `StackFileError`."""
    try:
        string = file.read_text(encoding="utf-8-sig")
        content = json.loads(string) if file.suffix == ".json" else pulumi_yaml.load(string)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise StackFileError(f"{file.name} cannot be read: {line}{error.problem}") from error
    except RecursionError as error:
        raise StackFileError(f"{file.name} nests deeper than can be read here") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise StackFileError(f"{file.name} cannot be read: {error}") from error
    if content is not None and not isinstance(content, Mapping):
        raise StackFileError(f"{file.name} must be an object, with a key such as config")
    return content or {}
