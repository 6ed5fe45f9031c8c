"""The function, its role and its log group."""

import json
from dataclasses import dataclass

import pytest

from handler.change import Change
from handler.config import ENTRY_POINT, HandlerConfig, InvalidContractError, RequestsStream
from handler.item_types import Key
from tests.plan import FUNCTION, LOG_GROUP, ROLE, ROLE_POLICY, plan_of

VPC = {"subnetIds": ["subnet-0123456789abcdef0"], "securityGroupIds": ["sg-0123456789abcdef0"]}


def test_the_function_is_an_image_that_starts_at_the_contracts_entry_point() -> None:
    function = plan_of().inputs_of(FUNCTION)

    assert function["packageType"] == "Image"
    assert function["imageConfig"] == {"commands": [ENTRY_POINT]}
    assert {"handler", "runtime", "layers"}.isdisjoint(function)


def test_the_function_has_the_resources_that_the_stack_sets() -> None:
    settings = {"memorySize": 1024, "timeout": 120, "ephemeralStorage": 2048}
    function = plan_of({"function": {**settings, "reservedConcurrency": 7}}).inputs_of(FUNCTION)

    assert function["memorySize"] == 1024
    assert function["timeout"] == 120
    assert function["ephemeralStorage"] == {"size": 2048}
    assert function["reservedConcurrentExecutions"] == 7


def test_no_concurrency_is_set_aside_by_default() -> None:
    assert "reservedConcurrentExecutions" not in plan_of().inputs_of(FUNCTION)


def test_the_handler_reads_from_its_environment_what_the_stack_says() -> None:
    plan = plan_of({"function": {"logLevel": "DEBUG", "minimumRemainingTimeInMillis": 2500}})

    told = HandlerConfig.from_environ(plan.inputs_of(FUNCTION)["environment"]["variables"])
    assert told.failure_bucket == plan.exports["failureBucket"]
    assert told.idempotency_table == plan.exports["idempotencyTable"]
    assert told.log_level == "DEBUG"
    assert told.minimum_remaining_time == 2500


def test_an_event_is_remembered_longer_than_it_can_come_back() -> None:
    plan = plan_of({"failures": {"retentionDays": 7}})

    told = HandlerConfig.from_environ(plan.inputs_of(FUNCTION)["environment"]["variables"])
    stream_and_bucket = (1 + 7) * 24 * 3600
    assert told.idempotency_expires_after > stream_and_bucket


def test_the_function_logs_json_to_a_group_of_its_own() -> None:
    plan = plan_of({"function": {"logLevel": "WARN", "logRetentionDays": 90}})

    logging = plan.inputs_of(FUNCTION)["loggingConfig"]
    assert logging["logFormat"] == "JSON"
    assert logging["logGroup"] == plan.exports["logGroup"] == plan.resource(LOG_GROUP).name
    assert plan.inputs_of(LOG_GROUP)["retentionInDays"] == 90


@pytest.mark.parametrize(
    ("level", "lambdas"),
    [("DEBUG", "DEBUG"), ("INFO", "INFO"), ("WARN", "INFO"), ("ERROR", "INFO"), ("FATAL", "INFO")],
)
def test_lambda_drops_no_line_for_its_level_above_info(level: str, lambdas: str) -> None:
    function = plan_of({"function": {"logLevel": level}}).inputs_of(FUNCTION)

    told = HandlerConfig.from_environ(function["environment"]["variables"])
    assert function["loggingConfig"]["applicationLogLevel"] == lambdas
    assert told.log_level == level


def test_no_two_stacks_have_the_same_service() -> None:
    told = [
        HandlerConfig.from_environ(
            plan_of(stack=each).inputs_of(FUNCTION)["environment"]["variables"]
        )
        for each in ("dev", "prod")
    ]

    assert [each.service for each in told] == [
        "requests-processor/dev/requests-processor",
        "requests-processor/prod/requests-processor",
    ]


def test_log_group_and_rights_exist_before_the_function() -> None:
    depends_on = plan_of().resource(FUNCTION).depends_on

    assert depends_on >= {
        "requests-processor-log-group",
        "requests-processor-logs",
        "requests-processor-parking",
        "requests-processor-idempotency",
        "requests-processor-tracing",
    }


def test_only_lambda_may_assume_the_role() -> None:
    trust = json.loads(plan_of().inputs_of(ROLE)["assumeRolePolicy"])

    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_the_role_has_the_boundary_that_the_stack_sets() -> None:
    boundary = "arn:aws-cn:iam::123456789012:policy/requests-boundary-dev"
    in_china = {"aws:region": "cn-north-1", "function": {"permissionsBoundary": boundary}}
    plan = plan_of(in_china)

    assert plan.inputs_of(ROLE)["permissionsBoundary"] == boundary
    assert "permissionsBoundary" not in plan_of().inputs_of(ROLE)


def test_the_role_has_no_managed_or_inline_policy() -> None:
    assert {"managedPolicyArns", "inlinePolicies"}.isdisjoint(plan_of().inputs_of(ROLE))


@pytest.mark.parametrize(("tracing", "mode"), [(True, "Active"), (False, "PassThrough")])
def test_the_right_to_send_traces_comes_and_goes_with_tracing(tracing: bool, mode: str) -> None:
    plan = plan_of({"function": {"tracing": tracing}})

    policies = {name for name in plan.names() if name.endswith("-tracing")}
    assert plan.inputs_of(FUNCTION)["tracingConfig"] == {"mode": mode}
    assert bool(policies) is tracing


def test_without_a_vpc_there_is_no_right_to_network_interfaces() -> None:
    plan = plan_of()

    assert "requests-processor-network" not in plan.names()
    assert "vpcConfig" not in plan.inputs_of(FUNCTION)
    assert plan.inputs_of(FUNCTION)["replaceSecurityGroupsOnDestroy"] is False


def test_in_a_vpc_the_function_gets_its_network_interfaces_and_gives_back_its_groups() -> None:
    plan = plan_of({"function": VPC})

    function = plan.resource(FUNCTION)
    assert function.inputs["vpcConfig"] == VPC
    assert function.inputs["replaceSecurityGroupsOnDestroy"] is True
    assert "requests-processor-network" in function.depends_on


@dataclass
class Order:
    id: Key[str]


def test_code_of_another_contract_is_told_so_and_takes_no_batch() -> None:
    environ = plan_of().inputs_of(FUNCTION)["environment"]["variables"]

    with pytest.raises(InvalidContractError, match=r"REQUESTS_CONTRACT is .* different contracts"):
        HandlerConfig.from_environ(environ, RequestsStream(request=Change[Order]))


def test_the_code_of_the_release_before_finds_its_variables() -> None:
    environ = plan_of().inputs_of(FUNCTION)["environment"]["variables"]

    assert environ["REQUESTS_KEY_ATTRIBUTE"] == "request_id"
    assert environ["REQUESTS_PAYLOAD_ATTRIBUTE"] == "payload"


def test_the_right_to_network_interfaces_outlives_them_and_goes_with_the_role() -> None:
    plan = plan_of({"function": VPC})

    policy = plan.resource(ROLE_POLICY, "requests-processor-network")
    assert policy.retain_on_delete is True
    assert policy.inputs["name"] == "requests-processor-network"
    assert plan.inputs_of(ROLE)["forceDetachPolicies"] is True


def test_every_other_right_goes_with_its_setting() -> None:
    plan = plan_of({"function": VPC})

    outliving = {each.name for each in plan.registered if each.retain_on_delete}
    assert outliving == {"requests-processor-network"}
