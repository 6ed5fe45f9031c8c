"""Commands for the AWS CLI, ready to paste, that a deployed stack exports."""

import json
import shlex

from handler.config import RequestsStream
from infra.policies import Arn


def put_item(stream: RequestsStream, *, table: str, stream_arn: str) -> str:
    """Writes one new request to the table; each time another, because its key is the time."""
    item = {
        stream.key_attribute: {"S": "request-NOW"},
        stream.payload_attribute: {"M": {"greeting": {"S": "hello"}}},
    }
    before, after = (shlex.quote(part) for part in json.dumps(item).split("NOW", 1))
    return (
        f"aws dynamodb put-item --region {Arn.parse(stream_arn).region}"
        f" --table-name {shlex.quote(table)}"
        f' --item {before}"$(date +%s)"{after}'
    )


def tail_logs(*, log_group: str, function_arn: str) -> str:
    """Follows the function's log."""
    region = Arn.parse(function_arn).region
    return f"aws logs tail --region {region} --follow {shlex.quote(log_group)}"
