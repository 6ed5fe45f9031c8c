"""The pipelines of a program that runs here."""

from collections.abc import Iterable

import pulumi

from infra.exports import chosen
from infra.pipeline import RequestsPipeline


def pipeline_of(
    components: Iterable[pulumi.ComponentResource], name: str | None
) -> RequestsPipeline:
    """The one of that name; None: the only one. Raises `WhichPipelineError`."""
    found = pipelines(components)
    return found[chosen(list(found), name)]


def pipelines(components: Iterable[pulumi.ComponentResource]) -> dict[str, RequestsPipeline]:
    """Those among a program's components, by their names."""
    found = (each for each in components if isinstance(each, RequestsPipeline))
    return {each.pulumi_resource_name: each for each in found}
