"""Who may call what of Lambda's API: the action and the ARN that AWS asks for, in AWS's words.

Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda"; of tags
the developer guide, "Using tags on Lambda functions" and "... on event source mappings".
"""

import json
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from infra.local.aws.emulator import Credentials
from tests.processes import wait_until
from tests.unit.infra.local.aws.roles import role_with
from tests.unit.infra.local.lambda_api.conftest import EmbeddedLambda

pytestmark = pytest.mark.slow  # they wait for functions and mappings

ACCOUNT: Final = "123456789012"
LAMBDA: Final = f"arn:aws:lambda:ap-northeast-1:{ACCOUNT}"
ONE: Final = f"{LAMBDA}:function:one"

_NO_NAME: Final = str.maketrans(dict.fromkeys(":*$/", "-"))
"""What the name of a policy cannot have."""

CALLS_INVOKES: Final = """
import boto3

def handler(event, context):
    try:
        answer = boto3.client("lambda").invoke(FunctionName=event["name"], Payload=b'"hello"')
    except Exception as error:
        return str(error)
    return answer["Payload"].read().decode()
"""


@pytest.fixture
def uuid(lambda_: EmbeddedLambda) -> str:
    """Of a mapping to the function `one`."""
    lambda_.create_function("one")
    uuid = lambda_.create_mapping(lambda_.create_table(), Enabled=False)
    lambda_.become(uuid, "Disabled")
    return uuid


def allowed(lambda_: EmbeddedLambda, name: str, *permissions: tuple[str, str]) -> Credentials:
    """Of a role that may do these actions on these resources, and nothing else."""
    first, *others = permissions
    credentials = role_with(lambda_.aws.emulator, name, *first)
    for action, resource in others:
        permit(lambda_, name, action, resource)
    return credentials


def permit(
    lambda_: EmbeddedLambda, role: str, action: str, resource: str, effect: str = "Allow"
) -> None:
    """Adds a policy to a role."""
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    lambda_.aws.emulator.client("iam").put_role_policy(
        RoleName=role,
        PolicyName=f"{effect}-{action}-{resource}".translate(_NO_NAME),
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def refused(lambda_: EmbeddedLambda, caller: Credentials, call: str, **parameters: Any) -> str:
    """What it says, without who it is about."""
    with pytest.raises(ClientError) as caught:
        getattr(lambda_.aws.client("lambda", caller), call)(**parameters)
    response = caught.value.response
    assert response["Error"]["Code"] == "AccessDeniedException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    user, _, rest = response["Error"]["Message"].partition(" is not authorized to perform: ")
    assert user.startswith(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/")
    return str(rest)


def because_none(action: str, resource: str) -> str:
    return (
        f"{action} on resource: {resource} because no identity-based policy allows the {action} "
        "action"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "parameters", "action"),
    [
        ("get_function", {}, "GetFunction"),
        ("get_function_configuration", {}, "GetFunctionConfiguration"),
        ("update_function_configuration", {"Timeout": 4}, "UpdateFunctionConfiguration"),
        ("put_function_concurrency", {"ReservedConcurrentExecutions": 1}, "PutFunctionConcurrency"),
        ("get_function_concurrency", {}, "GetFunctionConcurrency"),
        ("delete_function_concurrency", {}, "DeleteFunctionConcurrency"),
        ("invoke", {}, "InvokeFunction"),
        ("delete_function", {}, "DeleteFunction"),
    ],
)
def test_a_call_needs_its_action_on_the_functions_arn(
    lambda_: EmbeddedLambda, call: str, parameters: dict[str, Any], action: str
) -> None:
    lambda_.create_function("one")
    right = allowed(lambda_, "right", (f"lambda:{action}", ONE))
    wrong = allowed(lambda_, "wrong", (f"lambda:{action}", f"{ONE}s"))

    for name in ("one", ONE):
        message = refused(lambda_, wrong, call, FunctionName=name, **parameters)
        assert message == because_none(f"lambda:{action}", ONE)
    getattr(lambda_.aws.client("lambda", right), call)(FunctionName="one", **parameters)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "parameters", "action"),
    [
        ("get_event_source_mapping", {}, "GetEventSourceMapping"),
        ("update_event_source_mapping", {"BatchSize": 2}, "UpdateEventSourceMapping"),
        ("delete_event_source_mapping", {}, "DeleteEventSourceMapping"),
    ],
)
def test_a_call_needs_its_action_on_the_mappings_arn(
    lambda_: EmbeddedLambda, uuid: str, call: str, parameters: dict[str, Any], action: str
) -> None:
    arn = f"{LAMBDA}:event-source-mapping:{uuid}"
    right = allowed(lambda_, "right", (f"lambda:{action}", arn))
    wrong = allowed(lambda_, "wrong", (f"lambda:{action}", arn[:-1]))

    message = refused(lambda_, wrong, call, UUID=uuid, **parameters)
    assert message == because_none(f"lambda:{action}", arn)
    getattr(lambda_.aws.client("lambda", right), call)(UUID=uuid, **parameters)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "action"),
    [
        ("list_event_source_mappings", "ListEventSourceMappings"),
        ("list_functions", "ListFunctions"),
        ("get_account_settings", "GetAccountSettings"),
    ],
)
def test_a_call_that_is_about_no_resource_needs_its_action_on_all(
    lambda_: EmbeddedLambda, call: str, action: str
) -> None:
    right = allowed(lambda_, "right", (f"lambda:{action}", "*"))
    wrong = allowed(lambda_, "wrong", (f"lambda:{action}", f"{LAMBDA}:function:*"))

    assert refused(lambda_, wrong, call) == because_none(f"lambda:{action}", "*")
    getattr(lambda_.aws.client("lambda", right), call)()


@pytest.mark.slow
@pytest.mark.parametrize("call", ["list_tags", "tag_resource", "untag_resource"])
def test_tags_need_their_action_on_what_is_tagged(
    lambda_: EmbeddedLambda, uuid: str, call: str
) -> None:
    action = {
        "list_tags": "lambda:ListTags",
        "tag_resource": "lambda:TagResource",
        "untag_resource": "lambda:UntagResource",
    }[call]
    more: dict[str, dict[str, Any]] = {
        "tag_resource": {"Tags": {"a": "1"}},
        "untag_resource": {"TagKeys": ["a"]},
    }
    mapping = f"{LAMBDA}:event-source-mapping:{uuid}"
    for number, (arn, other) in enumerate(((ONE, mapping), (mapping, ONE))):
        caller = allowed(lambda_, f"role-{number}", (action, arn))
        parameters = more.get(call, {})

        message = refused(lambda_, caller, call, Resource=other, **parameters)
        assert message == because_none(action, other)
        getattr(lambda_.aws.client("lambda", caller), call)(Resource=arn, **parameters)


def test_a_function_needs_its_role_to_be_passed(lambda_: EmbeddedLambda) -> None:
    role = lambda_.role("passed")
    image = {"PackageType": "Image", "Code": {"ImageUri": lambda_.image("one")}}
    create = ("lambda:CreateFunction", ONE)
    without = allowed(lambda_, "without", create)
    other = allowed(lambda_, "other", create, ("iam:PassRole", f"{role}-other"))
    right = allowed(lambda_, "right", create, ("iam:PassRole", role))

    for caller in (without, other):
        message = refused(
            lambda_, caller, "create_function", FunctionName="one", Role=role, **image
        )
        assert message == because_none("iam:PassRole", role)
    assert lambda_.client.list_functions()["Functions"] == []
    lambda_.aws.client("lambda", right).create_function(FunctionName="one", Role=role, **image)


def test_a_role_is_passed_again_where_it_is_set_only(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one")
    role = lambda_.role("another")
    caller = allowed(lambda_, "caller", ("lambda:UpdateFunctionConfiguration", ONE))
    update = lambda_.aws.client("lambda", caller).update_function_configuration

    update(FunctionName="one", Timeout=4)
    message = refused(
        lambda_, caller, "update_function_configuration", FunctionName="one", Role=role
    )
    assert message == because_none("iam:PassRole", role)


def test_what_is_created_with_tags_needs_to_be_tagged(lambda_: EmbeddedLambda) -> None:
    role, stream = lambda_.role("passed"), lambda_.create_table()
    caller = allowed(
        lambda_,
        "caller",
        ("lambda:CreateFunction", ONE),
        ("iam:PassRole", role),
        ("lambda:CreateEventSourceMapping", "*"),
    )
    function = {
        "FunctionName": "one",
        "Role": role,
        "PackageType": "Image",
        "Code": {"ImageUri": lambda_.image("one")},
    }
    mapping = {"FunctionName": "one", "EventSourceArn": stream, "StartingPosition": "LATEST"}
    client, tags = lambda_.aws.client("lambda", caller), {"Tags": {"a": "1"}}

    assert refused(lambda_, caller, "create_function", **function, **tags) == because_none(
        "lambda:TagResource", ONE
    )
    client.create_function(**function)
    assert refused(
        lambda_, caller, "create_event_source_mapping", **mapping, **tags
    ) == because_none("lambda:TagResource", f"{LAMBDA}:event-source-mapping:*")
    client.create_event_source_mapping(**mapping)


def test_a_version_is_invoked_by_a_permission_on_that_version(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one")
    latest = f"{ONE}:$LATEST"
    caller = allowed(lambda_, "caller", ("lambda:InvokeFunction", latest))
    client = lambda_.aws.client("lambda", caller)

    client.invoke(FunctionName="one", Qualifier="$LATEST")
    client.invoke(FunctionName=latest)
    assert refused(lambda_, caller, "invoke", FunctionName="one") == because_none(
        "lambda:InvokeFunction", ONE
    )
    unqualified = allowed(lambda_, "unqualified", ("lambda:InvokeFunction", ONE))
    assert refused(
        lambda_, unqualified, "invoke", FunctionName="one", Qualifier="$LATEST"
    ) == because_none("lambda:InvokeFunction", latest)


def test_an_event_does_not_say_what_a_call_is_about(lambda_: EmbeddedLambda, uuid: str) -> None:
    arn = f"{LAMBDA}:event-source-mapping:{uuid}"
    invokes = [("lambda:InvokeFunction", each) for each in (arn, f"{LAMBDA}:function:two")]
    caller = allowed(lambda_, "caller", *invokes)
    event = {"FunctionName": "two", "Qualifier": "live", "UUID": uuid, "Resource": arn}

    message = refused(
        lambda_, caller, "invoke", FunctionName="one", Payload=json.dumps(event).encode()
    )
    assert message == because_none("lambda:InvokeFunction", ONE)


def test_an_explicit_deny_is_told_apart(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one")
    caller = allowed(lambda_, "caller", ("lambda:*", "*"))
    permit(lambda_, "caller", "lambda:Delete*", "*", effect="Deny")

    assert refused(lambda_, caller, "delete_function", FunctionName="one") == (
        f"lambda:DeleteFunction on resource: {ONE} with an explicit deny in an identity-based "
        "policy"
    )


def test_a_handler_invokes_what_its_role_may_invoke(lambda_: EmbeddedLambda) -> None:
    lambda_.create_function("one", CALLS_INVOKES, Role=lambda_.role("role", "logs:*"), Timeout=30)
    lambda_.create_function("two")
    without = said(lambda_, "two")
    permit(lambda_, "role", "lambda:InvokeFunction", f"{LAMBDA}:function:two")

    assert "AccessDeniedException" in without
    assert because_none("lambda:InvokeFunction", f"{LAMBDA}:function:two") in without
    assert said(lambda_, "two") == '"hello"'
    assert "AccessDeniedException" in said(lambda_, "three")


def said(lambda_: EmbeddedLambda, name: str) -> str:
    answer = lambda_.client.invoke(FunctionName="one", Payload=json.dumps({"name": name}).encode())
    return str(json.loads(answer["Payload"].read()))


def test_a_mapping_whose_role_loses_the_stream_says_so_and_goes_on_with_it(
    lambda_: EmbeddedLambda,
) -> None:
    """[S]: the text of the denial."""
    reads = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
    role = lambda_.role("reads", "dynamodb:ListStreams", *reads)
    lambda_.create_function("one", Role=role)
    uuid = lambda_.create_mapping(lambda_.create_table())
    lambda_.put("a")
    lambda_.aws.drain()
    lambda_.allow("reads", "logs:*")
    lambda_.put("b")
    wait_until(lambda: "not authorized to perform" in lambda_.mapping(uuid)["LastProcessingResult"])
    lambda_.allow("reads", *reads)
    lambda_.aws.drain()

    assert lambda_.processed() == ["a", "b"]
    assert lambda_.mapping(uuid)["LastProcessingResult"] == "OK"
