"""The table that requests are written to, and the stream of its changes.

Which attributes and which images there are is the contract's; who may read the stream, the
event source mapping says. A table that exists is found in `infra.existing_table`.
"""

from typing import Any

import pulumi
import pulumi_aws as aws

from handler.config import RequestsStream
from infra import existing_table
from infra.additions import Additions
from infra.config.stack import StackConfig


class RequestsTable(pulumi.ComponentResource):
    """A DynamoDB table whose stream carries the contract's images of every changed item.

    It is the stack's own, or one that exists.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    stream_arn: pulumi.Output[str]
    kms_key_arn: pulumi.Output[str | None]
    """The key of one's own that the table is encrypted with now, whatever the stack says."""
    is_owned: bool
    """Whether the table is deleted once it is no longer in the program."""
    contract: RequestsStream
    """What an item is, and which images the stream carries."""
    readers: list[str]
    """The pipelines whose functions read the stream."""

    def __init__(
        self,
        name: str,
        config: StackConfig,
        additions: Additions,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        existing, stream = config.table.name, config.requests_stream
        self.contract, self.readers = stream, []
        inputs = existing_table.described(existing, stream) if existing else None
        super().__init__("requests:infra:RequestsTable", name, inputs, opts)
        table = (
            existing_table.found(self, existing, stream, pipeline=name.removesuffix("-table"))
            if existing
            else self._table(name, config, additions)
        )
        self.name = table.name
        self.arn = table.arn
        self.stream_arn = table.stream_arn
        # A table keeps its key when the setting is taken back: the provider has no value for it.
        self.kms_key_arn = table.server_side_encryption.apply(_own_key)
        self.is_owned = not (existing or config.table.retain_on_delete)
        self.register_outputs({"name": self.name, "stream_arn": self.stream_arn})

    def _table(self, name: str, config: StackConfig, additions: Additions) -> aws.dynamodb.Table:
        inputs = self._inputs(config, additions)
        for key, value in additions.table_inputs.items():
            setattr(inputs, key, value)
        return aws.dynamodb.Table(
            name,
            inputs,
            opts=pulumi.ResourceOptions(
                parent=self,
                # As long as AWS refuses to delete the table, Pulumi stops before it deletes the
                # rest. A protected resource it does not even forget.
                protect=config.table.deletion_protection and not config.table.retain_on_delete,
                retain_on_delete=config.table.retain_on_delete,
                # Of a key's other type the provider shows nothing, and every item would be parked.
                replacement_trigger=[
                    [key.name, key.type] for key in config.requests_stream.item.keys
                ],
            ),
        )

    def _inputs(self, config: StackConfig, additions: Additions) -> aws.dynamodb.TableArgs:
        stream = config.requests_stream
        keys = stream.item.keys
        return aws.dynamodb.TableArgs(
            billing_mode="PAY_PER_REQUEST",
            hash_key=keys[0].name,
            range_key=keys[1].name if len(keys) > 1 else None,
            attributes=[
                *(aws.dynamodb.TableAttributeArgs(name=key.name, type=key.type) for key in keys),
                *additions.attributes,
            ],
            global_secondary_indexes=list(additions.global_secondary_indexes),
            local_secondary_indexes=list(additions.local_secondary_indexes),
            stream_enabled=True,
            stream_view_type=str(stream.view_type),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=config.table.server_side_encryption, kms_key_arn=config.table.kms_key_arn
            ),
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(
                enabled=config.table.point_in_time_recovery
            ),
            # Both, always: left out, DynamoDB goes on deleting, and it takes no switch without the
            # attribute's name.
            ttl=aws.dynamodb.TableTtlArgs(
                enabled=config.table.ttl_enabled, attribute_name=config.table.ttl_attribute
            ),
            deletion_protection_enabled=config.table.deletion_protection,
        )


def _own_key(reported: Any) -> str | None:
    # Of DynamoDB's own key nothing is reported, of the AWS-managed one no ARN.
    return (reported.kms_key_arn or None) if reported else None
