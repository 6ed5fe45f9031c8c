"""The table that remembers which events were processed, so that none takes effect twice.

The handler claims and completes events in it. It exists only while idempotency is on.
"""

import pulumi
import pulumi_aws as aws

from handler.config import IDEMPOTENCY_EXPIRY_ATTRIBUTE, IDEMPOTENCY_KEY_ATTRIBUTE


class IdempotencyTable(pulumi.ComponentResource):
    """A DynamoDB table of event ids, each of which DynamoDB deletes once it has expired."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("requests:infra:IdempotencyTable", name, None, opts)
        table = self._table(name)
        self.name = table.name
        self.arn = table.arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _table(self, name: str) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=IDEMPOTENCY_KEY_ATTRIBUTE,
            attributes=[aws.dynamodb.TableAttributeArgs(name=IDEMPOTENCY_KEY_ATTRIBUTE, type="S")],
            ttl=aws.dynamodb.TableTtlArgs(
                enabled=True, attribute_name=IDEMPOTENCY_EXPIRY_ATTRIBUTE
            ),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True),
            # What was processed since would be missing from a restored table: it helps nobody.
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=False),
            opts=pulumi.ResourceOptions(parent=self),
        )
