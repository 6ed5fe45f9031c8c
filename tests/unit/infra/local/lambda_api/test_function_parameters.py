"""What Lambda refuses of a function beyond its API model, in AWS's words, and what is not here."""

from typing import Any, Final

import pytest

from infra.local.lambda_api.function_parameters import ensure_accepted, new_image_uri
from infra.local.lambda_api.names import FunctionName, Place
from infra.local.lambda_api.refusals import RefusedError

PLACE: Final = Place(account="123456789012", region="ap-northeast-1")
ACCEPTED: Final = {
    "EphemeralStorage": {"Size": 10_240},
    "Environment": {"Variables": {"TZ": "UTC", "LARGE": "ö" * 2000}},
    "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"},
    "MemorySize": 10_240,
    "Role": "arn:aws:iam::123456789012:role/one",
    "SnapStart": {"ApplyOn": "None"},
    "Timeout": 900,
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "DeadLetterConfig": {"TargetArn": ""},
    "FileSystemConfigs": [],
    "Layers": [],
}
RESERVED: Final = (
    "Lambda was unable to configure your environment variables because the environment variables "
    "you have provided contains reserved keys that are currently not supported for modification. "
    "Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT"
)
GREATEST: Final = (
    "'{}' value failed to satisfy constraint: Member must have value less than or equal"
)


def refusal(**given: Any) -> tuple[str, str | None]:
    with pytest.raises(RefusedError) as refused:
        ensure_accepted({**ACCEPTED, **given}, given, PLACE)
    return refused.value.code, refused.value.message


def test_what_aws_accepts_is_accepted() -> None:
    ensure_accepted(ACCEPTED, ACCEPTED, PLACE)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Timeout": 901}, GREATEST.format("Timeout") + " to 900"),
        ({"MemorySize": 10_241}, GREATEST.format("MemorySize") + " to 10240"),
        ({"EphemeralStorage": {"Size": 10_241}}, GREATEST.format("EphemeralStorage") + " to 10240"),
        (
            {"Environment": {"Variables": {"LAMBDA_TASK_ROOT": "", "AWS_REGION": "", "OK": ""}}},
            RESERVED,
        ),
        (
            {"Environment": {"Variables": {"LARGE": "x" * 4096}}},
            (
                "Lambda was unable to configure your environment variables because the environment "
                "variables you have provided exceeded the 4KB limit. String measured: "
                f'{{"LARGE":"{"x" * 4096}"}}'
            ),
        ),
        (
            {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": []}},
            "SubnetIds and SecurityIds must coexist or be both empty list.",
        ),
        (
            {"LoggingConfig": {"LogFormat": "Text", "SystemLogLevel": "WARN"}},
            (
                'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from '
                'your request or change the LogFormat to "Json" and try again.'
            ),
        ),
        (
            {"Handler": "function.handler"},
            (
                "Please don't provide Handler or Runtime or Layer when the intended function "
                "PackageType is Image."
            ),
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_lambda_refuses_is_refused_in_its_words(given: dict[str, Any], words: str) -> None:
    assert refusal(**given) == ("InvalidParameterValueException", words)


def test_a_role_of_another_account_cannot_be_passed() -> None:
    assert refusal(Role="arn:aws:iam::999999999999:role/one") == (
        "AccessDeniedException",
        "Cross-account pass role is not allowed.",
    )


@pytest.mark.parametrize(
    "given",
    [
        {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:ap-northeast-1:123456789012:dead"}},
        {"FileSystemConfigs": [{"Arn": "arn", "LocalMountPath": "/mnt/files"}]},
        {"SnapStart": {"ApplyOn": "PublishedVersions"}},
        {"DurableConfig": {"ExecutionTimeout": 60}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_nothing_here_honours_is_refused_rather_than_ignored(given: dict[str, Any]) -> None:
    (name,) = given

    assert refusal(**given) == (
        "NotImplemented",
        f"the embedded AWS's Lambda has no {name} of functions: leave it out",
    )


def test_a_function_without_code_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        new_image_uri(FunctionName(name="one"), {"PackageType": "Image", "Code": {}})

    assert refused.value.message == "Please provide a source for function code."
