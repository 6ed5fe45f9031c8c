"""The dev stack in CDK with AWS Solutions Constructs: `python app.py HANDLER_FOLDER OUTPUT_FOLDER`.

Table with stream, image, function, filtered mapping with its failure bucket, table of events: what
the Pulumi program registers, up to the CloudFormation template.
"""

import sys

from aws_cdk import App, Duration, RemovalPolicy, Stack, Tags
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_solutions_constructs.aws_dynamodbstreams_lambda import DynamoDBStreamsToLambda

handler, output = sys.argv[1:]
app = App(outdir=output, analytics_reporting=False)
stack = Stack(app, "requests")
failures = s3.Bucket(
    stack,
    "Failures",
    encryption=s3.BucketEncryption.S3_MANAGED,
    block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
    object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforce_ssl=True,
    versioned=True,
    lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(30))],
)
events = dynamodb.Table(
    stack,
    "Idempotency",
    partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
    billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
    encryption=dynamodb.TableEncryption.AWS_MANAGED,
    time_to_live_attribute="expiration",
)
log_group = logs.LogGroup(
    stack,
    "LogGroup",
    retention=logs.RetentionDays.ONE_MONTH,
    removal_policy=RemovalPolicy.DESTROY,
)
function = lambda_.DockerImageFunction(
    stack,
    "Function",
    code=lambda_.DockerImageCode.from_image_asset(handler),
    architecture=lambda_.Architecture.X86_64,
    memory_size=256,
    timeout=Duration.seconds(300),
    tracing=lambda_.Tracing.ACTIVE,
    log_group=log_group,
    environment={
        "REQUESTS_FAILURE_BUCKET": failures.bucket_name,
        "REQUESTS_IDEMPOTENCY_TABLE": events.table_name,
    },
)
failures.grant_put(function)
events.grant_read_write_data(function)
DynamoDBStreamsToLambda(
    stack,
    "Requests",
    existing_lambda_obj=function,
    dynamo_table_props=dynamodb.TableProps(
        partition_key=dynamodb.Attribute(name="request_id", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.AWS_MANAGED,
        stream=dynamodb.StreamViewType.NEW_IMAGE,
    ),
    dynamo_event_source_props=sources.DynamoEventSourceProps(
        starting_position=lambda_.StartingPosition.TRIM_HORIZON,
        batch_size=50,
        bisect_batch_on_error=True,
        retry_attempts=10,
        max_record_age=Duration.hours(6),
        report_batch_item_failures=True,
        filters=[
            lambda_.FilterCriteria.filter({"eventName": lambda_.FilterRule.is_equal("INSERT")})
        ],
        on_failure=sources.S3OnFailureDestination(failures),
    ),
    deploy_sqs_dlq_queue=False,
)
Tags.of(stack).add("Project", "requests-processor")
app.synth()
