"""The same program on this machine: an embedded AWS, the real handler, Lambda's semantics."""

from infra.local.deployment import LocalDeployment, deploy

__all__ = ["LocalDeployment", "deploy"]
