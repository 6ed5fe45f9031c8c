"""The regions of AWS and their partitions: an account is of one, and so is all that it names.

Names and forms as in botocore's partitions.json. New regions come, so that an unknown name is no
mistake.
"""

import difflib
import json
import re
from collections.abc import Mapping
from typing import Final

REGIONS: Final[Mapping[str, str]] = {
    name: partition
    for partition, names in {
        "aws": """
            af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1
            ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5
            ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2
            eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1
            me-central-1 me-south-1 me-west-1 mx-central-1 sa-east-1 sa-west-1 us-east-1 us-east-2
            us-west-1 us-west-2
        """,
        "aws-cn": "cn-north-1 cn-northwest-1",
        "aws-eusc": "eusc-de-east-1",
        "aws-iso": "us-iso-east-1 us-iso-west-1",
        "aws-iso-b": "us-isob-east-1 us-isob-west-1",
        "aws-iso-e": "eu-isoe-west-1",
        "aws-iso-f": "us-isof-east-1 us-isof-south-1",
        "aws-us-gov": "us-gov-east-1 us-gov-west-1",
    }.items()
    for name in names.split()
}
"""The partition of each region that is known."""

_PREFIXES: Final = {
    "cn-": "aws-cn",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "us-gov-": "aws-us-gov",
}


def partition_of(region: str) -> str:
    """Of a region that need not be known."""
    return next(
        (partition for prefix, partition in _PREFIXES.items() if region.startswith(prefix)), "aws"
    )


def mistake_of(region: object) -> str | None:
    """What is wrong with what should be the name of a region; None: it may be one."""
    if isinstance(region, str) and re.fullmatch(r"[a-z]+(-[a-z]+)+-\d+", region):
        return None
    got = region if isinstance(region, str) else json.dumps(region)
    near = difflib.get_close_matches(got, REGIONS, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"must be a region's name such as eu-west-1, got {got}{hint}"


def doubt_of(region: str) -> str | None:
    """What is odd about a region's name; None: it is known."""
    if region in REGIONS:
        return None
    near = difflib.get_close_matches(region, REGIONS, n=1)
    return (
        f"{region} is no region that is known here; did you mean {near[0]}?"
        if near
        else (f"{region} is no region that is known here")
    )
