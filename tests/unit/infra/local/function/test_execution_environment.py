"""One event under AWS's own runtime client: what comes back, and what ends at Lambda's limits."""

from pathlib import Path
from typing import Any

import pytest

from infra.local.function.runtime_api import MAXIMUM_RESPONSE
from tests.unit.infra.local.function.functions import ARN, BY_COMMAND, ECHO, invoke


def test_an_event_comes_back_as_the_function_returns_it(tmp_path: Path) -> None:
    (invocation,) = invoke(tmp_path, ECHO, {"Records": [1, "ü"]})

    assert invocation.response == {"Records": [1, "ü"]}
    assert invocation.function_error is None
    assert invocation.error is None


def test_an_exception_is_an_unhandled_function_error_with_the_runtimes_document(
    tmp_path: Path,
) -> None:
    failed, after = invoke(tmp_path, BY_COMMAND, {"do": "raise"}, {"do": "pid"})

    assert failed.function_error == "Unhandled"
    assert failed.error is not None
    assert failed.error["errorType"] == "ValueError"
    assert failed.error["errorMessage"] == "not today"
    assert after.function_error is None


@pytest.mark.parametrize(
    ("do", "kind", "message"),
    [
        ("exit", "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"),
        ("memory", "Runtime.ExitError", "Error: Runtime exited with error: signal: killed"),
        ("big", "Function.ResponseSizeTooLarge", f"({MAXIMUM_RESPONSE} bytes)"),
    ],
)
def test_a_function_that_breaks_is_replaced_for_the_next_event(
    tmp_path: Path, do: str, kind: str, message: str
) -> None:
    broken, after = invoke(tmp_path, BY_COMMAND, {"do": do}, {"do": "pid"})

    assert broken.function_error == "Unhandled"
    assert broken.error is not None
    assert broken.error["errorType"] == kind
    assert message in broken.error["errorMessage"]
    assert isinstance(after.response, int)


def test_a_function_that_hangs_is_killed_at_its_timeout(tmp_path: Path) -> None:
    hung, after = invoke(tmp_path, BY_COMMAND, {"do": "hang"}, {"do": "pid"}, timeout=1)

    assert hung.error is not None
    assert hung.error["errorType"] == "Sandbox.Timedout"
    assert hung.error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert isinstance(after.response, int)


def test_a_response_that_is_no_json_is_a_function_error(tmp_path: Path) -> None:
    (invocation,) = invoke(tmp_path, BY_COMMAND, {"do": "object"})

    assert invocation.error is not None
    assert invocation.error["errorType"] == "Runtime.MarshalError"


def test_bytes_that_are_no_json_are_a_function_error(tmp_path: Path) -> None:
    (invocation,) = invoke(tmp_path, BY_COMMAND, {"do": "text"})

    assert invocation.function_error == "Unhandled"
    assert invocation.error == {
        "errorType": "Function.ResponseNotJson",
        "errorMessage": "The response is not JSON: b'plain text'",
    }


def test_an_empty_body_is_no_response_and_no_error(tmp_path: Path) -> None:
    (invocation,) = invoke(tmp_path, BY_COMMAND, {"do": "nothing"})

    assert invocation.response is None
    assert invocation.function_error is None


def test_the_process_has_the_declared_environment_and_nothing_of_the_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")

    (invocation,) = invoke(tmp_path, BY_COMMAND, {"do": "environment"})

    environment: Any = invocation.response
    assert environment["DECLARED"] == "yes"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "processor"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "128"
    assert environment["LAMBDA_TASK_ROOT"] == str(tmp_path)
    assert "somebody" not in environment.values()
    assert "PYTHONPATH" not in environment


def test_the_context_tells_what_lambdas_tells(tmp_path: Path) -> None:
    (invocation,) = invoke(tmp_path, BY_COMMAND, {"do": "context"})

    response: Any = invocation.response
    request_id, arn, memory, version, remaining = response
    assert request_id == invocation.request_id
    assert arn == ARN
    assert memory == "128"
    assert version == "$LATEST"
    assert 0 < remaining <= 20_000


def test_a_module_that_never_loads_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.function.execution_environment.INIT_TIMEOUT", 0.0)

    (invocation,) = invoke(tmp_path, "import time\ntime.sleep(60)\n", {}, timeout=1)

    assert invocation.error is not None
    assert invocation.error["errorType"] == "Sandbox.Timedout"
