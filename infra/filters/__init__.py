"""Filter patterns: parsed, matched, and checked against the contract. Pure; no AWS, no Pulumi."""

from infra.filters.pattern import FilterPattern, InvalidFilterPatternError

__all__ = ["FilterPattern", "InvalidFilterPatternError"]
