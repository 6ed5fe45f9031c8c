"""The policy pack: the rules, as Pulumi's engine asks for them."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

# The engine runs this file in the pack's own folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from infra.inputs import UNKNOWN
from infra.policy_pack.resource import Resource
from infra.policy_pack.rules import RULES, STACK_RULES, Rule, StackRule


def _policy(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for words in rule.check(_resource(args)):
            report(f"{args.name} {words}", args.urn)

    return ResourceValidationPolicy(name=rule.name, description=rule.description, validate=validate)


def _stack_policy(rule: StackRule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for resource, words in rule.check([_resource(each) for each in args.resources]):
            report(f"{resource.name} {words}", resource.urn)

    return StackValidationPolicy(name=rule.name, description=rule.description, validate=validate)


def _resource(args: Any) -> Resource:
    return Resource(
        type=args.resource_type,
        name=args.name,
        urn=args.urn,
        inputs=_plain(args.props),
        protect=bool(args.opts.protect),
        depends_on=frozenset(each.name for each in getattr(args, "dependencies", ())),
    )


def _plain(value: Any) -> Any:
    """Without the SDK's proxies, which raise at what is not known yet."""
    if isinstance(value, Mapping):
        return {key: _plain(_known(value, key)) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(_known(value, index)) for index in range(len(value))]
    return value


def _known(values: Any, key: Any) -> Any:
    try:
        return values[key]
    except UnknownValueError:
        return UNKNOWN


PolicyPack(
    name="requests-processor",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[*map(_policy, RULES), *map(_stack_policy, STACK_RULES)],
)
