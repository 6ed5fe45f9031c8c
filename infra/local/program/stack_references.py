"""References to other stacks: without Pulumi's state there are none, and the program goes on.

A value is what the project's own file says, else it is made up, and said so.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pulumi

from infra.local.aws.not_made import PLACEHOLDER
from infra.local.aws.stack_outputs import FILE

logger = logging.getLogger(__name__)


def goes_on(reference: pulumi.Resource, target: object) -> None:
    """Lets a reference to another stack answer whatever it is asked for."""
    if isinstance(reference, pulumi.StackReference) and not is_own(target):
        reference.__class__ = _StackReference


def is_own(target: object) -> bool:
    """Whether it is the stack that is run: its outputs before its first update are none."""
    parts = str(target).split("/")
    return parts[-1] == pulumi.get_stack() and parts[-2:-1] in ([], [pulumi.get_project()])


class _StackReference(pulumi.StackReference):
    """Makes up what is not said of the stack."""

    @property
    def outputs(self) -> pulumi.Output[dict[str, Any]]:  # type: ignore[override] # nobody sets it
        known: pulumi.Output[Any] = self.__dict__["outputs"]
        made_up: pulumi.Output[dict[str, Any]] = self.__dict__.setdefault(
            "_made_up",
            pulumi.Output.all(known, self.__dict__["name"]).apply(
                lambda both: _Outputs(both[0] or {}, stack=both[1])
            ),
        )
        return made_up

    def require_output(self, name: pulumi.Input[str]) -> pulumi.Output[Any]:
        return pulumi.Output.from_input(name).apply(
            lambda key: self.outputs.apply(lambda found: found[key])
        )

    get_output = require_output


class _Outputs(dict[str, Any]):
    """Has a value for every name."""

    def __init__(self, known: Mapping[str, Any], *, stack: str) -> None:
        super().__init__(known)
        self._stack = stack

    def __missing__(self, name: str) -> str:
        logger.warning(
            "%s of stack %s is made up (%s): %s can say it, as %s",
            name,
            self._stack,
            PLACEHOLDER,
            FILE,
            json.dumps({self._stack: {name: "..."}}),
        )
        self[name] = PLACEHOLDER
        return PLACEHOLDER

    def get(self, name: str, default: Any = None) -> Any:
        """The same as `[]`: nothing is known to be missing."""
        del default
        return self[name]
