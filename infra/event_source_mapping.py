"""The event source mapping: which stream records reach the handler, and in what batches.

Filtering, retries and what becomes of a batch that failed for good are Lambda's; the handler only
names the record that failed.
"""

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.config.stack import StackConfig
from infra.failures import FailureBucket
from infra.function import ProcessorFunction
from infra.table import RequestsTable


class StreamEventSourceMapping(pulumi.ComponentResource):
    """Lambda's reading of the table's stream, and the permissions that it needs to do so."""

    uuid: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        config: StackConfig,
        *,
        table: RequestsTable,
        function: ProcessorFunction,
        failures: FailureBucket,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("requests:infra:StreamEventSourceMapping", name, None, opts)
        permissions = [
            self._read_stream(name, table, function.role),
            self._write_failed_batches(name, failures, function.role),
        ]
        mapping = self._mapping(
            name, config, table=table, function=function, failures=failures, permissions=permissions
        )
        self.uuid = mapping.uuid
        self.register_outputs({"uuid": self.uuid})

    def _read_stream(
        self, name: str, table: RequestsTable, role: aws.iam.Role
    ) -> aws.iam.RolePolicy:
        return aws.iam.RolePolicy(
            f"{name}-stream",
            role=role.name,
            policy=pulumi.Output.all(table.stream_arn, table.kms_key_arn).apply(
                lambda arns: policies.read_stream(arns[0], arns[1])
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _write_failed_batches(
        self, name: str, failures: FailureBucket, role: aws.iam.Role
    ) -> aws.iam.RolePolicy:
        return aws.iam.RolePolicy(
            f"{name}-destination",
            role=role.name,
            policy=pulumi.Output.all(failures.arn, role.arn).apply(
                lambda arns: policies.write_failed_batches(arns[0], policies.Arn.parse(arns[1]))
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _mapping(
        self,
        name: str,
        config: StackConfig,
        *,
        table: RequestsTable,
        function: ProcessorFunction,
        failures: FailureBucket,
        permissions: list[aws.iam.RolePolicy],
    ) -> aws.lambda_.EventSourceMapping:
        settings = config.event_source
        # Every setting is sent: AWS keeps the old value of one that is left out.
        return aws.lambda_.EventSourceMapping(
            name,
            event_source_arn=table.stream_arn,
            function_name=function.arn,
            enabled=settings.enabled,
            starting_position=str(settings.starting_position),
            filter_criteria=_filter_criteria(config),
            batch_size=settings.batch_size,
            maximum_batching_window_in_seconds=settings.maximum_batching_window_in_seconds,
            parallelization_factor=settings.parallelization_factor,
            maximum_retry_attempts=settings.maximum_retry_attempts,
            maximum_record_age_in_seconds=settings.maximum_record_age_in_seconds,
            bisect_batch_on_function_error=settings.bisect_batch_on_function_error,
            function_response_types=["ReportBatchItemFailures"],
            destination_config=_on_failure(failures),
            metrics_config=aws.lambda_.EventSourceMappingMetricsConfigArgs(metrics=["EventCount"]),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Lambda creates the mapping only once the role may read the stream.
                depends_on=permissions,
                # A second mapping of the same stream and function is a conflict.
                delete_before_replace=True,
            ),
        )


def _filter_criteria(config: StackConfig) -> aws.lambda_.EventSourceMappingFilterCriteriaArgs:
    return aws.lambda_.EventSourceMappingFilterCriteriaArgs(
        filters=[
            aws.lambda_.EventSourceMappingFilterCriteriaFilterArgs(pattern=pattern)
            for pattern in config.filter_patterns
        ]
    )


def _on_failure(failures: FailureBucket) -> aws.lambda_.EventSourceMappingDestinationConfigArgs:
    return aws.lambda_.EventSourceMappingDestinationConfigArgs(
        on_failure=aws.lambda_.EventSourceMappingDestinationConfigOnFailureArgs(
            destination_arn=failures.arn
        )
    )
