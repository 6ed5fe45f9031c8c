"""What Lambda looks at before it creates a mapping: whether the role reaches both of its ends."""

from typing import Any

from botocore.exceptions import ClientError

from infra.local.mapping.settings import InvalidParameterValueError


def ensure_readable(streams: Any, stream_arn: str) -> None:
    """Lambda looks whether the role can read the stream before it creates the mapping.

    Raises `InvalidParameterValueError`, also when there is no such stream.
    """
    try:
        known = streams.list_streams(TableName=stream_arn.split("/")[1])["Streams"]
        if stream_arn not in [each["StreamArn"] for each in known]:
            raise InvalidParameterValueError(f"Stream not found: {stream_arn}")
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


def ensure_writable(s3: Any, bucket_arn: str) -> None:
    """Lambda looks whether the role can put into the destination, under any key, and list it.

    "The function execution role does not have permissions to call PutObject on S3" was AWS's
    answer to a role that could put under Lambda's own prefix only. How AWS looks is not known:
    here an upload is begun that is never finished, so that no object comes of it.
    """
    bucket = bucket_arn.rpartition(":")[2]
    try:
        s3.create_multipart_upload(Bucket=bucket, Key="whether-the-role-may-put")
    except ClientError as error:
        raise _refused("PutObject", bucket_arn, error) from error
    try:
        s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except ClientError as error:
        raise _refused("ListBucket", bucket_arn, error) from error


def _refused(action: str, bucket_arn: str, error: ClientError) -> InvalidParameterValueError:
    return InvalidParameterValueError(
        f"The function execution role does not have permissions to call {action} on S3 "
        f"({bucket_arn}). ({error})"
    )
