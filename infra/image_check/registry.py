"""An image in a registry, read over the registry's HTTP API: manifests and configuration only.

https, and http on this machine alone. ECR gets a token of the AWS credentials in the environment;
other registries are asked without credentials, with the token that they hand out to anyone
(distribution.github.io/distribution/spec/auth/token; public.ecr.aws answers nobody without one).
"""

import http.client
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, Final

from infra.image_check.contents import Contents, Descriptor, Size, contents
from infra.image_check.document import LARGEST, Document, UnreadableImageError, checked

MANIFEST_TYPES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
"""Whatever is not named here, a registry may turn into something else before it sends it."""

_TIMEOUT: Final = 30.0
"""Seconds without a byte."""

TIME: Final = 120.0
"""Seconds for all that is read of an image: a registry can send byte after byte for ever."""

_REDIRECTS: Final = 3
_CHUNK: Final = 64 * 1024

_REFERENCE: Final = re.compile(
    r"(?P<host>localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+(?=:\d))(?P<port>:\d+)?"
    r"/(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_ECR: Final = re.compile(r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """An image of a registry: host[:port]/name[:tag][@digest]."""

    host: str
    port: str
    """With its colon; empty when it is the protocol's."""
    name: str
    version: str
    """The digest, or else the tag, or else latest."""

    @classmethod
    def parse(cls, text: str) -> "Reference | None":
        """None when the text is no reference, or names no registry."""
        found = _REFERENCE.fullmatch(text)
        if found is None:
            return None
        return cls(
            host=found["host"],
            port=found["port"] or "",
            name=found["name"],
            version=found["digest"] or found["tag"] or "latest",
        )

    @property
    def url(self) -> str:
        """Of the repository, in the registry's API."""
        protocol = "http" if self.host in ("localhost", "127.0.0.1") else "https"
        return f"{protocol}://{self.host}{self.port}/v2/{self.name}"


def read_registry(reference: Reference, token: str | None, *, platform: str) -> Contents:
    """The image, asked for with a token for basic authorization. Raises `UnreadableImageError`."""
    repository = _Repository(reference, token)
    manifest, media_type = repository.manifest(reference.version)
    return contents(repository, manifest, media_type, platform=platform)


def token_for(reference: Reference) -> str | None:
    """ECR's for the caller; None for any other registry. Raises `UnreadableImageError`."""
    ecr = _ECR.fullmatch(reference.host)
    if ecr is None:
        return None
    # Importing these takes longer than all the rest of the command.
    import boto3  # noqa: PLC0415 - see above
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see above

    try:
        answer = boto3.client("ecr", region_name=ecr["region"]).get_authorization_token()
    except (BotoCoreError, ClientError) as error:
        raise UnreadableImageError(f"no access to ECR in {ecr['region']}: {error}") from error
    token: str = answer["authorizationData"][0]["authorizationToken"]
    return token


class _Repository:
    """The manifests and blobs of one repository."""

    def __init__(self, reference: Reference, token: str | None) -> None:
        self._reference = reference
        self._authorization = None if token is None else f"Basic {token}"
        self._end = time.monotonic() + TIME

    def manifest(self, version: str) -> tuple[Document, str]:
        text, media_type = self._get("manifests", version, accept=", ".join(MANIFEST_TYPES))
        known = media_type if media_type in MANIFEST_TYPES else ""
        return Document.parse(f"the manifest {version}", text), known

    def blob(self, digest: str) -> bytes:
        return self._get("blobs", digest, accept="*/*")[0]

    def size(self, layers: Sequence[Descriptor]) -> Size:
        """The layers are not fetched, and compressed ones only grow."""
        return Size(in_bytes=sum(layer.size for layer in layers), is_exact=False)

    def _get(self, kind: str, version: str, *, accept: str) -> tuple[bytes, str]:
        url = f"{self._reference.url}/{kind}/{version}"
        try:
            text, media_type = _fetched(url, accept, self._authorization, end=self._end)
            return checked(url, text, version if ":" in version else ""), media_type
        except urllib.error.HTTPError as error:
            with error:
                token_url = self._token_url(error)
                if token_url is None:
                    raise UnreadableImageError(f"{url}: {_meaning(error)}") from error
        self._authorization = f"Bearer {_token(token_url, end=self._end)}"
        return self._get(kind, version, accept=accept)

    def _token_url(self, refusal: urllib.error.HTTPError) -> str | None:
        """Where a token for anyone is to be had; None when there is none, or we have one."""
        kind, _, challenge = refusal.headers.get("WWW-Authenticate", "").partition(" ")
        parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = parameters.pop("realm", "")
        protocol = self._reference.url.partition("//")[0]
        if (
            refusal.code != HTTPStatus.UNAUTHORIZED
            or self._authorization is not None
            or kind.lower() != "bearer"
            or not realm.startswith(("https://", f"{protocol}//"))
        ):
            return None
        return f"{realm}?{urllib.parse.urlencode(parameters)}"


def _token(url: str, *, end: float) -> str:
    try:
        text, _ = _fetched(url, "application/json", None, end=end)
    except urllib.error.HTTPError as error:
        with error:
            raise UnreadableImageError(f"{url}: {_meaning(error)}") from error
    answer = Document.parse("the registry's token", checked(url, text))
    token = answer.string("token") or answer.string("access_token")
    if not token:
        raise UnreadableImageError(f"{url} gave no token")
    return token


def _fetched(url: str, accept: str, authorization: str | None, *, end: float) -> tuple[bytes, str]:
    """The body and its media type. Raises `HTTPError`, or else `UnreadableImageError`."""
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 - http(s) only
    if authorization is not None:
        # ECR redirects to S3, which must not see it.
        request.add_unredirected_header("Authorization", authorization)
    try:
        with urllib.request.build_opener(_Redirects).open(request, timeout=_TIMEOUT) as response:
            return _read(url, response, end), response.headers.get_content_type()
    except urllib.error.HTTPError:
        raise
    except (OSError, OverflowError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise UnreadableImageError(f"{url}: {reason}") from error


def _read(url: str, response: IO[bytes], end: float) -> bytes:
    """As much as is needed to know that it is too much, as long as there is time."""
    text = b""
    while len(text) <= LARGEST and (chunk := response.read1(_CHUNK)):  # type: ignore[attr-defined] # HTTPResponse has it
        if time.monotonic() > end:
            raise UnreadableImageError(f"{url}: not read within {TIME:.0f} seconds")
        text += chunk
    return text


class _Redirects(urllib.request.HTTPRedirectHandler):
    """A few, and none that gives TLS up."""

    max_redirections = _REDIRECTS

    def redirect_request(  # noqa: PLR0917 - the signature is urllib's
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise UnreadableImageError(f"{req.full_url}: redirects to {newurl[:200]}, without TLS")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _meaning(error: urllib.error.HTTPError) -> str:
    if str(error.reason).startswith(urllib.request.HTTPRedirectHandler.inf_msg):
        return f"redirects more than {_REDIRECTS} times, or in a circle"
    answer = f"{error.code} {error.reason}"
    if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"{answer}; the image can be checked from a tar too: docker save --output image.tar"
    return answer
