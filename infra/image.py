"""The image that the function runs: built from the handler's folder, or one that exists.

Either way it is pinned by digest. What is in the image is the Dockerfile's business, which files
and arguments its tag is made of is `infra.build_context`'s.
"""

import json
import os
import re
from pathlib import Path
from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

import handler
from infra import policies
from infra.build_context import content_tag
from infra.config import ImageConfig
from infra.config.stack import StackConfig

BUILD_CONTEXT: Final = Path(handler.__file__).parent


class ProcessorImage(pulumi.ComponentResource):
    """The function's image in ECR."""

    uri: pulumi.Output[str]
    """Repository and digest, as Lambda takes it."""

    def __init__(
        self,
        name: str,
        config: StackConfig,
        *,
        function_name: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`function_name` is the logical name of the function that may pull the image."""
        super().__init__("requests:infra:ProcessorImage", name, None, opts)
        self._children = pulumi.ResourceOptions(parent=self)
        if config.image.is_built:
            self.uri = self._built(name, config, function_name)
        else:
            self.uri = self._existing(config.image)
        self.register_outputs({"uri": self.uri})

    def _built(self, name: str, config: StackConfig, function_name: str) -> pulumi.Output[str]:
        repository = self._repository(name, config)
        self._expire(name, repository, config.image)
        policy = self._let_lambda_retrieve(name, repository, function_name)
        image = self._image(name, repository, policy, config)
        return image.repo_digest.apply(pinned)

    def _repository(self, name: str, config: StackConfig) -> aws.ecr.Repository:
        return aws.ecr.Repository(
            name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(
                scan_on_push=True
            ),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")
            ],
            force_delete=config.image.force_delete,
            tags=config.tags,
            opts=self._children,
        )

    def _expire(self, name: str, repository: aws.ecr.Repository, config: ImageConfig) -> None:
        rule = {
            "rulePriority": 1,
            "description": f"Keep the newest {config.keep} images",
            "selection": {
                "tagStatus": "any",
                "countType": "imageCountMoreThan",
                "countNumber": config.keep,
            },
            "action": {"type": "expire"},
        }
        aws.ecr.LifecyclePolicy(
            f"{name}-lifecycle",
            repository=repository.name,
            policy=json.dumps({"rules": [rule]}),
            opts=self._children,
        )

    def _let_lambda_retrieve(
        self, name: str, repository: aws.ecr.Repository, function_name: str
    ) -> aws.ecr.RepositoryPolicy:
        return aws.ecr.RepositoryPolicy(
            f"{name}-policy",
            repository=repository.name,
            policy=repository.arn.apply(lambda arn: policies.retrieve_image(arn, function_name)),
            opts=self._children,
        )

    def _image(
        self,
        name: str,
        repository: aws.ecr.Repository,
        policy: aws.ecr.RepositoryPolicy,
        config: StackConfig,
    ) -> docker.Image:
        platform = config.function.architecture.platform
        arguments = _build_arguments(config.image)
        tag = content_tag(BUILD_CONTEXT, platform=platform, arguments=arguments)
        # Both paths are relative to the working directory: an absolute one would differ between
        # checkouts, and so show as a change.
        context = Path(os.path.relpath(BUILD_CONTEXT))
        return docker.Image(
            name,
            image_name=pulumi.Output.format("{0}:{1}", repository.repository_url, tag),
            build=docker.DockerBuildArgs(
                context=context.as_posix(),
                dockerfile=(context / "Dockerfile").as_posix(),
                # Left out, Docker builds for the machine it runs on.
                platform=platform,
                args={**arguments, "VERSION": tag},
                # Through Docker's API, BuildKit adds no attestations: these would make the image
                # an index, which Lambda refuses.
                builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
            ),
            registry=_registry(repository),
            # Lambda may pull the image as soon as it is there.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )

    def _existing(self, config: ImageConfig) -> pulumi.Output[str]:
        name = config.repository or ""
        options = pulumi.InvokeOutputOptions(parent=self)
        repository = aws.ecr.get_repository_output(name=name, opts=options)
        image = aws.ecr.get_image_output(
            repository_name=name,
            image_tag=config.tag,
            image_digest=config.digest,
            opts=options,
        )
        return pulumi.Output.format("{0}@{1}", repository.repository_url, image.image_digest).apply(
            pinned
        )


def pinned(repo_digest: str | None) -> str:
    """The same, when it names one image for good.

    Raises `pulumi.RunError` when Docker gave no digest, or `<none>`: the function would otherwise
    be deployed with whatever image happens to be there.
    """
    if not re.fullmatch(r"[^@\s]+@sha256:[0-9a-f]{64}", repo_digest or ""):
        raise pulumi.RunError(
            f"the image has no digest to pin the function to, got {repo_digest or 'nothing'}; "
            "it was probably not pushed: look at the docker:index:Image above, then run again"
        )
    return repo_digest or ""


def _build_arguments(config: ImageConfig) -> dict[str, str]:
    given = {"BASE_IMAGE": config.base_image, "SOURCE": config.source}
    return {name: value for name, value in given.items() if value is not None}


def _registry(repository: aws.ecr.Repository) -> docker.RegistryArgs:
    token = aws.ecr.get_authorization_token_output(registry_id=repository.registry_id)
    return docker.RegistryArgs(
        server=repository.repository_url,
        username=token.user_name,
        password=pulumi.Output.secret(token.password),
    )
