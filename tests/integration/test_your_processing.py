"""docs/your-processing.md: each of its sections is a project that runs, with nothing but its files.

Program, table, filter, permissions, the handler itself, and an item that does not fit.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from infra.exports import pipeline_exports
from infra.local import LocalDeployment, deploy
from infra.local.aws.emulator import Emulator
from tests import pages
from tests.project import copy_of_project

PUBLISHED: Final = "A flat order that is published"
STATUS: Final = "A status that changes, old beside new"
EXPIRED: Final = "Expired items, archived"
CACHE: Final = "Keys that invalidate a cache"
EXISTING: Final = "A table that exists, with two functions"
ONCE: Final = "Exactly once: return what is to be written"
BATCH: Final = "One call for a batch"
TRIED: Final = {PUBLISHED, STATUS, EXPIRED, CACHE, EXISTING, ONCE, BATCH}

AS_IT_CAME: Final = """
import pulumi

from handler.contract import CONTRACT
from infra.config.stack import StackConfig
from infra.pipeline import RequestsPipeline, export
from infra.yours import additions

requests = RequestsPipeline("requests", StackConfig.load(pulumi.Config(), CONTRACT), additions())

export(requests)
"""
"""The program that reads the user's files; a user's own may be another one by now."""

Run = Callable[..., LocalDeployment]


@pytest.fixture
def run(tmp_path: Path, emulator: Emulator) -> Iterator[Run]:
    """Deploys a section of the page: the project, and nothing changed in it but its files."""
    running: list[Any] = []

    def begin(section: str, **config: Any) -> LocalDeployment:
        project = project_of(section, tmp_path / "project")
        deployed = deploy(config=config, project=project, emulator=emulator)
        deployment = deployed.__enter__()
        running.append(deployed)
        return deployment

    yield begin
    for each in running:
        each.__exit__(None, None, None)


def project_of(section: str, folder: Path) -> Path:
    project = copy_of_project(folder)
    (project / "__main__.py").write_text(AS_IT_CAME, encoding="utf-8")
    pages.write(pages.files(pages.sections("your-processing.md")[section]), project)
    return project


def put(
    deployment: LocalDeployment, *items: Mapping[str, Any], table: str = "requests-table"
) -> None:
    for each in items:
        deployment.client("dynamodb").put_item(TableName=table, Item=each)


def parked(deployment: LocalDeployment, pipeline: str | None = None) -> list[str]:
    """Why each record of the failure bucket is there."""
    s3 = deployment.client("s3")
    bucket = pipeline_exports(deployment.outputs, pipeline)["failureBucket"]
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    bodies = (s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found)
    return [json.dumps(json.loads(body)) for body in bodies]


def as_function(deployment: LocalDeployment, service: str) -> Any:
    """A client with no more permissions than the function has."""
    return deployment.client(service, deployment.role_credentials)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_every_section_with_files_is_tried_here() -> None:
    sections = pages.sections("your-processing.md")

    assert {name for name, text in sections.items() if pages.files(text)} == TRIED


def order(customer: str, placed: int, **attributes: Mapping[str, str]) -> dict[str, Any]:
    keys = {"customer": {"S": customer}, "placed": {"N": str(placed)}}
    return {**keys, "status": {"S": "paid"}, "total": {"N": "9.5"}, **attributes}


def test_a_flat_order_with_a_sort_key_is_published(run: Run) -> None:
    deployment = run(PUBLISHED)
    sns, sqs = deployment.client("sns"), deployment.client("sqs")
    (topic,) = (each["TopicArn"] for each in sns.list_topics()["Topics"])
    queue = sqs.create_queue(QueueName="reader")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    draft, misfit = {"status": {"S": "draft"}}, {"total": {"S": "a lot"}}
    put(deployment, order("ada", 1), order("ada", 2, **draft), order("ada", 3, **misfit))
    deployment.drain()

    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(message["Body"]) == {"customer": "ada", "placed": 1, "total": "9.5"}
    assert deployment.metrics["FilteredOutEventCount"] == 1
    (why,) = parked(deployment)
    assert "NewImage.total must be a number" in why
    other = sns.create_topic(Name="another")["TopicArn"]
    publish = as_function(deployment, "sns").publish
    assert refused(lambda: publish(TopicArn=other, Message="m")) == "AuthorizationError"
    table = deployment.client("dynamodb").describe_table(TableName="requests-table")["Table"]
    assert [each["AttributeName"] for each in table["KeySchema"]] == ["customer", "placed"]


def test_the_demo_of_that_order_prints_what_the_page_shows(tmp_path: Path) -> None:
    project = project_of(PUBLISHED, tmp_path / "project")

    done = subprocess.run(
        [sys.executable, "-m", "infra.local", "demo"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    page = pages.sections("your-processing.md")[PUBLISHED]
    shown = page.partition("$ make demo\n")[2].partition("```")[0]
    lines = [line for line in shown.splitlines() if line != "..."]
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lines) == 2
    assert all(line in done.stdout for line in lines)


def test_a_change_of_a_status_is_kept_once_with_what_it_was_before(run: Run) -> None:
    deployment = run(STATUS)

    def write(key: str, status: str, total: Mapping[str, str]) -> None:
        put(deployment, {"order_id": {"S": key}, "status": {"S": status}, "total": total})

    nine = {"N": "9"}
    write("a", "new", nine)
    write("a", "paid", nine)
    write("a", "paid", {"N": "8"})  # another change than one of the status
    write("b", "new", {"S": "free"})  # the filter: no total beforehand
    write("b", "paid", nine)
    write("c", "new", nine)
    write("c", "paid", {"S": "a lot"})
    deployment.drain()

    dynamodb = deployment.client("dynamodb")
    (entry,) = dynamodb.scan(TableName="history")["Items"]
    del entry["changed"]
    assert entry == {"order_id": {"S": "a"}, "from": {"S": "new"}, "to": {"S": "paid"}}
    assert deployment.metrics["FilteredOutEventCount"] == 4
    (why,) = parked(deployment)
    assert "NewImage.total must be a number" in why
    scan = as_function(deployment, "dynamodb").scan
    assert refused(lambda: scan(TableName="history")) == "AccessDeniedException"


def test_what_has_expired_is_archived_whole_and_nothing_that_somebody_removed(run: Run) -> None:
    deployment = run(EXPIRED)

    def session(key: str, **attributes: Mapping[str, str]) -> dict[str, Any]:
        return {"session_id": {"S": key}, "expires_at": {"N": a_minute_ago}, **attributes}

    a_minute_ago, ada = str(int(time.time()) - 60), {"S": "ada"}
    put(deployment, session("a", user=ada, seen={"N": "3"}), session("b", user=ada), session("c"))
    deployment.client("dynamodb").delete_item(
        TableName="requests-table", Key={"session_id": {"S": "b"}}
    )
    assert deployment.expire() == 2
    deployment.drain()

    s3 = deployment.client("s3")
    (archived,) = s3.list_objects_v2(Bucket="archive")["Contents"]
    assert archived["Key"].startswith("a/")
    body = s3.get_object(Bucket="archive", Key=archived["Key"])["Body"].read()
    assert json.loads(body)["seen"] == "3"
    (why,) = parked(deployment)
    assert "OldImage.user must be a string" in why
    get = as_function(deployment, "s3").get_object
    assert refused(lambda: get(Bucket="archive", Key=archived["Key"])) == "AccessDenied"


@contextmanager
def cache() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A cache that is purged by HTTP: its URL, and the paths and tokens that it was asked with."""
    asked: list[tuple[str, str]] = []

    class Purged(BaseHTTPRequestHandler):
        def do_PURGE(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Purged) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_records_with_keys_only_invalidate_a_cache(run: Run) -> None:
    with cache() as (url, asked):
        deployment = run(CACHE, **{"cache:url": url})
        secrets = deployment.client("secretsmanager")
        (secret,) = secrets.list_secrets()["SecretList"]
        secrets.put_secret_value(SecretId=secret["ARN"], SecretString="let-me-in")
        product = {"sku": {"S": "chair"}}
        put(deployment, product, {**product, "price": {"N": "5"}}, {"sku": {"S": "a/b"}})
        deployment.client("dynamodb").delete_item(TableName="requests-table", Key=product)
        deployment.drain()

    assert asked == [("/products/chair", "Bearer let-me-in")] * 3
    (why,) = parked(deployment)
    assert "its sku has no slash" in why
    variables = deployment.function_settings.environment
    assert "let-me-in" not in str(variables)
    other = secrets.create_secret(Name="another", SecretString="x")["ARN"]
    get = as_function(deployment, "secretsmanager").get_secret_value
    assert refused(lambda: get(SecretId=other)) == "AccessDeniedException"


def test_two_functions_of_a_table_that_exists_each_get_what_is_theirs(run: Run) -> None:
    deployment = run(EXISTING)
    paid = {"order_id": {"S": "a"}, "status": {"S": "paid"}, "total": {"N": "9.5"}}
    opened = {**paid, "order_id": {"S": "b"}, "status": {"S": "new"}}
    put(
        deployment,
        paid,
        opened,
        {**paid, "order_id": {"S": "c"}, "total": {"S": "?"}},
        table="orders",
    )
    deployment.client("dynamodb").delete_item(TableName="orders", Key={"order_id": {"S": "b"}})
    deployment.drain()

    sqs = deployment.client("sqs")
    queue = sqs.get_queue_url(QueueName="invoices")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert message["Body"] == "a: 9.5"
    logged = [json.loads(line) for line in deployment.log if '"status"' in line]
    audited = [each["message"] for each in logged if each.get("status")]
    assert audited == ["INSERT of a", "INSERT of b", "REMOVE of b"]
    for pipeline in ("billing", "audit"):
        (why,) = parked(deployment, pipeline)
        assert "NewImage.total must be a number" in why
    assert not any("orders" in each.name for each in deployment.resources if "Table" in each.type)


def test_writes_that_are_returned_are_both_there_or_neither(run: Run) -> None:
    deployment = run(ONCE)
    dynamodb = deployment.client("dynamodb")
    for table in ("invoices", "customers"):
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
    allow(deployment, "dynamodb:PutItem", "dynamodb:UpdateItem")
    payload = {"total": {"N": "7"}, "customer": {"S": "ada"}}
    put(deployment, {"request_id": {"S": "r"}, "payload": {"M": payload}})
    deployment.drain()

    assert dynamodb.scan(TableName="invoices")["Items"] == [{"id": {"S": "r"}, "total": {"N": "7"}}]
    assert dynamodb.scan(TableName="customers")["Items"] == [
        {"id": {"S": "ada"}, "orders": {"N": "1"}}
    ]


def test_a_slice_of_requests_is_taken_in_one_call(run: Run) -> None:
    deployment = run(BATCH)
    kinesis = deployment.client("kinesis")
    kinesis.create_stream(StreamName="copies", ShardCount=1)
    allow(deployment, "kinesis:PutRecords")
    for key in ("r1", "r2"):
        put(deployment, {"request_id": {"S": key}, "payload": {"M": {"n": {"N": "1"}}}})
    deployment.drain()

    (shard,) = kinesis.list_shards(StreamName="copies")["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName="copies", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [each["PartitionKey"] for each in records] == ["r1", "r2"]
    assert deployment.metrics["FailedInvokeEventCount"] == 0


def allow(deployment: LocalDeployment, *actions: str) -> None:
    """What `infra/yours.py` would, were it part of the section."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    deployment.client("iam").put_role_policy(
        RoleName="requests-processor-role",
        PolicyName="more",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
