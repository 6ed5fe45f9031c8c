"""The Pulumi program: one pipeline, set up by the stack's configuration, and what it exports."""

import pulumi

from handler.contract import CONTRACT
from infra.config.stack import StackConfig
from infra.pipeline import RequestsPipeline, export
from infra.yours import additions

requests = RequestsPipeline("requests", StackConfig.load(pulumi.Config(), CONTRACT), additions())

export(requests)
