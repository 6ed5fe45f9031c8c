"""The function's image: built and pushed, or looked up; pinned by digest in both cases."""

import json

import pulumi
import pytest

from handler.config import ENTRY_POINT
from infra.build_context import content_tag
from infra.image import BUILD_CONTEXT
from tests.plan import (
    AUTHORIZATION_TOKEN,
    DIGEST,
    FUNCTION,
    GET_IMAGE,
    GET_REPOSITORY,
    IMAGE,
    LIFECYCLE_POLICY,
    REPOSITORY,
    REPOSITORY_POLICY,
    plan_of,
)

REGISTRY = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com"


def test_the_repository_keeps_tags_immutable_and_scans_and_encrypts_what_is_pushed() -> None:
    repository = plan_of().inputs_of(REPOSITORY)

    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfigurations"] == [{"encryptionType": "AES256"}]


def test_images_are_deleted_with_the_stack_only_where_the_stack_says_so() -> None:
    assert plan_of(stack="dev").inputs_of(REPOSITORY)["forceDelete"] is True
    assert plan_of(stack="prod").inputs_of(REPOSITORY)["forceDelete"] is False


def test_the_repository_keeps_as_many_images_as_the_stack_says() -> None:
    policy = json.loads(plan_of({"image": {"keep": 3}}).inputs_of(LIFECYCLE_POLICY)["policy"])

    (rule,) = policy["rules"]
    assert rule["selection"]["countType"] == "imageCountMoreThan"
    assert rule["selection"]["countNumber"] == 3
    assert rule["action"] == {"type": "expire"}


def test_lambda_may_pull_the_image_for_this_stacks_function_only() -> None:
    plan = plan_of()
    policy = json.loads(plan.inputs_of(REPOSITORY_POLICY)["policy"])

    (statement,) = policy["Statement"]
    (pattern,) = statement["Condition"]["ArnLike"].values()
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    assert statement["Condition"].keys() == {"ArnLike"}
    assert statement["Condition"]["ArnLike"].keys() == {"aws:sourceArn"}
    assert pattern == f"{plan.exports['functionArn']}*"


def test_the_image_is_built_from_the_handlers_folder() -> None:
    build = plan_of().inputs_of(IMAGE)["build"]

    assert build["context"] == "handler"
    assert build["dockerfile"] == "handler/Dockerfile"


@pytest.mark.parametrize(
    ("architecture", "platform"), [("x86_64", "linux/amd64"), ("arm64", "linux/arm64")]
)
def test_architecture_platform_and_tag_agree(architecture: str, platform: str) -> None:
    plan = plan_of({"function": {"architecture": architecture}})

    tag = content_tag(BUILD_CONTEXT, platform=platform, arguments={})
    assert plan.inputs_of(FUNCTION)["architectures"] == [architecture]
    assert plan.inputs_of(IMAGE)["build"]["platform"] == platform
    assert plan.inputs_of(IMAGE)["imageName"].endswith(f":{tag}")


def test_the_base_image_is_the_dockerfiles_own_unless_the_stack_names_one() -> None:
    by_default = plan_of().inputs_of(IMAGE)
    named = plan_of({"image": {"baseImage": "stand-in:3.13"}}).inputs_of(IMAGE)

    assert "BASE_IMAGE" not in by_default["build"]["args"]
    assert named["build"]["args"]["BASE_IMAGE"] == "stand-in:3.13"
    assert named["imageName"] != by_default["imageName"]


def test_the_labels_say_where_the_image_is_from_and_which_one_it_is() -> None:
    image = plan_of({"image": {"source": "https://code.example/requests"}}).inputs_of(IMAGE)

    tag = image["imageName"].rpartition(":")[2]
    arguments = image["build"]["args"]
    assert arguments == {"SOURCE": "https://code.example/requests", "VERSION": tag}


def test_buildkit_builds_the_image_through_dockers_api_where_it_adds_no_attestations() -> None:
    assert plan_of().inputs_of(IMAGE)["build"]["builderVersion"] == "BuilderBuildKit"


def test_a_preview_builds_nothing() -> None:
    assert plan_of().inputs_of(IMAGE)["buildOnPreview"] is False


def test_the_token_for_the_registry_is_kept_secret() -> None:
    image = plan_of().resource(IMAGE)

    assert image.inputs["registry"]["password"] == "a-token"
    assert "registry" in image.secrets


def test_the_image_is_pushed_once_lambda_may_pull_it() -> None:
    assert "requests-image-policy" in plan_of().resource(IMAGE).depends_on


def test_the_function_runs_the_image_by_its_digest() -> None:
    plan = plan_of()

    assert plan.inputs_of(FUNCTION)["imageUri"] == f"{REGISTRY}/requests-image@{DIGEST}"
    assert plan.exports["imageUri"] == plan.inputs_of(FUNCTION)["imageUri"]


@pytest.mark.parametrize(
    "digest",
    [
        pytest.param({}, id="missing"),
        pytest.param({"repoDigest": ""}, id="empty"),
        pytest.param({"repoDigest": "<none>@<none>"}, id="none"),
        pytest.param({"repoDigest": f"{REGISTRY}/requests-image:latest"}, id="a tag"),
        pytest.param({"repoDigest": DIGEST}, id="a local image id"),
    ],
)
def test_an_image_without_a_digest_stops_the_deployment(digest: dict[str, str]) -> None:
    with pytest.raises(pulumi.RunError, match="the image has no digest to pin the function to"):
        plan_of(given={IMAGE: digest})


def test_an_existing_image_is_looked_up_by_tag_and_pinned_by_digest() -> None:
    plan = plan_of({"image": {"repository": "shared/processor", "tag": "1.4.2"}})

    assert dict(plan.calls) == {
        GET_REPOSITORY: {"name": "shared/processor"},
        GET_IMAGE: {"repositoryName": "shared/processor", "imageTag": "1.4.2"},
    }
    assert plan.inputs_of(FUNCTION)["imageUri"] == f"{REGISTRY}/shared/processor@{DIGEST}"


def test_an_existing_image_is_looked_up_by_digest() -> None:
    plan = plan_of({"image": {"repository": "processor", "digest": DIGEST}})

    assert dict(plan.calls)[GET_IMAGE] == {"repositoryName": "processor", "imageDigest": DIGEST}


def test_with_an_existing_image_there_is_nothing_of_docker_and_no_token() -> None:
    plan = plan_of({"image": {"repository": "processor", "tag": "1.4.2"}})

    assert [each.type for each in plan.registered if each.type.startswith("docker:")] == []
    assert plan.of_type(REPOSITORY) == []
    assert AUTHORIZATION_TOKEN not in dict(plan.calls)


def test_an_existing_image_is_started_at_the_same_entry_point() -> None:
    plan = plan_of({"image": {"repository": "processor", "tag": "1.4.2"}})

    assert plan.inputs_of(FUNCTION)["imageConfig"] == {"commands": [ENTRY_POINT]}
