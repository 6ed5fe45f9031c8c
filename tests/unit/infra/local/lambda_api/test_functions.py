"""Functions through Lambda's API: made, read, changed, deleted; the words are AWS's as recorded.

The recordings are LocalStack's AWS-validated snapshots of Lambda's API (test_lambda_api).
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from tests.processes import is_running, wait_until
from tests.unit.infra.local.lambda_api.conftest import EmbeddedLambda

ARN: Final = "arn:aws:lambda:ap-northeast-1:123456789012:function:one"
TELL: Final = """
import os

def handler(event, context):
    return [os.getpid(), os.environ.get("SAID"), context.memory_limit_in_mb]
"""


def refusal(call: Any, **parameters: Any) -> tuple[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def invoked(lambda_: EmbeddedLambda, name: str = "one") -> Any:
    return json.loads(lambda_.client.invoke(FunctionName=name)["Payload"].read())


def test_a_function_is_described_as_on_aws(lambda_: EmbeddedLambda) -> None:
    created = lambda_.create_function("one", Environment={"Variables": {"NAME": "b"}})
    found = lambda_.client.get_function(FunctionName="one")

    described = {
        "Architectures": ["x86_64"],
        "Description": "",
        "Environment": {"Variables": {"NAME": "b"}},
        "EphemeralStorage": {"Size": 512},
        "FunctionArn": ARN,
        "FunctionName": "one",
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/one"},
        "MemorySize": 128,
        "PackageType": "Image",
        "Role": "arn:aws:iam::123456789012:role/one-role",
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "Timeout": 3,
        "TracingConfig": {"Mode": "PassThrough"},
        "Version": "$LATEST",
    }
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (created["State"], created["StateReasonCode"]) == ("Pending", "Creating")
    assert described.items() <= created.items()
    configuration = found["Configuration"]
    assert (configuration["State"], configuration["LastUpdateStatus"]) == ("Active", "Successful")
    assert described.items() <= configuration.items()
    assert configuration == {
        key: each
        for key, each in lambda_.client.get_function_configuration(FunctionName=ARN).items()
        if key != "ResponseMetadata"
    }
    assert found["Code"]["ImageUri"].endswith("/images:one")
    assert "Concurrency" not in found
    assert "Tags" not in found


def test_awss_own_waiters_find_the_function_active_and_updated(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one")
    lambda_.client.get_waiter("function_active_v2").wait(FunctionName="one")
    lambda_.client.update_function_configuration(FunctionName="one", Timeout=5)
    lambda_.client.get_waiter("function_updated_v2").wait(FunctionName="one")


def test_a_function_of_a_name_that_is_taken_is_refused(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one")

    code, message = refusal(lambda_.create_function, name="one", Role=lambda_.role("other"))

    assert (code, message) == ("ResourceConflictException", "Function already exist: one")


def test_a_role_that_lambda_cannot_assume_is_refused(lambda_: EmbeddedLambda) -> None:
    iam = lambda_.aws.emulator.client("iam")
    trusts_nobody = iam.create_role(RoleName="nobodys", AssumeRolePolicyDocument="{}")["Role"]
    code = "InvalidParameterValueException"
    message = "The role defined for the function cannot be assumed by Lambda."

    for role in (trusts_nobody["Arn"], "arn:aws:iam::123456789012:role/none"):
        assert refusal(lambda_.create_function, name="one", Role=role) == (code, message)
    lambda_.create_function("one")
    update = lambda_.client.update_function_configuration
    assert refusal(update, FunctionName="one", Role=trusts_nobody["Arn"]) == (code, message)


@pytest.mark.parametrize(
    "call",
    [
        "get_function",
        "get_function_configuration",
        "delete_function",
        "get_function_concurrency",
        "update_function_configuration",
        "invoke",
    ],
)
def test_a_function_that_is_not_there_is_named(lambda_: EmbeddedLambda, call: str) -> None:
    assert refusal(getattr(lambda_.client, call), FunctionName="one") == (
        "ResourceNotFoundException",
        f"Function not found: {ARN}",
    )


def test_new_code_runs_at_the_next_invocation(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one", "def handler(event, context): return 'old'")
    before = invoked(lambda_)
    uri = lambda_.image("new", "def handler(event, context): return 'new'")

    updated = lambda_.client.update_function_code(FunctionName="one", ImageUri=uri)

    assert (updated["LastUpdateStatus"], updated["State"]) == ("InProgress", "Active")
    assert (before, invoked(lambda_)) == ("old", "new")
    assert lambda_.client.get_function(FunctionName="one")["Code"]["ImageUri"] == uri


def test_a_changed_setting_means_a_new_execution_environment(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one", TELL, Environment={"Variables": {"SAID": "old"}})
    first, second = invoked(lambda_), invoked(lambda_)
    lambda_.client.update_function_configuration(
        FunctionName="one", Environment={"Variables": {"SAID": "new"}}, MemorySize=256
    )
    third = invoked(lambda_)

    assert first == second
    assert third[0] != first[0]
    assert (first[1:], third[1:]) == (["old", "128"], ["new", "256"])


def test_what_is_not_given_stays_and_what_is_empty_goes(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function(
        "one",
        TELL,
        Environment={"Variables": {"SAID": "old"}},
        ImageConfig={"Command": ["function.handler"]},
        Timeout=7,
    )
    update = lambda_.client.update_function_configuration
    kept = update(FunctionName="one", MemorySize=200)
    emptied = update(FunctionName="one", Environment={"Variables": {}}, ImageConfig={})

    assert (kept["Timeout"], kept["Environment"]) == (7, {"Variables": {"SAID": "old"}})
    assert kept["ImageConfigResponse"] == {"ImageConfig": {"Command": ["function.handler"]}}
    assert "ImageConfigResponse" not in emptied
    assert invoked(lambda_)[1] is None


def test_an_update_that_is_refused_changes_nothing(lambda_: EmbeddedLambda) -> None:
    revision = lambda_.create_function("one")["RevisionId"]
    update = lambda_.client.update_function_configuration
    update(FunctionName="one", RevisionId=revision, Timeout=5)

    code, message = refusal(update, FunctionName="one", RevisionId=revision, Timeout=6)

    assert refusal(update, FunctionName="one", MemorySize=10_241)[1].startswith("'MemorySize'")
    assert code == "PreconditionFailedException"
    assert message.startswith("The Revision Id provided does not match the latest Revision Id.")
    assert lambda_.client.get_function_configuration(FunctionName="one")["Timeout"] == 5


def test_a_deleted_function_is_gone_and_its_name_free(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one", "def handler(event, context): return 'old'")
    deleted = lambda_.client.delete_function(FunctionName="one")
    gone = refusal(lambda_.client.invoke, FunctionName="one")
    lambda_.create_function("one", "def handler(event, context): return 'new'", Role=role_of("one"))

    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert gone[0] == "ResourceNotFoundException"
    assert invoked(lambda_) == "new"


def test_a_deleted_function_is_ended_with_the_embedded_aws(
    lambda_: EmbeddedLambda, tmp_path: Path
) -> None:
    code = f"""
    import os, pathlib, time

    def handler(event, context):
        pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
        time.sleep(300)
    """
    lambda_.create_function("one", code, Timeout=300)
    lambda_.client.invoke(FunctionName="one", InvocationType="Event")
    wait_until(lambda: bool((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    lambda_.client.delete_function(FunctionName="one")
    process = int((tmp_path / "pid").read_text())
    before = is_running(process)
    lambda_.aws.close()

    assert (before, is_running(process)) == (True, False)


def role_of(function: str) -> str:
    return f"arn:aws:iam::123456789012:role/{function}-role"


def test_functions_are_listed_page_by_page(lambda_: EmbeddedLambda) -> None:
    for name in ("one", "two", "three"):
        lambda_.create_function(name)
    pages = lambda_.client.get_paginator("list_functions").paginate(
        PaginationConfig={"PageSize": 2}
    )
    names = [[each["FunctionName"] for each in page["Functions"]] for page in pages]

    assert names == [["one", "two"], ["three"]]


def test_reserved_concurrency_is_set_read_and_taken_off(lambda_: EmbeddedLambda) -> None:
    client = lambda_.client
    lambda_.create_function("one")
    put = client.put_function_concurrency(FunctionName="one", ReservedConcurrentExecutions=0)
    read = client.get_function_concurrency(FunctionName="one")
    described = client.get_function(FunctionName="one")["Concurrency"]
    client.delete_function_concurrency(FunctionName="one")

    assert put["ReservedConcurrentExecutions"] == 0
    assert read["ReservedConcurrentExecutions"] == 0
    assert described == {"ReservedConcurrentExecutions": 0}
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="one")


def test_an_account_keeps_a_hundred_executions_unreserved(lambda_: EmbeddedLambda) -> None:
    put = lambda_.client.put_function_concurrency
    for name in ("one", "two"):
        lambda_.create_function(name)
    put(FunctionName="one", ReservedConcurrentExecutions=800)

    code, message = refusal(put, FunctionName="two", ReservedConcurrentExecutions=101)
    put(FunctionName="two", ReservedConcurrentExecutions=100)

    assert code == "InvalidParameterValueException"
    assert message == (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )


def test_the_accounts_settings_tell_what_is_left_unreserved(lambda_: EmbeddedLambda) -> None:
    """The members are those that LocalStack's recording has."""
    lambda_.create_function("one")
    before = lambda_.client.get_account_settings()
    lambda_.client.put_function_concurrency(FunctionName="one", ReservedConcurrentExecutions=30)
    after = lambda_.client.get_account_settings()

    assert before["AccountUsage"] == {"FunctionCount": 1, "TotalCodeSize": 0}
    assert before["AccountLimit"] == {
        "CodeSizeUnzipped": 262_144_000,
        "CodeSizeZipped": 52_428_800,
        "ConcurrentExecutions": 1000,
        "TotalCodeSize": 80_530_636_800,
        "UnreservedConcurrentExecutions": 1000,
    }
    assert after["AccountLimit"]["UnreservedConcurrentExecutions"] == 970


def test_concurrency_of_a_version_and_of_nothing_is_refused(lambda_: EmbeddedLambda) -> None:
    put = lambda_.client.put_function_concurrency
    lambda_.create_function("one")

    assert refusal(put, FunctionName="two", ReservedConcurrentExecutions=1) == (
        "ResourceNotFoundException",
        f"Function not found: {ARN.replace('one', 'two')}:$LATEST",
    )
    code, message = refusal(put, FunctionName=f"{ARN}:$LATEST", ReservedConcurrentExecutions=1)
    assert code == "InvalidParameterValueException"
    assert message.startswith("This operation is permitted on Lambda functions only.")


def test_tags_are_added_changed_and_removed(lambda_: EmbeddedLambda) -> None:
    client = lambda_.client
    lambda_.create_function("one", Tags={"a": "1", "b": "1"})
    client.tag_resource(Resource=ARN, Tags={"b": "2", "c": "2"})
    client.untag_resource(Resource=ARN, TagKeys=["a", "none"])

    assert client.list_tags(Resource=ARN)["Tags"] == {"b": "2", "c": "2"}
    assert client.get_function(FunctionName="one")["Tags"] == {"b": "2", "c": "2"}
    for call, given in (
        (client.tag_resource, {"Tags": {"a": "1"}}),
        (client.untag_resource, {"TagKeys": ["a"]}),
        (client.list_tags, {}),
    ):
        assert refusal(call, Resource=f"{ARN}:$LATEST", **given) == (
            "InvalidParameterValueException",
            (
                "Tags on function aliases and versions are not supported. Please specify a "
                "function ARN."
            ),
        )
    assert refusal(client.tag_resource, Resource=ARN, Tags={}) == (
        "InvalidParameterValueException",
        "An error occurred and the request cannot be processed.",
    )
    many = {f"key-{number}": "" for number in range(49)}
    assert refusal(client.tag_resource, Resource=ARN, Tags=many) == (
        "InvalidParameterValueException",
        "Number of tags exceeds resource tag limit.",
    )


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"Timeout": 901}, "InvalidParameterValueException", "less than or equal to 900"),
        ({"Timeout": 0}, "ValidationException", "at 'timeout' failed to satisfy constraint"),
        ({"Architectures": ["X86_64"]}, "ValidationException", "enum value set: [x86_64, arm64]"),
        ({"Role": "r1"}, "ValidationException", "Value 'r1' at 'role' failed to satisfy"),
        ({"Runtime": "python3.13"}, "InvalidParameterValueException", "Please don't provide"),
        ({"Publish": True}, "NotImplemented", "Publish must be false"),
        ({"PackageType": "Zip"}, "NotImplemented", "PackageType must be Image"),
        (
            {"Environment": {"Variables": {"LARGE": "x" * 4096}}},
            "InvalidParameterValueException",
            "exceeded the 4KB limit. String measured: {",
        ),
    ],
    ids=[
        "long timeout",
        "timeout",
        "architecture",
        "role",
        "runtime",
        "version",
        "zip",
        "environment",
    ],
)
def test_what_lambda_refuses_of_a_function(
    lambda_: EmbeddedLambda, parameters: dict[str, Any], code: str, words: str
) -> None:
    refused = refusal(lambda_.create_function, name="one", **parameters)

    assert refused[0] == code
    assert words in refused[1]
    assert lambda_.client.list_functions()["Functions"] == []


def test_an_operation_that_is_not_here_says_so(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one")

    code, message = refusal(lambda_.client.publish_version, FunctionName="one")

    assert code == "NotImplemented"
    assert message == "the embedded AWS's Lambda has no PublishVersion"


def test_a_function_of_another_region_is_not_reachable(lambda_: EmbeddedLambda) -> None:
    elsewhere = ARN.replace("ap-northeast-1", "eu-west-1")

    code, message = refusal(lambda_.client.get_function, FunctionName=elsewhere)

    assert code == "ResourceNotFoundException"
    assert message == (
        "Functions from 'eu-west-1' are not reachable in this region ('ap-northeast-1')"
    )


@pytest.mark.parametrize("name", [ARN.replace("123456789012", "999999999999"), "999999999999:one"])
def test_a_function_of_another_account_is_none_of_this_one(
    lambda_: EmbeddedLambda, name: str
) -> None:
    """Recorded: AWS denies it without a word."""
    lambda_.create_function("one")
    client = lambda_.client
    calls = (client.get_function, client.invoke, client.delete_function)
    denied = [("AccessDeniedException", None)] * len(calls)

    assert [refusal(call, FunctionName=name) for call in calls] == denied
    assert refusal(lambda_.create_function, name=name, Role=role_of("one")) == denied[0]
    listed = client.list_functions()["Functions"]
    assert [each["FunctionName"] for each in listed] == ["one"]
