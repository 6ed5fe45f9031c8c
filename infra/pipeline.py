"""The whole pipeline: its components, in the order in which data flows, and what they hand on."""

import re
from typing import Any, Final

import pulumi

from handler.config import RequestsStream
from infra import outputs, sharing
from infra.additions import Additions
from infra.config.stack import StackConfig
from infra.event_source_mapping import StreamEventSourceMapping
from infra.existing_table import OWNS_TABLE
from infra.exports import FUNCTION_ENDING, FUNCTION_NAME
from infra.failures import FailureBucket
from infra.function import ProcessorFunction
from infra.idempotency import IdempotencyTable
from infra.image import ProcessorImage
from infra.monitoring import Monitoring
from infra.table import RequestsTable

_LONGEST_NAME: Final = 40


class RequestsPipeline(pulumi.ComponentResource):
    """From a table's stream to the function that processes each new item.

    `table` and `image` are another pipeline's: a second function then reads the same stream, or
    runs the same image by an entry point of its own. Without them the pipeline makes its own.
    """

    table: RequestsTable
    image: ProcessorImage
    failures: FailureBucket
    idempotency: IdempotencyTable | None
    function: ProcessorFunction
    mapping: StreamEventSourceMapping
    monitoring: Monitoring | None
    config: StackConfig
    contract: RequestsStream
    """As the stack has it."""
    filter_patterns: tuple[str, ...]

    def __init__(
        self,
        name: str,
        config: StackConfig,
        additions: Additions | None = None,
        opts: pulumi.ResourceOptions | None = None,
        *,
        table: RequestsTable | None = None,
        image: ProcessorImage | None = None,
    ) -> None:
        """Raises `ConfigError` for additions that do not fit what `process` declares, and for what
        is set of a table or an image that is another pipeline's.
        """
        _ensure_every_service_takes(name)
        additions = additions or Additions()
        additions.check(
            config.contract.settings,
            item=config.contract.item,
            existing_table=config.table.name,
        )
        sharing.check(name, config, additions, table=table, image=image)
        super().__init__(
            "requests:infra:RequestsPipeline",
            name,
            None,
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(transformations=[_tagging(config)])
            ),
        )
        child = pulumi.ResourceOptions(parent=self)
        processor = f"{name}{FUNCTION_ENDING}"
        self.table = table or RequestsTable(f"{name}-table", config, additions, child)
        self.image = image or ProcessorImage(f"{name}-image", config, child)
        self.failures = FailureBucket(f"{name}-failures", config, child)
        self.idempotency = (
            IdempotencyTable(f"{name}-idempotency", child) if config.idempotency.enabled else None
        )
        self.function = ProcessorFunction(
            processor,
            config,
            image=self.image,
            failures=self.failures,
            idempotency=self.idempotency,
            additions=additions.of_function(self.table),
            opts=child,
        )
        self.mapping = StreamEventSourceMapping(
            f"{name}-mapping",
            config,
            table=self.table,
            function=self.function,
            failures=self.failures,
            opts=child,
        )
        sharing.read_by(self.table, name)
        self.monitoring = (
            self._monitoring(f"{name}-monitoring", config) if config.monitoring.enabled else None
        )
        self.config = config
        self.contract = config.requests_stream
        self.filter_patterns = config.filter_patterns
        self.register_outputs({"mapping": self.mapping.uuid})
        additions.beside(self)

    def _monitoring(self, name: str, config: StackConfig) -> Monitoring:
        return Monitoring(
            name,
            config,
            table=self.table,
            mapping=self.mapping,
            function=self.function,
            idempotency=self.idempotency,
            opts=pulumi.ResourceOptions(parent=self),
        )

    @property
    def exports(self) -> dict[str, pulumi.Input[Any]]:
        """What whoever works with the deployed pipeline must know."""
        known: dict[str, pulumi.Input[Any]] = {
            "tableName": self.table.name,
            "streamArn": self.table.stream_arn,
            FUNCTION_NAME: self.function.name,
            "functionArn": self.function.arn,
            "imageUri": self.image.uri,
            "mappingUuid": self.mapping.uuid,
            "logGroup": self.function.log_group,
            "failureBucket": self.failures.name,
            "putItemCommand": self.put_item_command,
            "tailLogsCommand": self.tail_logs_command,
        }
        if self.idempotency is not None:
            known["idempotencyTable"] = self.idempotency.name
        if self.monitoring is not None:
            known["alarmTopicArn"] = self.monitoring.topic_arn
            known["dashboardName"] = self.monitoring.dashboard_name
        if not self.table.is_owned:
            known[OWNS_TABLE] = False
        return known

    @property
    def put_item_command(self) -> pulumi.Output[str]:
        """For the AWS CLI, ready to paste: write a new request."""
        return pulumi.Output.all(self.table.name, self.table.stream_arn).apply(
            lambda values: outputs.put_item(self.contract, table=values[0], stream_arn=values[1])
        )

    @property
    def tail_logs_command(self) -> pulumi.Output[str]:
        """For the AWS CLI, ready to paste: follow the function's log."""
        return pulumi.Output.all(self.function.log_group, self.function.arn).apply(
            lambda values: outputs.tail_logs(log_group=values[0], function_arn=values[1])
        )


def export(*pipelines: RequestsPipeline) -> None:
    """Exports the only pipeline by names at the top, each of several as an object under its own."""
    several = {each.pulumi_resource_name: each.exports for each in pipelines}
    for name, value in (pipelines[0].exports if len(pipelines) == 1 else several).items():
        pulumi.export(name, value)


class InvalidNameError(pulumi.RunError):
    """A pipeline's name that one of its services would refuse; Pulumi prints it as it is."""


def _ensure_every_service_takes(name: str) -> None:
    # ECR and S3 want lowercase; IAM takes 64 characters, of which NAME-processor-role-1a2b3c4 is
    # the longest.
    if len(name) > _LONGEST_NAME or not re.fullmatch(r"[a-z](?:-?[a-z0-9])*", name):
        raise InvalidNameError(
            f"the pipeline's name must be at most {_LONGEST_NAME} lowercase letters, digits and "
            f"single hyphens, beginning with a letter: ECR, S3 or IAM would refuse {name!r}"
        )


def _tagging(config: StackConfig) -> pulumi.ResourceTransformation:
    """Gives every resource that takes tags those of the stack, which win over these two."""
    tags = {"Project": pulumi.get_project(), "Stack": pulumi.get_stack(), **config.tags}

    def tag(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if "tags" not in args.props:
            return None
        if not config.are_tags_secret:
            return pulumi.ResourceTransformationResult({**args.props, "tags": tags}, args.opts)
        # The provider reports them once more, with its own default tags.
        secret_too = pulumi.ResourceOptions(additional_secret_outputs=["tags_all"])
        return pulumi.ResourceTransformationResult(
            {**args.props, "tags": pulumi.Output.secret(tags)},
            pulumi.ResourceOptions.merge(args.opts, secret_too),
        )

    return tag
