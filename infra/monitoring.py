"""Monitoring: the alarms on a pipeline, who is told of them, and the dashboard.

What is watched, and why, stands in `infra.alarms` and docs/operations.md.
"""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from handler.config import FUNCTION_DIMENSION, SERVICE_DIMENSION
from infra import policies
from infra.alarms import definitions
from infra.alarms.dashboard import dashboard_body
from infra.alarms.definitions import CompositeAlarm, MetricAlarm
from infra.alarms.metrics import Part
from infra.alarms.topic import AlarmTopic
from infra.config.stack import StackConfig
from infra.event_source_mapping import StreamEventSourceMapping
from infra.function import ProcessorFunction
from infra.idempotency import IdempotencyTable
from infra.table import RequestsTable


class Monitoring(pulumi.ComponentResource):
    """Alarms that match how a stream fails.

    All are named after the function, so that its name finds them: FUNCTION-falls-behind.
    """

    topic_arn: pulumi.Output[str]
    dashboard_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        config: StackConfig,
        *,
        table: RequestsTable,
        mapping: StreamEventSourceMapping,
        function: ProcessorFunction,
        idempotency: IdempotencyTable | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("requests:infra:Monitoring", name, None, opts)
        self._children = pulumi.ResourceOptions(parent=self)
        self._function = function
        self._dimensions = _dimensions(table, mapping, function, idempotency)
        self.topic_arn = self._topic(name, config)
        alarms = {
            alarm.name: self._metric_alarm(name, alarm)
            for alarm in definitions.metric_alarms(config)
        }
        composites = [
            self._composite_alarm(name, alarm, alarms) for alarm in definitions.composite_alarms()
        ]
        arns = [*(each.arn for each in composites), *(each.arn for each in alarms.values())]
        self.dashboard_name = self._dashboard(name, arns).dashboard_name
        self.register_outputs({"topic_arn": self.topic_arn, "dashboard": self.dashboard_name})

    def _topic(self, name: str, config: StackConfig) -> pulumi.Output[str]:
        if config.monitoring.topic_arn is not None:
            return pulumi.Output.from_input(config.monitoring.topic_arn)
        account = self._function.arn.apply(policies.Arn.parse)
        return AlarmTopic(f"{name}-topic", config, account, self._children).arn

    def _metric_alarm(self, name: str, alarm: MetricAlarm) -> aws.cloudwatch.MetricAlarm:
        told = [self.topic_arn] if alarm.tells else []
        reading = None if alarm.expression else next(iter(alarm.readings.values()))
        return aws.cloudwatch.MetricAlarm(
            f"{name}-{alarm.name}",
            name=self._named(alarm.name),
            alarm_description=_description(alarm),
            namespace=reading.metric.namespace if reading else None,
            metric_name=reading.metric.name if reading else None,
            dimensions=self._dimensions[reading.metric.part] if reading else None,
            statistic=reading.statistic if reading else None,
            period=alarm.period if reading else None,
            metric_queries=self._queries(alarm) if alarm.expression else None,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.datapoints,
            comparison_operator=str(alarm.comparison),
            threshold=alarm.threshold,
            treat_missing_data=str(alarm.missing_data),
            warm_up_configuration=_warm_up(alarm),
            alarm_actions=told,
            ok_actions=told,
            opts=self._children,
        )

    def _queries(self, alarm: MetricAlarm) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
        """The expression, and what it reads."""
        query = aws.cloudwatch.MetricAlarmMetricQueryArgs
        read = aws.cloudwatch.MetricAlarmMetricQueryMetricArgs
        return [
            query(id="breach", expression=alarm.expression, label=alarm.name, return_data=True),
            *(
                query(
                    id=id_,
                    metric=read(
                        namespace=reading.metric.namespace,
                        metric_name=reading.metric.name,
                        dimensions=self._dimensions[reading.metric.part],
                        stat=reading.statistic,
                        period=alarm.period,
                    ),
                    return_data=False,
                )
                for id_, reading in alarm.readings.items()
            ),
        ]

    def _composite_alarm(
        self, name: str, alarm: CompositeAlarm, of: Mapping[str, aws.cloudwatch.MetricAlarm]
    ) -> aws.cloudwatch.CompositeAlarm:
        names = pulumi.Output.all(*(of[each].name for each in alarm.any_of))
        return aws.cloudwatch.CompositeAlarm(
            f"{name}-{alarm.name}",
            alarm_name=self._named(alarm.name),
            alarm_description=_description(alarm),
            alarm_rule=names.apply(lambda known: " OR ".join(f'ALARM("{each}")' for each in known)),
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            opts=self._children,
        )

    def _dashboard(
        self, name: str, alarm_arns: list[pulumi.Output[str]]
    ) -> aws.cloudwatch.Dashboard:
        body = pulumi.Output.all(
            function_arn=self._function.arn,
            dimensions={str(part): names for part, names in self._dimensions.items()},
            alarm_arns=alarm_arns,
        ).apply(
            lambda known: dashboard_body(
                region=policies.Arn.parse(known["function_arn"]).region,
                dimensions={Part(part): names for part, names in known["dimensions"].items()},
                alarm_arns=known["alarm_arns"],
            )
        )
        return aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=self._function.name,
            dashboard_body=body,
            opts=self._children,
        )

    def _named(self, alarm: str) -> pulumi.Output[str]:
        return self._function.name.apply(lambda function: f"{function}-{alarm}")


def _dimensions(
    table: RequestsTable,
    mapping: StreamEventSourceMapping,
    function: ProcessorFunction,
    idempotency: IdempotencyTable | None,
) -> Mapping[Part, Mapping[str, pulumi.Input[str]]]:
    """What tells each part's metrics from those of others; of the parts that there are."""
    memory: Mapping[Part, Mapping[str, pulumi.Input[str]]] = (
        {} if idempotency is None else {Part.MEMORY: {"TableName": idempotency.name}}
    )
    return {
        Part.TABLE: {"TableName": table.name},
        Part.MAPPING: {"EventSourceMappingUUID": mapping.uuid},
        Part.FUNCTION: {"FunctionName": function.name},
        Part.HANDLER: {SERVICE_DIMENSION: function.service, FUNCTION_DIMENSION: function.name},
        **memory,
    }


def _warm_up(alarm: MetricAlarm) -> aws.cloudwatch.MetricAlarmWarmUpConfigurationArgs | None:
    if alarm.warm_up_minutes is None:
        return None
    return aws.cloudwatch.MetricAlarmWarmUpConfigurationArgs(
        warm_up_period_duration_in_minutes=alarm.warm_up_minutes
    )


def _description(alarm: MetricAlarm | CompositeAlarm) -> str:
    """What it means, the first thing to do, and where to read on."""
    return f"{alarm.meaning} First: {alarm.first} Then: docs/operations.md, {alarm.name}."
