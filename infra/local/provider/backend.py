"""The one backend that our providers work for: the folder that the run itself has made.

Pulumi's engine tells a provider nothing of its backend. What it tells is enough to know one's own:
the provider's state carries the run's mark, and an update holds a lock in the backend's folder
(pulumi's backend/diy/lock.go).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

MARK: Final = "localRun"
"""The provider's input that says of which run a state is."""


class ForeignBackendError(Exception):
    """The engine works on another backend than the run's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A folder with the state of this run's stacks, and of no others."""

    folder: Path
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    def marked(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
        """The provider's configuration with the mark. Raises `ForeignBackendError`."""
        if old:
            self.ensure_own(old)
        return {**new, MARK: self.mark}

    def ensure_own(self, configuration: Mapping[str, Any]) -> None:
        """Raises `ForeignBackendError` for the state of another run, or of a real stack."""
        if configuration.get(MARK) != self.mark:
            raise ForeignBackendError(
                "this stack's state is not the local run's; nothing was read or changed. For the "
                "local run paste what it printed into this terminal; for any other stack unset "
                "PULUMI_DEBUG_PROVIDERS, PULUMI_BACKEND_URL and PULUMI_OPTION_CONFIG_FILE"
            )

    def ensure_locked(self) -> None:
        """Raises `ForeignBackendError` when nobody updates a stack in the folder."""
        locks = self.folder / ".pulumi" / "locks"
        if not any(locks.rglob("*.json")):
            raise ForeignBackendError(
                f"the update is of another backend than the local run's, file://{self.folder}; "
                "nothing was changed"
            )
