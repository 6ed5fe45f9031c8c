"""What a type of resource is here: how it is made, changed and deleted in the embedded AWS, and
what the provider says of a change before it makes it.

One description serves the program's run without a CLI, which only creates, and Pulumi's engine.
What replaces a resource, what is computed and what is passed over follow the Terraform provider
under pulumi-aws 7 and pulumi-docker 5; each description names its source.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from infra.local.aws.emulator import Emulator

Inputs: TypeAlias = Mapping[str, Any]
Outputs: TypeAlias = dict[str, Any]
Create: TypeAlias = Callable[[Emulator, str, Inputs], Outputs]
"""From the physical name and the inputs to what only creation tells, with the id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Existing:
    """A resource as Pulumi's state has it."""

    id: str
    state: Inputs
    """Inputs and outputs, as they were after the last operation."""

    def __getitem__(self, key: str) -> Any:
        return self.state[key]

    def get(self, key: str, default: Any = None) -> Any:
        """The value of an input or output; None counts as none."""
        value = self.state.get(key)
        return default if value is None else value


Update: TypeAlias = Callable[[Emulator, Existing, Inputs], Outputs]
"""From the new inputs to the outputs that are other than they were."""
Delete: TypeAlias = Callable[[Emulator, Existing], None]
Read: TypeAlias = Callable[[Emulator, str], "Inputs | None"]
"""From the id to the inputs and outputs that AWS has now, as far as it tells; None: it is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """The name that a resource gets when the program gives it none."""

    key: str = "name"
    longest: int
    shortest: int = 1
    """Pulumi's own names have 8 letters more than the resource's, those here none."""
    lowercase: bool = False
    prefix: str = ""
    """What every name of the service begins with."""
    ending_if: Mapping[str, str] | None = None
    """What a name ends with while an input is true."""

    def ending(self, inputs: Inputs) -> str:
        """What the name must end with."""
        endings = self.ending_if or {}
        return next((ending for key, ending in endings.items() if inputs.get(key) is True), "")


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceType:
    """One type of resource. Paths are as Pulumi writes them, without indexes: `ttl.enabled`."""

    create: Create
    update: Update | None = None
    """None: creating it again is what changes it."""
    delete: Delete
    read: Read | None = None
    """None: what the state says is taken for true."""
    naming: Naming | None = None
    checked: Callable[[Inputs], Inputs] | None = None
    """What the provider adds to the inputs itself."""
    computed: tuple[str, ...] = ()
    """Outputs that only creation tells."""
    computed_anew: Mapping[str, tuple[str, ...]] | None = None
    """Outputs that are others after a change of this input."""
    replaced_by: frozenset[str] = frozenset()
    """Inputs that cannot be changed: ForceNew."""
    is_deleted_first: bool = False
    """Replaced, the old one goes before the new one comes."""
    kept: frozenset[str] = frozenset()
    """Inputs that stay as they are when they leave the program: Optional and Computed, or passed
    over by a DiffSuppressFunc."""
    passed_over: frozenset[str] = frozenset()
    """Inputs whose change is none."""
    unordered: frozenset[str] = frozenset()
    """Lists whose order means nothing: TypeSet."""
    only_with: Mapping[str, frozenset[str]] | None = None
    """Inputs whose change is one only beside a change of one of these."""


POLICIES: Final = frozenset({"accessPolicies", "assumeRolePolicy", "policy", "policyDocument"})
"""Inputs that the provider takes as an object too."""
DOCUMENTS: Final = POLICIES | {"redrivePolicy"}
"""Inputs of JSON, whose keys have no order."""
