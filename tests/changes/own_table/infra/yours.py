"""The table of counts, and what the function may do with it."""

import pulumi_aws as aws

from infra.additions import Additions, allow


def additions() -> Additions:
    """Called once by `__main__.py`, before the pipeline is made."""
    counts = aws.dynamodb.Table(
        "counts",
        billing_mode="PAY_PER_REQUEST",
        hash_key="day",
        attributes=[aws.dynamodb.TableAttributeArgs(name="day", type="S")],
    )
    return Additions(
        settings={"counts_table": counts.name},
        policies={"count": allow("dynamodb:UpdateItem", counts.arn)},
    )
