"""The Dockerfiles, checked without Docker."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize("dockerfile", ["handler/Dockerfile", ".ci/base/Dockerfile"])
def test_hadolint_finds_nothing(dockerfile: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    done = subprocess.run(
        [hadolint, "--no-color", dockerfile],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == ""
    assert done.returncode == 0


def test_the_default_base_is_awss_own() -> None:
    dockerfile = (PROJECT / "handler/Dockerfile").read_text()

    assert "ARG BASE_IMAGE=public.ecr.aws/lambda/python:3.13\n" in dockerfile


def test_both_builders_can_read_it() -> None:
    dockerfile = (PROJECT / "handler/Dockerfile").read_text()

    # A syntax line is fetched from a registry, and a mount needs BuildKit.
    assert "# syntax=" not in dockerfile
    assert "--mount" not in dockerfile


def test_dockerignore_is_an_allow_list() -> None:
    lines = (PROJECT / "handler/.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    assert rules[0] == "*"
    assert all(rule.startswith("!") for rule in rules[1:])
