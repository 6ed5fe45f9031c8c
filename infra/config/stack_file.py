"""A stack's values as Pulumi's engine makes them out of its files, and hands them to the program.

Pulumi's own rules, so that the local run and the workflows forgive nothing that `pulumi up` does
not: YAML as Go reads it, keys without a namespace, the defaults and types of Pulumi.yaml. What only
Pulumi can know, an encrypted value or an ESC environment, is named. Whether a value is right is
said by `infra.config.stack`. The workflows read here before Pulumi is installed.

Tried with Pulumi's code, sdk and pkg 3.274.1: LoadProjectStack (workspace/loaders.go), ParseKey
(resource/config/key.go), ValidateStackConfigAndApplyProjectConfig (pkg, workspace/config.go).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.config import regions
from infra.config.project_files import (
    StackFileError,
    content_of,
    project_content,
    project_name,
    stack_file,
    stack_names,
)

__all__ = [
    "StackFile",
    "StackFileError",
    "handed_over",
    "merged",
    "overridden",
    "project_name",
    "read",
    "region_of",
    "stack_names",
    "stack_values",
]

REGION: Final = "aws:region"

ENCRYPTED: Final = "encrypted"
"""Stands for a value that only Pulumi can decrypt. It is a valid tag, where secrets may be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StackFile:
    """What a stack sets, under full keys."""

    values: Mapping[str, Any]
    secrets: frozenset[str] = frozenset()
    """The keys with something encrypted in their values."""
    encrypted: tuple[tuple[str, ...], ...] = ()
    """The paths of the values that `ENCRYPTED` stands for."""
    notes: tuple[str, ...] = ()
    """What is not known here, one line each."""


def stack_values(project: Path, stack: str) -> dict[str, Any]:
    """The values of a stack, under their full keys. Raises `StackFileError`.

    A key without a namespace is the project's own, as Pulumi reads it.
    """
    return dict(read(project, stack).values)


def region_of(
    project: Path,
    stack: str,
    changes: Mapping[str, Any] | None = None,
    *,
    named: str | None = None,
    otherwise: str = "",
) -> str:
    """The region of a stack; `named` if its files say none, and `otherwise` how else to name it.

    Raises `StackFileError`.
    """
    found, file = read(project, stack, changes), stack_file(project, stack)
    region = found.values.get(REGION) or named
    if region:
        if mistake := regions.mistake_of(region):
            raise StackFileError(f"{file.name}: {REGION} {mistake}")
        return str(region)
    environment = _environment(content_of(file))
    why = f" (perhaps {environment} has it, which is not read here)" if environment else ""
    is_encrypted = (REGION,) in found.encrypted
    is_what = "is encrypted for Pulumi alone" if is_encrypted else f"is missing{why}"
    raise StackFileError(f"{file.name}: {REGION} {is_what}; it must be a region's name{otherwise}")


def read(project: Path, stack: str, changes: Mapping[str, Any] | None = None) -> StackFile:
    """A stack's values, `changes` merged over them and with the defaults of Pulumi.yaml.

    `changes` has the project's own keys without its name. Raises `StackFileError` with all that is
    wrong, one line each.
    """
    file, declared = stack_file(project, stack), project_content(project)
    name, content = str(declared.get("name", "")), content_of(file)
    mistakes: list[str] = []
    decrypted, encrypted = _decrypted(_namespaced(content.get("config"), name, mistakes))
    if (REGION,) in encrypted:  # nothing can stand for a region
        del decrypted[REGION]
    values = overridden(decrypted, changes or {}, name)
    _apply(
        _declarations(declared, name),
        values,
        mistakes,
        with_environment=bool(_environment(content)),
    )
    if mistakes:
        raise StackFileError("\n".join(f"{file.name}: {mistake}" for mistake in mistakes))
    return StackFile(
        values=values,
        secrets=frozenset(path[0] for path in encrypted),
        encrypted=tuple(encrypted),
        notes=tuple(f"{file.name}: {note}" for note in _notes(content, encrypted)),
    )


def _notes(content: Mapping[str, Any], encrypted: list[tuple[str, ...]]) -> Iterator[str]:
    replaced = [path for path in encrypted if path != (REGION,)]
    if replaced:
        keys = ", ".join(".".join(path) for path in replaced)
        are = "is" if len(replaced) == 1 else "are"
        yield f'{keys} {are} encrypted for Pulumi alone: "{ENCRYPTED}" stands for it here'
    if environment := _environment(content):
        yield f"{environment} is not read here: give what it sets with --config KEY=VALUE"


def _environment(content: Mapping[str, Any]) -> str:
    """What the stack takes from Pulumi Cloud, in words; "" when it takes nothing."""
    given = content.get("environment")
    if not given:
        return ""
    # Pulumi hands over whatever it is; what it should be, Pulumi Cloud says.
    imports = given.get("imports") if isinstance(given, Mapping) else given
    listed = imports if isinstance(imports, list) else []
    names = [
        str(next(iter(each), "")) if isinstance(each, Mapping) else str(each) for each in listed
    ]
    return " ".join(
        ["the environment", *([", ".join(names)] if names else []), "of Pulumi Cloud (ESC)"]
    )


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the changes merged over them, objects key by key."""
    result = dict(values)
    for key, change in changes.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(change, Mapping)
        result[key] = merged(old, change) if both else change  # type: ignore[arg-type] # both are
    return result


def overridden(values: Mapping[str, Any], changes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A stack's values with others merged over; the project's own keys stand without its name."""
    return merged(values, {_full(key, name): change for key, change in changes.items()})


def handed_over(values: Mapping[str, Any]) -> dict[str, str]:
    """In the form in which Pulumi hands values over: all strings, objects as JSON."""
    return {key: _as_string(value) for key, value in values.items()}


def _as_string(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _full(key: str, name: str) -> str:
    return key if ":" in key or not name else f"{name}:{key}"


def _namespaced(config: object, name: str, mistakes: list[str]) -> dict[str, Any]:
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        mistakes.append(
            f"config must be an object with a key for each setting, got {_as_string(config)}"
        )
        return {}
    values: dict[str, Any] = {}
    for given, value in config.items():
        namespace, *middle, key = _full(given, name).split(":")
        # Pulumi takes the form of long ago too, with `config` between.
        if not key or middle not in ([], ["config"]):
            mistakes.append(f"{given} is no key: it must be like project:key, or the key alone")
        elif (full := _full(key, namespace)) in values:
            mistakes.append(f"{full} is set twice, with the project's name and without")
        else:
            values[full] = value
    return values


def _decrypted(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
    """The values with a placeholder where one is encrypted, and the paths of those."""
    encrypted: list[tuple[str, ...]] = []

    def plain(value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, Mapping):
            if list(value) == ["secure"] and isinstance(value["secure"], str):
                encrypted.append(path)
                return ENCRYPTED
            return {key: plain(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [plain(each, (*path, str(place))) for place, each in enumerate(value)]
        return value

    return {key: plain(value, (key,)) for key, value in values.items()}, encrypted


@dataclass(frozen=True, kw_only=True, slots=True)
class _Declared:
    """A key of Pulumi.yaml's config."""

    type: str | None
    default: Any = None
    """None: there is none, and the stack must set it."""
    is_own: bool


def _declarations(project: Mapping[str, Any], name: str) -> Iterator[tuple[str, _Declared]]:
    config = project.get("config")
    for given, value in config.items() if isinstance(config, Mapping) else ():
        key = _full(given, name)
        is_own = key.startswith(f"{name}:")
        if not isinstance(value, Mapping):
            yield key, _Declared(type=None, default=value, is_own=is_own)
            continue
        default = value.get("value") if value.get("default") is None else value["default"]
        yield key, _Declared(type=value.get("type"), default=default, is_own=is_own)


def _apply(
    declarations: Iterator[tuple[str, _Declared]],
    values: dict[str, Any],
    mistakes: list[str],
    *,
    with_environment: bool,
) -> None:
    for key, declared in declarations:
        if key in values:
            given = values[key]
            if declared.type is not None and not _TYPES[declared.type](given):
                mistakes.append(
                    f"{key} must be of type {declared.type}, as Pulumi.yaml declares it, "
                    f"got {_in_words(given)}{_REMEDIES.get(declared.type, '')}"
                )
        elif declared.default is not None:
            values[key] = declared.default
        elif declared.is_own and not with_environment:
            mistakes.append(f"{key} is missing, and Pulumi.yaml has no default for it")


def _is_integer(value: object) -> bool:
    if isinstance(value, str):
        return value.removeprefix("-").removeprefix("+").isdecimal()
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    # Of these alone Pulumi sees the string that it hands over.
    "string": lambda value: not isinstance(value, list | Mapping),
    "integer": _is_integer,
    "boolean": lambda value: isinstance(value, bool) or value in {"true", "false"},
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
}
_REMEDIES: Final[Mapping[str, str]] = {"object": ": write its keys below it, or leave it out"}


def _in_words(value: object) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, str):
        return f'the string "{value}"' if value != ENCRYPTED else "a secret"
    return json.dumps(value)
