"""Commands for the AWS CLI, ready to paste, that a deployed stack exports."""

import shlex
from typing import Final

from handler.config import RequestsStream
from infra.policies import Arn
from infra.sample_items import as_json, sample_item

_NOW: Final = "1700000000"
"""Stands for the time in the item's key, until the shell puts it there."""


def put_item(stream: RequestsStream, *, table: str, stream_arn: str) -> str:
    """Writes one new item to the table; each time another, because its key is the time."""
    item = as_json(sample_item(stream, _NOW))
    before, _, after = item.partition(_NOW)
    # A binary key is base64, in which no shell can put the time.
    item = f'{shlex.quote(before)}"$(date +%s)"{shlex.quote(after)}' if after else shlex.quote(item)
    return (
        f"aws dynamodb put-item --region {Arn.parse(stream_arn).region}"
        f" --table-name {shlex.quote(table)}"
        f" --item {item}"
    )


def tail_logs(*, log_group: str, function_arn: str) -> str:
    """Follows the function's log."""
    region = Arn.parse(function_arn).region
    return f"aws logs tail --region {region} --follow {shlex.quote(log_group)}"
