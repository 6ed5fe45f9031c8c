"""The bucket that keeps every record that failed, whole, until someone has replayed it.

Lambda writes batches that it gave up, the handler records that no retry can help; each under a
prefix of its own. The permissions to do so are given where they are needed.
"""

import pulumi
import pulumi_aws as aws

from infra import policies
from infra.config import FailuresConfig
from infra.config.stack import StackConfig


class FailureBucket(pulumi.ComponentResource):
    """A private, versioned S3 bucket whose objects expire."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self, name: str, config: StackConfig, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("requests:infra:FailureBucket", name, None, opts)
        self._children = pulumi.ResourceOptions(parent=self)
        bucket = self._bucket(name, config)
        self._keep_private(name, bucket)
        self._encrypt(name, bucket)
        self._keep_versions(name, bucket)
        self._expire(name, bucket, config.failures)
        self.name = bucket.bucket
        self.arn = bucket.arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _bucket(self, name: str, config: StackConfig) -> aws.s3.Bucket:
        return aws.s3.Bucket(
            name,
            force_destroy=config.failures.force_destroy,
            # As long as S3 refuses to delete a bucket with objects, Pulumi stops before it has
            # deleted the rest.
            opts=pulumi.ResourceOptions(parent=self, protect=not config.failures.force_destroy),
        )

    def _keep_private(self, name: str, bucket: aws.s3.Bucket) -> None:
        public_access_block = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access-block",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._children,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._children,
        )
        aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.bucket,
            policy=bucket.arn.apply(policies.refuse_plain_http),
            # S3 refuses two changes of a bucket's access at the same time.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[public_access_block]),
        )

    def _encrypt(self, name: str, bucket: aws.s3.Bucket) -> None:
        rule = aws.s3.BucketServerSideEncryptionConfigurationRuleArgs
        default = (
            aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.bucket,
            rules=[
                rule(apply_server_side_encryption_by_default=default(sse_algorithm="AES256")),
            ],
            opts=self._children,
        )

    def _keep_versions(self, name: str, bucket: aws.s3.Bucket) -> None:
        aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(
                status="Enabled"
            ),
            opts=self._children,
        )

    def _expire(self, name: str, bucket: aws.s3.Bucket, config: FailuresConfig) -> None:
        rule = aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="expire",
            status="Enabled",
            filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(
                days=config.retention_days
            ),
            noncurrent_version_expiration=(
                aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                    noncurrent_days=config.retention_days
                )
            ),
            abort_incomplete_multipart_upload=(
                aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=1
                )
            ),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle", bucket=bucket.bucket, rules=[rule], opts=self._children
        )
