"""The Pulumi program: one pipeline, set up by the stack's configuration, and what it exports."""

import pulumi

from handler.contract import CONTRACT
from infra.config.stack import StackConfig
from infra.pipeline import RequestsPipeline
from infra.yours import additions

pipeline = RequestsPipeline("requests", StackConfig.load(pulumi.Config(), CONTRACT), additions())
table, function = pipeline.table, pipeline.function

pulumi.export("tableName", table.name)
if not table.is_owned:
    pulumi.export("ownsTable", False)
pulumi.export("streamArn", table.stream_arn)
pulumi.export("functionName", function.name)
pulumi.export("functionArn", function.arn)
pulumi.export("imageUri", pipeline.image.uri)
pulumi.export("mappingUuid", pipeline.mapping.uuid)
pulumi.export("logGroup", function.log_group)
pulumi.export("failureBucket", pipeline.failures.name)
if pipeline.idempotency is not None:
    pulumi.export("idempotencyTable", pipeline.idempotency.name)
pulumi.export("putItemCommand", pipeline.put_item_command)
pulumi.export("tailLogsCommand", pipeline.tail_logs_command)
