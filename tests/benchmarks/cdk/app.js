// The dev stack in CDK with AWS Solutions Constructs, as app.py has it, without jsii between:
// `node app.js PEER_FOLDER HANDLER_FOLDER OUTPUT_FOLDER`.
const { createRequire } = require("node:module");
const [peer, handler, output] = process.argv.slice(2);
const packages = createRequire(`${peer}/`);
const { App, Duration, RemovalPolicy, Stack, Tags } = packages("aws-cdk-lib");
const dynamodb = packages("aws-cdk-lib/aws-dynamodb");
const lambda = packages("aws-cdk-lib/aws-lambda");
const sources = packages("aws-cdk-lib/aws-lambda-event-sources");
const logs = packages("aws-cdk-lib/aws-logs");
const s3 = packages("aws-cdk-lib/aws-s3");
const { DynamoDBStreamsToLambda } = packages("@aws-solutions-constructs/aws-dynamodbstreams-lambda");

const app = new App({ outdir: output, analyticsReporting: false });
const stack = new Stack(app, "requests");
const failures = new s3.Bucket(stack, "Failures", {
  encryption: s3.BucketEncryption.S3_MANAGED,
  blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
  objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  versioned: true,
  lifecycleRules: [{ expiration: Duration.days(30) }],
});
const events = new dynamodb.Table(stack, "Idempotency", {
  partitionKey: { name: "id", type: dynamodb.AttributeType.STRING },
  billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
  encryption: dynamodb.TableEncryption.AWS_MANAGED,
  timeToLiveAttribute: "expiration",
});
const logGroup = new logs.LogGroup(stack, "LogGroup", {
  retention: logs.RetentionDays.ONE_MONTH,
  removalPolicy: RemovalPolicy.DESTROY,
});
const fn = new lambda.DockerImageFunction(stack, "Function", {
  code: lambda.DockerImageCode.fromImageAsset(handler),
  architecture: lambda.Architecture.X86_64,
  memorySize: 256,
  timeout: Duration.seconds(300),
  tracing: lambda.Tracing.ACTIVE,
  logGroup,
  environment: {
    REQUESTS_FAILURE_BUCKET: failures.bucketName,
    REQUESTS_IDEMPOTENCY_TABLE: events.tableName,
  },
});
failures.grantPut(fn);
events.grantReadWriteData(fn);
new DynamoDBStreamsToLambda(stack, "Requests", {
  existingLambdaObj: fn,
  dynamoTableProps: {
    partitionKey: { name: "request_id", type: dynamodb.AttributeType.STRING },
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    encryption: dynamodb.TableEncryption.AWS_MANAGED,
    stream: dynamodb.StreamViewType.NEW_IMAGE,
  },
  dynamoEventSourceProps: {
    startingPosition: lambda.StartingPosition.TRIM_HORIZON,
    batchSize: 50,
    bisectBatchOnError: true,
    retryAttempts: 10,
    maxRecordAge: Duration.hours(6),
    reportBatchItemFailures: true,
    filters: [lambda.FilterCriteria.filter({ eventName: lambda.FilterRule.isEqual("INSERT") })],
    onFailure: new sources.S3OnFailureDestination(failures),
  },
  deploySqsDlqQueue: false,
});
Tags.of(stack).add("Project", "requests-processor");
app.synth();
