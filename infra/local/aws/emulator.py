"""The embedded AWS: moto's server in a process of its own, on this machine only.

The engine creates in it what the program registers. Nothing of the caller's AWS settings is used:
each client gets its endpoint and its credentials from here.
"""

import contextlib
import json
import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import boto3
import botocore.session
import urllib3
from botocore.config import Config

from infra.local.aws.emulator_process import LOOPBACK, EmulatorError, EmulatorProcess
from infra.local.cloudwatch.definitions import RegisteredAlarm

__all__ = [
    "ACCOUNT",
    "ROOT",
    "Credentials",
    "Emulator",
    "EmulatorError",
    "expire",
    "local_environment",
]

ACCOUNT: Final = "123456789012"
"""The account of everything in the embedded AWS."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """An access key, with a session token when it is a role's."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def environment(self) -> dict[str, str]:
        """As the AWS CLI and the SDKs read it."""
        environment = {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        if self.session_token is not None:
            environment["AWS_SESSION_TOKEN"] = self.session_token
        return environment


ROOT: Final = Credentials(access_key_id="root", secret_access_key="root")  # noqa: S106 - of no account
"""The account's root user's: good for everything. The program's resources are made with them."""


class Emulator:
    """A running embedded AWS. A context manager: on exit the process is gone."""

    def __init__(
        self,
        *,
        region: str,
        port: int = 0,
        host: str = LOOPBACK,
        process: EmulatorProcess | None = None,
    ) -> None:
        """Begins to start it, where no `process` is given; `endpoint` waits until it answers."""
        self.region = region
        self._process = process or EmulatorProcess(host=host, port=port)
        self._clients: dict[tuple[str, Credentials], Any] = {}
        self._making_clients = threading.Lock()
        self._deployed = threading.Lock()
        self.folder = Path()
        """Of the program, where its relative paths begin."""
        self.builds: dict[str, Mapping[str, Any]] = {}
        """How the images are built that the program has registered, by their URI."""
        self.alarms: dict[str, RegisteredAlarm] = {}
        """By their names; moto keeps less of them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for client in self._clients.values():
            client.close()
        self._process.__exit__(kind, error, traceback)

    @property
    def process_id(self) -> int:
        """For tests that stop it in the middle of something."""
        return self._process.process_id

    @property
    def endpoint(self) -> str:
        """The URL of every service. Waits for the server. Raises `EmulatorError`."""
        return self._process.endpoint

    def client(self, service: str, credentials: Credentials = ROOT) -> Any:
        """A boto3 client of one service; the same one for the same credentials."""
        with self._making_clients:  # a session is not for several threads at once
            key = (service, credentials)
            if key not in self._clients:
                self._clients[key] = self._new_client(service, credentials)
            return self._clients[key]

    def _new_client(self, service: str, credentials: Credentials) -> Any:
        session: Any = _session()  # its types know the services one by one
        return session.client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=Config(
                # Who polls has its own retries, and a retried invocation would run twice.
                retries={"total_max_attempts": 1},
                connect_timeout=2,
                read_timeout=30 if service != "lambda" else 910,
                max_pool_connections=20,
                # What AWS refuses is refused by the embedded AWS too, in AWS's words.
                parameter_validation=service != "lambda",
            ),
        )

    def administrator(self) -> Credentials:
        """Makes a user who may do everything, for the person at the keyboard."""
        iam = self.client("iam")
        iam.create_user(UserName="administrator")
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }
        iam.put_user_policy(
            UserName="administrator", PolicyName="everything", PolicyDocument=json.dumps(policy)
        )
        key = iam.create_access_key(UserName="administrator")["AccessKey"]
        return Credentials(
            access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"]
        )

    def assume_role(self, role_arn: str) -> Credentials:
        """The temporary credentials of a role, as Lambda gets them for a function."""
        answer = self.client("sts").assume_role(
            RoleArn=role_arn, RoleSessionName=f"local-{uuid.uuid4().hex[:8]}"
        )["Credentials"]
        return Credentials(
            access_key_id=answer["AccessKeyId"],
            secret_access_key=answer["SecretAccessKey"],
            session_token=answer["SessionToken"],
        )

    def enforce_permissions(self) -> None:
        """From now on every call needs a permission of whoever makes it."""
        self._control("reset-auth", b"0")

    @contextlib.contextmanager
    def attached(self, socket: Path) -> Iterator[None]:
        """Hands what is Lambda's to the one that listens there, until the block ends."""
        self._control("lambda", str(socket).encode())
        try:
            yield
        finally:
            # The server may be gone already, and Lambda's requests with it.
            with contextlib.suppress(EmulatorError):
                self._control("lambda")

    def expire(self) -> int:
        """Removes what is past its time to live; says how many items those were."""
        return expire(self.endpoint)

    def split_streams(self, shards: int) -> None:
        """The streams that are made from now on have so many shards. Raises `EmulatorError`."""
        if shards < 1:
            raise EmulatorError(f"a stream has a shard at least, got {shards}")
        self._control("dynamodb/shards", str(shards).encode())

    @contextlib.contextmanager
    def emptied(self, *, region: str, host: str = LOOPBACK) -> Iterator[None]:
        """As if it had just been started for that region and host, for one deployment at a time.

        Raises `EmulatorError` when it is not for them, or a deployment is still in it.
        """
        if (region, host) != (self.region, self._process.host):
            raise EmulatorError(
                f"the deployment needs an embedded AWS of region {region} that listens on {host}, "
                f"the one given is of {self.region} and listens on {self._process.host}"
            )
        if not self._deployed.acquire(blocking=False):
            raise EmulatorError("the embedded AWS given still holds another deployment")
        try:
            self._reset()
            yield
        finally:
            self._deployed.release()

    def _reset(self) -> None:
        self._control("reset")
        self._control("reset-auth", b"inf")  # calls without a check, as many as there are
        self.split_streams(1)
        self._control("lambda")
        self.builds.clear()
        self.alarms.clear()
        with self._making_clients:
            of_nobody = [key for key in self._clients if key[1] != ROOT]
            for key in of_nobody:  # their users and roles are gone
                self._clients.pop(key).close()

    def _control(self, what: str, body: bytes = b"") -> None:
        _control(self.endpoint, what, body)


def expire(endpoint: str) -> int:
    """Removes what is past its time to live in the embedded AWS there; says how many items.

    Raises `EmulatorError` where none answers.
    """
    return int(json.loads(_control(endpoint, "dynamodb/expire"))["expired"])


def _control(endpoint: str, what: str, body: bytes = b"") -> bytes:
    """An API that no AWS has: moto's own, and the controls of `emulator_server`."""
    url = f"{endpoint.rstrip('/')}/moto-api/{what}"
    try:
        answer = urllib3.request(
            "POST",
            url,
            body=body,
            headers={"Content-Type": "text/plain"},
            retries=False,
            # urllib3's own three seconds are too few while the machine is busy with more.
            timeout=urllib3.Timeout(connect=3, read=60),
        )
    except urllib3.exceptions.HTTPError as error:
        raise EmulatorError(f"no embedded AWS answers at {endpoint}: {error}") from error
    if answer.status != 200:
        raise EmulatorError(f"{endpoint} answers {answer.status} to {what}")
    return answer.data


@cache
def _session() -> boto3.Session:
    """One for all: a session reads the service models once. It has no settings of the caller's."""
    nothing = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    core = botocore.session.Session(session_vars=nothing)
    return boto3.Session(botocore_session=core)


def local_environment(endpoint: str, region: str, credentials: Credentials) -> Mapping[str, str]:
    """What a shell needs so that the AWS CLI and the SDKs work on the embedded AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        **credentials.environment(),
    }
