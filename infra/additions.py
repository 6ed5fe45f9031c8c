"""What a user adds to the pipeline without touching it: settings, permissions, indexes.

`infra/yours.py` makes them, the components take them up. What does not fit the contract's settings
or Lambda's rules for environment variables is refused at preview.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from handler.environ import Declared, EnvironReader, settings_variables, written
from infra.config.stack import ConfigError

PIPELINE_POLICIES: Final = frozenset({"logs", "parking", "idempotency", "tracing", "network"})
"""Names of the role's policies that `infra.function` makes."""

MOST_BYTES: Final = 4096
"""Of all environment variables of a function together; Lambda's quota, which cannot be raised."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Additions:
    """What `infra/yours.py` hands on."""

    settings: Mapping[str, pulumi.Input[Any]] = field(default_factory=dict)
    """Values for the fields of the contract's settings. A secret stays one in Pulumi's state;
    better is the name of a parameter or a secret, which `process` reads itself."""
    policies: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """More of what the function may do: policy documents, by a name for each."""
    attributes: Sequence[aws.dynamodb.TableAttributeArgs] = ()
    """The keys of the indexes, as far as they are not the table's."""
    global_secondary_indexes: Sequence[aws.dynamodb.TableGlobalSecondaryIndexArgs] = ()
    local_secondary_indexes: Sequence[aws.dynamodb.TableLocalSecondaryIndexArgs] = ()

    def check(self, kind: type[Any], *, existing_table: str | None = None) -> None:
        """`kind` is the dataclass of the contract's settings.

        Raises `ConfigError` with every name that is missing, unknown or taken, and with the
        indexes of a table that exists, of which nothing is changed.
        """
        declared = list(settings_variables(kind))
        mistakes = [*_misnamed(self.settings, declared, _file(kind)), *_reserved(declared)]
        mistakes += [
            f"policies.{name} is the name of a policy of the pipeline; give yours another"
            for name in self.policies
            if name in PIPELINE_POLICIES
        ]
        if existing_table is not None:
            mistakes += [
                f"{name} are of a table that the stack makes, and table.name names "
                f"{existing_table}, which exists: make them where it is made"
                for name in ("attributes", "global_secondary_indexes", "local_secondary_indexes")
                if getattr(self, name)
            ]
        if mistakes:
            raise ConfigError(mistakes, where=f"infra/yours.py and {_file(kind)}")

    def environment(
        self, kind: type[Any], *, beside: Mapping[str, str]
    ) -> pulumi.Output[dict[str, str]]:
        """The variables that carry the settings, which have to find room beside others.

        A value that does not fit fails the preview, as far as it is known then.
        """
        variables = {each.field: each.variable for each in settings_variables(kind)}

        def to_environ(values: dict[str, Any]) -> dict[str, str]:
            environ = {
                variables[name]: written(value)
                for name, value in values.items()
                if value is not None
            }
            reader = EnvironReader(environ)
            reader.settings(kind)
            if reader.problems:
                raise ConfigError(reader.problems, where="infra/yours.py")
            within_quota({**beside, **environ})
            return environ

        known = {name: value for name, value in self.settings.items() if name in variables}
        return pulumi.Output.from_input(known).apply(to_environ)


def allow(actions: str | Sequence[str], resources: pulumi.Input[str]) -> pulumi.Output[str]:
    """A policy document that allows actions on a resource; an index or object needs its own."""
    return pulumi.Output.from_input(resources).apply(
        lambda resource: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}],
            },
            sort_keys=True,
        )
    )


def within_quota(environ: dict[str, str]) -> dict[str, str]:
    """The same. Raises `ConfigError` when Lambda would refuse so much."""
    size = len(json.dumps(environ, separators=(",", ":")).encode())
    if size > MOST_BYTES:
        largest = max(environ, key=lambda name: len(environ[name]))
        message = (
            f"the function's environment must be at most {MOST_BYTES} bytes, got {size}; "
            f"the largest is {largest}: put it into a parameter, and its name into the environment"
        )
        raise ConfigError([message], where="infra/yours.py")
    return environ


_RESERVED: Final = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
})  # fmt: skip
"""Names that Lambda sets (Lambda Developer Guide, "Defined runtime environment variables")."""

_OURS: Final = re.compile("(REQUESTS|POWERTOOLS)_.*")
"""Names of the pipeline's own variables, and of Powertools'."""


def _file(kind: type[Any]) -> str:
    """Where a dataclass is declared."""
    return f"{kind.__module__.replace('.', '/')}.py"


def _misnamed(
    given: Mapping[str, object], declared: Sequence[Declared], file: str
) -> Iterator[str]:
    names = [each.field for each in declared]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            known = ", ".join(names) or "none"
            hint = f"did you mean {near[0]}?" if near else f"declared are {known}"
            yield f"settings.{name} is not declared in {file}; {hint}"
    for each in declared:
        if each.field not in given and not each.is_optional:
            yield f"settings.{each.field} is missing; {file} declares it"


def _reserved(declared: Sequence[Declared]) -> Iterator[str]:
    for each in declared:
        if each.variable in _RESERVED or _OURS.fullmatch(each.variable):
            yield (
                f"{each.field} would be the variable {each.variable}, which Lambda or the pipeline "
                "sets; give the field another name"
            )
        elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]+", each.variable):
            yield (
                f"{each.field} would be the variable {each.variable}; Lambda takes a letter and "
                "then at least one letter, digit or _"
            )
