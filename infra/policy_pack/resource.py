"""A resource as the rules see it: plain data, whoever hands it over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra import inputs


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One resource of a stack."""

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any]
    protect: bool = False
    depends_on: frozenset[str] = frozenset()
    """Names of the resources that its inputs come from."""

    def at(self, *path: str | int) -> Any:
        """The input at a path; None where there is none, UNKNOWN: no rule says anything of it."""
        return inputs.at(self.inputs, *path)

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.urn.split("::", 1)[0].rsplit(":", 1)[-1]


def is_production(stack: str) -> bool:
    """Whether a stack's name says so: prod, eu-prod, production.eu, ..."""
    parts = stack.replace("_", "-").replace(".", "-").split("-")
    return bool({"prod", "production", "live"} & {part.lower() for part in parts})
