"""The Lambda function with its role and its log group.

The role gets what the function's own code and its logs need; the event source mapping adds
the permission to read the stream.
"""

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.additions import FunctionAdditions, within_quota
from infra.config import FunctionConfig
from infra.config.stack import StackConfig, handler_config
from infra.failures import FailureBucket
from infra.idempotency import IdempotencyTable
from infra.image import ProcessorImage


class ProcessorFunction(pulumi.ComponentResource):
    """A Lambda function that runs the handler's image."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    log_group: pulumi.Output[str]
    service: str
    """The name under which it logs and counts."""
    role: aws.iam.Role

    def __init__(
        self,
        name: str,
        config: StackConfig,
        *,
        image: ProcessorImage,
        failures: FailureBucket,
        idempotency: IdempotencyTable | None,
        additions: FunctionAdditions,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("requests:infra:ProcessorFunction", name, None, opts)
        self._children = pulumi.ResourceOptions(parent=self)
        # As Pulumi names a stack, so that no two stacks of an account log and count under one name.
        self.service = f"{pulumi.get_project()}/{pulumi.get_stack()}/{name}"
        self.role = self._role(name, config)
        log_group = self._log_group(name, config)
        permissions = self._permissions(name, config.function, log_group, failures, idempotency)
        permissions += [
            self._policy(name, purpose, document)
            for purpose, document in additions.policies.items()
        ]
        function = self._function(
            name,
            config,
            image=image,
            environment=_environment(self.service, config, failures, idempotency, additions),
            log_group=log_group,
            permissions=permissions,
        )
        self.name = function.name
        self.arn = function.arn
        self.log_group = log_group.name
        self.register_outputs({"name": self.name, "arn": self.arn, "log_group": self.log_group})

    def _role(self, name: str, config: StackConfig) -> aws.iam.Role:
        return aws.iam.Role(
            f"{name}-role",
            assume_role_policy=policies.assume_execution_role(),
            permissions_boundary=config.function.permissions_boundary,
            # With a policy that outlived its setting (`_policy`), IAM would not delete the role.
            force_detach_policies=True,
            opts=self._children,
        )

    def _log_group(self, name: str, config: StackConfig) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"{name}-log-group",
            retention_in_days=config.function.log_retention_days,
            opts=self._children,
        )

    def _permissions(
        self,
        name: str,
        config: FunctionConfig,
        log_group: aws.cloudwatch.LogGroup,
        failures: FailureBucket,
        idempotency: IdempotencyTable | None,
    ) -> list[aws.iam.RolePolicy]:
        documents: dict[str, pulumi.Input[str]] = {
            "logs": log_group.arn.apply(policies.write_logs),
            "parking": pulumi.Output.all(failures.arn, self.role.arn).apply(
                lambda arns: policies.park_rejected_records(arns[0], policies.Arn.parse(arns[1]))
            ),
        }
        if idempotency is not None:
            documents["idempotency"] = idempotency.arn.apply(policies.remember_events)
        if config.tracing:
            documents["tracing"] = policies.send_traces()
        if config.subnet_ids:
            documents["network"] = log_group.arn.apply(
                lambda arn: policies.join_network(policies.Arn.parse(arn))
            )
        return [self._policy(name, purpose, document) for purpose, document in documents.items()]

    def _policy(self, name: str, purpose: str, document: pulumi.Input[str]) -> aws.iam.RolePolicy:
        # Lambda deletes the network interfaces some twenty minutes after a function has left its
        # VPC, with the role's permissions: these outlive the setting, and go with the role.
        outlives = purpose == "network"
        return aws.iam.RolePolicy(
            f"{name}-{purpose}",
            # Set again, the setting finds its old policy, and makes no second one.
            name=f"{name}-{purpose}" if outlives else None,
            role=self.role.name,
            policy=document,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=outlives),
        )

    def _function(
        self,
        name: str,
        config: StackConfig,
        *,
        image: ProcessorImage,
        environment: pulumi.Output[dict[str, str]],
        log_group: aws.cloudwatch.LogGroup,
        permissions: list[aws.iam.RolePolicy],
    ) -> aws.lambda_.Function:
        function = config.function
        return aws.lambda_.Function(
            name,
            package_type="Image",
            image_uri=image.uri,
            image_config=aws.lambda_.FunctionImageConfigArgs(
                commands=[config.contract.entry_point]
            ),
            architectures=[str(image.architecture)],
            role=self.role.arn,
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=environment),
            memory_size=function.memory_size,
            timeout=function.timeout,
            ephemeral_storage=aws.lambda_.FunctionEphemeralStorageArgs(
                size=function.ephemeral_storage
            ),
            reserved_concurrent_executions=function.reserved_concurrency,
            vpc_config=_vpc(function),
            replace_security_groups_on_destroy=bool(function.subnet_ids),
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(
                mode="Active" if function.tracing else "PassThrough"
            ),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(
                log_format="JSON",
                log_group=log_group.name,
                application_log_level=_application_log_level(function),
                system_log_level="INFO",
            ),
            # A function without permissions, or without its log group, would make its own of both.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[log_group, *permissions]),
        )


def _application_log_level(config: FunctionConfig) -> str:
    """INFO at most; above it the handler itself keeps back what is below the stack's level.

    Lambda takes a line without a level for INFO: above it metrics would be dropped, and errors of
    a logger whose timestamps are not RFC 3339 (Lambda Developer Guide, "Log-level filtering").
    """
    return "DEBUG" if config.log_level == "DEBUG" else "INFO"


def _environment(
    service: str,
    config: StackConfig,
    failures: FailureBucket,
    idempotency: IdempotencyTable | None,
    additions: FunctionAdditions,
) -> pulumi.Output[dict[str, str]]:
    def to_environ(bucket: str, table: str | None) -> dict[str, str]:
        handler = handler_config(
            config, service=service, failure_bucket=bucket, idempotency_table=table
        )
        return handler.to_environ()

    # A preview does not know the names yet, and tells all the same when there is no room for more.
    added = additions.environment(config.contract.settings, beside=to_environ("", None))
    table = None if idempotency is None else idempotency.name
    return pulumi.Output.all(failures.name, table, added).apply(
        lambda known: within_quota({**known[2], **to_environ(known[0], known[1])})
    )


def _vpc(config: FunctionConfig) -> aws.lambda_.FunctionVpcConfigArgs | None:
    if not config.subnet_ids:
        return None
    return aws.lambda_.FunctionVpcConfigArgs(
        subnet_ids=list(config.subnet_ids), security_group_ids=list(config.security_group_ids)
    )
