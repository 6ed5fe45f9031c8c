"""What Lambda looks at before it creates a mapping: whether the role reaches both of its ends."""

from typing import Any

from botocore.exceptions import ClientError

from infra.local.mapping.settings import InvalidParameterValueError


def ensure_readable(streams: Any, stream_arn: str) -> None:
    """Lambda looks whether the role can read the stream before it creates the mapping."""
    try:
        streams.list_streams(Limit=1)
        shards = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=stream_arn, ShardId=shards[0]["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        streams.get_records(ShardIterator=iterator, Limit=1)
    except ClientError as error:
        raise InvalidParameterValueError(
            f"Cannot access stream {stream_arn}. Please ensure the role can perform "
            "the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your "
            "stream in IAM. "
            f"({error})"
        ) from error


def ensure_listable(s3: Any, bucket_arn: str) -> None:
    """A destination needs s3:ListBucket as well as s3:PutObject, the Lambda Developer Guide says.

    That creating the mapping is where it shows, and the words, are ours: AWS documents neither.
    """
    try:
        s3.list_objects_v2(Bucket=bucket_arn.rpartition(":")[2], MaxKeys=1)
    except ClientError as error:
        raise InvalidParameterValueError(
            "The function execution role does not have permissions to call ListBucket on "
            f"{bucket_arn}. ({error})"
        ) from error
