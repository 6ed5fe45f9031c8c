"""Commands that are timed."""

import sys
from pathlib import Path

import pytest

from tests.benchmarks.commands import CommandFailedError, run


def test_cpu_time_is_that_of_the_children_too(tmp_path: Path) -> None:
    burning = "import time\nwhile time.process_time() < 0.3: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burning!r}])"

    took = run([sys.executable, "-c", parent], tmp_path)

    assert took.cpu >= 0.3
    assert took.wall >= 0.3


def test_a_command_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="exit code 3: no credentials"):
        run([sys.executable, "-c", "print('no credentials'); raise SystemExit(3)"], tmp_path)
