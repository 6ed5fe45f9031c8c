"""`python -m infra.image_check` and a registry, which is a real HTTP server on this machine."""

import base64
import contextlib
import http.server
import io
import json
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

import pytest

from infra.image_check import command
from infra.image_check.document import UnreadableImageError
from infra.image_check.registry import Reference, _Redirects, read_registry, token_for
from infra.local.aws.emulator import Emulator
from tests.unit.infra.image_check.image_files import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Blobs,
    Descriptor,
    config,
)

SCHEMA_1: Final = "application/vnd.docker.distribution.manifest.v1+prettyjws"


def main(arguments: list[str]) -> int:
    """The command for the architecture that these images have."""
    return command.main([*arguments, "--architecture", "x86_64"])


@dataclass(frozen=True)
class Answer:
    """Of the registry, to one request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Registry:
    """One repository, requests, in the registry at `address`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.blobs = Blobs()
        self.manifests: dict[str, tuple[bytes, str]] = {}
        self.asked: list[str] = []
        self.token: str | None = None
        self.gives_tokens = False
        """To anyone who asks, as public.ecr.aws does; nobody reads without one."""
        self.redirects_to = "elsewhere"

    def push(self, manifest: Descriptor, tag: str = "1") -> str:
        """The name by which it is checked."""
        version = self.blobs[manifest["digest"]], manifest["mediaType"]
        self.manifests[tag] = self.manifests[manifest["digest"]] = version
        return f"{self.address}/requests:{tag}"

    @property
    def challenge(self) -> str:
        """As public.ecr.aws writes it."""
        return (
            f'Bearer realm="http://{self.address}/token/",service="registry",'
            'scope="repository:requests:pull"'
        )

    @property
    def wanted(self) -> str | None:
        """The authorization without which nobody reads."""
        if self.gives_tokens:
            return f"Bearer {self.token_path}"
        return None if self.token is None else f"Basic {self.token}"

    @property
    def token_path(self) -> str:
        """Where the token is asked for; the token itself, too."""
        return "/token/?service=registry&scope=repository%3Arequests%3Apull"

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:  # noqa: PLR0911 - one for each kind of request
        self.asked.append(path)
        authorization = headers.get("Authorization")
        if path.startswith("/circle/"):
            return Answer(307, headers={"Location": f"http://{self.address}{path}"})
        if path.startswith("/elsewhere/"):
            # As S3 does, which takes its own kind of authorization only.
            refused = authorization is not None
            return Answer(400) if refused else Answer(200, self.blobs[path.split("/")[2]])
        if path.startswith("/token"):
            return Answer(200, json.dumps({"token": path}).encode())
        if authorization != self.wanted:
            headers = {"WWW-Authenticate": self.challenge} if self.gives_tokens else {}
            return Answer(401, headers=headers)
        kind, _, version = path.removeprefix("/v2/requests/").partition("/")
        if kind == "manifests" and version in self.manifests:
            manifest, media_type = self.manifests[version]
            # What was pushed is sent to those only who know what to do with it.
            is_known = media_type in headers["Accept"] or media_type == "application/json"
            return Answer(200, manifest, {"Content-Type": media_type}) if is_known else Answer(406)
        if kind == "blobs" and version in self.blobs:
            to = f"http://{self.address}/{self.redirects_to}/{version}"
            return Answer(307, headers={"Location": to})
        return Answer(404)


@pytest.fixture
def registry() -> Iterator[Registry]:
    class Handler(http.server.BaseHTTPRequestHandler):
        of: ClassVar[Registry]

        def do_GET(self) -> None:
            answer = self.of.answer(self.path, dict(self.headers))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            # Who has read enough does not read on.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """What goes wrong shows in the answers."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.of = Registry(f"127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Handler.of
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_a_pushed_image_is_taken_and_its_size_is_a_lower_bound(
    registry: Registry, media_type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    image = registry.blobs.add_image(config(), media_type=media_type, layer=b"." * 5 * 1024**2)
    name = registry.push(image)

    assert main([name]) == 0
    assert capsys.readouterr().out == (
        f"Lambda takes {name}: linux/amd64, at least 5 MB uncompressed "
        "(known of some layers is the compressed size only)\n"
    )


def test_layers_are_not_fetched(registry: Registry) -> None:
    image = registry.blobs.add_image(config())

    main([registry.push(image)])

    layer = json.loads(registry.blobs[image["digest"]])["layers"][0]["digest"]
    assert registry.asked
    assert not any(layer in path for path in registry.asked)


def test_an_image_is_found_by_its_digest(registry: Registry) -> None:
    image = registry.blobs.add_image(config())
    registry.push(image)

    assert main([f"{registry.address}/requests@{image['digest']}"]) == 0


def test_a_digest_counts_more_than_a_tag(registry: Registry) -> None:
    image = registry.blobs.add_image(config())
    registry.push(registry.blobs.add_index(image), tag="index")
    registry.push(image)

    assert main([f"{registry.address}/requests:index@{image['digest']}"]) == 0


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_a_pushed_index_with_attestations_is_refused(
    registry: Registry, media_type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    image = registry.blobs.add_image(config())
    attestation = registry.blobs.add_attestation()
    registry.push(image)
    index = registry.blobs.add_index(image, attestation, media_type=media_type)

    assert main([registry.push(index)]) == 1
    what, _, attestations, _ = capsys.readouterr().out.splitlines()
    assert what == (
        f"problem: it is an index ({media_type}) of linux/amd64: Lambda takes one image"
    )
    assert attestations.startswith("problem: it carries attestations")


def test_a_manifest_of_schema_1_is_refused_for_being_one(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = registry.blobs.add_json({"schemaVersion": 1, "name": "requests"}, SCHEMA_1)

    assert main([registry.push(manifest)]) == 1
    what, _ = capsys.readouterr().out.splitlines()
    assert what.startswith(f"problem: its manifest is of the type {SCHEMA_1}: Lambda takes ")


def test_compressed_layers_beyond_the_limit_are_enough_to_refuse(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = registry.blobs
    layer = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
        "digest": f"sha256:{1:064}",
    }
    manifest = {
        "schemaVersion": 2,
        "config": blobs.add_json(config(), "application/vnd.oci.image.config.v1+json"),
        "layers": [{**layer, "size": 6 * 1024**3}] * 2,
    }

    assert main([registry.push(blobs.add_json(manifest, OCI_MANIFEST))]) == 1
    assert "its layers are at least 12288 MB uncompressed" in capsys.readouterr().out


def error(reference: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line about bad input."""
    code = main([reference])
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert (code, printed.out) == (2, "")
    return line


def test_an_image_that_is_not_there_is_bad_input(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    line = error(f"{registry.address}/requests:2", capsys)

    assert line == f"error: http://{registry.address}/v2/requests/manifests/2: 404 Not Found"


def test_a_registry_that_does_not_answer_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    # Port 1 is nobody's.
    line = error("localhost:1/requests", capsys)

    assert line.startswith("error: http://localhost:1/v2/requests/manifests/latest: ")


def test_a_server_that_is_no_registry_is_bad_input(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.manifests["page"] = (b"<html>", DOCKER_MANIFEST)

    line = error(f"{registry.address}/requests:page", capsys)

    assert line.startswith("error: the manifest page is not JSON: ")


@pytest.mark.parametrize(
    ("reference", "url", "version"),
    [
        ("localhost:5000/a", "http://localhost:5000/v2/a", "latest"),
        ("127.0.0.1/a/b:1.0", "http://127.0.0.1/v2/a/b", "1.0"),
        ("registry.example/a", "https://registry.example/v2/a", "latest"),
        ("registry:5000/a:x", "https://registry:5000/v2/a", "x"),
    ],
)
def test_only_this_machine_is_asked_without_tls(reference: str, url: str, version: str) -> None:
    found = Reference.parse(reference)

    assert found is not None
    assert (found.url, found.version) == (url, version)


@pytest.mark.parametrize("text", ["requests", "requests:1", "team/requests", "a.example/", "a.b"])
def test_a_name_without_a_registry_is_no_reference(text: str) -> None:
    assert Reference.parse(text) is None


ECR: Final = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/requests:1"


def test_ecr_is_asked_with_a_token_of_the_account(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    reference = Reference.parse(ECR)
    assert reference is not None

    user, _, _ = base64.b64decode(token_for(reference) or "").decode().partition(":")

    assert user == "AWS"


def test_ecr_without_credentials_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")

    assert error(ECR, capsys).startswith("error: no access to ECR in ap-northeast-1: ")


def test_a_token_is_for_the_registry_alone_and_not_for_where_it_redirects_to(
    registry: Registry,
) -> None:
    registry.token = "QVdTOnNlY3JldA=="
    reference = Reference.parse(registry.push(registry.blobs.add_image(config())))
    assert reference is not None

    found = read_registry(reference, registry.token, platform="linux/amd64")

    assert found.image is not None
    assert found.image.platform == "linux/amd64"


def test_a_registry_that_gives_a_token_to_anyone_is_asked_for_one_once(
    registry: Registry,
) -> None:
    registry.gives_tokens = True

    assert main([registry.push(registry.blobs.add_image(config()))]) == 0
    assert registry.asked.count(registry.token_path) == 1


@pytest.mark.parametrize(
    "challenge", ["", "Basic", 'Bearer service="x"', 'Bearer realm="file:///etc/passwd"']
)
def test_a_challenge_that_names_no_token_is_bad_input(
    registry: Registry,
    challenge: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry.gives_tokens = True
    monkeypatch.setattr(Registry, "challenge", challenge)

    assert main([registry.push(registry.blobs.add_image(config()))]) == 2
    assert "401 Unauthorized" in capsys.readouterr().err


def test_a_registry_that_wants_credentials_is_bad_input_and_the_way_is_told(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.token = "QVdTOnNlY3JldA=="

    line = error(registry.push(registry.blobs.add_image(config())), capsys)

    assert "401 Unauthorized" in line
    assert "docker save --output image.tar" in line


def test_where_a_registry_does_not_tell_the_type_the_manifest_does(
    registry: Registry,
) -> None:
    image = registry.blobs.add_image(config())

    assert main([registry.push({**image, "mediaType": "application/json"})]) == 0


def test_redirects_in_a_circle_are_bad_input(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    name = registry.push(registry.blobs.add_image(config()))
    registry.redirects_to = "circle"

    assert error(name, capsys).endswith(": redirects more than 3 times, or in a circle")
    assert len(registry.asked) < 10


def test_a_redirect_that_gives_tls_up_is_not_followed() -> None:
    request = urllib.request.Request("https://registry.example/v2/requests/blobs/1")

    with pytest.raises(UnreadableImageError, match=r"redirects to http://regis.*, without TLS"):
        _Redirects().redirect_request(
            request, io.BytesIO(), 307, "", {}, "http://registry.example/"
        )


@pytest.mark.parametrize("what", ["manifests", "blobs"])
def test_content_that_its_digest_does_not_name_is_bad_input(
    registry: Registry, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    image = registry.blobs.add_image(config())
    registry.push(image)
    asked = image["digest"]
    if what == "manifests":
        registry.manifests[asked] = (b"{}", OCI_MANIFEST)
    else:
        asked = json.loads(registry.blobs[image["digest"]])["config"]["digest"]
        registry.blobs[asked] = b"{}"

    line = error(f"{registry.address}/requests@{image['digest']}", capsys)

    url = f"http://{registry.address}/v2/requests/{what}/{asked}"
    assert line == f"error: {url} is not what its digest {asked} names"


def test_a_document_that_is_too_large_is_bad_input(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.manifests["large"] = (b" " * (64 * 1024**2), OCI_MANIFEST)

    line = error(f"{registry.address}/requests:large", capsys)

    url = f"http://{registry.address}/v2/requests/manifests/large"
    assert line == f"error: {url} is larger than 4 MB"


def test_a_registry_that_takes_too_long_is_bad_input(
    registry: Registry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.image_check.registry.TIME", -1.0)

    line = error(registry.push(registry.blobs.add_image(config())), capsys)

    assert line.endswith(": not read within -1 seconds")
