"""The pipelines of a program that runs here."""

from infra.local.program.engine import Deployed
from infra.pipeline import RequestsPipeline


def pipelines(deployed: Deployed) -> dict[str, RequestsPipeline]:
    """Those that the program made, by their names."""
    found = (each for each in deployed.components if isinstance(each, RequestsPipeline))
    return {each.pulumi_resource_name: each for each in found}
