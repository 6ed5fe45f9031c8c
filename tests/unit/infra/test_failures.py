"""The bucket that keeps what failed."""

import json

import pytest

from handler.config import REJECTED_PREFIX
from tests.plan import ACCOUNT, BUCKET, plan_of

PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"


def test_every_setting_is_of_the_failure_bucket() -> None:
    plan = plan_of()

    settings = (PUBLIC_ACCESS_BLOCK, OWNERSHIP, ENCRYPTION, VERSIONING, LIFECYCLE, BUCKET_POLICY)
    buckets = {plan.inputs_of(setting)["bucket"] for setting in settings}
    assert buckets == {plan.exports["failureBucket"]}


def test_the_bucket_is_private() -> None:
    plan = plan_of()

    block = plan.inputs_of(PUBLIC_ACCESS_BLOCK)
    assert {key for key, value in block.items() if value is True} == {
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    }
    assert plan.inputs_of(OWNERSHIP)["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_the_bucket_is_encrypted() -> None:
    (rule,) = plan_of().inputs_of(ENCRYPTION)["rules"]

    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def test_the_bucket_keeps_versions() -> None:
    assert plan_of().inputs_of(VERSIONING)["versioningConfiguration"] == {"status": "Enabled"}


def test_what_failed_expires_after_the_retention_in_each_of_its_versions() -> None:
    plan = plan_of({"failures": {"retentionDays": 45}})

    (rule,) = plan.inputs_of(LIFECYCLE)["rules"]
    assert rule["status"] == "Enabled"
    assert rule["filter"] == {"prefix": ""}
    assert rule["expiration"] == {"days": 45}
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 45}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1}


def test_the_bucket_is_reached_by_tls_only() -> None:
    policy = json.loads(plan_of().inputs_of(BUCKET_POLICY)["policy"])

    (statement,) = policy["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [
        "arn:aws:s3:::requests-failures",
        "arn:aws:s3:::requests-failures/*",
    ]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_failed_records_go_with_the_stack_only_where_the_stack_says_so() -> None:
    assert plan_of(stack="dev").inputs_of(BUCKET)["forceDestroy"] is True
    assert plan_of(stack="prod").inputs_of(BUCKET)["forceDestroy"] is False


@pytest.mark.parametrize("force", [True, False])
def test_pulumi_protects_the_bucket_exactly_as_long_as_s3_would_not_delete_it(force: bool) -> None:
    assert plan_of({"failures": {"forceDestroy": force}}).resource(BUCKET).protect is not force


def test_the_handler_may_put_under_its_own_prefix_only() -> None:
    policy = plan_of().policy("requests-processor-parking")

    assert list(policy) == ["ParkRejectedRecords"]
    statement = policy["ParkRejectedRecords"]
    assert statement["Action"] == ["s3:PutObject"]
    assert statement["Resource"] == f"arn:aws:s3:::requests-failures/{REJECTED_PREFIX}*"


def test_lambda_may_put_into_the_bucket_and_list_it_as_aws_documents_it() -> None:
    policy = plan_of().policy("requests-mapping-destination")

    assert policy["PutFailedBatches"]["Action"] == ["s3:PutObject"]
    assert policy["PutFailedBatches"]["Resource"] == "arn:aws:s3:::requests-failures/*"
    assert policy["ReachTheBucket"]["Action"] == ["s3:ListBucket"]
    assert policy["ReachTheBucket"]["Resource"] == "arn:aws:s3:::requests-failures"


def test_a_bucket_of_another_account_gets_nothing() -> None:
    plan = plan_of()

    statements = [
        *plan.policy("requests-processor-parking").values(),
        *plan.policy("requests-mapping-destination").values(),
    ]
    conditions = [statement["Condition"] for statement in statements]
    assert conditions == 3 * [{"StringEquals": {"s3:ResourceAccount": ACCOUNT}}]
