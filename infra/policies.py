"""Who may do what: the IAM policies of the stack, as pure functions of ARNs and names.

Each returns a policy document as canonical JSON text, so that the same permissions never show as
a change. The components attach them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from handler.config import REJECTED_PREFIX

_LAMBDA: Final = {"Service": "lambda.amazonaws.com"}
_CLOUDWATCH: Final = {"Service": "cloudwatch.amazonaws.com"}

Statement = Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arn:
    """The parts of an ARN that other ARNs are made of."""

    partition: str
    region: str
    account: str

    @classmethod
    def parse(cls, arn: str) -> "Arn":
        """Raises `ValueError` for what is no ARN."""
        _, partition, _, region, account, _ = arn.split(":", 5)
        return cls(partition=partition, region=region, account=account)

    def functions(self) -> str:
        """All functions of this account and region.

        Which name a function gets is for Pulumi to say (`pulumi:autonaming`), and the function
        comes after what has to name it here: a guess could match nothing, without a word.
        """
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:*"

    def network_interfaces(self) -> str:
        """All that creating a network interface touches, in this account and region."""
        return f"arn:{self.partition}:ec2:{self.region}:{self.account}:*/*"


def assume_execution_role() -> str:
    """Trust: Lambda runs the function, and polls the stream, with this role."""
    return _document(
        {
            "Sid": "LambdaAssumesTheRole",
            "Effect": "Allow",
            "Principal": _LAMBDA,
            "Action": "sts:AssumeRole",
        }
    )


def read_stream(stream_arn: str, kms_key_arn: str | None = None) -> str:
    """What Lambda needs to poll a stream; with the key when the table has one of its own."""
    statements = [
        _allow(
            "ReadTheStream",
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            stream_arn,
        ),
        # The action has no resource of its own: AWS takes it on * only.
        _allow("FindTheStream", ["dynamodb:ListStreams"], "*"),
    ]
    if kms_key_arn is not None:
        statements.append(_allow("DecryptTheStream", ["kms:Decrypt"], kms_key_arn))
    return _document(*statements)


def write_failed_batches(bucket_arn: str, account: Arn) -> str:
    """What Lambda needs to put what failed for good into its on-failure destination.

    The form is that of the Lambda Developer Guide, "Capturing discarded batches". Lambda looks at
    it when the mapping is created: with a prefix in the resource it was refused there.
    """
    owner = _owned_by(account)
    return _document(
        _allow("PutFailedBatches", ["s3:PutObject"], f"{bucket_arn}/*", owner),
        _allow("ReachTheBucket", ["s3:ListBucket"], bucket_arn, owner),
    )


def park_rejected_records(bucket_arn: str, account: Arn) -> str:
    """What the handler needs to park a record that no retry can help."""
    return _document(
        _allow(
            "ParkRejectedRecords",
            ["s3:PutObject"],
            f"{bucket_arn}/{REJECTED_PREFIX}*",
            _owned_by(account),
        )
    )


def remember_events(table_arn: str) -> str:
    """What the handler does to the idempotency table, and no more.

    BatchExecuteStatement and TransactWriteItems are no actions: AWS checks what each item of them
    does (Service Authorization Reference, "Actions, resources, and condition keys for Amazon
    DynamoDB", and "IAM security policies with PartiQL for DynamoDB").
    """
    return _document(
        _allow(
            "RememberEvents",
            [
                # Completions, 25 to a call.
                "dynamodb:BatchWriteItem",
                # Claims, and what becomes of those that are there already.
                "dynamodb:PartiQLInsert",
                "dynamodb:PartiQLUpdate",
                # The event's memory, in a transaction with what process returned.
                "dynamodb:PutItem",
            ],
            table_arn,
        )
    )


def write_logs(log_group_arn: str) -> str:
    """Writing to the log group that exists; not creating one, which would never expire."""
    return _document(
        _allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*")
    )


def send_traces() -> str:
    """X-Ray has no resources to name: AWS takes its actions on * only."""
    return _document(
        _allow("SendTraces", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*")
    )


def join_network(account: Arn) -> str:
    """What Lambda needs to give a function its network interfaces; denied to the code itself.

    Rights, resources and the denial are those of the Lambda Developer Guide, "Giving Lambda
    functions access to resources in an Amazon VPC".
    """
    change = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    ]
    describe = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    by_the_code = {
        "ArnLike": {"lambda:SourceFunctionArn": [account.functions()]},
    }
    return _document(
        _allow("ChangeNetworkInterfaces", change, account.network_interfaces()),
        # Describing has no resource of its own: AWS takes it on * only.
        _allow("DescribeNetworkInterfaces", describe, "*"),
        {
            "Sid": "NotByTheCode",
            "Effect": "Deny",
            "Action": [*change, *describe],
            "Resource": "*",
            "Condition": by_the_code,
        },
    )


def retrieve_image(repository_arn: str) -> str:
    """On a repository: Lambda may pull the image for functions of this account and region.

    Without it Lambda writes a statement of its own, which the next update would remove.
    """
    functions = Arn.parse(repository_arn).functions()
    return _document(
        {
            "Sid": "LambdaRetrievesTheImage",
            "Effect": "Allow",
            "Principal": _LAMBDA,
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Condition": {"ArnLike": {"aws:sourceArn": functions}},
        }
    )


def refuse_plain_http(bucket_arn: str) -> str:
    """On a bucket: nobody reads or writes without TLS."""
    return _document(
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def publish_alarms(topic_arn: str) -> str:
    """On a topic: CloudWatch may write to it, for the alarms of its own account."""
    return _document(
        {
            "Sid": "CloudWatchPublishesAlarms",
            "Effect": "Allow",
            "Principal": _CLOUDWATCH,
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": _on_behalf_of(Arn.parse(topic_arn)),
        }
    )


def encrypt_alarms(account: Arn) -> str:
    """On a topic's key: CloudWatch may encrypt what it writes; IAM says who else may do what.

    Both actions are those of the AWS Knowledge Center, "How do I configure a CloudWatch alarm to
    use an encrypted SNS topic?". In a key's own policy * is that key.
    """
    return _document(
        {
            "Sid": "IamDecides",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{account.partition}:iam::{account.account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "CloudWatchEncryptsAlarms",
            "Effect": "Allow",
            "Principal": _CLOUDWATCH,
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": _on_behalf_of(account),
        },
    )


def _on_behalf_of(account: Arn) -> Mapping[str, object]:
    """A service that acts for another account gets nothing."""
    return {"StringEquals": {"aws:SourceAccount": account.account}}


def _allow(
    sid: str, actions: Sequence[str], resource: str, condition: Mapping[str, object] | None = None
) -> Statement:
    statement = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


def _owned_by(account: Arn) -> Mapping[str, object]:
    """A bucket that was deleted and taken by someone else gets nothing."""
    return {"StringEquals": {"s3:ResourceAccount": account.account}}


def _document(*statements: Statement) -> str:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
