"""The table that requests are written to, and the stream of its changes.

Which attributes and which images there are is the contract's; who may read the stream is the
event source mapping's business.
"""

import pulumi
import pulumi_aws as aws

from infra.config import TableConfig
from infra.config.stack import StackConfig


class RequestsTable(pulumi.ComponentResource):
    """A DynamoDB table whose stream carries the contract's images of every changed item."""

    name: pulumi.Output[str]
    stream_arn: pulumi.Output[str]

    def __init__(
        self, name: str, config: StackConfig, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("requests:infra:RequestsTable", name, None, opts)
        table = self._table(name, config)
        self.name = table.name
        self.stream_arn = table.stream_arn
        self.register_outputs({"name": self.name, "stream_arn": self.stream_arn})

    def _table(self, name: str, config: StackConfig) -> aws.dynamodb.Table:
        stream = config.requests_stream
        keys = stream.item.keys
        return aws.dynamodb.Table(
            name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=keys[0].name,
            range_key=keys[1].name if len(keys) > 1 else None,
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=key.name, type=key.type) for key in keys
            ],
            stream_enabled=True,
            stream_view_type=str(stream.view_type),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=True, kms_key_arn=config.table.kms_key_arn
            ),
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(
                enabled=config.table.point_in_time_recovery
            ),
            ttl=_ttl(config.table),
            deletion_protection_enabled=config.table.deletion_protection,
            tags=config.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=config.table.protect),
        )


def _ttl(config: TableConfig) -> aws.dynamodb.TableTtlArgs | None:
    if config.ttl_attribute is None:
        return None
    return aws.dynamodb.TableTtlArgs(enabled=True, attribute_name=config.ttl_attribute)
