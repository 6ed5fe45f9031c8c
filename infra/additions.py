"""What a user adds to the pipeline without touching it: settings, permissions, indexes.

`infra/yours.py` makes them, the components take them up. What does not fit the contract's settings
or Lambda's rules for environment variables is refused at preview.
"""

import difflib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, Protocol, TypeAlias

import pulumi
import pulumi_aws as aws

from handler.environ import Declared, EnvironReader, settings_variables, written
from handler.item_types import ItemType
from infra.config.stack import ConfigError
from infra.function_variables import MOST_BYTES, RESERVED

PIPELINE_POLICIES: Final = frozenset({"logs", "parking", "idempotency", "tracing", "network"})
"""Names of the role's policies that `infra.function` makes."""


class PipelineTable(Protocol):
    """The pipeline's table, which is made after the additions."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    """An index has its own: this one, /index/ and its name."""
    stream_arn: pulumi.Output[str]


OfTable: TypeAlias = Callable[[PipelineTable], pulumi.Input[Any]]
"""Makes a value of what is known once the table is there: `lambda table: table.name`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Additions:
    """What `infra/yours.py` hands on."""

    settings: Mapping[str, pulumi.Input[Any] | OfTable] = field(default_factory=dict)
    """Values for the fields of the contract's settings. A secret stays one in Pulumi's state;
    better is the name of a parameter or a secret, which `process` reads itself."""
    policies: Mapping[str, pulumi.Input[str] | OfTable] = field(default_factory=dict)
    """More of what the function may do: policy documents, by a name for each."""
    table: aws.dynamodb.TableArgs | None = None
    """Inputs of the table beyond the settings: provisioned capacity, its class, replicas, a key
    that is made here. They go before the pipeline's own."""
    attributes: Sequence[aws.dynamodb.TableAttributeArgs] = ()
    """The keys of the indexes, as far as they are not the table's."""
    global_secondary_indexes: Sequence[aws.dynamodb.TableGlobalSecondaryIndexArgs] = ()
    local_secondary_indexes: Sequence[aws.dynamodb.TableLocalSecondaryIndexArgs] = ()
    beside: Callable[[Any], object] = lambda _: None
    """Called with the `RequestsPipeline` once it is made: for resources that need its table,
    function or bucket, as autoscaling or an alarm."""

    def check(
        self,
        kind: type[Any],
        *,
        item: ItemType[Any] | None = None,
        existing_table: str | None = None,
    ) -> None:
        """`kind` is the dataclass of the contract's settings, `item` what an item is.

        Raises `ConfigError` with every name that is missing, unknown or taken, and with the
        indexes of a table that exists, of which nothing is changed.
        """
        try:
            declared = list(settings_variables(kind))
        except TypeError as error:
            raise ConfigError(str(error).split("; "), where=_file(kind)) from None
        mistakes = [*_misnamed(self.settings, declared, _file(kind)), *_reserved(declared)]
        mistakes += [
            f"policies.{name} is the name of a policy of the pipeline; give yours another"
            for name in self.policies
            if name in PIPELINE_POLICIES
        ]
        mistakes += _of_the_pipeline(self.table_inputs)
        mistakes += _of_another_type(self.attributes, item) if item is not None else ()
        if existing_table is not None:
            mistakes += [
                f"{name} cannot be given with table.name: {existing_table} exists, and nothing of "
                "it is changed"
                for name in self.of_own_table
            ]
        if mistakes:
            raise ConfigError(mistakes, where=f"infra/yours.py and {_file(kind)}")

    @property
    def table_inputs(self) -> Mapping[str, Any]:
        """Those of the table's inputs that are given."""
        names = inspect.signature(aws.dynamodb.TableArgs).parameters
        given = {name: getattr(self.table, name, None) for name in names}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def of_own_table(self) -> list[str]:
        """The additions that are given and only a table of the pipeline's own can take."""
        indexes = ("attributes", "global_secondary_indexes", "local_secondary_indexes")
        return [name for name in ("table", *indexes) if getattr(self, name)]

    def of_function(self, table: PipelineTable) -> "FunctionAdditions":
        """What of them is the function's, with what is made of the table."""
        settings, policies = (
            {name: each(table) if callable(each) else each for name, each in given.items()}
            for given in (self.settings, self.policies)
        )
        return FunctionAdditions(settings=settings, policies=policies)


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionAdditions:
    """What the function is told and may do beside the pipeline's own."""

    settings: Mapping[str, pulumi.Input[Any]]
    policies: Mapping[str, pulumi.Input[str]]

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
            read = reader.settings(kind)
            problems = [*reader.problems, *_read_otherwise(kind, values, read)]
            if problems:
                raise ConfigError(problems, where="infra/yours.py")
            within_quota({**beside, **environ})
            return environ

        known = {name: value for name, value in self.settings.items() if name in variables}
        return pulumi.Output.from_input(known).apply(to_environ)


def allow(
    actions: str | Sequence[str], resources: pulumi.Input[str] | Sequence[pulumi.Input[str]]
) -> pulumi.Output[str]:
    """A policy document that allows actions on a resource or several, by their ARNs.

    An index or an object has its own.
    """
    given: pulumi.Output[Any] = pulumi.Output.from_input(resources)
    return given.apply(
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


_SAID_ELSEWHERE: Final = {
    "attributes": "Additions.attributes, for the keys of indexes",
    "deletion_protection_enabled": "the setting table.deletionProtection",
    "global_secondary_indexes": "Additions.global_secondary_indexes",
    "hash_key": "the items' type",
    "local_secondary_indexes": "Additions.local_secondary_indexes",
    "range_key": "the items' type",
    "stream_enabled": "the contract",
    "stream_view_type": "the contract, or the setting stream.viewType",
    "tags": "the setting tags",
    "ttl": "the settings table.ttlEnabled and table.ttlAttribute",
}
"""Inputs of a table that have to go with something else of the pipeline."""


def _of_the_pipeline(inputs: Mapping[str, Any]) -> Iterator[str]:
    for name in inputs:
        if name in _SAID_ELSEWHERE:
            yield f"table.{name} is no addition: it is said by {_SAID_ELSEWHERE[name]}"


def _of_another_type(
    attributes: Sequence[aws.dynamodb.TableAttributeArgs], item: ItemType[Any]
) -> Iterator[str]:
    """An item without the type of an index's key is refused when it is written."""
    for each in attributes:
        name, type_ = (
            each.get(key) if isinstance(each, Mapping) else getattr(each, key, None)
            for key in ("name", "type")
        )
        declared = item.attributes.get(name) if isinstance(name, str) else None
        if isinstance(type_, str) and declared and type_ not in declared:
            right = " or ".join(sorted(declared))
            yield f"attributes: {name} is {right} in {_file(item.kind)}, got {type_}"


_OURS: Final = re.compile("(REQUESTS|POWERTOOLS)_.*")
"""Names of the pipeline's own variables, and of Powertools'."""


def _file(kind: type[Any]) -> str:
    """Where a dataclass is declared."""
    return f"{getattr(kind, '__module__', 'handler.contract').replace('.', '/')}.py"


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


def _read_otherwise(
    kind: type[Any], values: Mapping[str, Any], read: Mapping[str, Any]
) -> Iterator[str]:
    """What the function would find another value for: an empty variable is one that is not set."""
    defaults = {each.name: each.default for each in fields(kind)}
    for name, value in values.items():
        if isinstance(value, (list, tuple)) and any("," in written(each) for each in value):
            yield f"settings.{name} has a member with a comma, which separates them: {value!r}"
            continue
        default = defaults[name]
        if value in ("", [], ()) and name not in read and default not in (value, MISSING):
            yield f"settings.{name} is empty, and its default would be taken: {default!r}"


def _reserved(declared: Sequence[Declared]) -> Iterator[str]:
    for each in declared:
        if each.variable in RESERVED or _OURS.fullmatch(each.variable):
            yield (
                f"{each.field} would be the variable {each.variable}, which Lambda or the pipeline "
                "sets; give the field another name"
            )
        elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]+", each.variable):
            yield (
                f"{each.field} would be the variable {each.variable}; Lambda takes a letter and "
                "then at least one letter, digit or _"
            )
