"""A setting on the command line: `eventSource.batchSize=1`."""

import argparse
from typing import Any

from infra.config import pulumi_yaml


def setting(text: str) -> dict[str, Any]:
    """`a.b=1` as {"a": {"b": 1}}; the value is YAML, as in a stack file."""
    path, equals, value = text.partition("=")
    if not equals or not all(path.split(".")):
        raise argparse.ArgumentTypeError(f"must be like eventSource.batchSize=1, got {text}")
    try:
        setting: Any = pulumi_yaml.load(value)
    except pulumi_yaml.INVALID:
        raise argparse.ArgumentTypeError(f"the value must be YAML, got {text}") from None
    for key in reversed(path.split(".")):
        setting = {key: setting}
    return dict(setting)
