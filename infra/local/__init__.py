"""The same program on this machine: an embedded AWS, the real handler, Lambda's semantics."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.local.deployment import LocalDeployment, deploy

__all__ = ["LocalDeployment", "deploy"]


def __getattr__(name: str) -> Any:
    """Imported when it is asked for: the command line must be able to end before."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from infra.local import deployment  # noqa: PLC0415

    return getattr(deployment, name)
