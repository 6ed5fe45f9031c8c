"""The pipelines of a program that runs here."""

from collections.abc import Iterable

import pulumi

from infra.pipeline import RequestsPipeline


def pipelines(components: Iterable[pulumi.ComponentResource]) -> dict[str, RequestsPipeline]:
    """Those among a program's components, by their names."""
    found = (each for each in components if isinstance(each, RequestsPipeline))
    return {each.pulumi_resource_name: each for each in found}
