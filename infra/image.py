"""The image that the function runs: built from the handler's folder, or one that exists.

Either way it is pinned by digest, and the stack's own repository stays: a rollback to an image in
it needs no build. handler/Dockerfile says what is in the image, `infra.build_context` which files
and arguments its tag is made of.
"""

import json
import re
from typing import Final, NamedTuple

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker

from infra import policies
from infra.build_context import BUILD_CONTEXT, content_tag, staged_context
from infra.config import Architecture, ImageConfig
from infra.config.stack import StackConfig

_PINNED: Final = r"(?:[^@/\s]+/)*[^@:/\s]+@sha256:[0-9a-f]{64}"
"""Repository and digest; Lambda refuses a tag beside the digest."""


class ProcessorImage(pulumi.ComponentResource):
    """The function's image in ECR."""

    uri: pulumi.Output[str]
    """Repository and digest, as Lambda takes it."""
    architecture: Architecture
    """Of every function that runs it."""

    def __init__(
        self, name: str, config: StackConfig, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("requests:infra:ProcessorImage", name, None, opts)
        self._children = pulumi.ResourceOptions(parent=self)
        self.architecture = config.function.architecture
        # Registered whatever the function runs: a repository that leaves the program is deleted,
        # with the image that the function runs until the update has ended, or can't be.
        if config.image.repository is None:
            uri = self._of_own(self._own_repository(name, config), name, config)
        else:
            if config.image.own_repository:
                self._own_repository(name, config)
            uri = self._existing(config.image.repository, config.image)
        self.uri = uri.apply(pinned)
        self.register_outputs({"uri": self.uri})

    def _of_own(self, own: "_OwnRepository", name: str, config: StackConfig) -> pulumi.Output[str]:
        if config.image.digest is not None:
            return self._existing(own.repository.name, config.image)
        return self._image(name, own, config).repo_digest

    def _own_repository(self, name: str, config: StackConfig) -> "_OwnRepository":
        repository = self._repository(name, config)
        self._expire(name, repository, config.image)
        return _OwnRepository(repository, self._let_lambda_retrieve(name, repository))

    def _repository(self, name: str, config: StackConfig) -> aws.ecr.Repository:
        return aws.ecr.Repository(
            name,
            # docker.Image pushes at every update, and a rebuild of the same content has another
            # digest, which ECR would refuse under an immutable tag. The function has the digest.
            image_tag_mutability="MUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(
                scan_on_push=True
            ),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")
            ],
            force_delete=config.image.force_delete,
            # As long as ECR refuses to delete a repository with images, Pulumi stops before it has
            # deleted the rest.
            opts=pulumi.ResourceOptions(parent=self, protect=not config.image.force_delete),
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
        self, name: str, repository: aws.ecr.Repository
    ) -> aws.ecr.RepositoryPolicy:
        return aws.ecr.RepositoryPolicy(
            f"{name}-policy",
            repository=repository.name,
            policy=repository.arn.apply(policies.retrieve_image),
            opts=self._children,
        )

    def _image(self, name: str, own: "_OwnRepository", config: StackConfig) -> docker.Image:
        platform = config.function.architecture.platform
        arguments = _build_arguments(config.image)
        tag = content_tag(BUILD_CONTEXT, platform=platform, arguments=arguments)
        context = staged_context()
        return docker.Image(
            name,
            image_name=pulumi.Output.format("{0}:{1}", own.repository.repository_url, tag),
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
            registry=self._registry(own.repository),
            # Lambda may pull the image as soon as it is there.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[own.policy]),
        )

    def _registry(self, repository: aws.ecr.Repository) -> docker.RegistryArgs:
        token = aws.ecr.get_authorization_token_output(
            registry_id=repository.registry_id, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        return docker.RegistryArgs(
            server=repository.repository_url,
            username=token.user_name,
            password=pulumi.Output.secret(token.password),
        )

    def _existing(self, repository: pulumi.Input[str], config: ImageConfig) -> pulumi.Output[str]:
        return pulumi.Output.from_input(repository).apply(lambda name: self._found(name, config))

    async def _found(self, name: str, config: ImageConfig) -> str:
        options = pulumi.InvokeOptions(parent=self)
        try:
            repository = await aws.ecr.get_repository(name=name, opts=options)
            image = await aws.ecr.get_image(
                repository_name=name,
                image_tag=config.tag,
                image_digest=config.digest,
                opts=options,
            )
        except Exception as error:
            raise pulumi.RunError(
                f"image.{'digest' if config.digest else 'tag'}: no image "
                f"{config.digest or config.tag} is to be found in the ECR repository {name}; "
                f"what is there: aws ecr describe-images --repository-name {name} ({error})"
            ) from error
        return f"{repository.repository_url}@{image.image_digest}"


class _OwnRepository(NamedTuple):
    repository: aws.ecr.Repository
    policy: aws.ecr.RepositoryPolicy


def pinned(repo_digest: str | None) -> str:
    """The same, when it names one image for good and in the form that Lambda takes.

    Raises `pulumi.RunError` when Docker gave no digest, or `<none>`: the function would otherwise
    be deployed with whatever image happens to be there. Lambda refuses a tag beside the digest.
    """
    if repo_digest is None or not re.fullmatch(_PINNED, repo_digest):
        raise pulumi.RunError(
            f"the image has no digest to pin the function to, got {repo_digest or 'nothing'}; "
            "it was probably not pushed: look at the docker:index:Image above, then run again"
        )
    return repo_digest


def _build_arguments(config: ImageConfig) -> dict[str, str]:
    given = {"BASE_IMAGE": config.base_image, "SOURCE": config.source}
    return {name: value for name, value in given.items() if value is not None}
