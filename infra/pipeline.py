"""The whole pipeline: its components, in the order in which data flows, and what they hand on."""

import dataclasses

import pulumi

from infra import outputs
from infra.additions import Additions
from infra.config.stack import StackConfig
from infra.event_source_mapping import StreamEventSourceMapping
from infra.failures import FailureBucket
from infra.function import ProcessorFunction
from infra.idempotency import IdempotencyTable
from infra.image import ProcessorImage
from infra.table import RequestsTable


class RequestsPipeline(pulumi.ComponentResource):
    """From a table's stream to the function that processes each new item."""

    table: RequestsTable
    image: ProcessorImage
    failures: FailureBucket
    idempotency: IdempotencyTable | None
    function: ProcessorFunction
    mapping: StreamEventSourceMapping

    def __init__(
        self,
        name: str,
        config: StackConfig,
        additions: Additions | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Raises `ConfigError` when the additions do not fit what `process` declares."""
        additions = additions or Additions()
        additions.check()
        super().__init__("requests:infra:RequestsPipeline", name, None, opts)
        config = _tagged(config)
        child = pulumi.ResourceOptions(parent=self)
        processor = f"{name}-processor"
        self.table = RequestsTable(f"{name}-table", config, additions, child)
        self.image = ProcessorImage(f"{name}-image", config, child)
        self.failures = FailureBucket(f"{name}-failures", config, child)
        self.idempotency = (
            IdempotencyTable(f"{name}-idempotency", config, child)
            if config.idempotency.enabled
            else None
        )
        self.function = ProcessorFunction(
            processor,
            config,
            image=self.image,
            failures=self.failures,
            idempotency=self.idempotency,
            additions=additions,
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
        self._stream = config.requests_stream
        self.register_outputs({"mapping": self.mapping.uuid})

    @property
    def put_item_command(self) -> pulumi.Output[str]:
        """For the AWS CLI, ready to paste: write a new request."""
        return pulumi.Output.all(self.table.name, self.table.stream_arn).apply(
            lambda values: outputs.put_item(self._stream, table=values[0], stream_arn=values[1])
        )

    @property
    def tail_logs_command(self) -> pulumi.Output[str]:
        """For the AWS CLI, ready to paste: follow the function's log."""
        return pulumi.Output.all(self.function.log_group, self.function.arn).apply(
            lambda values: outputs.tail_logs(log_group=values[0], function_arn=values[1])
        )


def _tagged(config: StackConfig) -> StackConfig:
    """The stack's own tags win over these two."""
    own = {"Project": pulumi.get_project(), "Stack": pulumi.get_stack()}
    return dataclasses.replace(config, tags={**own, **config.tags})
